"""What goes wrong round a Migration, and what goes on all the same.

Nothing that is done to an object or to its surroundings makes osmig order a move twice, and no object stops another.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e_more import describe_move, is_paused, is_queued_behind_somebody, move_by_name, outcome, wide_cloud
from e2e_support import (
    OPERATOR,
    OPERATOR_NAMESPACE,
    PATIENCE_S,
    Move,
    Tenant,
    calls,
    condition,
    run_operator,
    verdicts,
)
from lab.cluster import Cluster
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

ROOT = Path(__file__).parent.parent.parent
HANG = "hang,memory=4096"
DRAIN_S = 2.0
GARBAGE = "clouds: [this, is, no: cloud"


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud of this module's own, which the tests may take down."""
    with wide_cloud() as running:
        yield running


@pytest.fixture
def running(tenant: Tenant, boot: Callable[..., str]) -> Move:
    """A Migration whose move goes on until the test ends it."""
    move = tenant.move(boot(host="cmp1", plan=HANG), source="cmp1", destination="cmp2")
    move.until_phase("Running")
    return move


def assert_ends_well_after_one_order(nova: NovaLab, move: Move) -> None:
    """Let the move finish, and see that Nova was asked for it once and for nothing else."""
    nova.control.steer(move.server, "finish")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, move.server)] == ["live-migrate"]


def write_status(move: Move, status: object, *, check: bool = True) -> str:
    """Replace the whole status, as somebody with the right to do so might; return what kubectl complained about."""
    body = move.get()
    body["status"] = status
    done = move.tenant.cluster.kubectl(
        "replace", "--subresource=status", "-f", "-", stdin=json.dumps(body), check=check
    )
    return done.stderr


@pytest.mark.parametrize("patch", ['{"status": null}', '{"status": {"startTime": null}}'], ids=["whole", "startTime"])
def test_wiping_the_status_is_refused_and_repeats_nothing(running: Move, nova: NovaLab, patch: str) -> None:
    before = running.status
    said = running.tenant.cluster.kubectl(
        *("patch", "migration", running.name, "-n", running.tenant.namespace),
        *("--subresource=status", "--type=merge", "-p", patch),
        check=False,
    )

    assert said.returncode == 1
    assert "startTime may not be changed or removed" in said.stderr
    assert running.status["startTime"] == before["startTime"]
    assert_ends_well_after_one_order(nova, running)


def test_replacing_the_status_without_its_start_time_is_refused(running: Move, nova: NovaLab) -> None:
    said = write_status(running, {"phase": "Pending"}, check=False)

    assert "startTime may not be changed or removed" in said
    assert_ends_well_after_one_order(nova, running)


def test_a_status_of_which_only_the_start_time_is_left_repeats_nothing(running: Move, nova: NovaLab) -> None:
    bare = {"startTime": running.status["startTime"]}
    eventually(lambda: not write_status(running, bare, check=False), what="wiped before the next write of osmig")
    running.until(lambda now: now.get("phase"), what="looked at anew")
    nova.control.steer(running.server, "cancel")

    status = running.until_finished()

    assert [call.word for call in calls(nova, running.server)] == ["live-migrate"]
    assert outcome(status) == ("Failed", "RecordGone")


def test_stripped_annotations_and_a_replaced_object_repeat_nothing(running: Move, nova: NovaLab) -> None:
    bare = describe_move(running.tenant, {"id": running.server}, source="cmp1", destination="cmp2")
    running.tenant.kubectl("annotate", "migration", running.name, "example.org/a=1", "osmig.dev/reconcile=now")
    running.until_control("reconcile", "Done")

    running.tenant.kubectl("replace", "-f", "-", stdin=json.dumps(bare))
    running.tenant.cluster.apply(bare)

    assert "annotations" not in running.get()["metadata"]
    assert_ends_well_after_one_order(nova, running)


