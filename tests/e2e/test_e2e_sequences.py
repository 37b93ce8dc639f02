"""Each sequence of writes that the real Nova makes for a live migration ends in the right phase, reason, conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, calls, occupy
from e2e_status import Json, condition, control, outcome, verdicts
from lab.nova_client import HELD_S
from lab.waiting import eventually

if TYPE_CHECKING:
    from e2e_move import HostPair
    from e2e_tenant import Tenant
    from lab.nova import NovaLab

SUCCESS = {"Succeeded": "True", "Finished": "True", "Ready": "True"}
NO_SUCCESS = {"Succeeded": "False", "Finished": "True", "Ready": "False", "Stalled": "True"}


def expect(move: HostPair, nova: NovaLab, *, end: str, upstream: str, server: str, moved: bool = False) -> Json:
    """Wait for the end and compare it with Nova's own truth; return the status.

    Args:
        move: what was ordered.
        nova: where.
        end: phase and reason, ``Failed/NoValidHost``.
        upstream: Nova's word for its record.
        server: Nova's word for the server, ``ACTIVE`` or ``ERROR``.
        moved: whether the server is on another host afterwards.
    """
    status = move.until_finished()
    phase, _, reason = end.partition("/")
    assert outcome(status) == (phase, reason)
    assert verdicts(status) == (SUCCESS if phase == "Succeeded" else NO_SUCCESS)
    assert ("failure" in status) == (phase != "Succeeded")
    assert "pendingCall" not in status
    (record,) = nova.nova.migrations(move.server)
    assert (record["status"], status["upstream"]["status"]) == (upstream, upstream)
    assert status["upstream"]["id"] == str(record["id"])
    truth = nova.nova.server(move.server)
    assert (truth["status"], truth["OS-EXT-STS:task_state"]) == (server, None)
    assert (truth["OS-EXT-SRV-ATTR:host"] != status["placement"]["sourceHost"]) == moved
    (attempt,) = status["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, phase, reason)
    assert [call.status for call in calls(nova, move.server, "live-migrate")] == [202]
    return status


def test_a_normal_move_succeeds(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="hang"))
    move.until_upstream("running")
    nova.control.steer(move.server, "finish")
    status = expect(move, nova, end="Succeeded/Succeeded", upstream="completed", server="ACTIVE", moved=True)
    assert move.phases() == ["Starting", "Running", "Succeeded"]
    assert status["placement"]["destinationHost"] == nova.nova.server(move.server)["OS-EXT-SRV-ATTR:host"]


def test_a_move_to_a_named_host_ends_there(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(host="cmp1"), source="cmp1", destination="cmp4")
    status = expect(move, nova, end="Succeeded/Succeeded", upstream="completed", server="ACTIVE", moved=True)
    assert status["placement"].items() >= {"sourceHost": "cmp1", "destinationHost": "cmp4"}.items()
    assert nova.nova.server(move.server)["OS-EXT-SRV-ATTR:host"] == "cmp4"


def test_a_force_completed_move_succeeds(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="hang"))
    move.until_upstream("running")
    move.order("force-complete")
    status = expect(move, nova, end="Succeeded/Succeeded", upstream="completed", server="ACTIVE", moved=True)
    assert control(status, "force-complete")["result"] == "Done"


def test_a_move_in_post_copy_is_running_until_it_succeeds(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan=f"hang,force=postcopy,force_delay={HELD_S}"))
    move.until_upstream("running")
    move.order("force-complete")
    status = move.until_upstream("running (post-copy)")
    assert outcome(status) == ("Running", "PostCopy")
    nova.control.steer(move.server, "finish")
    expect(move, nova, end="Succeeded/Succeeded", upstream="completed", server="ACTIVE", moved=True)


def test_a_move_aborted_while_running_is_aborted(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="hang"))
    move.until_upstream("running")
    move.order("abort")
    status = expect(move, nova, end="Aborted/Aborted", upstream="cancelled", server="ACTIVE")
    assert move.phases() == ["Starting", "Running", "Aborting", "Aborted"]
    assert control(status, "abort")["result"] == "Done"


def test_a_move_aborted_while_queued_is_aborted(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    occupy(nova, boot(plan="hang", host="cmp1"))
    move = tenant.move(boot(plan="hang", host="cmp1"))
    status = move.until_upstream("queued")
    assert outcome(status) == ("Starting", "Queued")
    move.order("abort")
    expect(move, nova, end="Aborted/Aborted", upstream="cancelled", server="ACTIVE")
    assert "Running" not in move.phases()


def test_a_move_aborted_while_preparing_is_aborted(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan=f"hang,pre_delay={HELD_S}"))
    status = move.until_upstream("preparing")
    assert outcome(status) == ("Starting", "Preparing")
    move.order("abort")
    move.until_control("abort", "Accepted")
    nova.control.release(move.server, "pre")
    expect(move, nova, end="Aborted/Aborted", upstream="cancelled", server="ACTIVE")


def test_a_hypervisor_that_fails_midway_fails_the_migration(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="fail,duration=1"))
    status = expect(move, nova, end="Failed/HypervisorFailed", upstream="failed", server="ACTIVE")
    assert status["failure"]["retryable"]


def test_a_driver_that_raises_leaves_the_server_in_error(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="crash,duration=1"))
    status = expect(move, nova, end="Failed/ServerInError", upstream="error", server="ERROR")
    assert not status["failure"]["retryable"]


def test_a_failed_preparation_fails_the_migration_with_novas_last_word(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    # Nova writes error first and failed a moment later: error alone is not the end
    move = tenant.move(boot(plan="pre=fail"))
    expect(move, nova, end="Failed/HypervisorFailed", upstream="failed", server="ACTIVE")
    assert move.phases() == ["Starting", "Failed"]


def test_a_failed_end_on_the_destination_leaves_the_server_in_error_there(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move(boot(plan="finish,duration=1,post=fail"))
    status = expect(move, nova, end="Failed/ErrorOnDestination", upstream="error", server="ERROR", moved=True)
    assert status["placement"]["destinationHost"] in status["failure"]["message"]


def test_a_refused_pre_check_is_named(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan="precheck=source"))
    status = expect(move, nova, end="Failed/PreCheckFailed", upstream="error", server="ACTIVE")
    assert status["failure"]["retryable"]
    assert move.phases() == ["Starting", "Failed"], "a move that never ran is never shown as running"


def test_no_valid_host_is_named(tenant: Tenant, nova: NovaLab, boot: Boot, disabled_host: str) -> None:
    move = tenant.move(boot(host="cmp1"), destination=disabled_host)
    status = expect(move, nova, end="Failed/NoValidHost", upstream="error", server="ACTIVE")
    assert status["failure"]["retryable"]


def test_a_move_that_the_cloud_calls_off_by_itself_failed(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    # what live_migration_completion_timeout does after 800 s per GiB
    move = tenant.move(boot(plan="hang"))
    move.until_upstream("running")
    nova.control.steer(move.server, "cancel")
    expect(move, nova, end="Failed/CancelledUpstream", upstream="cancelled", server="ACTIVE")
    assert calls(nova, move.server, "abort") == []


@pytest.fixture
def second_tenant(empty_tenant: Tenant, second_nova: NovaLab) -> Tenant:
    """A namespace whose Provider is the cloud with computes that may be stopped."""
    empty_tenant.connect(second_nova)
    return empty_tenant


def test_a_restart_of_the_source_compute_fails_the_migration(second_tenant: Tenant, second_nova: NovaLab) -> None:
    move = second_tenant.move(second_nova.boot("on-restarted", plan="hang", host="restarted"), destination="solid")
    move.until_upstream("running")
    second_nova.control.service("restarted", "restart")
    expect(move, second_nova, end="Failed/MigrationError", upstream="error", server="ACTIVE")


def test_a_move_whose_source_compute_is_down_is_running_until_the_compute_is_back(
    second_tenant: Tenant, second_nova: NovaLab
) -> None:
    move = second_tenant.move(second_nova.boot("on-stopped", plan="hang", host="stopped"), destination="solid")
    move.until_upstream("running")
    second_nova.control.service("stopped", "stop")
    eventually(lambda: _is_down(second_nova, "stopped"), what="the compute counts as down")
    move.order("reconcile")
    move.until_control("reconcile", "Done")
    assert (move.status["phase"], condition(move.status, "Finished")["status"]) == ("Running", "False")
    # Nova answers 202 all the same
    move.order("abort")
    eventually(lambda: len(calls(second_nova, move.server, "abort")) >= 2, what="abort was asked twice")
    assert {call.status for call in calls(second_nova, move.server, "abort")} <= {202, None}
    assert (move.status["phase"], condition(move.status, "Finished")["status"]) == ("Aborting", "False")
    second_nova.control.service("stopped", "start")
    status = expect(move, second_nova, end="Failed/MigrationError", upstream="error", server="ACTIVE")
    assert control(status, "abort")["result"] == "TooLate"


def _is_down(nova: NovaLab, host: str) -> bool:
    (service,) = nova.nova.get(f"/os-services?binary=nova-compute&host={host}")["services"]
    return bool(service["state"] == "down")
