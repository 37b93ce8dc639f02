"""Confirm and revert: sent once, under an intent, on ground of what was read in the same step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_cold_samples import (
    CONFIRMATION,
    awaiting,
    cold_record,
    deciding,
    observe_cold,
    policy_order,
    survey_gate,
    verify,
)
from domain_samples import HOLDER, MARK, NOW, ask, control, reason_of, result_of, server
from domain_world import decide_in
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Reason, Verb
from osmig.domain import orders
from osmig.domain.calls import Answer
from osmig.domain.errors import (
    Absent,
    BackendError,
    NotInThisState,
    NotPermitted,
    OutcomeUnknown,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.domain.orders import find_control
from osmig.drivers.servers.calls import VerbCall

if TYPE_CHECKING:
    from decided import Decided
    from osmig.api.migration import MigrationStatus
    from osmig.drivers.servers.views import PreStartState


CONFIRM, REVERT, ABORT = Verb.CONFIRM, Verb.REVERT, Verb.ABORT
READY_TO_SEND: dict[str, Any] = {"server": verify(), "records": (cold_record(),), "pre_start": survey_gate()}
CALLS = [(CONFIRM, CONFIRM, Phase.CONFIRMING), (REVERT, REVERT, Phase.REVERTING), (ABORT, REVERT, Phase.ABORTING)]


@pytest.mark.parametrize(("order", "verb", "phase"), CALLS)
def test_the_intent_is_written_in_the_same_decision_as_the_call(order: Verb, verb: Verb, phase: Phase) -> None:
    decision = decide_in(CONFIRMATION, observe_cold(awaiting(control(order))))
    call = decision.status.pending_call
    assert decision.call == VerbCall(verb=verb, record_id="7")
    assert call is not None
    assert (call.operation, call.holder, call.time, call.sends, call.baseline) == (verb.value, HOLDER, NOW, 1, MARK)
    assert decision.status.phase is phase
    assert decision.status.confirm is not None
    assert (decision.status.confirm.end_time, decision.status.confirm.decision) == (NOW, None)


@pytest.mark.parametrize("missing", ["server", "records", "pre_start"])
@pytest.mark.parametrize("verb", [CONFIRM, REVERT])
def test_nothing_is_sent_unless_survey_server_and_records_were_read_in_this_step(verb: Verb, missing: str) -> None:
    facts = {name: fact for name, fact in READY_TO_SEND.items() if name != missing}
    decision = decide(observe_cold(awaiting(control(verb)), swept=cold_record(), **facts))
    assert decision.call is None
    assert missing in decision.wants
    assert decide(observe_cold(awaiting(control(verb)), **READY_TO_SEND)).call is not None


@pytest.mark.parametrize(
    "seen",
    [
        survey_gate(server("cmp2")),
        survey_gate(verify(awaits_confirmation=False)),
        replace(survey_gate(), active=None),
        survey_gate(row=cold_record(number=8)),
        survey_gate(row=cold_record("confirming")),
    ],
    ids=["server idle", "server busy otherwise", "no active record", "another record", "confirming already"],
)
def test_nothing_is_sent_when_the_survey_shows_anything_but_this_move_awaiting(seen: PreStartState) -> None:
    decision = decide(observe_cold(awaiting(control(CONFIRM)), **{**READY_TO_SEND, "pre_start": seen}))
    assert (decision.call, decision.status.pending_call, decision.due_s) == (None, None, 1.0)
    assert result_of(decision.status, CONFIRM) is ControlResult.ACCEPTED


def test_without_an_order_the_move_waits_and_no_survey_is_made() -> None:
    decision = decide(observe_cold(awaiting(), server=verify(), records=(cold_record(),)))
    assert (decision.call, decision.wants, decision.due_s) == (None, frozenset(), 60.0)


@pytest.mark.parametrize(("since_s", "is_sent"), [(None, True), (4.9, False), (5.0, True)])
def test_a_call_that_was_given_up_is_sent_again_after_five_seconds(*, since_s: float | None, is_sent: bool) -> None:
    decision = decide_in(CONFIRMATION, observe_cold(awaiting(control(CONFIRM)), since_call_s=since_s))
    assert (decision.call is not None) == is_sent
    if not is_sent:
        assert decision.due_s == pytest.approx(0.1)


# --- what comes of the call


def answered(status: MigrationStatus, error: BackendError | None = None, verb: Verb = CONFIRM) -> Decided:
    return decide(observe_cold(status, answer=Answer(call=VerbCall(verb=verb, record_id="7"), error=error)))


@pytest.mark.parametrize(("order", "verb"), [(CONFIRM, CONFIRM), (REVERT, REVERT), (ABORT, REVERT)])
def test_a_call_that_the_cloud_took_is_on_record_and_the_intent_is_gone(order: Verb, verb: Verb) -> None:
    status = answered(deciding(verb, control(order)), verb=verb).status
    noted = find_control(status.controls, order)
    assert noted is not None
    assert (noted.result, noted.sent_time, status.pending_call) == (ControlResult.ACCEPTED, NOW, None)
    assert status.confirm is not None
    assert status.confirm.decision is verb


def test_an_answer_to_a_call_marks_no_order_of_another_kind() -> None:
    status = answered(deciding(CONFIRM, control(REVERT))).status
    noted = find_control(status.controls, REVERT)
    assert noted is not None
    assert noted.sent_time is None


@pytest.mark.parametrize(("word", "request_id"), [("NoAnswer", None), ("ServerError", "req-x")])
def test_a_lost_answer_keeps_the_intent_with_what_it_told_and_looks_at_once(word: str, request_id: str | None) -> None:
    decision = answered(deciding(), OutcomeUnknown(word, "?", operation="confirm", request_id=request_id))
    call = decision.status.pending_call
    assert call is not None
    assert (call.answer, call.request_id, decision.due_s) == (word, request_id, 0.0)


def test_an_answer_whose_intent_somebody_else_resolved_changes_nothing() -> None:
    for status in (awaiting(control(CONFIRM)), deciding(holder="another process")):
        assert answered(status).status == status


@pytest.mark.parametrize(
    ("error", "result", "due_s"),
    [
        (NotInThisState("NotInThisState", "late", operation="o"), ControlResult.ACCEPTED, 1.0),
        (Transient("PermitExpired", "late", operation="o"), ControlResult.ACCEPTED, 10.0),
        (Transient("TooMany", "wait", operation="o", retry_after_s=77.0), ControlResult.ACCEPTED, 77.0),
        (Unauthorized(Reason.UNAUTHORIZED, "401", operation="o"), ControlResult.ACCEPTED, 10.0),
        (NotPermitted("NotPermitted", "403", operation="o"), ControlResult.REJECTED, 10.0),
        (Unsupported("Unsupported", "old", operation="o"), ControlResult.UNSUPPORTED, 10.0),
    ],
)
@pytest.mark.parametrize(
    ("order", "verb", "phase"),
    [
        (CONFIRM, CONFIRM, Phase.AWAITING_CONFIRMATION),
        (REVERT, REVERT, Phase.AWAITING_CONFIRMATION),
        (ABORT, REVERT, Phase.ABORTING),
    ],
)
def test_an_answer_that_proves_that_nothing_was_done_drops_the_intent(
    order: Verb, verb: Verb, phase: Phase, error: BackendError, result: ControlResult, due_s: float
) -> None:
    decision = answered(deciding(verb, control(order)), error, verb)
    assert (decision.status.pending_call, decision.due_s) == (None, due_s)
    assert result_of(decision.status, order) is result
    is_over = result is not ControlResult.ACCEPTED
    assert decision.status.phase is phase
    assert [note.is_warning for note in decision.notes] == ([True] if is_over else [])


def test_a_retry_after_of_a_confirm_is_not_cut_short_by_an_event() -> None:
    refused = answered(deciding(), Transient("TooMany", "wait", operation="o", retry_after_s=77.0))
    label = refused.wait_key
    early = decide_in(CONFIRMATION, observe_cold(refused.status, wait_ages_s={label: 70.0}, since_call_s=70.0))
    assert (early.call, early.due_s, early.wait_key) == (None, 7.0, label)
    assert (
        decide_in(CONFIRMATION, observe_cold(refused.status, wait_ages_s={label: 77.0}, since_call_s=77.0)).call
        is not None
    )


def test_a_policys_order_that_the_cloud_cannot_do_stays_on_record_and_is_not_given_again() -> None:
    acted = (policy_order(Policy.CONFIRM, CONFIRM),)
    status = deciding(CONFIRM).model_copy(update={"controls": (), "policy_orders": acted})
    decision = answered(status, Unsupported("Unsupported", "old", operation="o"))
    assert [order.policy for order in decision.status.policy_orders] == [Policy.CONFIRM]
    assert orders.in_force(decision.status) is None
    assert [note.reason for note in decision.notes] == [EventReason.POLICY_ACTED]
    assert decide_in(CONFIRMATION, observe_cold(decision.status, cold={"confirm": "Automatic"})).call is None


def test_a_server_that_vanished_under_the_call_ends_the_migration() -> None:
    status = answered(deciding(), Absent("ServerNotFound", "gone", operation="o")).status
    assert (status.phase, reason_of(status)) == (Phase.FAILED, Reason.SERVER_GONE)


# --- which order is in force


@pytest.mark.parametrize("verb_requests", [(CONFIRM, REVERT), (REVERT, CONFIRM)])
def test_confirm_and_revert_together_are_both_rejected(verb_requests: tuple[Verb, Verb]) -> None:
    for before, given in ((awaiting(), verb_requests), (awaiting(control(verb_requests[0])), verb_requests[1:])):
        status = decide(observe_cold(before, verb_requests=tuple(ask(verb, "t") for verb in given))).status
        assert {result_of(status, verb) for verb in verb_requests} == {ControlResult.REJECTED}
        assert all("ConflictingVerbs" in (found.message or "") for found in status.controls)


@pytest.mark.parametrize("other", [CONFIRM, REVERT])
def test_an_abort_supersedes_confirm_and_revert(other: Verb) -> None:
    status = decide(observe_cold(awaiting(control(other)), verb_requests=(ask(ABORT),))).status
    assert (result_of(status, ABORT), result_of(status, other)) == (ControlResult.ACCEPTED, ControlResult.SUPERSEDED)
    assert decide_in(CONFIRMATION, observe_cold(status)).call == VerbCall(verb=REVERT, record_id="7")
