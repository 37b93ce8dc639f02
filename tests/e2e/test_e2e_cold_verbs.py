"""Orders on a cold move, phase by phase, as docs/reference/api.md has them: what is sent, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_support import Move, Tenant, calls, condition, control
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.nova import NovaLab

    Boot = Callable[..., str]


def outcome(move: Move) -> tuple[str, str]:
    """Wait for the end; return phase and reason."""
    status = move.until_finished()
    return status["phase"], condition(status, "Succeeded")["reason"]


def test_an_abort_while_the_disk_is_copied_reverts_as_soon_as_nova_allows(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot(plan="cold_delay=2"))
    move.until_phase("Running")
    move.order("abort")
    move.until_control("abort", "Accepted")
    assert calls(nova, move.server, "revert") == [], "Nova could only refuse it now"
    assert outcome(move) == ("Aborted", "Aborted")
    assert [call.status for call in calls(nova, move.server, "revert")] == [202]
    assert control(move.status, "abort")["result"] == "Done"
    assert nova.nova.migrations(move.server)[0]["status"] == "reverted"
    assert "AwaitingConfirmation" not in move.phases()


def test_an_abort_while_the_confirmation_is_awaited_reverts(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot())
    move.until_phase("AwaitingConfirmation")
    move.order("abort")
    assert outcome(move) == ("Aborted", "Aborted")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "revert"]


def test_an_abort_before_the_start_sends_nothing(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(), annotations={"osmig.dev/abort": "now"})
    assert outcome(move) == ("Aborted", "Aborted")
    assert calls(nova, move.server) == []


def test_every_order_but_revert_is_rejected_while_the_move_is_reverted(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot(plan="revert_delay=4"))
    move.until_phase("AwaitingConfirmation")
    move.order("revert")
    move.until_phase("Reverting")
    for verb in ("abort", "confirm"):
        move.order(verb)
        assert "Reverting" in move.until_control(verb, "Rejected")["message"]
    assert outcome(move) == ("Reverted", "Reverted")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "revert"]


def test_every_order_is_rejected_while_the_move_is_confirmed(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(plan="confirm_delay=4"))
    move.until_phase("AwaitingConfirmation")
    move.order("confirm")
    move.until_phase("Confirming")
    for verb in ("abort", "revert"):
        move.order(verb)
        assert "Confirming" in move.until_control(verb, "Rejected")["message"]
    assert outcome(move) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "confirm"]


@pytest.mark.parametrize("verb", ["confirm", "revert"])
def test_a_decision_before_the_server_has_arrived_is_rejected(tenant: Tenant, boot: Boot, verb: str) -> None:
    move = tenant.move_cold(boot(plan="cold_delay=3"))
    move.until_phase("Running")
    move.order(verb)
    move.until_control(verb, "Rejected")
    move.until_phase("AwaitingConfirmation")
    assert control(move.status, verb)["result"] == "Rejected", "it is not remembered for later"


def test_force_complete_is_unsupported_for_a_cold_move(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(plan="cold_delay=3"))
    move.until_phase("Running")
    move.order("force-complete", "early")
    move.until_control("force-complete", "Unsupported")
    move.until_phase("AwaitingConfirmation")
    move.order("force-complete", "late")
    move.until_control("force-complete", "Rejected")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate"]


def test_confirm_and_revert_together_are_both_rejected(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot())
    move.until_phase("AwaitingConfirmation")
    tenant.kubectl("annotate", "migration", move.name, "osmig.dev/confirm=1", "osmig.dev/revert=1")
    for verb in ("confirm", "revert"):
        assert "ConflictingVerbs" in move.until_control(verb, "Rejected")["message"]
    move.order("confirm", "1/anew")
    assert outcome(move) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "confirm"]


def test_a_destination_below_2_56_is_unsupported_and_nothing_is_sent(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(host="cmp1")
    fault = nova.control.fault(
        path="^/v2.1/?$", method="GET", when="after", action="status", status=200, body=OLD_CLOUD
    )
    try:
        tenant.connect(nova, name="old")
        move = tenant.move_cold(server, provider="old", source="cmp1", destination="cmp2")
        assert outcome(move) == ("Failed", "Unsupported")
        assert "spec.placement.destinationHost" in condition(move.status, "Succeeded")["message"]
        assert calls(nova, server) == []
    finally:
        nova.control.clear_faults()
        assert fault


OLD_CLOUD = (
    '{"version": {"id": "v2.1", "status": "CURRENT", "version": "2.53", "min_version": "2.1",'
    ' "links": [{"rel": "self", "href": ""}], "media-types": [], "updated": "2013-07-23T11:33:21Z"}}'
)


def test_a_move_that_was_decided_is_asked_for_once_even_when_the_annotation_stays(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot())
    move.until_phase("AwaitingConfirmation")
    move.order("confirm", "true")
    assert outcome(move) == ("Succeeded", "Succeeded")
    before = move.get()["metadata"]["resourceVersion"]
    move.order("reconcile")
    move.until_control("reconcile", "Done")
    eventually(lambda: move.get()["metadata"]["resourceVersion"] != before, what="the reconcile is recorded")
    assert len(calls(nova, move.server, "confirm")) == 1
