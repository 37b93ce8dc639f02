"""Intents: written down before a call that must not be made twice, kept until its effect is known (ADR 0002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import Failure, PendingCall
from osmig.api.migration_intent import MAX_WAITED_S
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

PARTS = 6
"""Of the wait for the slowest effect; each is recorded, and the last one is that of the process that goes on."""


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
    """Name the wait for one intent since what is on record of it; another holder, time or record is another wait."""
    return _name(call, call.waited_seconds or 0)


def _name(call: PendingCall, counted_s: int) -> str:
    return f"intent:{call.holder}:{call.time.isoformat()}:{counted_s}"


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

    A process records what it has waited, part by part, and the next one waits for the rest (ADR 0034). No two clocks
    are compared: each process adds what it has measured itself since it saw what the one before it recorded.

    Args:
        observation: of this moment, in which the effect is not to be seen.
        call: its intent.
        wait_s: how long this process must have looked; by default all together, as long as the slowest effect takes.
    """
    slowest_s = observation.timings.resend_after_s
    counted_s, part_s = _find_waited(observation, call), slowest_s / PARTS
    wait_key = _name(call, counted_s)
    if observation.has_waited(wait_key, max(slowest_s - counted_s, part_s) if wait_s is None else wait_s):
        return None
    after, age_s = next_status.keep_phase(observation), observation.wait_ages_s.get(wait_key, 0.0)
    if age_s >= max(part_s, 1.0):
        known = call.model_copy(update={"waited_seconds": min(counted_s + int(age_s), MAX_WAITED_S)})
        after, wait_key = next_status.keep_phase(observation, pending_call=known), wait_key_of(known)
    return Commit(status=after, due_s=min(LOOKUP_PERIOD_S, slowest_s / 4), wait_key=wait_key)


def _find_waited(observation: Observation, call: PendingCall) -> int:
    """Return the seconds on record, or as this process wrote them, should the API server not know the field yet."""
    recorded_s, written = call.waited_seconds or 0, observation.wait_key.rpartition(":")[2]
    if written.isdecimal() and observation.wait_key == _name(call, int(written)):
        return max(recorded_s, int(written))
    return recorded_s


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
