"""Build the next status of a Migration: what stays, what a verdict changes, which times run."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from osmig.api.migration import PlacementFacts, ServerFacts, UpstreamFacts
from osmig.api.names import ConditionType, Phase, Reason
from osmig.domain.conditions import Verdict, describe_migration, find_condition
from osmig.domain.phases import FINISHED, WAITING

if TYPE_CHECKING:
    from osmig.api.migration import ConfirmFacts, MigrationStatus
    from osmig.domain.observation import Observation
    from osmig.domain.upstream import RecordView, ServerView


def put(observation: Observation, verdict: Verdict, **changes: Any) -> MigrationStatus:  # noqa: ANN401 - fields of MigrationStatus
    """Return the recorded status with a verdict's conditions and ``changes`` to its fields."""
    status = observation.status
    generation = observation.migration.metadata.generation
    after = status.model_copy(
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
    return _put_times(observation, after)


def _put_times(observation: Observation, after: MigrationStatus) -> MigrationStatus:
    """Stop the clock of the deadline while a confirmation is awaited, and keep the queue's only while queued."""
    confirm = after.confirm
    is_awaiting = after.phase is Phase.AWAITING_CONFIRMATION
    if confirm is not None and confirm.start_time is not None:
        end_time = None if is_awaiting else confirm.end_time or observation.now
        confirm = confirm.model_copy(update={"end_time": end_time})
    changes: dict[str, object] = {"confirm": confirm}
    if after.phase not in FINISHED:
        changes["deadline_time"] = None if is_awaiting else find_deadline(observation, after, confirm)
    if after.phase not in WAITING:
        changes["queued_time"] = None
    return after.model_copy(update=changes)


def describe_begin(observation: Observation) -> dict[str, Any]:
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


def describe_moving_server(observation: Observation) -> ServerFacts | None:
    """Return what is known of a server whose record is followed: what was read before the start is not so any more."""
    facts = describe_server(observation)
    if facts is None or observation.server is not None:
        return facts
    return facts.model_copy(update={"status": None, "task_state": None})


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
        source_host_id=before.source_host_id,
    )


def describe_facts(observation: Observation, record: RecordView) -> dict[str, Any]:
    """Return the fields of the status that a record tells."""
    return {
        "upstream": describe_record(observation, record),
        "placement": describe_placement(observation, record),
    }


def has_moved(observation: Observation, server: ServerView) -> bool | None:
    """Whether the server left its source: by host, else by the cloud's anonymous name of it; ``None`` if unknowable."""
    placement = observation.status.placement or PlacementFacts()
    if server.host is not None and placement.source_host is not None:
        return server.host != placement.source_host
    if server.host_id is not None and placement.source_host_id is not None:
        return server.host_id != placement.source_host_id
    return None