def test_a_namespace_goes_away_while_a_move_runs_and_the_others_go_on(
    running: Move, nova: NovaLab, boot: Callable[..., str], crds: Cluster, operator: OsmigRun
) -> None:
    namespace = running.tenant.namespace
    crds.kubectl("create", "namespace", f"{namespace}-next")
    other = Tenant(crds, f"{namespace}-next")
    other.connect(nova)
    before = len(operator.logs())

    crds.kubectl("delete", "namespace", namespace, "--timeout=30s")
    beside = other.move(boot(host="cmp3"), source="cmp3")
    beside_end = beside.until_finished()
    nova.control.steer(running.server, "finish")
    eventually(lambda: nova.nova.server(running.server)["OS-EXT-SRV-ATTR:host"] == "cmp2", what="the server moved on")

    about_it = [line for line in operator.logs()[before:] if namespace == line.get("namespace")]
    about_it += [line for line in operator.logs()[before:] if f"/{namespace}/" in str(line.get("key"))]
    assert outcome(beside_end) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, running.server)] == ["live-migrate"]
    assert len(about_it) <= 10, about_it
    crds.kubectl("delete", "namespace", other.namespace, "--wait=false")


def test_a_wrong_object_never_stops_the_others(tenant: Tenant, nova: NovaLab, boot: Callable[..., str]) -> None:
    server = boot(host="cmp1")
    twins = [nova.boot("twin", host="cmp4") for _ in range(2)]
    foreign = nova.boot("foreign", user="other")
    tenant.connect(nova, name="manager", cloud="manager")
    tenant.put_provider(name="no-secret", credentials="nowhere")
    tenant.put_secret(GARBAGE, name="garbage")
    tenant.put_provider(name="garbage", credentials="garbage")

    tenant.cluster.apply(
        describe_move(tenant, {"id": server}, name="on-no-provider", provider="unknown"),
        describe_move(tenant, {"id": server}, name="on-no-secret", provider="no-secret"),
        describe_move(tenant, {"id": server}, name="on-garbage", provider="garbage"),
        describe_move(tenant, {"id": "00000000-0000-4000-8000-000000000000"}, name="unknown"),
        describe_move(tenant, {"name": "no such server"}, name="unknown-name"),
        describe_move(tenant, {"name": "twin"}, name="ambiguous"),
        describe_move(tenant, {"id": foreign}, name="foreign", provider="manager"),
        describe_move(tenant, {"id": server}, name="valid", source="cmp1"),
    )

    def end(name: str) -> tuple[str, str]:
        return outcome(Move(tenant, name, "", 0).until_finished())

    def wait(name: str) -> tuple[str, str, str]:
        status = Move(tenant, name, "", 0).until(lambda now: now.get("phase") == "Queued", what="queued")
        return (*outcome(status), condition(status, "ProviderReady")["reason"])

    assert end("valid") == ("Succeeded", "Succeeded")
    assert {name: end(name) for name in ("unknown", "unknown-name", "ambiguous", "foreign")} == {
        "unknown": ("Failed", "ServerNotFound"),
        "unknown-name": ("Failed", "ServerNotFound"),
        "ambiguous": ("Failed", "ServerNameAmbiguous"),
        "foreign": ("Failed", "ServerNotFound"),
    }
    assert {name: wait(f"on-{name}") for name in ("no-provider", "no-secret", "garbage")} == {
        "no-provider": ("Queued", "ProviderNotReady", "ProviderNotFound"),
        "no-secret": ("Queued", "ProviderNotReady", "SecretNotFound"),
        "garbage": ("Queued", "ProviderNotReady", "InvalidConfiguration"),
    }
    assert [calls(nova, other) for other in (*twins, foreign)] == [[], [], []]


