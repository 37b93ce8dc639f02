"""How many requests one Provider gets per second, and who goes first: a token bucket with priorities.

Own code, because the limiters of others know neither priorities nor a clock that is handed in.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.domain.clock import Clock

_ROUNDING = 1e-9
"""Tokens that float arithmetic may swallow."""


class Priority(IntEnum):
    """What waits for its turn; a greater one goes first, unless the other has waited for much longer.

    A start, and the lookup of one, has an intent on record and a permit that expires: it goes before other reads.
    """

    PROGRESS = 0
    SWEEP = 1
    READ = 2
    START = 3
    ORDER = 4


_HEAD_START_S = {
    Priority.PROGRESS: 0.0,
    Priority.SWEEP: 30.0,
    Priority.READ: 60.0,
    Priority.START: 3600.0,
    Priority.ORDER: 7200.0,
}
"""A request ranks as if it had been asked so much earlier: what is read without end holds nobody up for ever."""

_least: ContextVar[Priority] = ContextVar("_least", default=Priority.PROGRESS)


@contextmanager
def hurry(*, is_order: bool) -> Iterator[None]:
    """Let everything that is asked within the block wait as an order does, if it is for one."""
    token = _least.set(Priority.ORDER if is_order else _least.get())
    try:
        yield
    finally:
        _least.reset(token)


def raise_priority(priority: Priority) -> Priority:
    """Return the priority of a request, or that of the order which it is for."""
    return max(priority, _least.get())


class Waiting(NamedTuple):
    """One who waits; compares by whose turn comes first."""

    rank: float
    number: int
    priority: Priority
    amount: int
    turn: asyncio.Future[None]


class Line:
    """Those who wait, by priority and age, and within one priority in the order of their coming."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._numbers = itertools.count()

    def join(self, priority: Priority, amount: int = 1, *, now_s: float) -> asyncio.Future[None]:
        """Wait in line; the future is done when one's turn has come.

        Args:
            priority: of what one waits for.
            amount: of what one wants.
            now_s: by a clock that never goes back.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        rank = now_s - _HEAD_START_S[priority]
        heapq.heappush(self._waiting, Waiting(rank, next(self._numbers), priority, amount, turn))
        return turn

    def first(self) -> Waiting | None:
        """Return whose turn it is, past those who have given up; ``None`` when nobody waits."""
        while self._waiting and self._waiting[0].turn.done():
            heapq.heappop(self._waiting)
        return self._waiting[0] if self._waiting else None

    def serve(self) -> None:
        """Let the first one pass."""
        heapq.heappop(self._waiting).turn.set_result(None)


class Limiter:
    """Grants requests: by priority and age, within one priority in the order of asking. For one event loop.

    Args:
        requests_per_second: over time; up to one second's worth, and at least one, at once.
        clock: measures and waits.
    """

    def __init__(self, requests_per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._rate = requests_per_second
        self._tokens = self._burst
        self._counted_at = clock.boottime()
        self._line = Line()
        self._granting: asyncio.Task[None] | None = None

    async def acquire(self, priority: Priority, requests: int = 1) -> None:
        """Wait for one's turn to send ``requests``; whoever is cancelled meanwhile takes nothing.

        More than the burst are granted once it is full, and paid for by those who come after.
        """
        turn = self._line.join(raise_priority(priority), requests, now_s=self._clock.boottime())
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
        while (first := self._line.first()) is not None and self._missing() == 0.0:
            self._tokens -= first.amount
            self._line.serve()

    def _missing(self) -> float | None:
        """Count the tokens that the first in the queue still waits for; ``None`` when nobody waits (any more)."""
        first = self._line.first()
        if first is None:
            return None
        self._count()
        missing = min(float(first.amount), self._burst) - self._tokens
        return missing if missing > _ROUNDING else 0.0

    def _count(self) -> None:
        """Add what has accrued."""
        now = self._clock.boottime()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now

    @property
    def _burst(self) -> float:
        return max(1.0, self._rate)
