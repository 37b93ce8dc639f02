"""Build the next status of a Migration: the recorded one, changed by a verdict; deadlines run or stop."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypedDict

from osmig.api.migration_changes import StatusChanges, change_status
from osmig.api.names import ConditionType, Phase, Reason
from osmig.domain import origins
from osmig.domain.conditions import Verdict, describe_migration, find_condition
from osmig.domain.phases import FINISHED, WAITING

if TYPE_CHECKING:
    from typing import Unpack

    from osmig.api.migration import ConfirmFacts, Failure, MigrationStatus
    from osmig.domain.observation import Observation


class AttemptChanges(TypedDict):
    """The fields of a status that tell of an attempt's begin."""

    attempt: int
    start_time: dt.datetime
    attempt_start_time: dt.datetime
    failure: Failure | None


def build(observation: Observation, verdict: Verdict, **changes: Unpack[StatusChanges]) -> MigrationStatus:
    """Return the recorded status with a verdict's conditions and ``changes`` to its fields."""
    status = observation.status
    generation = observation.migration.metadata.generation
    conditions = describe_migration(
        verdict,
        observation.provider,
        before=status.conditions,
        generation=generation,
        now=observation.now,
    )
    decided: StatusChanges = {
        "phase": verdict.phase,
        "observed_generation": generation,
        **observation.facts.describe(status),
        "conditions": conditions,
        **changes,
    }
    return _adjust_times(observation, _name_origin(observation, change_status(status, **decided)))


def _name_origin(observation: Observation, after: MigrationStatus) -> MigrationStatus:
    """Keep on record where the move was started: by its intent, or by what it is followed with first."""
    upstream, recorded = after.upstream, origins.find_recorded(observation.status)
    if upstream is None or upstream.endpoint is not None:
        return after
    if recorded is None or recorded.endpoint is None:
        recorded = origins.of_provider(observation.provider)
    return change_status(after, upstream=origins.add_origin(upstream, recorded))


def _adjust_times(observation: Observation, after: MigrationStatus) -> MigrationStatus:
    """Stop the clock of the deadline while a confirmation is awaited, and keep the queue's only while queued."""
    confirm = after.confirm
    is_awaiting = after.phase is Phase.AWAITING_CONFIRMATION
    if confirm is not None and confirm.start_time is not None:
        end_time = None if is_awaiting else confirm.end_time or observation.now
        confirm = confirm.model_copy(update={"end_time": end_time})
    changes: StatusChanges = {"confirm": confirm}
    if after.phase not in FINISHED:
        changes["deadline_time"] = None if is_awaiting else find_deadline(observation, after, confirm)
    if after.phase not in WAITING:
        changes["queued_time"] = None
    return change_status(after, **changes)


def describe_begin(observation: Observation) -> AttemptChanges:
    """Return the fields of an attempt that begins now, or began earlier: an earlier failure is over with it."""
    status = observation.status
    return {
        "attempt": status.attempt or 1,
        "start_time": status.start_time or observation.now,
        "attempt_start_time": status.attempt_start_time or observation.now,
        "failure": None,
    }


def find_deadline(
    observation: Observation, status: MigrationStatus, confirm: ConfirmFacts | None
) -> dt.datetime | None:
    """Return when ``deadlineSeconds`` are over, all attempts counted and the waits for a confirmation not."""
    if status.start_time is None:
        return None
    allowed = dt.timedelta(seconds=observation.migration.spec.deadline_seconds + (status.paused_seconds or 0))
    return status.start_time + allowed + measure_pause(confirm)


def measure_pause(confirm: ConfirmFacts | None) -> dt.timedelta:
    """Return how long the current attempt awaited its confirmation."""
    if confirm is None or confirm.start_time is None or confirm.end_time is None:
        return dt.timedelta()
    return max(dt.timedelta(), confirm.end_time - confirm.start_time)


def keep_phase(observation: Observation, **changes: Unpack[StatusChanges]) -> MigrationStatus:
    """Return the status as recorded, with today's Provider condition and ``changes``; the phase stays."""
    status = observation.status
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    verdict = Verdict(
        phase=status.phase or Phase.PENDING,
        reason=succeeded.reason if succeeded else Reason.VALIDATING,
        message=succeeded.message if succeeded else "",
    )
    return build(observation, verdict, **changes)
