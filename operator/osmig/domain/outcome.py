"""The end of an attempt: outcome, orders, Event; and whether another attempt follows by itself."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.migration import Attempt, Failure, Progress
from osmig.api.migration_changes import change_status
from osmig.api.names import EventReason, Phase, Policy, Reason
from osmig.domain.conditions import Verdict
from osmig.domain.next_status import build
from osmig.domain.observation import Commit, Note
from osmig.domain.orders import close_controls, in_force
from osmig.domain.retrying import begin_attempt, find_pause_s
from osmig.domain.split_states import SPLIT_STATES

if TYPE_CHECKING:
    from typing import Unpack

    from osmig.api.migration import MigrationStatus
    from osmig.api.migration_changes import StatusChanges
    from osmig.domain.observation import Observation

KEPT_ATTEMPTS = 5

RETRYABLE = frozenset(
    {
        Reason.NO_VALID_HOST,
        Reason.PRE_CHECK_FAILED,
        Reason.HYPERVISOR_FAILED,
        Reason.START_LOST,
        Reason.SERVER_ERROR,
        Reason.CONFLICT,
        Reason.QUOTA_EXCEEDED,
    }
)
"""Failures after which the same order may well succeed later."""

_ENDINGS = {
    Phase.SUCCEEDED: EventReason.MIGRATION_SUCCEEDED,
    Phase.FAILED: EventReason.MIGRATION_FAILED,
    Phase.ABORTED: EventReason.MIGRATION_ABORTED,
    Phase.REVERTED: EventReason.MIGRATION_REVERTED,
}


def end(observation: Observation, verdict: Verdict, **changes: Unpack[StatusChanges]) -> Commit:
    """End the attempt: outcome, orders and Event in one status; after some failures another attempt follows.

    Only what was started leaves an entry in ``attempts``; a finished Migration without one is evaluated anew when its
    spec changes.
    """
    status = observation.status
    progress = changes.get("progress", observation.newest_progress)
    if verdict.phase is Phase.SUCCEEDED and (status.upstream is not None or changes.get("upstream") is not None):
        progress = (progress or Progress()).model_copy(update={"percent": 100})
    if progress is not None:
        progress = progress.model_copy(update={"eta_seconds": None})
    controls, notes = close_controls(status.controls, verdict, now=observation.now)
    ended: StatusChanges = {
        **changes,
        "progress": progress,
        "completion_time": observation.now,
        "pending_call": None,
        "failure": _describe_failure(verdict),
        "controls": controls,
    }
    after = build(observation, _name_runbook(verdict), **ended)
    if status.start_time is not None:
        after = change_status(after, attempts=_append_attempt(after, verdict))
    pause_s = find_pause_s(observation, verdict) if verdict.reason in RETRYABLE else None
    if pause_s is not None:
        return _schedule(observation, after, verdict, pause_s=pause_s, notes=notes)
    note = Note(
        reason=_ENDINGS[verdict.phase],
        text=f"{verdict.reason}: {verdict.message}" if verdict.message else verdict.reason,
        is_warning=verdict.phase is Phase.FAILED,
    )
    return Commit(status=after, notes=(*notes, note), due_s=0.0 if _has_more(observation) else None)


def _has_more(observation: Observation) -> bool:
    """Whether something remains to be done to the object itself."""
    migration = observation.migration
    return bool(migration.metadata.finalizers) or migration.spec.ttl_seconds_after_finished is not None


def _name_runbook(verdict: Verdict) -> Verdict:
    """Where record, server and host disagree, a person needs the page that tells what to look at."""
    if verdict.reason not in SPLIT_STATES:
        return verdict
    return Verdict(phase=verdict.phase, reason=verdict.reason, message=f"{verdict.message} (runbook {verdict.reason})")


def _describe_failure(verdict: Verdict) -> Failure | None:
    if verdict.phase is Phase.SUCCEEDED:
        return None
    return Failure(reason=verdict.reason, message=verdict.message or None, retryable=verdict.reason in RETRYABLE)


def _schedule(
    observation: Observation, ended: MigrationStatus, verdict: Verdict, *, pause_s: float, notes: tuple[Note, ...]
) -> Commit:
    """Go on to the next attempt after a pause, with the failure of the last one in view."""
    next_time = observation.now + dt.timedelta(seconds=pause_s)
    failure = ended.failure.model_copy(update={"next_retry_time": next_time}) if ended.failure else None
    after = begin_attempt(observation, ended, message=verdict.message, failure=failure)
    note = Note(
        reason=EventReason.MIGRATION_RETRYING,
        text=f"attempt {ended.attempt or 1} ended ({verdict.reason}); another one follows",
        is_warning=True,
    )
    return Commit(status=after, notes=(*notes, note), due_s=pause_s)


def _append_attempt(status: MigrationStatus, verdict: Verdict) -> tuple[Attempt, ...]:
    number = status.attempt or 1
    ended = Attempt(
        number=number,
        upstream_id=status.upstream.id if status.upstream else None,
        source_host=status.placement.source_host if status.placement else None,
        destination_host=status.placement.destination_host if status.placement else None,
        outcome=verdict.phase,
        reason=verdict.reason,
        # a later attempt that ended before it meant to call has no start
        start_time=status.attempt_start_time or (status.start_time if number == 1 else None),
        end_time=status.completion_time,
    )
    earlier = tuple(attempt for attempt in status.attempts if attempt.number != number)
    return (*earlier, ended)[-KEPT_ATTEMPTS:]


def fail(observation: Observation, reason: str, message: str, **changes: Unpack[StatusChanges]) -> Commit:
    """End as Failed."""
    return end(observation, Verdict(phase=Phase.FAILED, reason=reason, message=message), **changes)


def succeed(observation: Observation, reason: str, message: str, **changes: Unpack[StatusChanges]) -> Commit:
    """End as Succeeded."""
    return end(observation, Verdict(phase=Phase.SUCCEEDED, reason=reason, message=message), **changes)


def abort(observation: Observation, message: str, **changes: Unpack[StatusChanges]) -> Commit:
    """End a move that the order in force called off: Aborted for a user, Failed with its reason for a policy."""
    order = in_force(observation.status)
    match order.policy if order is not None else None:
        case Policy.ON_STALL:
            verdict = Verdict(phase=Phase.FAILED, reason=Reason.STALLED, message=f"onStall called it off: {message}")
        case Policy.ON_DEADLINE:
            text = f"onDeadline called it off: {message}"
            verdict = Verdict(phase=Phase.FAILED, reason=Reason.DEADLINE_EXCEEDED, message=text)
        case _:
            verdict = Verdict(phase=Phase.ABORTED, reason=Reason.ABORTED, message=message)
    return end(observation, verdict, **changes)


def revert(observation: Observation, reason: str, message: str, **changes: Unpack[StatusChanges]) -> Commit:
    """End as Reverted."""
    return end(observation, Verdict(phase=Phase.REVERTED, reason=reason, message=message), **changes)
