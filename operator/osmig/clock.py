"""The real clock; only the composition root may take it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks, as ``osmig.domain.clock.Clock`` asks for them."""

    __slots__ = ()

    def now(self) -> datetime:
        """Return the wall clock in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that everybody else takes

    def boottime(self) -> float:
        """Return CLOCK_BOOTTIME: plain monotonic stops while the machine sleeps, and a fence must not."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float, /) -> None:
        """Give way for ``seconds``."""
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the clock that everybody else takes
