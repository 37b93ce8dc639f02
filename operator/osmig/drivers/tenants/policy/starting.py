"""The order: what its answer means, and how its effect is found when there was none (docs/waldur.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import EventReason, Phase, Reason, Verb
from osmig.domain import gating, intents, next_status, orders, outcome, pauses
from osmig.domain.conditions import Verdict
from osmig.domain.errors import OutcomeUnknown
from osmig.domain.observation import Commit, Decision, Note
from osmig.drivers.tenants.facts import read as read_facts
from osmig.drivers.tenants.policy import admitting, choosing, facts, jobs, visibility
from osmig.drivers.tenants.views import RunView

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.drivers.tenants.facts import ReplicationObservation


def answer(observation: ReplicationObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the order that was sent in this step."""
    error, run = answer.error, read_run(answer)
    match error:
        case None if run is not None:
            return _begin(observation, call, run)
        case None:
            return _look_up_effect(
                observation, call, "Waldur accepted the order without naming the run; looking for it"
            )
        case OutcomeUnknown():
            after = intents.describe_unknown(observation, call, error, "looking for the order's effect")
            return pauses.remember(observation, Commit(status=after, due_s=0.0), error.retry_after_s)
        case _:
            return gating.answer_refusal(observation, error)


def read_run(answer: Answer) -> RunView | None:
    """Return the run that an order began; ``None`` where the answer does not tell."""
    made = answer.receipt.made if answer.receipt is not None else None
    return made if isinstance(made, RunView) else None


def _begin(observation: ReplicationObservation, call: PendingCall, run: RunView) -> Commit:
    message = f"Waldur took the order; the replica is {run.replica_name or 'not named yet'}"
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.SCHEDULED, message=message)
    described = facts.describe_run(observation, run)
    after = next_status.build(observation, verdict, pending_call=None, failure=None, **described)
    note = Note(reason=EventReason.MIGRATION_STARTED, text=f"Waldur took the order (attempt {call.attempt})")
    return Commit(status=after, due_s=min(1.0, observation.timings.run_poll_s), notes=(note,))


def _look_up_effect(observation: ReplicationObservation, call: PendingCall, message: str) -> Commit:
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=message)
    return Commit(status=next_status.build(observation, verdict, pending_call=call), due_s=0.0)


def resolve(observation: ReplicationObservation, call: PendingCall) -> Decision:
    """Find out what became of an order whose answer is not on record: ours after a lost answer, or a dead process's."""
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    if observation.facts.runs is None:
        return read_facts("runs")
    name = call.baseline.name if call.baseline is not None else None
    choice = choosing.find_named(observation.facts.runs, name, attempt=call.attempt) if name else None
    if choice is not None:
        return admitting.adopt(observation, choice)
    if name is None:
        message = "the name of the replica was removed from status, so it cannot be found; nothing more is sent"
        return outcome.fail(observation, Reason.RECORD_GONE, message)
    user_id = call.baseline.user_id if call.baseline is not None else None
    if visibility.may_be_hidden(observation, user_id):
        return visibility.wait_for_token_of_user(observation)
    return _resolve_nothing(observation, call, name)


def _resolve_nothing(observation: ReplicationObservation, call: PendingCall, name: str) -> Decision:
    """Order again, a bounded number of times, once the slowest possible effect would have shown."""
    if (awaiting := intents.await_effect(observation, call)) is not None:
        return awaiting
    if orders.is_active(observation.status, Verb.ABORT):
        return outcome.abort(observation, "aborted; the order that was sent left no trace in Waldur")
    if (ended := intents.give_up(observation, call, what="order", where="Waldur")) is not None:
        return ended
    mappings = jobs.find_mappings(observation)
    if mappings is None or admitting.has_changed(observation, mappings):
        message = "the order left no trace in Waldur, and its mappings changed meanwhile; it is not sent again"
        return outcome.fail(observation, Reason.MAPPING_CHANGED, message)
    return admitting.order(observation, name, sends=call.sends + 1)
