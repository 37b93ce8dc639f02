"""What is known of a job without asking the service: nothing but the Migration's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.drivers.mailboxes.facts import JobFacts

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.drivers.driver import LocalState


def add_local_facts(migration: Migration, local_state: LocalState, facts: JobFacts | None) -> JobFacts:
    """Return what was read, if anything was."""
    del migration, local_state
    return facts or JobFacts()
