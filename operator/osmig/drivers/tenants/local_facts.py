"""What is known of a replication without asking Waldur: the mappings that it refers to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.mapping import parse_mapping
from osmig.api.meta import InvalidManifest
from osmig.api.names import Kind
from osmig.drivers.tenants.facts import ReplicationFacts

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.api.migration import Migration
    from osmig.drivers.driver import LocalState
    from osmig.drivers.tenants.facts import ReplicationObservation


def add_local_facts(migration: Migration, local_state: LocalState, facts: ReplicationFacts | None) -> ReplicationFacts:
    """Return what is known here; what was read from Waldur in this step stays."""
    referenced = _find_referenced(migration, local_state)
    if facts is None:
        return ReplicationFacts(referenced=referenced)
    # checks of other mappings than those that are ordered prove nothing
    preflight = facts.preflight if referenced == facts.referenced else None
    return replace(facts, referenced=referenced, preflight=preflight)


def carry_over(earlier: ReplicationObservation, anew: ReplicationObservation) -> ReplicationFacts:
    """Keep what was read, if it was read for the spec as it is now."""
    if anew.migration.spec != earlier.migration.spec:
        return anew.facts
    known = earlier.facts
    preflight = known.preflight if anew.facts.referenced == known.referenced else None
    return replace(anew.facts, runs=known.runs, run=known.run, replica=known.replica, preflight=preflight)


def _find_referenced(migration: Migration, local_state: LocalState) -> Mappings | None:
    """Return the mappings that are referred to as they are now; of those that cannot be read there are none."""
    tenant = migration.spec.tenant
    if tenant is None or tenant.mapping_ref is None:
        return None
    body = local_state.find_object(Kind.MAPPING, tenant.mapping_ref.name)
    try:
        return parse_mapping(body).spec if body is not None else None
    except InvalidManifest:
        return None
