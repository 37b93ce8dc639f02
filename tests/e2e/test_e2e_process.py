"""The operator as a process with an account of its own: how it ends, who goes on, and what it may do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e_cloud import Boot, calls, wide_cloud
from e2e_operator import FAST, OPERATOR, OPERATOR_NAMESPACE, install, run_operator
from e2e_plan import DRAIN_S, plan_of
from e2e_status import condition, outcome, verdicts
from e2e_tenant import Tenant, move_by_name
from e2e_waldur import put_mapping
from lab.cluster import Cluster
from lab.osmig_run import OsmigRun
from lab.waiting import DEADLINE_S, eventually
from osmig.domain.mirroring import DISCOVERED_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_move import HostPair
    from lab.nova import NovaLab

RIGHTS = Path(__file__).parent.parent.parent / "deploy/rbac.yaml"
STOP_S = 2.0
ANSWER_S = 100
"""How late an answer is that nobody must wait for: whoever did would be killed before."""
ENDED_S = 50.0
PLANNED = "finish,memory=77"
"""What only the server of the plan has in its metadata."""
SLOW = ("--read-timeout", str(ANSWER_S), "--adopt-after", str(ANSWER_S + 5))
LONG_LEASE = ("--lease-duration", "300", "--lease-renew-deadline", "200")
"""A Lease that was not released is not free within the test."""
MIRROR = '{"spec": {"discovery": {"mode": "Mirror"}}}'
AFTER_A_CONFLICT = {
    ("get", "osmig.dev", kind) for kind in ("migrations", "providers", "migrationmappings", "migrationplans")
}
"""Made only when somebody else wrote first, which cannot be ordered here: tests/unit/test_controllers_*.py."""


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud of this module's own: moves of others would keep a plan's host from being quiet."""
    with wide_cloud() as running:
        yield running


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """An API server with CRDs and the rights of deploy/, whose operators a test starts and ends itself."""
    with Cluster() as cluster:
        yield install(cluster)


