"""A clock that moves only when told, or when somebody sleeps by it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable


async def give_way_until(condition: Callable[[], object]) -> None:
    """Let the other tasks run until ``condition`` holds; no time passes by itself."""
    while not condition():  # noqa: ASYNC110 - the condition is not ours to signal
        await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait


ROUNDS = 50


async def settle() -> None:
    """Let every other task come to rest."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait


@dataclass
class FakeClock:
    """Implements ``osmig.domain.clock.Clock``; sleeping takes no time and moves both readings.

    Attributes:
        ahead_s: how far somebody has set the wall clock, and nothing else, ahead.
    """

    elapsed: float = 0.0
    ahead_s: float = 0.0

    def now(self) -> datetime:
        """Return the wall clock, which began on a round date."""
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed + self.ahead_s)

    def boottime(self) -> float:
        """Return a clock that did not begin at zero, as no machine's does."""
        return 1000.0 + self.elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed += seconds

    async def sleep(self, seconds: float, /) -> None:
        """Let time pass and give way once."""
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait


@dataclass
class HeldClock(FakeClock):
    """A clock by which sleepers wait until the test lets time pass."""

    sleepers: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    @override
    async def sleep(self, seconds: float, /) -> None:
        """Wait for ``pass_by``."""
        event = asyncio.Event()
        self.sleepers.append((self.elapsed + seconds, event))
        await event.wait()

    async def pass_by(self, seconds: float = 0.0) -> None:
        """Let time pass, waking who is due on the way, and everybody who follows from it."""
        until = self.elapsed + seconds
        await settle()
        while due := sorted((time, index) for index, (time, _) in enumerate(self.sleepers) if time <= until):
            time, index = due[0]
            self.elapsed = max(self.elapsed, time)
            self.sleepers.pop(index)[1].set()
            await settle()
        self.elapsed = until
