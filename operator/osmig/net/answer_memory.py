"""How much of large answers is held at once: by each Provider, by those of a namespace, and by all together.

A small answer never waits. A large one takes all that it may need in one step, before the rest of it is read, so that
no two wait for one another, and waits for it no longer than for the answer. What it took is given back when the answer
itself is gone, and at once where there will be none: an exception may keep what its frames knew until the garbage
collector comes, minutes later.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.net.bounds import MAX_ANSWER_BYTES, MAX_LARGE_BYTES_HELD, MAX_LARGE_BYTES_OF_NAMESPACE
from osmig.net.failures import NoMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True, eq=False)
class _Wish:
    """Somebody who wants memory."""

    size: int
    grant: Callable[[], None]
    is_granted: bool = False


class _Pool:
    """Bytes, granted in the order of asking. Safe to share between threads."""

    def __init__(self, max_bytes: int) -> None:
        self._free = max_bytes
        self._queue: deque[_Wish] = deque()
        self._lock = threading.RLock()  # a share may be given back by the garbage collector, in whatever is done here

    def enqueue(self, size: int, grant: Callable[[], None]) -> _Wish:
        wish = _Wish(size, grant)
        with self._lock:
            self._queue.append(wish)
            self._serve()
        return wish

    def withdraw(self, wish: _Wish) -> None:
        with self._lock:
            if wish.is_granted:
                self.give_back(wish.size)
            else:
                self._queue.remove(wish)
                self._serve()

    def give_back(self, size: int) -> None:
        with self._lock:
            self._free += size
            self._serve()

    def _serve(self) -> None:
        while self._queue and self._queue[0].size <= self._free:
            wish = self._queue.popleft()
            self._free -= wish.size
            wish.is_granted = True
            wish.grant()


class Share:
    """What one answer took; given back with it."""

    def __init__(self, pools: tuple[_Pool, ...], size: int) -> None:
        self._finalizers = tuple(weakref.finalize(self, pool.give_back, size) for pool in pools)
        for finalizer in self._finalizers:
            finalizer.atexit = False

    def give_back(self) -> None:
        """Give it back now, once: there will be no answer."""
        for finalizer in self._finalizers:
            finalizer()


@dataclass(frozen=True, slots=True)
class SharedMemory:
    """What the large answers of a namespace's Providers share, within what all do.

    Attributes:
        pools: that each answer takes of, the one with the fewest Providers first.
    """

    pools: tuple[_Pool, ...]


class CommonMemory:
    """What the large answers of all Providers share.

    Args:
        max_bytes: that may be held at once.
        max_namespace_bytes: of them by the Providers of one namespace, whose answers may come as slowly as they may.
    """

    def __init__(
        self, max_bytes: int = MAX_LARGE_BYTES_HELD, max_namespace_bytes: int = MAX_LARGE_BYTES_OF_NAMESPACE
    ) -> None:
        self._pool = _Pool(max_bytes)
        self._max_namespace_bytes = max_namespace_bytes
        self._namespaces: weakref.WeakValueDictionary[str, _Pool] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def of_namespace(self, namespace: str) -> SharedMemory:
        """Return what the Providers of a namespace share, within what all do; it goes with the last of them."""
        with self._lock:
            pool = self._namespaces.get(namespace)
            if pool is None:
                pool = self._namespaces[namespace] = _Pool(self._max_namespace_bytes)
        return SharedMemory((pool, self._pool))


class AnswerMemory:
    """Memory for the large answers of one Provider.

    Args:
        shared: with others of its namespace; ``None`` makes one.
    """

    def __init__(self, shared: SharedMemory | None = None) -> None:
        self._pools = (_Pool(MAX_ANSWER_BYTES), *(shared or CommonMemory().of_namespace("")).pools)

    def take(self, size: int, timeout_s: float) -> Share:
        """Take memory for one answer, blocking; by a thread.

        Raises:
            NoMemoryError: there was none in time.
        """
        deadline = time.monotonic() + timeout_s
        for number, pool in enumerate(self._pools):
            granted = threading.Event()
            wish = pool.enqueue(size, granted.set)
            if not granted.wait(max(0.0, deadline - time.monotonic())):
                pool.withdraw(wish)
                for other in self._pools[:number]:
                    other.give_back(size)
                raise NoMemoryError
        return Share(self._pools, size)

    async def take_async(self, size: int) -> Share:
        """Take memory for one answer; whoever is cancelled meanwhile takes nothing."""
        loop = asyncio.get_running_loop()
        taken: list[tuple[_Pool, _Wish]] = []
        try:
            for pool in self._pools:
                granted = loop.create_future()
                taken.append((pool, pool.enqueue(size, _from_any_thread(loop, granted))))
                await granted
        except asyncio.CancelledError:
            for pool, wish in taken:
                pool.withdraw(wish)
            raise
        return Share(self._pools, size)


def _from_any_thread(loop: asyncio.AbstractEventLoop, granted: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        if not granted.done():
            granted.set_result(None)

    def grant() -> None:
        with suppress(RuntimeError):  # the loop was closed, and nobody waits any more
            loop.call_soon_threadsafe(resolve)

    return grant
