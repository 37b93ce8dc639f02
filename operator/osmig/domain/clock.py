"""What the rest of osmig knows about time: a Protocol, so that tests never wait and never patch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Two readings and one way to wait."""

    def now(self) -> datetime:
        """Return the wall clock, aware and in UTC: for what people read, never to measure."""
        ...

    def boottime(self) -> float:
        """Return seconds that only grow and go on while the machine is suspended: to measure, never to show."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Give way for ``seconds``; zero or less gives way once."""
        ...