def test_a_broken_provider_pauses_its_own_migrations_only_until_it_is_mended(
    running: Move, nova: NovaLab, boot: Callable[..., str]
) -> None:
    tenant = running.tenant
    good = nova.clouds.read_text(encoding="utf-8")
    tenant.connect(nova, name="second")

    tenant.put_secret(GARBAGE, name="cloud-credentials")
    paused = running.until(is_paused, what="paused")
    waiting = tenant.move(boot(host="cmp3"), name="waiting", source="cmp3")
    waiting.until(lambda now: outcome(now) == ("Queued", "ProviderNotReady"), what="queued")
    beside = tenant.move(boot(host="cmp4"), name="beside", provider="second", source="cmp4")
    beside_end = beside.until_finished()
    tenant.put_secret(good, name="cloud-credentials")
    waiting_end = waiting.until_finished()

    assert paused["phase"] == "Running"
    assert condition(paused, "ProviderReady")["reason"] == "InvalidConfiguration"
    assert outcome(beside_end) == outcome(waiting_end) == ("Succeeded", "Succeeded")
    assert verdicts(running.status)["ProviderReady"] == "True"
    assert_ends_well_after_one_order(nova, running)


def test_a_cloud_that_is_down_for_a_while_pauses_a_move_that_then_ends_as_it_did_in_the_cloud(
    running: Move, nova: NovaLab
) -> None:
    nova.control.fault(path=".*", status=503, count=0)
    paused = running.until(is_paused, what="paused")
    nova.control.steer(running.server, "finish")
    nova.control.clear_faults()
    status = running.until_finished()

    assert paused["phase"] == "Running"
    assert condition(paused, "ProviderReady")["reason"] == "Unreachable"
    assert outcome(status) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, running.server)] == ["live-migrate"]


def test_a_deleted_provider_pauses_a_move_that_goes_on_when_it_is_back(running: Move, nova: NovaLab) -> None:
    tenant = running.tenant
    tenant.kubectl("delete", "provider", "cloud", "--timeout=10s")
    paused = running.until(is_paused, what="paused")
    late = tenant.move(running.server, name="late", source="cmp1")
    late.until(lambda now: outcome(now) == ("Queued", "ProviderNotReady"), what="queued")

    tenant.put_provider(credentials="cloud-credentials")
    running.until(lambda now: verdicts(now)["ProviderReady"] == "True", what="going on")
    late.until(is_queued_behind_somebody, what="queued behind the first")

    assert paused["phase"] == "Running"
    assert condition(paused, "ProviderReady")["reason"] == "ProviderNotFound"
    assert_ends_well_after_one_order(nova, running)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """An API server with CRDs and the rights of deploy/, whose operators a test starts and ends itself."""
    with Cluster() as cluster:
        for folder in ("crds", "deploy/namespace.yaml", "deploy/rbac.yaml"):
            cluster.kubectl("apply", "--server-side", "-f", str(ROOT / folder))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(ROOT / "crds"))
        yield cluster


