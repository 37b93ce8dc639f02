"""Intents: written down before a call that must not be made twice, kept until its effect is known (ADR 0002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import Failure, PendingCall
from osmig.api.names import EventReason, Phase, Reason
from osmig.domain import next_status, origins, outcome, policies
from osmig.domain.conditions import Verdict
from osmig.domain.observation import Commit, Note

if TYPE_CHECKING:
    from osmig.api.migration import Baseline, MigrationStatus
    from osmig.domain.calls import Operation
    from osmig.domain.errors import OutcomeUnknown
    from osmig.domain.observation import Observation

MAX_SENDS = 2
"""Calls whose answer was lost and that left no trace, before the Migration gives up."""

LOOKUP_PERIOD_S = 5.0


def write(observation: Observation, operation: Operation, *, baseline: Baseline, sends: int = 1) -> PendingCall:
    """Return the intent of a call that this very step makes."""
    return PendingCall(
        operation=operation,
        attempt=observation.status.attempt or 1,
        holder=observation.holder,
        time=observation.now,
        sends=sends,
        # so that its effect is not looked for elsewhere
        baseline=origins.add_origin(baseline, origins.of_provider(observation.provider)),
    )


def wait_key_of(call: PendingCall) -> str:
    """Name the wait for one intent; another holder or time is another wait."""
    return f"intent:{call.holder}:{call.time.isoformat()}"


def describe_unknown(
    observation: Observation, call: PendingCall, error: OutcomeUnknown, message: str
) -> MigrationStatus:
    """Return the status in which the effect of a call is looked for, with what upstream said to it on record.

    Should the lookup find nothing, these words tell why; a restart between must not lose them.

    Args:
        observation: of this moment.
        call: its intent.
        error: the answer, which proves nothing.
        message: what is done now, in words fit for status.
    """
    known = call.model_copy(update={"request_id": error.request_id or call.request_id, "answer": error.reason})
    reason = error.reason if error.reason in {*Reason} else Reason.STARTING
    verdict = Verdict(phase=Phase.STARTING, reason=reason, message=f"{error.message}; {message}")
    failure = Failure(reason=error.reason, message=error.message)
    return next_status.build(observation, verdict, pending_call=known, failure=failure)


def await_effect(observation: Observation, call: PendingCall, wait_s: float | None = None) -> Commit | None:
    """Look again until a call without an answer would have shown its effect; ``None`` when that time is over.

    Args:
        observation: of this moment, in which the effect is not to be seen.
        call: its intent.
        wait_s: how long to look; by default as long as the slowest effect takes.
    """
    slowest_s = observation.timings.resend_after_s
    if observation.has_waited(wait_key_of(call), slowest_s if wait_s is None else wait_s):
        return None
    due_s = min(LOOKUP_PERIOD_S, slowest_s / 4)
    return Commit(status=next_status.keep_phase(observation), due_s=due_s, wait_key=wait_key_of(call))


def give_up(observation: Observation, call: PendingCall, *, what: str, where: str) -> Commit | None:
    """End what was sent in vain often enough, for too long, or by an object that is going; ``None`` for once more.

    Args:
        observation: of this moment, in which it is certain that no effect is left to be awaited.
        call: its intent.
        what: was sent, as status calls it: ``start``.
        where: its effect was looked for: ``the cloud``.
    """
    if (overdue := policies.end_past_deadline(observation)) is not None:
        return overdue
    if call.sends >= MAX_SENDS:
        failure = observation.status.failure
        words = f"; the last time: {failure.message}" if failure is not None and failure.message else ""
        message = f"{call.sends} {what}s got no answer and left no trace in {where}{words}"
        return outcome.fail(observation, Reason.START_LOST, message)
    if observation.migration.metadata.deletion_timestamp is not None:
        message = f"the {what} left no trace in {where} and is not sent again: the Migration is being deleted"
        return outcome.fail(observation, Reason.START_LOST, message)
    return None


def answer_late(observation: Observation, *, made: str | None, followed: str | None, taken: str) -> Commit:
    """Decide when somebody else resolved the intent meanwhile: their record stands, and no second start stays unseen.

    Args:
        observation: of this moment.
        made: the id of what this answer is about; ``None`` when nothing was made.
        followed: the id on record.
        taken: who accepted what, as the Event says it: ``the cloud accepted a start``.
    """
    notes: tuple[Note, ...] = ()
    if made is not None and made != followed:
        kept = f"{followed} is followed" if followed is not None else "none is followed"
        text = f"{taken} that was given up: {kept}, {made} is not"
        notes = (Note(reason=EventReason.DUPLICATE_START, text=text, is_warning=True),)
    return Commit(status=observation.status, due_s=0.0, notes=notes)
