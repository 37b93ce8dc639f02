"""Orders on a cold move, phase by phase, as docs/reference/api.md has them: what is sent, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from e2e_cloud import Boot, calls
from e2e_status import condition, control, outcome
from lab.nova_client import HELD_S
from lab.waiting import eventually

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab


def test_an_abort_while_the_disk_is_copied_reverts_as_soon_as_nova_allows(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot(plan=f"cold_delay={HELD_S}"))
    move.until_phase("Running")
    move.order("abort")
    move.until_control("abort", "Accepted")
    assert calls(nova, move.server, "revert") == [], "Nova could only refuse it now"
    nova.control.release(move.server, "cold")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert [call.status for call in calls(nova, move.server, "revert")] == [202]
    assert control(move.status, "abort")["result"] == "Done"
    assert nova.nova.migrations(move.server)[0]["status"] == "reverted"
    assert "AwaitingConfirmation" not in move.phases()


def test_an_abort_while_the_confirmation_is_awaited_reverts(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot())
    move.until_phase("AwaitingConfirmation")
    move.order("abort")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "revert"]


def test_an_abort_before_the_start_sends_nothing(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(), annotations={"osmig.dev/abort": "now"})
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert calls(nova, move.server) == []


@pytest.mark.parametrize(
    ("decision", "phase", "end"), [("revert", "Reverting", "Reverted"), ("confirm", "Confirming", "Succeeded")]
)
def test_every_other_order_is_rejected_while_a_decision_is_carried_out(
    tenant: Tenant, nova: NovaLab, boot: Boot, decision: Literal["revert", "confirm"], phase: str, end: str
) -> None:
    move = tenant.move_cold(boot(plan=f"{decision}_delay={HELD_S}"))
    move.until_phase("AwaitingConfirmation")
    move.order(decision)
    move.until_phase(phase)
    for verb in {"abort", "confirm", "revert"} - {decision}:
        move.order(verb)
        assert phase in move.until_control(verb, "Rejected")["message"]
    nova.control.release(move.server, decision)
    assert outcome(move.until_finished()) == (end, end)
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", decision]


@pytest.mark.parametrize("verb", ["confirm", "revert"])
def test_a_decision_before_the_server_has_arrived_is_rejected(
    tenant: Tenant, nova: NovaLab, boot: Boot, verb: str
) -> None:
    move = tenant.move_cold(boot(plan=f"cold_delay={HELD_S}"))
    move.until_phase("Running")
    move.order(verb)
    move.until_control(verb, "Rejected")
    nova.control.release(move.server, "cold")
    move.until_phase("AwaitingConfirmation")
    assert control(move.status, verb)["result"] == "Rejected", "it is not remembered for later"


def test_force_complete_is_unsupported_for_a_cold_move(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_cold(boot(plan=f"cold_delay={HELD_S}"))
    move.until_phase("Running")
    move.order("force-complete", "early")
    move.until_control("force-complete", "Unsupported")
    nova.control.release(move.server, "cold")
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
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "confirm"]


def test_a_destination_below_2_56_is_unsupported_and_nothing_is_sent(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(host="cmp1")
    nova.control.fault(path="^/v2.1/?$", method="GET", when="after", action="status", status=200, body=OLD_CLOUD)
    try:
        tenant.connect(nova, name="old")
        move = tenant.move_cold(server, provider="old", source="cmp1", destination="cmp2")
        assert outcome(move.until_finished()) == ("Failed", "Unsupported")
        assert "spec.placement.destinationHost" in condition(move.status, "Succeeded")["message"]
        assert calls(nova, server) == []
    finally:
        nova.control.clear_faults()


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
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    before = move.get()["metadata"]["resourceVersion"]
    move.order("reconcile")
    move.until_control("reconcile", "Done")
    eventually(lambda: move.get()["metadata"]["resourceVersion"] != before, what="the reconcile is recorded")
    assert len(calls(nova, move.server, "confirm")) == 1