@pytest.fixture
def own_tenant(own_cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A namespace there, without a Provider and without an operator."""
    name = f"t-{abs(hash(request.node.nodeid)):x}"[:40]
    own_cluster.kubectl("create", "namespace", name)
    tenant = Tenant(own_cluster, name)
    yield tenant
    tenant.kubectl("delete", "migrations,providers", "--all", "--timeout=20s")


def test_sigterm_ends_in_time_even_if_an_answer_is_awaited_and_the_next_process_takes_over_at_once(
    own_tenant: Tenant, nova: NovaLab, boot: Callable[..., str]
) -> None:
    server = boot(host="cmp1")
    nova.control.fault(path=f"{server}/action", method="POST", when="after", action="delay", delay=6)
    flags = ("--drain", str(DRAIN_S))

    with run_operator(own_tenant.cluster, *flags) as first:
        first.wait_ready()
        own_tenant.connect(nova)
        move = own_tenant.move(server, source="cmp1", destination="cmp2")
        eventually(lambda: calls(nova, server), what="the start is sent")
        begun = time.monotonic()
        status = first.terminate()
        lasted = time.monotonic() - begun
    lease = own_tenant.cluster.get("lease", "osmig", "-n", OPERATOR_NAMESPACE)["spec"]
    with run_operator(own_tenant.cluster, *flags) as second:
        second.wait_ready(timeout_s=10)
        end = move.until_finished()

    assert status == 0
    assert lasted < DRAIN_S + 2
    assert not lease.get("holderIdentity")
    assert outcome(end) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, server)] == ["live-migrate"]


def test_a_secret_that_the_operator_may_not_read_is_named_and_moves_nothing(
    own_tenant: Tenant, nova: NovaLab, boot: Callable[..., str]
) -> None:
    cluster = own_tenant.cluster
    cluster.kubectl("delete", "clusterrolebinding", "osmig-credentials")
    with run_operator(cluster) as operator:
        operator.wait_ready()
        own_tenant.put_secret(nova.clouds.read_text(encoding="utf-8"))
        own_tenant.put_provider()
        trouble = own_tenant.until_provider(lambda now: verdicts(now).get("Ready") == "False", what="not ready")
        move = own_tenant.move(boot(host="cmp1"), source="cmp1")
        move.until(lambda now: outcome(now) == ("Queued", "ProviderNotReady"), what="queued")

        cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "deploy/rbac.yaml"))
        end = move.until_finished()

    assert condition(trouble, "Ready")["reason"] == "NotPermitted"
    assert f"not allowed in namespace {own_tenant.namespace}" in condition(trouble, "Ready")["message"]
    assert outcome(end) == ("Succeeded", "Succeeded")


def test_the_operator_makes_no_call_that_deploy_does_not_allow(
    own_tenant: Tenant, nova: NovaLab, boot: Callable[..., str]
) -> None:
    cluster, since = own_tenant.cluster, own_tenant.cluster.audit_mark()
    good, hung = boot(host="cmp1"), boot(host="cmp2", plan=HANG)

    with run_operator(cluster, "--relist-period", "2") as operator:
        operator.wait_ready()
        own_tenant.connect(nova)
        own_tenant.put_provider(name="broken", credentials="nowhere")
        succeeded = own_tenant.move(good, name="good", source="cmp1", destination="cmp3")
        aborted = own_tenant.move(hung, name="hung")
        move_by_name(own_tenant, "no such server", name="mistyped").until_finished()
        succeeded.until_finished()
        aborted.until_phase("Running")
        aborted.order("abort")
        aborted.until_finished()
        own_tenant.put_secret(nova.clouds.read_text(encoding="utf-8") + "\n# rotated", name="cloud-credentials")
        succeeded.delete()
        eventually(lambda: _listed_again(cluster, since), what="listed again", timeout_s=PATIENCE_S)
        operator.terminate()

    made = [event for event in cluster.audit(since=since) if event["user"]["username"] == OPERATOR]
    made = [event for event in made if "objectRef" in event]  # discovery is open to everybody
    refused = [event["requestURI"] for event in made if event["responseStatus"]["code"] in {401, 403}]
    assert refused == []
    assert {_name_call(event) for event in made} <= _allowed()
    assert {("update", "migrations/status"), ("create", "events"), ("get", "secrets"), ("patch", "leases")} <= {
        (verb, resource) for verb, _, resource in map(_name_call, made)
    }


def _listed_again(cluster: Cluster, since: int) -> bool:
    lists = [
        event
        for event in cluster.audit(since=since)
        if event["user"]["username"] == OPERATOR
        and event["verb"] == "list"
        and event["objectRef"]["resource"] == "migrations"
    ]
    return len(lists) >= 4


def _name_call(event: dict[str, Any]) -> tuple[str, str, str]:
    about = event["objectRef"]
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    return event["verb"], about.get("apiGroup", ""), resource


def _allowed() -> set[tuple[str, str, str]]:
    """Spread the rules of the roles that deploy/rbac.yaml binds to the operator."""
    documents = list(yaml.safe_load_all((ROOT / "deploy/rbac.yaml").read_text(encoding="utf-8")))
    bound = {doc["roleRef"]["name"] for doc in documents if doc["kind"].endswith("Binding")}
    rules = [
        rule
        for doc in documents
        if doc["kind"] in {"Role", "ClusterRole"} and doc["metadata"]["name"] in bound
        for rule in doc["rules"]
    ]
    return {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
