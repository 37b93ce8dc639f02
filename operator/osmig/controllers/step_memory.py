"""What one process remembers of each Migration between steps. Losing it costs a read or a write, never a decision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from osmig.api.migration import Progress
    from osmig.api.names import Verb
    from osmig.controllers.keys import Key


class StepMemoryChanges(TypedDict, total=False):
    """Fields of `StepMemory`."""

    written_at: float
    ordered_at: Mapping[Verb, float]
    sampled: Progress | None
    progressed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMemory:
    """What this process remembers of one Migration; losing it costs a read, a write or the length of a wait.

    Attributes:
        progressed_at: since when what is left to copy has not fallen, as far as this process has seen.
    """

    written_at: float = float("-inf")
    ordered_at: Mapping[Verb, float] = field(default_factory=dict)
    sampled: Progress | None = None
    progressed_at: float = float("inf")


class StepMemories:
    """What this process remembers of all Migrations."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._memories: dict[Key, StepMemory] = {}

    def get(self, key: Key) -> StepMemory:
        """Return what is remembered of one."""
        return self._memories.get(key, StepMemory())

    def update(self, key: Key, **changes: Unpack[StepMemoryChanges]) -> None:
        """Remember something else of one."""
        self._memories[key] = replace(self.get(key), **changes)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of one that is gone."""
        self._memories.pop(key, None)
