"""What goes wrong round a Migration, and what goes on all the same.

Nothing that is done to an object or to its surroundings makes osmig order a move twice, and no object stops another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, calls, wide_cloud
from e2e_move import HostPair, describe_move
from e2e_status import condition, is_paused, is_queued_behind_somebody, outcome, verdicts
from e2e_tenant import Tenant
from lab.waiting import DEADLINE_S, eventually
from osmig.domain.refusals import MAX_REFUSALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

RIGHTS = Path(__file__).parent.parent.parent / "deploy/rbac.yaml"
HANG = "hang,memory=4096"
DRAIN_S = 2.0
GARBAGE = "clouds: [this, is, no: cloud"


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud of this module's own, which the tests may take down."""
    with wide_cloud() as running:
        yield running


@pytest.fixture
def running(tenant: Tenant, boot: Boot) -> HostPair:
    """A Migration whose move goes on until the test ends it."""
    move = tenant.move(boot(host="cmp1", plan=HANG), source="cmp1", destination="cmp2")
    move.until_phase("Running")
    return move


def assert_ends_well_after_one_order(nova: NovaLab, move: HostPair) -> None:
    """Let the move finish, and see that Nova was asked for it once and for nothing else."""
    nova.control.steer(move.server, "finish")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, move.server)] == ["live-migrate"]


def write_status(move: HostPair, status: object) -> str:
    """Replace the whole status, as somebody with the right to do so might; return what kubectl complained about."""
    body = move.get() | {"status": status}
    replace = ("replace", "--subresource=status", "-f", "-")
    return move.tenant.cluster.kubectl(*replace, stdin=json.dumps(body), check=False).stderr


def test_wiping_the_status_is_refused_and_repeats_nothing(running: HostPair, nova: NovaLab) -> None:
    before, patching = running.status, ("patch", "migration", running.name, "--subresource=status", "--type=merge")

    said = [
        running.tenant.cluster.kubectl(*patching, "-n", running.tenant.namespace, "-p", patch, check=False).stderr
        for patch in ('{"status": null}', '{"status": {"startTime": null}}')
    ]
    said.append(write_status(running, {"phase": "Pending"}))

    assert ["startTime may not be changed or removed" in text for text in said] == [True, True, True]
    assert running.status["startTime"] == before["startTime"]
    assert_ends_well_after_one_order(nova, running)


def test_a_status_of_which_only_the_start_time_is_left_repeats_nothing(running: HostPair, nova: NovaLab) -> None:
    bare = {"startTime": running.status["startTime"]}
    eventually(lambda: not write_status(running, bare), what="wiped before the next write of osmig")
    running.until(lambda now: now.get("phase"), what="looked at anew")
    nova.control.steer(running.server, "cancel")

    status = running.until_finished()

    assert [call.word for call in calls(nova, running.server)] == ["live-migrate"]
    assert outcome(status) == ("Failed", "RecordGone")


def test_stripped_annotations_and_a_replaced_object_repeat_nothing(running: HostPair, nova: NovaLab) -> None:
    bare = describe_move(running.tenant, {"id": running.server}, source="cmp1", destination="cmp2")
    running.tenant.kubectl("annotate", "migration", running.name, "example.org/a=1", "osmig.dev/reconcile=now")
    running.until_control("reconcile", "Done")

    running.tenant.replace(bare)
    running.tenant.cluster.apply(bare)

    assert "annotations" not in running.get()["metadata"]
    assert_ends_well_after_one_order(nova, running)


def test_a_namespace_goes_away_while_a_move_runs_and_the_others_go_on(
    running: HostPair, nova: NovaLab, boot: Boot, crds: Cluster, operator: OsmigRun
) -> None:
    namespace = running.tenant.namespace
    crds.kubectl("create", "namespace", f"{namespace}-next")
    other = Tenant(crds, f"{namespace}-next")
    other.connect(nova)
    crds.kubectl("delete", "namespace", namespace, f"--timeout={DEADLINE_S:g}s")
    beside = other.move(boot(host="cmp3"), source="cmp3")
    beside_end = beside.until_finished()
    before = len(operator.logs())
    nova.control.steer(running.server, "finish")
    eventually(lambda: nova.nova.server(running.server)["OS-EXT-SRV-ATTR:host"] == "cmp2", what="the server moved on")

    about_it = [line for line in operator.logs()[before:] if namespace == line.get("namespace")]
    assert outcome(beside_end) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, running.server)] == ["live-migrate"]
    assert about_it == [], "of what is gone nothing more is said"
    crds.kubectl("delete", "namespace", other.namespace, "--wait=false")


def test_a_wrong_object_never_stops_the_others(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
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
        return outcome(HostPair(tenant, name, "", 0).until_finished())

    def wait(name: str) -> tuple[str, str, str]:
        status = HostPair(tenant, name, "", 0).until(lambda now: now.get("phase") == "Queued", what="queued")
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


TURNED_DOWN = {"x-openstack-request-id": "req-00000000-1111-2222-3333-444444444444"}
"""As Nova gives it to a request that fails: no action bears it."""


def test_a_start_that_nova_keeps_turning_down_fails_after_a_few_with_its_words(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    body = {"computeFault": {"code": 500, "message": "Unexpected API Error. The moon is full."}}
    nova.control.fault(
        path=f"{server}/action", method="POST", when="before", status=500, headers=TURNED_DOWN, body=body, count=0
    )

    status = tenant.move(server).until_finished()

    assert outcome(status) == ("Failed", "ServerError")
    assert "answered 500 to live-migrate: Unexpected API Error. The moon is full." in status["failure"]["message"]
    assert status["failure"]["retryable"] is True
    assert len(calls(nova, server, "live-migrate")) == MAX_REFUSALS


def test_a_conflict_that_nobody_knows_of_an_idle_server_fails_at_once(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    body = {"conflictingRequest": {"code": 409, "message": "The server has a pinned leg."}}
    nova.control.fault(
        path=f"{server}/action", method="POST", when="before", status=409, headers=TURNED_DOWN, body=body, count=0
    )

    status = tenant.move(server, retry={"limit": 3}).until_finished()

    assert outcome(status) == ("Failed", "StartRefused")
    assert "The server has a pinned leg." in condition(status, "Succeeded")["message"]
    assert len(calls(nova, server, "live-migrate")) == 1


def test_a_broken_provider_pauses_its_own_migrations_only_until_it_is_mended(
    running: HostPair, nova: NovaLab, boot: Boot
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
    running: HostPair, nova: NovaLab
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


def test_a_deleted_provider_pauses_a_move_that_goes_on_when_it_is_back(running: HostPair, nova: NovaLab) -> None:
    tenant = running.tenant
    tenant.kubectl("delete", "provider", "cloud", f"--timeout={DEADLINE_S:g}s")
    paused = running.until(is_paused, what="paused")
    late = tenant.move(running.server, name="late", source="cmp1")
    late.until(lambda now: outcome(now) == ("Queued", "ProviderNotReady"), what="queued")

    tenant.put_provider(credentials="cloud-credentials")
    running.until(lambda now: verdicts(now)["ProviderReady"] == "True", what="going on")
    late.until(is_queued_behind_somebody, what="queued behind the first")

    assert paused["phase"] == "Running"
    assert condition(paused, "ProviderReady")["reason"] == "ProviderNotFound"
    assert_ends_well_after_one_order(nova, running)
