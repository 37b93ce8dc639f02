"""A bounded queue that nobody fills for others: each owner has a share of it, and their turns go round."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by owner. Each owner's are taken in the order of their coming. For one event loop and one taker.

    Args:
        share: how many items of one owner may wait.
        capacity: how many may wait in all. Where it is full, an owner with more than another one loses his newest.
    """

    def __init__(self, *, share: int, capacity: int) -> None:
        self._share = share
        self._capacity = capacity
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0
        self._unfinished = 0
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        """Count what waits."""
        return self._count

    def put(self, owner: str, item: T) -> str | None:
        """Let an item wait; return the owner of the one that was dropped for want of room, if one was."""
        own = len(self._waiting.get(owner, ()))
        if own >= self._share:
            return owner
        dropped = None
        if self._count >= self._capacity:
            dropped, longest = max(self._waiting.items(), key=lambda named: len(named[1]))
            if len(longest) <= own + 1:
                return owner
            longest.pop()
            self._count -= 1
            self.finish()
        self._waiting.setdefault(owner, deque()).append(item)
        self._count += 1
        self._unfinished += 1
        self._some.set()
        self._none.clear()
        return dropped

    async def take(self) -> T:
        """Wait for an item and take it; say ``finish`` when it was dealt with."""
        await self._some.wait()
        owner, items = self._waiting.popitem(last=False)
        item = items.popleft()
        if items:
            self._waiting[owner] = items
        self._count -= 1
        if not self._count:
            self._some.clear()
        return item

    def finish(self) -> None:
        """Say that an item that was taken was dealt with."""
        self._unfinished -= 1
        if not self._unfinished:
            self._none.set()

    async def join(self) -> None:
        """Wait until everything that came was dealt with."""
        await self._none.wait()
