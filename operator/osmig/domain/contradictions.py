"""A phase that somebody else wrote: what contradicts its own conditions, intent or record is put right before a step.

A phase sums up what else the status says, so two witnesses against it are believed. What was removed is another matter:
without the record of a start nothing is sent (`osmig.domain.machine`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.migration_changes import change_status
from osmig.api.names import ConditionStatus, ConditionType, Phase, Reason
from osmig.domain.calls import Operation
from osmig.domain.conditions import find_condition
from osmig.domain.observation import Commit
from osmig.domain.phases import CONFIRMATION, FINISHED, WAITING, is_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.migration import Migration, MigrationStatus
    from osmig.domain.observation import Observation

_DECISIONS: Mapping[str, Phase] = {Operation.CONFIRM: Phase.CONFIRMING, Operation.REVERT: Phase.REVERTING}

_WAITING_REASONS = frozenset(
    {
        Reason.RETRYING,
        Reason.SUSPENDED,
        Reason.PROVIDER_NOT_READY,
        Reason.SLOTS_TAKEN,
        Reason.SERVER_BUSY,
        Reason.SECRET_NOT_FOUND,
        Reason.MAPPING_NOT_FOUND,
    }
)
"""Why it is waited before a start, between two tries or between two attempts; no start is on record with them."""


def mend(observation: Observation) -> Commit | None:
    """Put a phase right that the rest of the status contradicts, and go on from there; ``None`` when none does."""
    status = observation.status
    phase = find_phase(observation.migration)
    if phase is status.phase:
        return None
    completion_time = status.completion_time if phase in FINISHED else None
    after = change_status(status, phase=phase, completion_time=completion_time)
    return Commit(status=after, due_s=0.0, wait_key=observation.wait_key)


def find_phase(migration: Migration) -> Phase | None:
    """Return the phase by all that the status says; the recorded one where nothing contradicts it."""
    status = migration.status
    finished = find_condition(status.conditions, ConditionType.FINISHED)
    over = is_over(
        has_ended=status.phase in FINISHED,
        has_completion_time=status.completion_time is not None,
        finished=None if finished is None else finished.status is ConditionStatus.TRUE,
    )
    if over:
        return _find_end(status)
    is_acting = status.pending_call is not None or status.upstream is not None
    is_cold = migration.spec.type is MigrationType.COLD_MIGRATION
    if not is_acting:
        return Phase.PENDING if _is_unsent(status) else status.phase
    if status.phase in {*FINISHED, *WAITING} or (status.phase in CONFIRMATION and not is_cold):
        return _find_phase_under_way(status)
    return status.phase


def _is_unsent(status: MigrationStatus) -> bool:
    """Whether nothing is under way for certain, although the phase says that something is, or was.

    Without a reason to wait on record a start may have been removed with its record, and nothing is made up.
    """
    if status.phase in WAITING:
        return False
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    has_waited = succeeded is not None and succeeded.reason in _WAITING_REASONS
    return status.phase in FINISHED or has_waited or (status.phase is not None and status.start_time is None)


def _find_end(status: MigrationStatus) -> Phase | None:
    """Return the outcome; a phase that is none, or says the opposite of ``Succeeded``, is not believed."""
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    is_success = succeeded is not None and succeeded.status is ConditionStatus.TRUE
    if status.phase in FINISHED and (succeeded is None or (status.phase is Phase.SUCCEEDED) is is_success):
        return status.phase
    if is_success:
        return Phase.SUCCEEDED
    last = next((attempt.outcome for attempt in status.attempts if attempt.number == (status.attempt or 1)), None)
    if last is not None and last is not Phase.SUCCEEDED:
        return last
    return Phase.ABORTED if succeeded is not None and succeeded.reason == Reason.ABORTED else Phase.FAILED


def _find_phase_under_way(status: MigrationStatus) -> Phase:
    """Return where the move stood by its records; the step that follows looks at the cloud."""
    if status.pending_call is not None:
        return _DECISIONS.get(status.pending_call.operation, Phase.STARTING)
    if status.confirm is not None and status.confirm.start_time is not None and status.confirm.end_time is None:
        return Phase.AWAITING_CONFIRMATION
    return Phase.RUNNING if status.upstream is not None and status.upstream.id is not None else Phase.STARTING
