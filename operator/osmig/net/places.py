"""How many requests of one Provider are under way at once, with places that only a start or an order may take.

Reads of a slow server fill all places but these. So an abort waits for other orders at most.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.net.limiting import Line, Priority, raise_priority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

RESERVED: Mapping[Priority, int] = MappingProxyType({Priority.START: 1, Priority.ORDER: 2})
"""Places beyond those for everybody; a start leaves one of them to orders."""

MOST_RESERVED = max(RESERVED.values())


class Places:
    """Grants places by priority and age. For one event loop.

    Args:
        places: for everybody.
        reserved: places beyond these, by who may take them.
    """

    def __init__(self, places: int, reserved: Mapping[Priority, int] = RESERVED) -> None:
        self._places = places
        self._reserved = reserved
        self._taken = 0
        self._line = Line()

    async def acquire(self, priority: Priority) -> None:
        """Wait for a place; whoever is cancelled meanwhile takes none."""
        turn = self._line.join(raise_priority(priority), now_s=asyncio.get_running_loop().time())
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # granted and cancelled in the same moment
                self.release()
            raise

    @asynccontextmanager
    async def one(self, priority: Priority) -> AsyncIterator[None]:
        """Have a place until the block ends."""
        await self.acquire(priority)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Give a place back."""
        self._taken -= 1
        self._grant()

    def _grant(self) -> None:
        while (first := self._line.first()) is not None:
            if self._taken >= self._places + self._reserved.get(first.priority, 0):
                return
            self._taken += 1
            self._line.serve()
