"""What the API server refused a plan, or somebody else's object kept from it: told, and not tried at each step."""

from __future__ import annotations

from dataclasses import dataclass

from osmig.domain.backoff import grow_pause_s
from osmig.domain.plans.services import FIRST_PAUSE_S, MAX_PAUSE_S

KEPT_S = 3600.0
"""How long after its end a pause is remembered: until then another refusal makes a longer one."""

EVERYTHING = ""
"""Stands for all Migrations that a plan would make."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when something is not tried again.

    Attributes:
        count: how often it was refused in a row.
        until_s: by the monotonic clock.
        why: in words fit for status.
        is_taken: the name belongs to somebody else's object.
    """

    count: int
    until_s: float
    why: str
    is_taken: bool = False


class Pauses:
    """The pauses of one plan, by what was refused: the name of a Migration, `EVERYTHING`, or an order to one."""

    def __init__(self) -> None:
        """Pause for nothing."""
        self._pauses: dict[str, Pause] = {}

    def begin(self, name: str, why: str, now_s: float, *, is_taken: bool = False) -> None:
        """Note that something was refused; the pause is twice as long as the last one, 10 min at most."""
        known = self._pauses.get(name)
        count = known.count if known is not None else 0
        until_s = now_s + grow_pause_s(FIRST_PAUSE_S, MAX_PAUSE_S, count)
        self._pauses[name] = Pause(count + 1, until_s, why, is_taken)

    def end(self, *names: str) -> None:
        """Note that something was not refused any more."""
        for name in names:
            self._pauses.pop(name, None)

    def clear(self) -> None:
        """Try everything again: somebody asked for something."""
        self._pauses = {}

    def is_paused(self, name: str, now_s: float) -> bool:
        """Whether something is not to be tried yet."""
        known = self._pauses.get(name)
        return known is not None and now_s < known.until_s

    def list_names(self, now_s: float, *, is_taken: bool) -> frozenset[str]:
        """Return what is not to be tried yet, and forget what was refused long ago."""
        self._pauses = {name: pause for name, pause in self._pauses.items() if now_s < pause.until_s + KEPT_S}
        return frozenset(
            name
            for name, pause in self._pauses.items()
            if name != EVERYTHING and pause.is_taken is is_taken and now_s < pause.until_s
        )

    @property
    def why(self) -> str:
        """Why something was refused last, and was not taken since; empty when nothing was."""
        refused = [pause for pause in self._pauses.values() if not pause.is_taken]
        return max(refused, key=lambda pause: pause.until_s).why if refused else ""
