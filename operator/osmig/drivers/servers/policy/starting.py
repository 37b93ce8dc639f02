"""The start: what its answer means, and how its effect is found when there was none (architecture.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from osmig.api.migration import UpstreamFacts
from osmig.api.names import EventReason, Phase, Reason, Verb
from osmig.domain import gating, intents, next_status, orders, outcome, pauses, refusals
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, OutcomeUnknown
from osmig.domain.observation import Commit, Decision, Note
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import admission
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import CallLookup

_ANSWERS = frozenset({Reason.CONFLICT, Reason.SERVER_ERROR, Reason.START_REFUSED})
"""Nova's own: after one of these, an idle server without a new action proves that nothing was started."""


def answer_start(observation: MoveObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the start that was sent in this step."""
    error = answer.error
    if error is None and answer.receipt is not None and answer.receipt.request_id is not None:
        return adopt(observation, call, answer.receipt.request_id, event=EventReason.MIGRATION_STARTED)
    if error is None:
        return _look_up_effect(
            observation, call, "the cloud accepted the start without naming the request; looking for it"
        )
    match error:
        case OutcomeUnknown():
            after = intents.describe_unknown(observation, call, error, "looking for the start's effect")
            return pauses.remember(observation, Commit(status=after, due_s=0.0), error.retry_after_s)
        case Absent():
            return outcome.fail(observation, Reason.SERVER_GONE, error.message)
        case _:
            return gating.answer_refusal(observation, error)


def _look_up_effect(observation: MoveObservation, call: PendingCall, message: str) -> Commit:
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=message)
    return Commit(status=next_status.build(observation, verdict, pending_call=call), due_s=0.0)


def adopt(
    observation: MoveObservation,
    call: PendingCall,
    request_id: str | None,
    *,
    event: EventReason,
    reason: Reason = Reason.AWAITING_RECORD,
) -> Commit:
    """Record the start's request id; from here on nothing is ever sent again for this attempt."""
    call_lookup = observation.facts.call_lookup
    record = call_lookup.record if call_lookup is not None else None
    upstream = UpstreamFacts(
        id=record.id if record else None,
        type=record.type if record else None,
        status=record.status if record else None,
        request_id=request_id,
        previous_id=call.baseline.previous_id if call.baseline else None,
    )
    verdict = Verdict(
        phase=Phase.ABORTING if orders.wants_abort(observation.status) else Phase.STARTING,
        reason=reason,
        message="the cloud accepted the move; its record is awaited",
    )
    after = next_status.build(observation, verdict, pending_call=None, upstream=upstream, failure=None)
    note = Note(reason=event, text=f"the cloud accepted the move (attempt {call.attempt})")
    return Commit(status=after, due_s=min(1.0, observation.timings.record_poll_s), notes=(note,))


def resolve(observation: MoveObservation, call: PendingCall) -> Decision:
    """Find out what became of a start whose answer is not on record: ours after a lost answer, or a dead process's."""
    call_lookup = observation.facts.call_lookup
    if call_lookup is None:
        return read_facts("call_lookup")
    match call_lookup.kind:
        case CallLookupKind.OURS:
            return adopt(observation, call, call_lookup.request_id, event=EventReason.MIGRATION_ADOPTED)
        case CallLookupKind.AMBIGUOUS:
            return adopt(
                observation,
                call,
                call_lookup.request_id,
                event=EventReason.MIGRATION_ADOPTED,
                reason=Reason.AMBIGUOUS_START,
            )
        case CallLookupKind.NOTHING | CallLookupKind.CONFLICT:
            return _resolve_nothing(observation, call, call_lookup)
        case never:
            assert_never(never)


def _resolve_nothing(observation: MoveObservation, call: PendingCall, call_lookup: CallLookup) -> Decision:
    is_answered = call.answer in _ANSWERS and call.request_id is not None
    if (awaiting := intents.await_effect(observation, call, 0.0 if is_answered else None)) is not None:
        return awaiting
    if orders.is_active(observation.status, Verb.ABORT):
        return outcome.abort(observation, "aborted; the start that was sent left no trace in the cloud")
    if call_lookup.kind is CallLookupKind.CONFLICT:
        verdict = Verdict(
            phase=Phase.QUEUED, reason=Reason.SERVER_BUSY, message=call_lookup.detail or "the server is busy"
        )
        queued = next_status.build(observation, verdict, pending_call=None, failure=None, queued_time=observation.now)
        return Commit(status=queued, due_s=observation.timings.sweep_period_s)
    return _answer_refused(observation, call) if is_answered else _send_again(observation, call)


def _answer_refused(observation: MoveObservation, call: PendingCall) -> Commit:
    """Nova itself answered, its server is idle and no action is there: nothing was done, and it said why."""
    failure = observation.status.failure
    if call.answer == Reason.START_REFUSED:
        words = (failure.message if failure is not None else None) or "the cloud refused the start"
        return outcome.fail(observation, Reason.START_REFUSED, words)
    asked = pauses.go_on(observation)
    wait_s = asked.due_s or 0.0 if asked is not None else 0.0
    return refusals.answer(observation, Reason(call.answer or Reason.SERVER_ERROR), wait_s=wait_s)


def _send_again(observation: MoveObservation, call: PendingCall) -> Decision:
    if (ended := intents.give_up(observation, call, what="start", where="the cloud")) is not None:
        return ended
    if observation.facts.pre_start is None:
        return read_facts("call_lookup", "pre_start")
    if observation.facts.pre_start.server.is_busy:
        return Commit(
            status=next_status.keep_phase(observation), due_s=intents.LOOKUP_PERIOD_S, wait_key=observation.wait_key
        )
    return admission.judge(observation, observation.facts.pre_start, sends=call.sends + 1)
