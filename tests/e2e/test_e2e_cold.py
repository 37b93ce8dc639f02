"""Each sequence of writes that the real Nova makes for a cold migration ends in the right phase, reason, conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, act, calls
from e2e_status import Json, condition, control, outcome, verdicts
from lab.nova import NovaLab
from lab.nova_client import HttpError
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_move import HostPair
    from e2e_tenant import Tenant

SUCCESS = {"Succeeded": "True", "Finished": "True", "Ready": "True"}
NO_SUCCESS = {"Succeeded": "False", "Finished": "True", "Ready": "False", "Stalled": "True"}
WAITS = {"Succeeded": "Unknown", "Finished": "False", "Ready": "False", "Reconciling": "True", "ProviderReady": "True"}


def expect(move: HostPair, nova: NovaLab, *, end: str, upstream: str, server: str, moved: bool) -> Json:
    """Wait for the end and compare it with Nova's own truth; return the status."""
    status = move.until_finished()
    phase, _, reason = end.partition("/")
    assert outcome(status) == (phase, reason)
    assert verdicts(status) == (SUCCESS if phase == "Succeeded" else NO_SUCCESS)
    assert "pendingCall" not in status
    (record,) = nova.nova.migrations(move.server)
    assert (record["status"], status["upstream"]["status"]) == (upstream, upstream)
    truth = nova.nova.server(move.server)
    assert (truth["status"], truth["OS-EXT-STS:task_state"]) == (server, None)
    assert (truth["OS-EXT-SRV-ATTR:host"] != status["placement"]["sourceHost"]) == moved
    (attempt,) = status["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["reason"]) == (1, phase, reason)
    assert [call.status for call in calls(nova, move.server, "cold-migrate")] == [202]
    return status


def arrive(move: HostPair) -> Json:
    """Wait until the move awaits its confirmation; return the status."""
    return move.until_phase("AwaitingConfirmation")


def test_a_cold_move_awaits_its_confirmation_with_a_deadline(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(host="cmp1"), source="cmp1", destination="cmp4")
    status = arrive(move)
    assert (condition(status, "Succeeded")["reason"], verdicts(status)) == ("AwaitingConfirmation", WAITS)
    assert status["confirm"].keys() == {"startTime", "deadlineTime"}
    assert status["confirm"]["deadlineTime"] in condition(status, "Succeeded")["message"]
    assert "20 h left" in condition(status, "Succeeded")["message"]
    assert "deadlineTime" not in status, "the clock stops while a person is waited for"
    assert nova.nova.server(move.server)["status"] == "VERIFY_RESIZE"


def test_a_confirmed_move_succeeds(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(host="cmp1"), source="cmp1", destination="cmp4")
    arrive(move)
    move.order("confirm")
    status = expect(move, nova, end="Succeeded/Succeeded", upstream="confirmed", server="ACTIVE", moved=True)
    assert [call.status for call in calls(nova, move.server, "confirm")] == [204]
    assert (control(status, "confirm")["result"], status["confirm"]["decision"]) == ("Done", "confirm")
    assert move.phases()[-3:] == ["AwaitingConfirmation", "Confirming", "Succeeded"]


def test_a_reverted_move_ends_reverted_on_its_source_host(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot())
    arrive(move)
    move.order("revert")
    status = expect(move, nova, end="Reverted/Reverted", upstream="reverted", server="ACTIVE", moved=False)
    assert [call.status for call in calls(nova, move.server, "revert")] == [202]
    assert (control(status, "revert")["result"], status["confirm"]["decision"]) == ("Done", "revert")


def test_an_automatic_move_is_confirmed_once_by_osmig(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(), cold={"confirm": "Automatic"})
    status = expect(move, nova, end="Succeeded/Succeeded", upstream="confirmed", server="ACTIVE", moved=True)
    assert [call.status for call in calls(nova, move.server, "confirm")] == [204]
    (order,) = status["policyOrders"]
    assert (order["policy"], order["verb"]) == ("confirm", "confirm")


def test_a_stopped_server_moves_and_stays_stopped(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot()
    act(nova, server, "os-stop")
    eventually(lambda: nova.nova.server(server)["status"] == "SHUTOFF", what="the server is stopped")
    move = tenant.move_cold(server, cold={"confirm": "Automatic"})
    expect(move, nova, end="Succeeded/Succeeded", upstream="confirmed", server="SHUTOFF", moved=True)


def test_a_move_confirmed_by_somebody_else_succeeds_as_confirmed_upstream(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot())
    arrive(move)
    act(nova, move.server, "confirmResize")
    expect(move, nova, end="Succeeded/ConfirmedUpstream", upstream="confirmed", server="ACTIVE", moved=True)
    assert calls(nova, move.server, "confirm") == []


def test_a_move_reverted_by_somebody_else_ends_reverted_upstream(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot())
    arrive(move)
    act(nova, move.server, "revertResize")
    expect(move, nova, end="Reverted/RevertedUpstream", upstream="reverted", server="ACTIVE", moved=False)


def test_a_server_deleted_while_it_awaits_its_confirmation_is_gone(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot())
    arrive(move)
    nova.nova.delete(f"/servers/{move.server}")
    # record and server vanish between two sweeps, so that none tells of it; osmig looks by itself once a minute
    eventually(lambda: is_gone(nova, move.server), what="the server is gone")
    move.order("reconcile")
    status = move.until_finished()
    assert outcome(status) == ("Failed", "ServerGone")


def is_gone(nova: NovaLab, server: str) -> bool:
    """Whether Nova knows the server no longer."""
    try:
        nova.nova.server(server)
    except HttpError as error:
        return error.status == 404
    return False


def test_a_disk_copy_that_fails_at_the_source_fails_the_migration(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(plan="cold=fail_source"))
    expect(move, nova, end="Failed/ServerInError", upstream="error", server="ERROR", moved=False)


def test_a_start_that_fails_at_the_destination_is_named(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(host="cmp1")
    nova.control.plan("cmp4", "cold=fail_dest")
    try:
        move = tenant.move_cold(server, source="cmp1", destination="cmp4")
        status = expect(move, nova, end="Failed/ErrorOnDestination", upstream="error", server="ERROR", moved=True)
    finally:
        nova.control.clear_plan("cmp4")
    assert "runbook ErrorOnDestination" in condition(status, "Succeeded")["message"]


def test_a_confirm_that_fails_leaves_the_server_in_error(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(plan="confirm=fail"), cold={"confirm": "Automatic"})
    status = move.until_finished()
    assert status["phase"] == "Failed"
    assert condition(status, "Succeeded")["reason"] in {"ErrorOnDestination", "ServerInError"}
    assert len(calls(nova, move.server, "confirm")) == 1


def test_a_revert_that_fails_late_leaves_the_server_in_error(tenant: Tenant, boot: Boot) -> None:
    move = tenant.move_cold(boot(plan="revert=fail"))
    arrive(move)
    move.order("revert")
    status = move.until_finished()
    assert outcome(status) == ("Failed", "ServerInError")


def test_no_valid_host_is_named(tenant: Tenant, nova: NovaLab, boot: Boot, disabled_host: str) -> None:
    move = tenant.move_cold(boot(host="cmp1"), destination=disabled_host)
    status = expect(move, nova, end="Failed/NoValidHost", upstream="error", server="ACTIVE", moved=False)
    assert status["failure"]["retryable"]


@pytest.fixture(scope="module")
def confirming_nova() -> Iterator[NovaLab]:
    """A cloud that confirms cold moves by itself after some seconds."""
    with NovaLab("--confirm-window", "4", computes=("cmp1", "cmp2")) as running:
        yield running


def test_a_move_that_the_cloud_confirms_by_itself_succeeds(empty_tenant: Tenant, confirming_nova: NovaLab) -> None:
    empty_tenant.connect(confirming_nova)
    move = empty_tenant.move_cold(confirming_nova.boot("by-itself"))
    expect(move, confirming_nova, end="Succeeded/ConfirmedUpstream", upstream="confirmed", server="ACTIVE", moved=True)
