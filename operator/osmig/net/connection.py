"""One connection to one server: each request paced, counted and sent once."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from osmig.net.bounds import LARGE_BYTES
from osmig.net.failures import ConnectionReplacedError, NoAnswerError, PermitExpiredError
from osmig.net.json_reading import take_turn
from osmig.net.limiting import Priority, raise_priority
from osmig.net.places import Places
from osmig.net.requests import Size
from osmig.net.transport import REQUESTS_AT_ONCE, Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from osmig.net.answers import Answer, Call
    from osmig.net.bounds import RequestObserver
    from osmig.net.limiting import Limiter
    from osmig.net.requests import Request
    from osmig.net.transport import Access

T = TypeVar("T")

_ORDERS_LIST = MappingProxyType({Priority.ORDER: 1})

LISTS_AT_ONCE = 2
"""A list may take a server many seconds: those that wait for one must not keep its workers, nor our connections, from
what is answered at once. Lists that are only shown take turns by themselves, so that no start waits for them."""


class Connection:
    """The way to one server, below what its answers mean."""

    def __init__(self, access: Access, *, service: str, limiter: Limiter, observe: RequestObserver, name: str) -> None:
        """Open nothing yet.

        Args:
            access: where and as whom.
            service: whose requests they are, for metrics.
            limiter: grants the Provider's requests.
            observe: told of every request.
            name: shown in thread names, for stack dumps.
        """
        self._service = service
        self._limiter = limiter
        self._observe = observe
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix=name)
        self._transport = Transport(access)
        self._places = Places(REQUESTS_AT_ONCE)
        self._lists, self._shown_lists = Places(LISTS_AT_ONCE, _ORDERS_LIST), Places(1, {})
        self._under_way = 0
        self._is_closed = False

    async def send(self, request: Request, call: Call, priority: Priority) -> Answer:
        """Wait for one's turn, send one request and read its answer, whatever it says.

        Raises:
            NotSentError, NoAnswerError: as `Transport.send`, and where the connection was closed meanwhile.
        """
        async with self._in_line(request, raise_priority(priority)):
            await self._limiter.acquire(priority)
            async with self._places.one(priority):
                if self._is_closed:
                    raise ConnectionReplacedError
                self._under_way += 1
                try:
                    return await self._exchange(request, call)
                finally:
                    self._under_way -= 1
                    await self._close_if_idle()

    async def parse(self, answer: Answer, parse: Callable[[Answer], T]) -> T:
        """Make something of an answer; of a large one in a thread, for nobody else runs meanwhile on the loop.

        Raises:
            ConnectionReplacedError: the connection was closed.
            Exception: as ``parse``.
        """
        if len(answer.content) <= LARGE_BYTES:
            return parse(answer)
        if self._is_closed:
            raise ConnectionReplacedError
        return await asyncio.get_running_loop().run_in_executor(self._threads, _parse_in_turn, answer, parse)

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        self._is_closed = True
        self._threads.shutdown(wait=False)
        await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        if self._is_closed and not self._under_way:
            await self._transport.close()

    def _in_line(self, request: Request, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Return what a request waits for before its turn."""
        if request.size is Size.ONE:
            return nullcontext()
        return (self._shown_lists if priority is Priority.PROGRESS else self._lists).one(priority)

    async def _exchange(self, request: Request, call: Call) -> Answer:
        started = time.monotonic()
        code: str | None = "connection_error"
        try:
            answer = await self._transport.send(request, call)
            code = str(answer.status)
        except NoAnswerError as failure:
            code = "timeout" if failure.is_timeout else code
            raise
        except PermitExpiredError:
            code = None  # nothing was sent
            raise
        else:
            return answer
        finally:
            if code is not None:
                self._observe(self._service, call.operation, code, time.monotonic() - started)


def _parse_in_turn(answer: Answer, parse: Callable[[Answer], T]) -> T:
    """Read JSON and rows of a large answer while no other large one is read."""
    with take_turn(len(answer.content)):
        return parse(answer)
