"""What ``/livez`` and ``/readyz`` answer, and the measurement behind the first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a probe; ``text`` is one line, the reason when not ``ok``."""

    ok: bool
    text: str


class Role(StrEnum):
    """Where this process stands with the Lease."""

    STARTING = "starting"
    STANDBY = "standby"
    LEADER = "leader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How far this process has come.

    Attributes:
        has_listed: all objects were listed once since the start.
        has_swept: every Provider that was there at the first list was swept, or found unreachable, once.
    """

    role: Role = Role.STARTING
    has_listed: bool = False
    has_swept: bool = False

    def judge(self) -> Verdict:
        """Say whether this process does its part: a standby does by waiting, a leader once it may start moves."""
        match self:
            case Readiness(role=Role.STARTING):
                return Verdict(ok=False, text="not ready: the Lease was not read yet")
            case Readiness(role=Role.STANDBY):
                return Verdict(ok=True, text="standby")
            case Readiness(has_listed=False):
                return Verdict(ok=False, text="not ready: the first list of all objects is not complete")
            case Readiness(has_swept=False):
                return Verdict(ok=False, text="not ready: the first sweep of all Providers is not complete")
            case _:
                return Verdict(ok=True, text="leader")


class LoopLag:
    """Measures how late the event loop wakes a task; the loop must run ``run`` for as long as it serves probes."""

    def __init__(
        self, clock: Clock, *, record: Callable[[float], None], limit_s: float = 10, period_s: float = 1
    ) -> None:
        """Take who is told each measurement, above which lag the process counts as hung, and how often to measure."""
        self._clock = clock
        self._record = record
        self._limit_s = limit_s
        self._period_s = period_s
        self._due = clock.boottime()
        self._last_s = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self._due = self._clock.boottime() + self._period_s
            await self._clock.sleep(self._period_s)
            self._last_s = max(0.0, self._clock.boottime() - self._due)
            self._record(self._last_s)

    def judge(self) -> Verdict:
        """Judge by the last measurement, or by the one that is overdue if that is worse."""
        lag_s = max(self._last_s, self._clock.boottime() - self._due)
        if lag_s > self._limit_s:
            return Verdict(ok=False, text=f"the event loop is {lag_s:.1f} s late (limit {self._limit_s:g} s)")
        return Verdict(ok=True, text="ok")
