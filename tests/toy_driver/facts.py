"""What is known of the copy of a box at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from osmig.domain.observation import Observation, ReadFacts, UnsweptFacts

if TYPE_CHECKING:
    from toy_driver.views import CopyView

FactName: TypeAlias = Literal["copies", "copy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFacts(UnsweptFacts):
    """What was read (`osmig.domain.observation.Facts`).

    Attributes:
        copies: every copy that there is.
        copy: the one that is followed.
    """

    copies: tuple[CopyView, ...] | None = None
    copy: CopyView | None = None


BoxObservation: TypeAlias = Observation[BoxFacts]


def read(name: FactName) -> ReadFacts:
    """Ask for a fact that a decision lacks."""
    return ReadFacts(frozenset({name}))
