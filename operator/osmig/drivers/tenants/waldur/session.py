"""One connection to one Waldur: each request paced, counted, sent once and judged."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.drivers.tenants.waldur.answers import Answer, Call, NoAnswerError
from osmig.drivers.tenants.waldur.classify import (
    EXPECTED,
    judge_change,
    judge_failure,
    judge_overlong,
    judge_read,
    judge_unreadable,
)
from osmig.drivers.tenants.waldur.paging import OverlongError, read_pages
from osmig.drivers.tenants.waldur.requests import PING, Request, Size
from osmig.drivers.tenants.waldur.transport import Access, Transport
from osmig.drivers.tenants.waldur.wire import RunRow, UnreadableError, read_row, read_rows
from osmig.net.bounds import PermitExpiredError
from osmig.net.limiting import Priority

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from osmig.drivers.ports import Permit
    from osmig.drivers.tenants.waldur.wire import Row
    from osmig.net.bounds import RequestObserver
    from osmig.net.limiting import Limiter

SERVICE = "waldur"
MAX_PAGES = 200
ROUNDS = 3
"""How often a list that changes while it is read is read anew."""

LISTS_AT_ONCE = 2
"""A list may take Waldur many seconds: those that wait for one must not keep its workers, nor our connections, from
what is answered at once. Lists that are only shown take turns by themselves, so that no start waits for them."""


class WaldurSession:
    """The way to one Waldur."""

    def __init__(
        self, access: Access, *, limiter: Limiter, observe: RequestObserver, name: str, max_pages: int = MAX_PAGES
    ) -> None:
        """Open nothing yet.

        Args:
            access: where and as whom.
            limiter: grants the Provider's requests.
            observe: told of every request.
            name: shown in thread names, for stack dumps.
            max_pages: of a list; a longer one is not read.
        """
        self.endpoint = access.endpoint
        self._token = access.token
        self._limiter = limiter
        self._observe = observe
        self._max_pages = max_pages
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix=name)
        self._transport = Transport(access, self._threads)
        self._lists, self._shown_lists = asyncio.Semaphore(LISTS_AT_ONCE), asyncio.Semaphore(1)
        self._under_way = 0
        self._is_closed = False

    def has_token(self, prefix: str) -> bool:
        """Whether the token in use begins so; the token itself is handed to nobody."""
        return self._token.startswith(prefix)

    async def row(self, model: type[Row], request: Request, priority: Priority) -> Row:
        """Read one object.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        answer = await self._read(request, priority)
        try:
            return read_row(model, answer.content)
        except UnreadableError:
            raise judge_unreadable(Call(request.operation)) from None

    async def rows(self, model: type[Row], request: Request, priority: Priority) -> tuple[Row, ...]:
        """Read a list to its end, as one state of it: what follows from a gap would be wrong.

        Raises:
            BackendError: as ``judge_read`` says.
            Transient: the list changed each time it was read, or is too long to be read.
        """
        try:
            if request.size is not Size.PAGES:
                answer = await self._read(request, priority)
                return tuple(read_rows(model, answer.content).rows.values())
            for _ in range(ROUNDS):
                found = await read_pages(
                    model, lambda page: self._read(request.turn_to(page), priority), most=self._max_pages
                )
                if found is not None:
                    return found
        except UnreadableError:
            raise judge_unreadable(Call(request.operation)) from None
        except OverlongError:
            raise judge_overlong(request.operation, pages=self._max_pages) from None
        text = f"The list changed while it was read, in {request.operation}"
        raise Transient(Reason.RETRYING, text, operation=request.operation)

    async def ping(self, priority: Priority) -> None:
        """See that Waldur answers, replicates tenants and takes the token, by a list of no more than one row.

        It also keeps a token alive whose lifetime counts from its last use.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        await self.rows(RunRow, PING.about(), priority)

    async def change(self, request: Request, priority: Priority, permit: Permit) -> bytes:
        """Send exactly one request that changes something; return the body of its 2xx.

        Raises:
            BackendError: as ``judge_change`` says.
        """
        answer = await self._send(request, Call(request.operation, permit), priority)
        if not answer.is_success:
            raise judge_change(answer, request.operation)
        return answer.content

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        self._is_closed = True
        self._threads.shutdown(wait=False)
        await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        if self._is_closed and not self._under_way:
            await self._transport.close()

    async def _read(self, request: Request, priority: Priority) -> Answer:
        answer = await self._send(request, Call(request.operation), priority)
        if not answer.is_success:
            raise judge_read(answer, request.operation)
        return answer

    async def _send(self, request: Request, call: Call, priority: Priority) -> Answer:
        try:
            async with self._queue(request, priority):
                await self._limiter.acquire(priority)
                if self._is_closed:
                    text = "The connection to Waldur was replaced"
                    raise Transient(Reason.PROVIDER_NOT_READY, text, operation=call.operation)
                self._under_way += 1
                try:
                    return await self._exchange(request, call)
                finally:
                    self._under_way -= 1
                    await self._close_if_idle()
        except EXPECTED as failure:
            raise judge_failure(failure, call) from failure

    def _queue(self, request: Request, priority: Priority) -> AbstractAsyncContextManager[object]:
        """Return what a request waits for before its turn."""
        if request.size is Size.ONE:
            return nullcontext()
        return self._shown_lists if priority is Priority.PROGRESS else self._lists

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
                self._observe(SERVICE, call.operation, code, time.monotonic() - started)
