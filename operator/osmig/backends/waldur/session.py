"""One connection to one Waldur: opened when first needed; each request paced, counted, sent once and judged."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.backends.bounds import PermitExpiredError
from osmig.backends.waldur.answers import Answer, Call, NoAnswerError
from osmig.backends.waldur.classify import EXPECTED, judge_change, judge_failure, judge_read, judge_unreadable
from osmig.backends.waldur.opening import Access, open_client
from osmig.backends.waldur.wire import RunRow, UnreadableError, read_row, read_rows
from osmig.domain.errors import Absent, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.backends.bounds import RequestObserver
    from osmig.backends.limiting import Limiter, Priority
    from osmig.backends.ports import Permit
    from osmig.backends.waldur.client import Request, WaldurClient
    from osmig.backends.waldur.wire import Row

    Build = Callable[[WaldurClient], Request]

SERVICE = "waldur"
MAX_PAGES = 200
ROUNDS = 3
"""How often a list that changes while it is read is read anew."""


class WaldurSession:
    """The way to one Waldur."""

    def __init__(self, access: Access, *, limiter: Limiter, observe: RequestObserver, name: str) -> None:
        """Open nothing yet.

        Args:
            access: where and as whom.
            limiter: grants the Provider's requests.
            observe: told of every request.
            name: shown in thread names, for stack dumps.
        """
        self.endpoint = access.endpoint
        self._access = access
        self._limiter = limiter
        self._observe = observe
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix=name)
        self._opening = asyncio.Lock()
        self._client: WaldurClient | None = None
        self._under_way = 0
        self._is_closed = False

    def has_token(self, prefix: str) -> bool:
        """Whether the token in use begins so; the token itself is handed to nobody."""
        return self._access.token.startswith(prefix)

    async def row(self, model: type[Row], operation: str, build: Build, priority: Priority) -> Row:
        """Read one object.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        call = Call(operation)
        answer = await self._read(call, build, priority)
        try:
            return read_row(model, answer.content)
        except UnreadableError:
            raise judge_unreadable(call) from None

    async def rows(self, model: type[Row], operation: str, build: Build, priority: Priority) -> tuple[Row, ...]:
        """Read a list over all its pages, as one state of it: what follows from a gap would be wrong.

        Raises:
            BackendError: as ``judge_read`` says.
            Transient: the list changed each time it was read, or does not end.
        """
        for _ in range(ROUNDS):
            found = await self._pages(model, operation, build, priority)
            if found is not None:
                return found
        text = f"The list changed while it was read, in {operation}"
        raise Transient(Reason.RETRYING, text, operation=operation)

    async def ping(self, priority: Priority) -> None:
        """See that Waldur answers, replicates tenants and takes the token, by a list of no more than one row.

        It also keeps a token alive whose lifetime counts from its last use.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        call = Call("ping")
        answer = await self._read(call, lambda client: client.list_runs(None), priority)
        try:
            read_rows(RunRow, answer.content)
        except UnreadableError:
            raise judge_unreadable(call) from None

    async def change(self, operation: str, build: Build, priority: Priority, permit: Permit) -> bytes:
        """Send exactly one request that changes something; return the body of its 2xx.

        Raises:
            BackendError: as ``judge_change`` says.
        """
        call = Call(operation, permit)
        answer = await self._send(call, build, priority)
        if not answer.is_success:
            raise judge_change(answer, operation)
        return answer.content

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        self._is_closed = True
        self._threads.shutdown(wait=False)
        await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        if self._is_closed and self._client is not None and not self._under_way:
            await self._client.close()

    async def _pages(
        self, model: type[Row], operation: str, build: Build, priority: Priority
    ) -> tuple[Row, ...] | None:
        """Read all pages; ``None`` if rows came or went meanwhile, which moves others from page to page."""
        rows: list[Row] = []
        seen = 0
        total: int | None = None
        for page in range(1, MAX_PAGES + 1):
            call = Call(operation)
            try:
                answer = await self._read(call, build, priority, page=page)
                found, count = read_rows(model, answer.content)
            except UnreadableError:
                raise judge_unreadable(call) from None
            except Absent:
                if page == 1:
                    raise
                return tuple(rows) if total is None else None
            if page > 1 and answer.result_count != total:
                return None
            total = answer.result_count
            rows += found
            seen += count
            if _is_last(answer, count=count, seen=seen):
                return tuple(rows) if total is None or seen >= total else None
        text = f"The list has more than {MAX_PAGES} pages, in {operation}"
        raise Transient(Reason.UNREACHABLE, text, operation=operation)

    async def _read(self, call: Call, build: Build, priority: Priority, *, page: int | None = None) -> Answer:
        answer = await self._send(call, build, priority, page=page)
        if not answer.is_success:
            raise judge_read(answer, call.operation)
        return answer

    async def _send(self, call: Call, build: Build, priority: Priority, *, page: int | None = None) -> Answer:
        try:
            client = await self._open()
            await self._limiter.acquire(priority)
            if self._is_closed:
                text = "The connection to Waldur was replaced"
                raise Transient(Reason.PROVIDER_NOT_READY, text, operation=call.operation)
            self._under_way += 1
            try:
                return await self._exchange(client, build(client), call, page)
            finally:
                self._under_way -= 1
                await self._close_if_idle()
        except EXPECTED as failure:
            raise judge_failure(failure, call) from failure

    async def _exchange(self, client: WaldurClient, request: Request, call: Call, page: int | None) -> Answer:
        started = time.monotonic()
        code: str | None = "connection_error"
        try:
            answer = await client.send(request, call, page=page)
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

    async def _open(self) -> WaldurClient:
        async with self._opening:
            if self._client is None and not self._is_closed:
                loop = asyncio.get_running_loop()
                self._client = await loop.run_in_executor(self._threads, open_client, self._access, self._threads)
        if self._client is None:
            text = "The connection to Waldur was replaced"
            raise Transient(Reason.PROVIDER_NOT_READY, text, operation="open")
        return self._client


def _is_last(answer: Answer, *, count: int, seen: int) -> bool:
    """Tell the last page by the count of all rows, else by the link to the next one, else by its being empty."""
    if answer.result_count is not None:
        return seen >= answer.result_count or count == 0
    if answer.has_next is not None:
        return not answer.has_next
    return count == 0
