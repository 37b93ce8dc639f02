"""How long this process has seen a thing unchanged: in memory on purpose, so that a restart begins the wait anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.controllers.keys import Key
    from osmig.domain.clock import Clock


class Waits:
    """One label per key; another label, or none, ends the wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[Key, tuple[str, float]] = {}

    def note(self, key: Key, label: str) -> None:
        """Record what the last decision waits for; empty for nothing."""
        if not label:
            self._since.pop(key, None)
        elif self._since.get(key, ("", 0.0))[0] != label:
            self._since[key] = (label, self._clock.boottime())

    def ages(self, key: Key) -> Mapping[str, float]:
        """Return the label waited for and for how many seconds."""
        if key not in self._since:
            return {}
        label, since = self._since[key]
        return {label: self._clock.boottime() - since}
