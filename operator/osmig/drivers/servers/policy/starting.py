"""The start: what its answer means, and how its effect is found when there was none (architecture.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from osmig.api.migration import UpstreamFacts
from osmig.api.names import EventReason, Phase, Reason, Verb
from osmig.domain import gating, intents, orders, outcome, pauses, recording
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, OutcomeUnknown
from osmig.domain.observation import Commit, Decision, Note
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import admission
from osmig.drivers.servers.views import FindingKind

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import Finding


def answer_start(observation: MoveObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the start that was sent in this step."""
    error = answer.error
    if error is None and answer.receipt is not None and answer.receipt.request_id is not None:
        return adopt(observation, call, answer.receipt.request_id, event=EventReason.MIGRATION_STARTED)
    if error is None:
        return _look(observation, call, "the cloud accepted the start without naming the request; looking for it")
    match error:
        case OutcomeUnknown():
            known = call.model_copy(update={"request_id": error.request_id, "answer": error.reason})
            look = _look(observation, known, f"{error.message}; looking for the start's effect")
            return pauses.remember(observation, look, error.retry_after_s)
        case Absent():
            return outcome.fail(observation, Reason.SERVER_GONE, error.message)
        case _:
            return gating.answer_refusal(observation, error)


def _look(observation: MoveObservation, call: PendingCall, message: str) -> Commit:
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=message)
    return Commit(status=recording.put(observation, verdict, pending_call=call), due_s=0.0)


def adopt(
    observation: MoveObservation,
    call: PendingCall,
    request_id: str | None,
    *,
    event: EventReason,
    reason: Reason = Reason.AWAITING_RECORD,
) -> Commit:
    """Record the start's request id; from here on nothing is ever sent again for this attempt."""
    finding = observation.facts.finding
    record = finding.record if finding is not None else None
    upstream = UpstreamFacts(
        id=record.id if record else None,
        type=record.type if record else None,
        status=record.status if record else None,
        request_id=request_id,
        previous_id=call.mark.previous_id if call.mark else None,
    )
    verdict = Verdict(
        phase=Phase.ABORTING if orders.wants_abort(observation.status) else Phase.STARTING,
        reason=reason,
        message="the cloud accepted the move; its record is awaited",
    )
    after = recording.put(observation, verdict, pending_call=None, upstream=upstream)
    note = Note(reason=event, text=f"the cloud accepted the move (attempt {call.attempt})")
    return Commit(status=after, due_s=min(1.0, observation.timings.record_poll_s), notes=(note,))


def resolve(observation: MoveObservation, call: PendingCall) -> Decision:
    """Find out what became of a start whose answer is not on record: ours after a lost answer, or a dead process's."""
    finding = observation.facts.finding
    if finding is None:
        return read_facts("finding")
    match finding.kind:
        case FindingKind.OURS:
            return adopt(observation, call, finding.request_id, event=EventReason.MIGRATION_ADOPTED)
        case FindingKind.AMBIGUOUS:
            return adopt(
                observation,
                call,
                finding.request_id,
                event=EventReason.MIGRATION_ADOPTED,
                reason=Reason.AMBIGUOUS_START,
            )
        case FindingKind.NOTHING | FindingKind.RIVAL:
            return _resolve_nothing(observation, call, finding)
        case never:
            assert_never(never)


def _resolve_nothing(observation: MoveObservation, call: PendingCall, finding: Finding) -> Decision:
    is_answered = call.answer in {Reason.CONFLICT, Reason.SERVER_ERROR} and call.request_id is not None
    if (look := intents.await_effect(observation, call, 0.0 if is_answered else None)) is not None:
        return look
    if orders.is_active(observation.status, Verb.ABORT):
        return outcome.abort(observation, "aborted; the start that was sent left no trace in the cloud")
    if finding.kind is FindingKind.RIVAL:
        verdict = Verdict(phase=Phase.QUEUED, reason=Reason.SERVER_BUSY, message=finding.detail or "the server is busy")
        queued = recording.put(observation, verdict, pending_call=None, queued_time=observation.now)
        return Commit(status=queued, due_s=observation.timings.sweep_period_s)
    if is_answered:
        verdict = Verdict(
            phase=Phase.PENDING, reason=Reason.RETRYING, message="the cloud failed to start the move; nothing was done"
        )
        asked = pauses.go_on(observation)
        wait_s = max(observation.timings.retry_s, asked.due_s or 0.0 if asked is not None else 0.0)
        return gating.drop_intent(observation, verdict, wait_s)
    return _send_again(observation, call)


def _send_again(observation: MoveObservation, call: PendingCall) -> Decision:
    if (ended := intents.give_up(observation, call, what="start", where="the cloud")) is not None:
        return ended
    label = intents.label_of(call)
    if observation.facts.survey is None:
        return read_facts("finding", "survey")
    if observation.facts.survey.server.is_busy:
        return Commit(status=recording.keep(observation), due_s=intents.LOOK_AGAIN_S, waiting_for=label)
    return admission.judge(observation, observation.facts.survey, sends=call.sends + 1)
