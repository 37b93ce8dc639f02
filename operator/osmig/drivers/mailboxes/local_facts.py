"""What is known of a job without asking the service: nothing but the Migration's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Kind
from osmig.domain.queueing import HostPair
from osmig.drivers.mailboxes.facts import JobFacts

if TYPE_CHECKING:
    from osmig.api.migration import Migration, MigrationStatus
    from osmig.drivers.driver import LocalState
    from osmig.drivers.mailboxes.facts import JobObservation


def add_local_facts(migration: Migration, local_state: LocalState, facts: JobFacts | None) -> JobFacts:
    """Return what was read, if anything was."""
    del migration, local_state
    return facts or JobFacts()


def carry_over(earlier: JobObservation, anew: JobObservation) -> JobFacts:
    """Keep what was read, if it was read for the spec as it is now."""
    return earlier.facts if anew.migration.spec == earlier.migration.spec else anew.facts


def find_hosts(observation: JobObservation) -> HostPair:
    """Return none: a job loads no compute host."""
    del observation
    return HostPair()


def name_lock(migration: Migration, status: MigrationStatus) -> str:
    """Return the Migration's own place: a job takes no server, but a slot."""
    del status
    return f"{Kind.MIGRATION}/{migration.metadata.namespace}/{migration.metadata.name}"
