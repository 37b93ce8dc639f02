"""What is known of the copy of a box at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from osmig.domain.observation import Observation, ReadFacts

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.api.migration_changes import StatusChanges
    from osmig.domain.operations import RecordView
    from toy_driver.views import CopyView

FactName: TypeAlias = Literal["copies", "copy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFacts:
    """What was read (`osmig.domain.observation.Facts`).

    Attributes:
        copies: every copy that there is.
        copy: the one that is followed.
    """

    copies: tuple[CopyView, ...] | None = None
    copy: CopyView | None = None

    @property
    def learned(self) -> tuple[RecordView, ...]:
        """None: sweeps list no copies."""
        return ()

    def describe(self, status: MigrationStatus) -> StatusChanges:
        """Return nothing: what a copy tells is written down where it is judged."""
        del status
        return {}


BoxObservation: TypeAlias = Observation[BoxFacts]


def read(name: FactName) -> ReadFacts:
    """Ask for a fact that a decision lacks."""
    return ReadFacts(frozenset({name}))
