"""What a server and the record of its move tell, as fields of a Migration's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from osmig.api.migration import PlacementFacts, ServerFacts, UpstreamFacts

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import ServerView


class RecordChanges(TypedDict, total=False):
    """The fields of a status that a record tells."""

    upstream: UpstreamFacts
    placement: PlacementFacts


def describe_moving_server(observation: MoveObservation) -> ServerFacts | None:
    """Return what is known of a server whose record is followed: what was read before the start is not so any more."""
    facts = observation.facts.describe_server(observation.status)
    if facts is None or observation.facts.server is not None:
        return facts
    return facts.model_copy(update={"status": None, "task_state": None})


def describe_record(observation: MoveObservation, record: RecordView) -> UpstreamFacts:
    """Return Nova's own words, with what we knew of the start."""
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


def describe_placement(observation: MoveObservation, record: RecordView) -> PlacementFacts:
    """Return source and destination: upstream's where it shows hosts, else what we knew."""
    before = observation.status.placement or PlacementFacts()
    return PlacementFacts(
        source_host=before.source_host or record.source_host,
        destination_host=record.destination_host or before.destination_host,
        source_host_id=before.source_host_id,
    )


def describe_facts(observation: MoveObservation, record: RecordView) -> RecordChanges:
    """Return the fields of the status that a record tells."""
    return {
        "upstream": describe_record(observation, record),
        "placement": describe_placement(observation, record),
    }


def has_moved(observation: MoveObservation, server: ServerView) -> bool | None:
    """Whether the server left its source: by host, else by the cloud's anonymous name of it; ``None`` if unknowable."""
    placement = observation.status.placement or PlacementFacts()
    if server.host is not None and placement.source_host is not None:
        return server.host != placement.source_host
    if server.host_id is not None and placement.source_host_id is not None:
        return server.host_id != placement.source_host_id
    return None