@pytest.fixture
def own_tenant(own_cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A namespace there, without a Provider and without an operator."""
    name = f"t-{abs(hash(request.node.nodeid)):x}"[:40]
    own_cluster.kubectl("create", "namespace", name)
    tenant = Tenant(own_cluster, name)
    yield tenant
    tenant.kubectl("delete", "migrations,providers", "--all", f"--timeout={DEADLINE_S:g}s")


def test_sigterm_ends_in_time_even_if_an_answer_is_awaited_and_the_next_process_takes_over_at_once(
    own_tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    nova.control.fault(path=f"{server}/action", method="POST", when="after", action="delay", delay=ANSWER_S)

    with run_operator(own_tenant.cluster, "--drain-timeout", str(STOP_S), *SLOW, *LONG_LEASE) as first:
        first.wait_ready()
        own_tenant.connect(nova)
        move = own_tenant.move(server, source="cmp1", destination="cmp2")
        eventually(lambda: calls(nova, server), what="the start is sent")
        status = first.terminate(timeout_s=ENDED_S)
    lease = own_tenant.cluster.get("lease", "osmig", "-n", OPERATOR_NAMESPACE)["spec"]
    with run_operator(own_tenant.cluster, *LONG_LEASE) as second:
        second.wait_ready()
        end = move.until_finished()

    assert status == 0
    assert not lease.get("holderIdentity")
    assert outcome(end) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, server)] == ["live-migrate"]


NAMELESS = """
import pwd, runpy, sys
def getpwuid(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = getpwuid
sys.argv[0] = "osmig"
runpy.run_module("osmig", run_name="__main__")
"""
"""Runs osmig as a user that no file of the image names, as the one of the image is."""
NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def test_the_operator_works_as_a_user_without_a_name(own_cluster: Cluster) -> None:
    operator = OsmigRun(
        *(*FAST, "--lease-namespace", OPERATOR_NAMESPACE),
        command=(sys.executable, "-c", NAMELESS, "run"),
        kubeconfig=own_cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig"),
        env=dict.fromkeys(NAMES, ""),
    )
    with operator as running:
        assert running.wait_ready().terminate() == 0


def test_a_secret_that_the_operator_may_not_read_is_named_and_moves_nothing(
    own_tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    cluster = own_tenant.cluster
    cluster.kubectl("delete", "clusterrolebinding", "osmig-credentials")
    with run_operator(cluster) as operator:
        operator.wait_ready()
        own_tenant.put_secret(nova.clouds.read_text(encoding="utf-8"))
        own_tenant.put_provider()
        read_error = own_tenant.until_provider(lambda now: verdicts(now).get("Ready") == "False", what="not ready")
        move = own_tenant.move(boot(host="cmp1"), source="cmp1")
        move.until(lambda now: outcome(now) == ("Queued", "ProviderNotReady"), what="queued")

        cluster.kubectl("apply", "--server-side", "-f", str(RIGHTS))
        end = move.until_finished()

    assert condition(read_error, "Ready")["reason"] == "NotPermitted"
    assert f"not allowed in namespace {own_tenant.namespace}" in condition(read_error, "Ready")["message"]
    assert outcome(end) == ("Succeeded", "Succeeded")


def test_the_rights_of_deploy_are_the_calls_that_are_made(own_tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    cluster, since = own_tenant.cluster, own_tenant.cluster.audit_mark()
    # else nothing would create it
    cluster.kubectl("delete", "lease", "osmig", "--namespace", OPERATOR_NAMESPACE, "--ignore-not-found")
    good, hung = boot(host="cmp1"), boot(host="cmp2", plan="hang,memory=4096")
    others, _ = boot(plan="hang"), boot(host="cmp4", plan=PLANNED)

    with run_operator(cluster, "--relist-period", "2") as operator:
        operator.wait_ready()
        own_tenant.connect(nova)
        own_tenant.put_provider(name="broken", credentials="nowhere")
        put_mapping(own_tenant, {"skipConnectionExtnet": True})
        own_tenant.kubectl("wait", "--for=condition=Ready", f"--timeout={DEADLINE_S:g}s", "migrationmapping/mapping")
        succeeded = own_tenant.move(good, name="good", source="cmp1", destination="cmp3")
        fail_again_and_again(move_by_name(own_tenant, "no such server", name="mistyped"))
        succeeded.until_finished()
        abort(own_tenant.move(hung, name="hung"))
        held = own_tenant.move(good, name="held", source="cmp3", deletionPolicy="Abort", ttlSecondsAfterFinished=1)
        own_tenant.kubectl("wait", "--for=delete", f"--timeout={DEADLINE_S:g}s", f"migration/{held.name}")
        own_tenant.put_secret(nova.clouds.read_text(encoding="utf-8") + "\n# rotated", name="cloud-credentials")
        empty_host(own_tenant, "cmp4")
        succeeded.delete()
        mirror_move(own_tenant, nova, others)
        eventually(lambda: _listed_again(cluster, since), what="listed again")
        operator.terminate()

    # discovery is open to everybody
    own = [event for event in cluster.audit(since=since) if event["user"]["username"] == OPERATOR]
    made = [event for event in own if event["objectRef"]]
    assert [event["requestURI"] for event in made if event["responseStatus"]["code"] in {401, 403}] == []
    calls_made = {_name_call(event) for event in made}
    assert calls_made <= _allowed()
    assert _allowed() - calls_made <= AFTER_A_CONFLICT, "a right that nothing uses"


def abort(move: HostPair) -> None:
    """Call a move off once it runs."""
    move.until_phase("Running")
    move.order("abort")
    move.order("reconcile")
    move.until_finished()


def mirror_move(tenant: Tenant, nova: NovaLab, server: str) -> None:
    """Move a server as somebody else does, and wait for the Migration that follows it."""
    nova.nova.live_migrate(server)
    tenant.kubectl("patch", "provider", "cloud", "--type=merge", f"--patch={MIRROR}")
    eventually(lambda: tenant.kubectl("get", "osmig", "-l", DISCOVERED_LABEL, "-o", "name"), what="a mirror")


def empty_host(tenant: Tenant, host: str) -> None:
    """Have a plan move the one server that is meant for it, and wait until the plan has gone; no host is disabled."""
    selector = {"matchMetadata": [{"key": "lab.plan", "values": [PLANNED]}]}
    plan = plan_of(tenant, "drain", host, selector=selector, ttlSecondsAfterFinished=1)
    tenant.kubectl("wait", "--for=delete", f"--timeout={DRAIN_S:g}s", f"osplan/{plan.name}")


def fail_again_and_again(move: HostPair) -> None:
    """Have the same failure found three times, and so the same Event told."""
    move.until_finished()
    for seconds in (100, 200):
        move.edit(deadlineSeconds=seconds)
        until_evaluated(move)


def until_evaluated(move: HostPair) -> None:
    """Wait until the newest generation was seen."""
    newest = move.get()["metadata"]["generation"]
    move.until(lambda status: status["observedGeneration"] == newest, what="evaluated anew")


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
    documents = list(yaml.safe_load_all(RIGHTS.read_text(encoding="utf-8")))
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
