"""How many requests one Provider gets per second, and who goes first: a token bucket with priorities.

Own code, because the limiters of others know neither priorities nor a clock that is handed in.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osmig.domain.clock import Clock

_ROUNDING = 1e-9
"""Tokens that float arithmetic may swallow."""


class Priority(IntEnum):
    """What waits for its turn; a greater one goes first.

    A start, and the lookup of one, has an intent on record and a permit that expires: it goes before other reads.
    """

    PROGRESS = 0
    SWEEP = 1
    READ = 2
    START = 3
    ORDER = 4


class Limiter:
    """Grants requests: by priority, within one priority in the order of asking. For one event loop.

    Args:
        requests_per_second: over time; up to one second's worth, and at least one, at once.
        clock: measures and waits.
    """

    def __init__(self, requests_per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._rate = requests_per_second
        self._tokens = self._burst
        self._counted_at = clock.boottime()
        self._queue: list[tuple[int, int, int, asyncio.Future[None]]] = []
        self._turns = itertools.count()
        self._granting: asyncio.Task[None] | None = None

    async def acquire(self, priority: Priority, requests: int = 1) -> None:
        """Wait for one's turn to send ``requests``; whoever is cancelled meanwhile takes nothing.

        More than the burst are granted once it is full, and paid for by those who come after.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (-priority, next(self._turns), requests, turn))
        self._grant()
        if not turn.done() and (self._granting is None or self._granting.done()):
            self._granting = asyncio.create_task(self._grant_in_time())
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # granted and cancelled in the same moment
                self.settle(-requests)
            raise

    def settle(self, requests: int) -> None:
        """Take ``requests`` that were sent beyond those acquired; give back what was not sent, if negative."""
        self._count()
        self._tokens = min(self._tokens - requests, self._burst)
        self._grant()

    async def _grant_in_time(self) -> None:
        """Wait token by token, because somebody with a greater priority may come meanwhile."""
        while (missing := self._missing()) is not None:
            await self._clock.sleep(min(1.0, missing) / self._rate)
            self._grant()

    def _grant(self) -> None:
        """Let pass who may."""
        while self._missing() == 0.0:
            _, _, requests, turn = heapq.heappop(self._queue)
            self._tokens -= requests
            turn.set_result(None)

    def _missing(self) -> float | None:
        """Count the tokens that the first in the queue still waits for; ``None`` when nobody waits (any more)."""
        while self._queue and self._queue[0][3].done():
            heapq.heappop(self._queue)
        if not self._queue:
            return None
        self._count()
        missing = min(float(self._queue[0][2]), self._burst) - self._tokens
        return missing if missing > _ROUNDING else 0.0

    def _count(self) -> None:
        """Add what has accrued."""
        now = self._clock.boottime()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now

    @property
    def _burst(self) -> float:
        return max(1.0, self._rate)
