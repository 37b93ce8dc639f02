"""The facts of a server's move that need no request to the cloud: the last sweep, and claims of other Migrations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.domain.queueing import HostPair
from osmig.drivers.servers.facts import MoveFacts

if TYPE_CHECKING:
    from osmig.api.migration import Migration, MigrationStatus
    from osmig.domain.operations import RecordView
    from osmig.drivers.driver import LocalState
    from osmig.drivers.servers.facts import MoveObservation


def add_local_facts(migration: Migration, local_state: LocalState, facts: MoveFacts | None) -> MoveFacts:
    """Return what is known here; what was read from the cloud in this step stays."""
    if facts is None:
        facts = MoveFacts(swept=_find_swept(migration, local_state))
    adopt, server_id = migration.spec.adopt, _find_server_id(migration, facts)
    return replace(
        facts,
        conflicting=local_state.find_conflicting(server_id) if server_id is not None else "",
        ahead=local_state.find_ahead(server_id) if server_id is not None else "",
        owner=local_state.find_owner(_find_id(facts, adopt.id)) if adopt is not None else "",
    )


def _find_server_id(migration: Migration, facts: MoveFacts) -> str | None:
    """Return the server as read in this step, else as it was found before the Migration began to wait."""
    if facts.pre_start is not None:
        return facts.pre_start.server.id
    return migration.status.server.id if migration.status.server is not None else None


def carry_over(earlier: MoveObservation, anew: MoveObservation) -> MoveFacts:
    """Keep what was read of the server: a change of the object changes nothing in the cloud."""
    facts = earlier.facts
    return replace(anew.facts, pre_start=facts.pre_start, named_hosts=facts.named_hosts, records=facts.records)


def find_hosts(observation: MoveObservation) -> HostPair:
    """Return the hosts that a start would load: where the server is, else where it was, else where it must be."""
    spec, placement, pre_start = observation.migration.spec, observation.status.placement, observation.facts.pre_start
    source = (
        pre_start.server.host if pre_start is not None else placement.source_host if placement is not None else None
    )
    return HostPair(source or spec.source_host, spec.destination_host)


def name_lock(migration: Migration, status: MigrationStatus) -> str | None:
    """Return the server's id, as soon as it is known."""
    del migration
    return status.server.id if status.server is not None else None


def _find_swept(migration: Migration, local_state: LocalState) -> RecordView | None:
    upstream, adopt = migration.status.upstream, migration.spec.adopt
    if upstream is not None:
        return local_state.get_swept(upstream.id) if upstream.id is not None else None
    return local_state.find_swept(adopt.id) if adopt is not None else None


def _find_id(facts: MoveFacts, name: str) -> str:
    """Return the id of the record to adopt, which may be named by its uuid."""
    rows = (*(facts.records or ()), *([facts.swept] if facts.swept else []))
    return next((row.id for row in rows if name in {row.id, row.uuid}), name)
