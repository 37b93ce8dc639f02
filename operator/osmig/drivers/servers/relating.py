"""What is known of a server's move without asking the cloud: sweeps, and what other Migrations have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.domain.queueing import Move
from osmig.drivers.servers.facts import MoveFacts

if TYPE_CHECKING:
    from osmig.api.migration import Migration, MigrationStatus
    from osmig.domain.operations import RecordView
    from osmig.drivers.driver import Neighbours
    from osmig.drivers.servers.facts import MoveObservation


def relate(migration: Migration, neighbours: Neighbours, facts: MoveFacts | None) -> MoveFacts:
    """Return what is known here; what was read from the cloud in this step stays."""
    if facts is None:
        facts = MoveFacts(swept=_find_swept(migration, neighbours))
    survey, adopt = facts.survey, migration.spec.adopt
    return replace(
        facts,
        rival=neighbours.find_rival(survey.server.id) if survey is not None else "",
        owner=neighbours.find_owner(_find_id(facts, adopt.id)) if adopt is not None else "",
    )


def carry(earlier: MoveObservation, anew: MoveObservation) -> MoveFacts:
    """Keep what was read of the server: a change of the object changes nothing in the cloud."""
    return replace(anew.facts, survey=earlier.facts.survey, records=earlier.facts.records)


def find_hosts(observation: MoveObservation) -> Move:
    """Return the hosts that a start would load: where the server is, else where it was, else where it must be."""
    spec, placement, survey = observation.migration.spec, observation.status.placement, observation.facts.survey
    source = survey.server.host if survey is not None else placement.source_host if placement is not None else None
    return Move(source or spec.source_host, spec.destination_host)


def name_lock(migration: Migration, status: MigrationStatus) -> str | None:
    """Return the server's id, as soon as it is known."""
    del migration
    return status.server.id if status.server is not None else None


def _find_swept(migration: Migration, neighbours: Neighbours) -> RecordView | None:
    upstream, adopt = migration.status.upstream, migration.spec.adopt
    if upstream is not None:
        return neighbours.get_swept(upstream.id) if upstream.id is not None else None
    return neighbours.find_swept(adopt.id) if adopt is not None else None


def _find_id(facts: MoveFacts, name: str) -> str:
    """Return the id of the record to adopt, which may be named by its uuid."""
    rows = (*(facts.records or ()), *([facts.swept] if facts.swept else []))
    return next((row.id for row in rows if name in {row.id, row.uuid}), name)
