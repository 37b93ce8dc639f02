"""The real API server, the real Nova, Helm and the double of Waldur for all tests that ask for them."""

from __future__ import annotations

import contextlib
import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import coverage
import pytest
from hypothesis import settings

from lab.binaries import find_binaries, find_tools
from lab.cluster import Cluster
from lab.helm import Helm
from lab.nova import NovaLab, prepare_nova
from lab.steps import side_by_side
from lab.waldur import WaldurLab

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

CRDS = Path(__file__).parent.parent / "crds"
CLUSTER_FIXTURES = frozenset({"cluster", "namespace", "crds"})
NOVA_FIXTURES = frozenset({"shared_nova", "nova_keystone"})
HELM_FIXTURES = frozenset({"helm"})
FAST = ("--report-interval", "5", "--service-down-time", "30", "--confirm-window", "0")
"""On a busy machine a living compute is late by some seconds: it must not count as down for that."""

# How long an example takes depends on who has the processor; what must be quick has a test of its own.
settings.register_profile("osmig", deadline=None)
settings.load_profile("osmig")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the lab."""
    for item in items:
        if _wants(item, CLUSTER_FIXTURES | NOVA_FIXTURES | HELM_FIXTURES):
            item.add_marker("lab")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what is missing here, where no test's timeout counts the minutes."""
    if session.config.option.collectonly:
        return
    makers: list[tuple[frozenset[str], Callable[[], object]]] = [
        (CLUSTER_FIXTURES, find_binaries),
        (NOVA_FIXTURES, prepare_nova),
        (HELM_FIXTURES, partial(find_tools, ["helm"])),
    ]
    side_by_side(*(make for fixtures, make in makers if any(_wants(item, fixtures) for item in session.items)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what its Nova has logged as errors: the process and its log are gone afterwards."""
    report = yield
    if report.failed:
        labs = (getattr(item, "funcargs", {}).get(name) for name in NOVA_FIXTURES)
        report.sections.extend(("Nova's errors", lab.errors()) for lab in labs if lab is not None)
    return report


def pytest_sessionfinish() -> None:
    """Save what was measured: a worker that has said that it is done is killed if it takes 10 s to exit."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.save()


def _wants(item: pytest.Item, fixtures: frozenset[str]) -> bool:
    return not fixtures.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real API server, with two users without any rights: alice and bob (group tenants)."""
    with Cluster(users={"alice": (), "bob": ("tenants",)}) as running:
        yield running


@pytest.fixture(scope="session")
def crds(cluster: Cluster) -> Cluster:
    """The cluster with the project's CRDs established."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.await_established("-f", str(CRDS))
    return cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace; its deletion is begun, not awaited, after the test."""
    name = f"t-{secrets.token_hex(4)}"
    cluster.admin.create_namespace(name)
    yield name
    with contextlib.suppress(OSError):  # a test may have left the API server down
        cluster.admin.delete_namespace(name)


@pytest.fixture(scope="session")
def shared_nova() -> Iterator[NovaLab]:
    """The Nova behind ``nova``."""
    with NovaLab(*FAST, servers=1, computes=("cmp1", "cmp2", "cmp3", "cmp4")) as running:
        yield running


@pytest.fixture
def nova(shared_nova: NovaLab) -> Iterator[NovaLab]:
    """A real Nova with token users, hosts cmp1 to cmp4 and the server vm-1, shared by all tests.

    Faults are gone after the test. Plans, migrations and the place of a server are not: use a server of your own
    (``nova.boot``) where that matters.
    """
    yield shared_nova
    shared_nova.control.clear_faults()


@pytest.fixture(scope="session")
def nova_keystone() -> Iterator[NovaLab]:
    """A real Nova with a real Keystone and the server vm-1."""
    with NovaLab(*FAST, auth="keystone", servers=1) as running:
        yield running


@pytest.fixture(scope="session")
def helm() -> Helm:
    """A Helm 4."""
    return Helm()


@pytest.fixture
def waldur() -> Iterator[WaldurLab]:
    """A double of Waldur in this process, fresh for each test: its rows, faults and accounts are nobody else's."""
    with WaldurLab() as running:
        yield running
