"""A decision with all that it may say side by side, so that a test names only the part that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.domain import machine
from osmig.domain.observation import ChangeObject, Commit, ReadFacts

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.observation import Call, Note, ObjectChange, Observation, Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one step does; what its kind of decision does not have is empty.

    Attributes:
        status: to be written; as it was, where nothing is.
        wants: facts to read before it is decided again.
        change: of the object.
    """

    status: MigrationStatus
    call: Call | None = None
    due_s: float | None = None
    waiting_for: str = ""
    notes: tuple[Note, ...] = ()
    wants: frozenset[Read] = frozenset()
    goes_on: bool = False
    claims: bool = False
    change: ObjectChange | None = None


def decide(observation: Observation) -> Decided:
    """Decide what one step does."""
    match machine.decide(observation):
        case ReadFacts(names):
            return Decided(status=observation.status, wants=names)
        case ChangeObject(change, notes):
            return Decided(status=observation.status, change=change, notes=notes)
        case Commit() as commit:
            return Decided(
                status=commit.status,
                call=commit.call,
                due_s=commit.due_s,
                waiting_for=commit.waiting_for,
                notes=commit.notes,
                goes_on=commit.goes_on,
                claims=commit.claims,
            )
