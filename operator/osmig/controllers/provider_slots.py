"""Who holds a slot of each Provider and who waits for one, as the Ledger books it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.domain.queueing import HostLoad

if TYPE_CHECKING:
    from osmig.controllers.keys import Key
    from osmig.domain.queueing import HostPair

_moments = itertools.count(1)
"""Tells later from earlier, also after a Provider's entry was dropped and made again."""


@dataclass(slots=True)
class ProviderSlots:
    """One Provider's: who holds one, how much that is together, and who waits, in order.

    Attributes:
        slotless: those whose data moves without a slot of theirs.
        released: when somebody last may have let go of a slot or of a place in the queue; a number that only grows.
        lost: when a move under way last may have lost the Migration that it belongs to, other than by its end.
    """

    holders: dict[Key, HostPair] = field(default_factory=dict)
    load: HostLoad = field(default_factory=HostLoad)
    slotless: set[Key] = field(default_factory=set)
    waiting: list[tuple[str, Key]] = field(default_factory=list)
    released: int = field(default_factory=lambda: next(_moments))
    lost: int = field(default_factory=lambda: next(_moments))

    def note_release(self) -> None:
        """Note that somebody may have let go of a slot or of a place in the queue."""
        self.released = next(_moments)

    def note_loss(self) -> None:
        """Note that a move under way may have lost its Migration, other than by its end."""
        self.lost = next(_moments)

    def set_holder(self, key: Key, hosts: HostPair | None) -> None:
        """Let a Migration hold the slot of these hosts, or none."""
        before = self.holders.get(key)
        if before == hosts:
            return
        if before is not None:
            self.note_release()
            self.load.remove(self.holders.pop(key))
        if hosts is not None:
            self.holders[key] = hosts
            self.load.add(hosts)
