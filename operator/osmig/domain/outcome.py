"""Build the next status: what stays, what a verdict changes, and what an ending adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.migration import Attempt, Failure, PlacementFacts, Progress, ServerFacts, UpstreamFacts
from osmig.api.names import ConditionType, EventReason, Phase, Reason
from osmig.domain.conditions import Verdict, describe_migration, find_condition
from osmig.domain.observation import Decision, Note
from osmig.domain.orders import close_controls

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.observation import Observation
    from osmig.domain.upstream import RecordView, ServerView

KEPT_ATTEMPTS = 5

RETRYABLE = frozenset({Reason.NO_VALID_HOST, Reason.PRE_CHECK_FAILED, Reason.HYPERVISOR_FAILED, Reason.START_LOST})
"""Failures after which the same order may well succeed later."""

_ENDINGS = {
    Phase.SUCCEEDED: EventReason.MIGRATION_SUCCEEDED,
    Phase.FAILED: EventReason.MIGRATION_FAILED,
    Phase.ABORTED: EventReason.MIGRATION_ABORTED,
}


def put(observation: Observation, verdict: Verdict, **changes: Any) -> MigrationStatus:  # noqa: ANN401 - fields of MigrationStatus
    """Return the recorded status with a verdict's conditions and ``changes`` to its fields."""
    status = observation.status
    generation = observation.migration.metadata.generation
    return status.model_copy(
        update={
            "phase": verdict.phase,
            "observed_generation": generation,
            "server": describe_server(observation),
            "conditions": describe_migration(
                verdict,
                observation.provider,
                before=status.conditions,
                generation=generation,
                now=observation.now,
            ),
            **changes,
        }
    )


def keep(observation: Observation, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    """Return the status as recorded, with today's Provider condition and ``changes``; the phase stays."""
    status = observation.status
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    verdict = Verdict(
        phase=status.phase or Phase.PENDING,
        reason=succeeded.reason if succeeded else Reason.VALIDATING,
        message=succeeded.message if succeeded else "",
    )
    return put(observation, verdict, **changes)


def describe_server(observation: Observation) -> ServerFacts | None:
    """Return what is known of the server: the newest view of this step, else what was recorded."""
    view = newest_server(observation)
    if view is None:
        return observation.status.server
    return ServerFacts(
        id=view.id, name=view.name, project_id=view.project_id, status=view.status or None, task_state=view.task_state
    )


def newest_server(observation: Observation) -> ServerView | None:
    """Return the server as read last in this step."""
    if observation.server is not None:
        return observation.server
    if observation.finding is not None:
        return observation.finding.server
    return observation.survey.server if observation.survey is not None else None


def describe_record(observation: Observation, record: RecordView) -> UpstreamFacts:
    """Return the engine's own words, with what we knew of the start."""
    before = observation.status.upstream or UpstreamFacts()
    # validated, not copied: cut to the schema's bounds, and equal to what the API server gives back
    return UpstreamFacts(
        id=record.id,
        type=record.type,
        status=record.status,
        request_id=before.request_id,
        previous_id=before.previous_id,
        updated_time=record.updated or before.updated_time,
    )


def describe_placement(observation: Observation, record: RecordView) -> PlacementFacts:
    """Return source and destination: upstream's where it shows hosts, else what we knew."""
    before = observation.status.placement or PlacementFacts()
    return PlacementFacts(
        source_host=before.source_host or record.source_host,
        destination_host=record.destination_host or before.destination_host,
    )


def end(observation: Observation, verdict: Verdict, **changes: Any) -> Decision:  # noqa: ANN401
    """End the Migration: outcome, attempt, orders and Event in one status.

    Only what was started leaves an entry in ``attempts``; a finished Migration without one is evaluated anew when its
    spec changes.
    """
    status = observation.status
    changes.setdefault("progress", observation.newest_progress)
    if verdict.phase is Phase.SUCCEEDED and status.upstream is not None:
        changes["progress"] = (observation.newest_progress or Progress()).model_copy(update={"percent": 100})
    failure = None
    if verdict.phase is not Phase.SUCCEEDED:
        failure = Failure(reason=verdict.reason, message=verdict.message or None, retryable=verdict.reason in RETRYABLE)
    controls, notes = close_controls(status.controls, verdict, now=observation.now)
    after = put(
        observation,
        verdict,
        **changes,
        completion_time=observation.now,
        pending_call=None,
        failure=failure,
        controls=controls,
    )
    if status.start_time is not None:
        after = after.model_copy(update={"attempts": _append_attempt(after, verdict)})
    note = Note(
        reason=_ENDINGS[verdict.phase],
        text=f"{verdict.reason}: {verdict.message}" if verdict.message else verdict.reason,
        is_warning=verdict.phase is Phase.FAILED,
    )
    return Decision(status=after, notes=(*notes, note))


def _append_attempt(status: MigrationStatus, verdict: Verdict) -> tuple[Attempt, ...]:
    number = status.attempt or 1
    ended = Attempt(
        number=number,
        upstream_id=status.upstream.id if status.upstream else None,
        source_host=status.placement.source_host if status.placement else None,
        destination_host=status.placement.destination_host if status.placement else None,
        outcome=verdict.phase,
        reason=verdict.reason,
        start_time=status.start_time,
        end_time=status.completion_time,
    )
    earlier = tuple(attempt for attempt in status.attempts if attempt.number != number)
    return (*earlier, ended)[-KEPT_ATTEMPTS:]


def fail(observation: Observation, reason: str, message: str, **changes: Any) -> Decision:  # noqa: ANN401
    """End as Failed."""
    return end(observation, Verdict(phase=Phase.FAILED, reason=reason, message=message), **changes)


def succeed(observation: Observation, reason: str, message: str, **changes: Any) -> Decision:  # noqa: ANN401
    """End as Succeeded."""
    return end(observation, Verdict(phase=Phase.SUCCEEDED, reason=reason, message=message), **changes)


def abort(observation: Observation, message: str, **changes: Any) -> Decision:  # noqa: ANN401
    """End as Aborted, because the user asked for it."""
    return end(observation, Verdict(phase=Phase.ABORTED, reason=Reason.ABORTED, message=message), **changes)
