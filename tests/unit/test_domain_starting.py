"""The start: what each answer means, and how its effect is found when there was none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_samples import (
    HOLDER,
    LOST,
    NOW,
    REQUEST,
    call_lookup,
    control,
    having_waited,
    intent,
    observe,
    observe_waited,
    pre_start,
    reason_of,
    record,
    result_of,
    sent,
    server,
)
from domain_world import World, decide_in
from osmig.api.names import ConditionType, ControlResult, EventReason, Phase, Reason, Verb
from osmig.domain.calls import Answer, Receipt
from osmig.domain.errors import (
    Absent,
    BackendError,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall

NOTHING = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
CONFLICT = World(
    call_lookup=call_lookup(CallLookupKind.CONFLICT, server(busy=True), detail="migration 9 (running)"),
    pre_start=pre_start(),
)
ANSWERED = intent(answer="Conflict", request_id="req-x")


def answer(error: BackendError | None = None, receipt: Receipt | None = None) -> Answer:
    return Answer(call=StartCall(), receipt=receipt, error=error)


def test_an_accepted_start_is_on_record_by_its_request_id_and_the_intent_is_gone() -> None:
    decision = decide(observe(sent(), answer=answer(receipt=Receipt(request_id=REQUEST))))
    status = decision.status
    assert status.pending_call is None
    assert status.upstream is not None
    assert (status.upstream.request_id, status.upstream.id, status.upstream.previous_id) == (REQUEST, None, "6")
    assert (status.phase, reason_of(status)) == (Phase.STARTING, Reason.AWAITING_RECORD)
    assert [note.reason for note in decision.notes] == [EventReason.MIGRATION_STARTED]


def test_an_accepted_start_without_a_request_id_is_looked_for_at_once() -> None:
    decision = decide(observe(sent(), answer=answer(receipt=Receipt(request_id=None))))
    assert decision.status.pending_call == intent()
    assert decision.due_s == 0.0


@pytest.mark.parametrize(
    ("error", "phase", "reason", "due_s"),
    [
        (Refused("NoValidHost", "none", operation="o"), Phase.FAILED, "NoValidHost", None),
        (Unsupported("TooOld", "old", operation="o"), Phase.FAILED, Reason.UNSUPPORTED, None),
        (NotPermitted("NotPermitted", "no", operation="o"), Phase.FAILED, Reason.NOT_PERMITTED, None),
        (Unauthorized(Reason.UNAUTHORIZED, "401", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
        (Transient("TooMany", "later", operation="o", retry_after_s=33), Phase.PENDING, Reason.RETRYING, 33),
        (Transient("PermitExpired", "late", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
        (Absent("ServerNotFound", "gone", operation="o"), Phase.FAILED, Reason.SERVER_GONE, None),
    ],
)
def test_an_answer_that_proves_that_nothing_happened_drops_the_intent(
    error: BackendError, phase: Phase, reason: str, due_s: float | None
) -> None:
    decision = decide(observe(sent(), answer=answer(error)))
    assert (decision.status.phase, reason_of(decision.status), decision.due_s) == (phase, reason, due_s)
    assert decision.status.pending_call is None
    assert decision.status.start_time == NOW


@pytest.mark.parametrize(("word", "request_id"), [("Conflict", "req-x"), ("ServerError", "req-y"), ("NoAnswer", None)])
def test_an_answer_that_proves_nothing_keeps_the_intent_with_what_it_told(word: str, request_id: str | None) -> None:
    error = OutcomeUnknown(word, "the answer is lost", operation="o", request_id=request_id)
    decision = decide(observe(sent(), answer=answer(error)))
    call = decision.status.pending_call
    assert call is not None
    assert (call.answer, call.request_id, call.sends) == (word, request_id, 1)
    assert decision.due_s == 0.0
    assert reason_of(decision.status) == word


def test_a_start_whose_outcome_is_unknown_is_looked_for_before_anything_else() -> None:
    assert decide(observe(sent())).wants == {"call_lookup"}


def test_our_action_is_adopted_at_once_also_from_a_dead_process() -> None:
    found = World(call_lookup=call_lookup(CallLookupKind.OURS, request_id=REQUEST, record=record("preparing")))
    decision = decide_in(found, observe(sent(call=intent(holder="dead"))))
    status = decision.status
    assert status.pending_call is None
    assert status.upstream is not None
    assert (status.upstream.request_id, status.upstream.id, status.upstream.status) == (REQUEST, "7", "preparing")
    assert [note.reason for note in decision.notes] == [EventReason.MIGRATION_ADOPTED]
    assert decision.call is None


def test_several_candidates_are_adopted_as_ambiguous_and_nothing_is_sent() -> None:
    found = World(call_lookup=call_lookup(CallLookupKind.AMBIGUOUS, request_id="req-a"))
    decision = decide_in(found, observe(sent()))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.STARTING, Reason.AMBIGUOUS_START)
    assert decision.call is None


@pytest.mark.parametrize("call", [ANSWERED, intent(answer="ServerError", request_id="req-x")])
def test_an_answered_start_without_an_action_was_not_started_and_may_be_tried_anew(call: PendingCall) -> None:
    decision = decide_in(NOTHING, observe(sent(call=call)))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.PENDING, Reason.RETRYING)
    assert decision.status.pending_call is None
    assert decision.call is None


def test_an_error_without_a_request_id_counts_as_no_answer() -> None:
    decision = decide_in(NOTHING, observe(sent(call=intent(answer="ServerError"))))
    assert decision.status.pending_call is not None
    assert decision.wait_key


@pytest.mark.parametrize("world", [NOTHING, CONFLICT], ids=["idle", "rival"])
@pytest.mark.parametrize("holder", [HOLDER, "another process"])
def test_without_an_answer_the_intent_stays_until_its_slowest_effect_would_have_shown(
    world: World, holder: str
) -> None:
    status = sent(call=intent(holder=holder))
    for seconds in (0.0, 119.0):
        decision = decide_in(world, observe_waited(status, seconds))
        assert decision.status.pending_call == having_waited(status, int(seconds))
        assert decision.call is None
        assert decision.due_s == 5.0
        assert decision.wait_key


def test_a_short_grace_never_undercuts_the_time_for_taking_over() -> None:
    short = observe(sent()).timings.__class__(adopt_after_s=70, start_grace_s=1)
    assert decide_in(NOTHING, observe_waited(sent(), 69, timings=short)).call is None
    assert decide_in(NOTHING, observe_waited(sent(), 70, timings=short)).call == StartCall()


def test_a_start_without_answer_and_trace_is_sent_once_more_under_a_new_intent_of_our_own() -> None:
    decision = decide_in(NOTHING, observe_waited(sent(call=intent(holder="dead"))))
    call = decision.status.pending_call
    assert decision.call == StartCall()
    assert call is not None
    assert (call.holder, call.time, call.sends, call.attempt) == (HOLDER, NOW, 2, 1)
    assert decision.status.start_time == NOW


def test_a_third_start_is_never_sent() -> None:
    decision = decide_in(NOTHING, observe_waited(sent(call=intent(sends=2))))
    assert decision.call is None
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.START_LOST)
    assert decision.status.failure is not None
    assert decision.status.failure.retryable


def test_a_start_is_never_sent_again_while_its_object_is_being_deleted() -> None:
    decision = decide_in(NOTHING, observe_waited(sent(), deleting=True))
    assert decision.call is None
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.START_LOST)


def test_a_start_is_not_sent_again_to_a_server_that_just_became_busy() -> None:
    world = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start(server(busy=True)))
    decision = decide_in(world, observe_waited(sent()))
    assert decision.call is None
    assert decision.status.pending_call == intent()
    assert decision.wait_key


def test_a_rival_sends_the_migration_back_to_the_queue() -> None:
    decision = decide_in(CONFLICT, observe_waited(sent()))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.QUEUED, Reason.SERVER_BUSY)
    assert decision.status.pending_call is None
    assert "migration 9 (running)" in decision.status.conditions[0].message


def test_a_rival_that_got_ahead_of_an_answered_start_needs_no_waiting() -> None:
    decision = decide_in(CONFLICT, observe(sent(call=ANSWERED)))
    assert decision.status.phase is Phase.QUEUED


def test_an_abort_stops_a_second_send_and_the_look_goes_on_first() -> None:
    status = sent(control(Verb.ABORT))
    early = decide_in(NOTHING, observe_waited(status, 10))
    assert early.status.pending_call is not None
    assert result_of(early.status, Verb.ABORT) is ControlResult.ACCEPTED
    late = decide_in(NOTHING, observe_waited(status))
    assert late.call is None
    assert late.status.phase is Phase.ABORTED
    assert result_of(late.status, Verb.ABORT) is ControlResult.DONE


def test_an_abort_that_finds_the_start_goes_on_as_aborting() -> None:
    found = World(call_lookup=call_lookup(CallLookupKind.OURS, request_id=REQUEST))
    decision = decide_in(found, observe(sent(control(Verb.ABORT))))
    assert decision.status.phase is Phase.ABORTING


def test_a_lost_provider_keeps_the_intent_and_says_so_in_its_condition() -> None:
    decision = decide(observe(sent(), provider=LOST))
    assert decision.status.pending_call == intent()
    assert decision.status.phase is Phase.STARTING
    ready = next(c for c in decision.status.conditions if c.type == ConditionType.PROVIDER_READY)
    assert (ready.status, ready.reason) == ("False", Reason.UNREACHABLE)


def test_a_look_that_fails_keeps_the_intent_and_looks_again() -> None:
    decision = decide(observe(sent(), read_error=Transient("Unreachable", "x", operation="o")))
    assert decision.status.pending_call == intent()
    assert decision.due_s == 10.0


def test_a_server_that_is_gone_ends_the_look() -> None:
    gone = Absent("ServerNotFound", "x", operation="o")
    decision = decide(observe(sent(), read_error=gone, failed_fact="call_lookup"))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.SERVER_GONE)


@pytest.mark.parametrize(
    "error",
    [Refused("NoValidHost", "x", operation="o"), Transient("Busy", "x", operation="o")],
)
def test_a_late_refusal_never_drops_the_intent_of_the_process_that_took_over(error: BackendError) -> None:
    theirs = sent(call=intent(holder="another process", sends=2))
    decision = decide(observe(theirs, answer=answer(error)))
    assert decision.status == theirs
    assert decision.due_s == 0.0


def test_a_late_receipt_answers_the_intent_of_the_process_that_took_over() -> None:
    theirs = sent(call=intent(holder="another process"))
    decision = decide(observe(theirs, answer=answer(receipt=Receipt(request_id=REQUEST))))
    assert decision.status.upstream is not None
    assert decision.status.upstream.request_id == REQUEST
