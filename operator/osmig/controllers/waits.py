"""How long this process has seen a thing unchanged: in memory on purpose, so that a restart begins the wait anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.controllers.keys import Key
    from osmig.domain.clock import Clock


class Waits:
    """One wait per object; another wait key, or none, ends it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[Key, tuple[str, float]] = {}

    def note(self, key: Key, wait_key: str) -> None:
        """Record what the last decision waits for; empty for nothing."""
        if not wait_key:
            self._since.pop(key, None)
        elif self._since.get(key, ("", 0.0))[0] != wait_key:
            self._since[key] = (wait_key, self._clock.boottime())

    def ages(self, key: Key) -> Mapping[str, float]:
        """Return the wait key and for how many seconds it has been unchanged."""
        if key not in self._since:
            return {}
        wait_key, since = self._since[key]
        return {wait_key: self._clock.boottime() - since}
