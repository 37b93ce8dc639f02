"""One API server and one operator for the whole folder, a namespace of its own for each test.

The API server is not the one that other folders share: this folder's operator serves every namespace it finds there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e_cloud import Boot, end_moves
from e2e_operator import OPERATOR_NAMESPACE, install, run_operator
from e2e_tenant import Tenant
from e2e_waldur import connect
from lab.cluster import Cluster
from lab.nova import NovaLab

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from lab.osmig_run import OsmigRun
    from lab.waldur import WaldurLab

SAID = 6000
"""Characters of the operator's log that a failed test shows."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """An API server for this folder alone."""
    with Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def crds(cluster: Cluster) -> Cluster:
    """That API server with the project's CRDs and the rights of deploy/."""
    return install(cluster)


@pytest.fixture(scope="session")
def operator(crds: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OsmigRun]:
    """The operator, ready: one process for the whole folder, as its own service account, with fast timings.

    Its log stays in pytest's temporary folder. Do not stop it: whoever needs that starts another cluster.
    """
    log = tmp_path_factory.mktemp(OPERATOR_NAMESPACE) / "osmig.log"
    with run_operator(crds, log=log) as running:
        yield running.wait_ready()


@pytest.fixture
def empty_tenant(crds: Cluster, operator: OsmigRun, namespace: str) -> Iterator[Tenant]:
    """A namespace without a Provider, served by the operator; a step that crashes meanwhile fails the test."""
    before = len(operator.logs("step.crashed"))
    yield Tenant(crds, namespace)
    assert operator.logs("step.crashed")[before:] == []
    assert operator.returncode is None, operator.output()[-SAID:]


@pytest.fixture
def tenant(empty_tenant: Tenant, nova: NovaLab) -> Tenant:
    """A namespace with the Provider ``cloud``, which is the shared Nova, ready."""
    empty_tenant.connect(nova)
    return empty_tenant


@pytest.fixture
def owner(empty_tenant: Tenant, waldur: WaldurLab) -> Tenant:
    """A namespace with the Provider ``waldur``, which is a Waldur of the test's own, ready."""
    connect(empty_tenant, waldur)
    return empty_tenant


@pytest.fixture(scope="session")
def second_nova() -> Iterator[NovaLab]:
    """A cloud of this folder's own, where a test may stop the computes named so, and four servers move at a time."""
    options = ("--report-interval", "5", "--service-down-time", "20", "--max-concurrent", "4")
    with NovaLab(*options, computes=("restarted", "stopped", "solid", "steady")) as running:
        yield running


@pytest.fixture
def boot(nova: NovaLab, request: pytest.FixtureRequest) -> Iterator[Boot]:
    """Boot a server of the test's own; ``boot(plan="hang", host="cmp1")`` returns its id.

    What still moves it after the test is ended: the lab's Nova moves one server at a time, all others queue.
    """
    # the log is asked for again and again: thousands of old requests would keep Nova busy
    nova.control.clear_requests()
    booted: list[str] = []

    def boot_one(*, plan: str | None = None, host: str | None = None) -> str:
        name = f"{request.node.name[:40]}-{len(booted)}"
        booted.append(nova.boot(name, plan=plan, host=host))
        return booted[-1]

    yield boot_one
    for server in booted:
        end_moves(nova, server)


@pytest.fixture
def hidden_list(nova: NovaLab) -> Iterator[None]:
    """A policy that forbids everybody to list migrations, as some hosted clouds have it."""
    message = "Policy doesn't allow os_compute_api:os-migrations:index to be performed."
    body = json.dumps({"forbidden": {"code": 403, "message": message}})
    nova.control.fault(
        path="/os-migrations", method="GET", when="before", action="status", status=403, body=body, count=0
    )
    yield
    nova.control.clear_faults()


@pytest.fixture
def disabled_host(nova: NovaLab) -> Iterator[str]:
    """A compute host that the scheduler passes over."""
    (service,) = nova.nova.get("/os-services?binary=nova-compute&host=cmp4")["services"]
    path = f"/os-services/{service['id']}"
    nova.nova.request("PUT", path, {"status": "disabled"})
    yield "cmp4"
    nova.nova.request("PUT", path, {"status": "enabled"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the operator's log with a test that failed."""
    report = yield
    funcargs: dict[str, Any] = getattr(item, "funcargs", {})
    if report.failed and "operator" in funcargs:
        report.sections.append(("osmig", funcargs["operator"].output()[-SAID:]))
    return report
