"""What is known of a box without asking upstream: nothing but the Migration's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.queueing import HostPair
from toy_driver.facts import BoxFacts

if TYPE_CHECKING:
    from osmig.api.migration import Migration, MigrationStatus
    from osmig.drivers.driver import LocalState
    from toy_driver.facts import BoxObservation


def add_local_facts(migration: Migration, local_state: LocalState, facts: BoxFacts | None) -> BoxFacts:
    """Return what was read, if anything was."""
    del migration, local_state
    return facts or BoxFacts()


def carry_over(earlier: BoxObservation, anew: BoxObservation) -> BoxFacts:
    """Keep what was read, if it was read for the spec as it is now."""
    return earlier.facts if anew.migration.spec == earlier.migration.spec else anew.facts


def find_hosts(observation: BoxObservation) -> HostPair:
    """Return none: a box loads no host."""
    del observation
    return HostPair()


def name_lock(migration: Migration, status: MigrationStatus) -> str:
    """Return the Migration's own place: nobody else copies its box."""
    del status
    return f"box/{migration.metadata.namespace}/{migration.metadata.name}"
