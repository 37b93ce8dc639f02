"""One connection to one hosting service: each request paced, counted, sent once and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.drivers.mailboxes.hosting.classify import (
    judge_change,
    judge_failure,
    judge_overlong,
    judge_read,
    judge_unreadable,
)
from osmig.drivers.mailboxes.hosting.requests import PAGE_ROWS, turn_to
from osmig.drivers.mailboxes.hosting.wire import read_page, read_single
from osmig.net.answers import Call
from osmig.net.bounds import LARGE_BYTES, MAX_ROWS
from osmig.net.failures import FAILURES, TooManyRowsError
from osmig.net.json_reading import UnreadableError
from osmig.net.paging import OverlongError, read_pages
from osmig.net.transport import Access

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from osmig.net.answer_memory import CommonMemory
    from osmig.net.answers import Answer
    from osmig.net.bounds import Timeouts
    from osmig.net.connection import Connection
    from osmig.net.endpoints import EndpointGuard
    from osmig.net.limiting import Priority
    from osmig.net.paging import Page
    from osmig.net.permits import Permit
    from osmig.net.requests import Request
    from osmig.net.wire import Row, WireModel

T = TypeVar("T")

SERVICE = "hosting"
LOCATION = "location"
MAX_PAGES = MAX_ROWS // PAGE_ROWS
ROUNDS = 3
"""How often a list that changes while it is read is read anew."""


def make_access(
    endpoint: str,
    token: str,
    *,
    guard: EndpointGuard,
    timeouts: Timeouts,
    context: ssl.SSLContext,
    memory: CommonMemory,
) -> Access:
    """Say how one service is reached, and as whom; the arguments are those of `osmig.net.transport.Access`."""
    return Access(
        endpoint=endpoint,
        login=("X-Api-Token", token),
        guard=guard,
        timeouts=timeouts,
        context=context,
        kept_headers=frozenset({LOCATION}),
        memory=memory,
    )


class HostingSession:
    """The way to one service."""

    def __init__(self, connection: Connection) -> None:
        """Work over ``connection``, which is closed with the session; sends nothing yet."""
        self._connection = connection

    async def row(self, model: type[Row], request: Request, priority: Priority) -> Row | None:
        """Read one object; ``None`` where the service answers with a list of none.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        answer = await self._read(request, priority)
        try:
            return await self._parse(answer, lambda content: read_single(model, content), request)
        except UnreadableError:
            raise judge_unreadable(Call(request.operation)) from None

    async def ping(self, model: type[WireModel], request: Request, priority: Priority) -> None:
        """See that the service answers with a list, whatever is in it, and takes the token.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        try:
            await self._read_page(model, request, priority)
        except UnreadableError:
            raise judge_unreadable(Call(request.operation)) from None
        except TooManyRowsError as error:
            raise judge_overlong(request.operation, error.bound) from None

    async def rows(self, model: type[Row], request: Request, priority: Priority) -> tuple[Row, ...]:
        """Read a list to its end, as one state of it: what follows from a gap would be wrong.

        Raises:
            BackendError: as ``judge_read`` says.
            Transient: the list changed each time it was read, or is too long to be read.
        """
        try:
            for _ in range(ROUNDS):
                found = await read_pages(
                    lambda number: self._read_page(model, turn_to(request, number), priority),
                    max_pages=MAX_PAGES,
                    max_rows=MAX_PAGES * PAGE_ROWS,
                )
                if found is not None:
                    return found
        except UnreadableError:
            raise judge_unreadable(Call(request.operation)) from None
        except (OverlongError, TooManyRowsError) as error:
            raise judge_overlong(request.operation, error.bound) from None
        text = f"The list changed while it was read, in {request.operation}"
        raise Transient(Reason.RETRYING, text, operation=request.operation)

    async def change(self, request: Request, priority: Priority, permit: Permit) -> Answer:
        """Send exactly one request that changes something; return its 2xx.

        Raises:
            BackendError: as ``judge_change`` says.
        """
        call = Call(request.operation, permit)
        answer = await self._send(request, call, priority)
        if not answer.is_success:
            raise judge_change(answer, request.operation)
        if len(answer.content) > LARGE_BYTES:
            raise judge_unreadable(call)
        return answer

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        await self._connection.close()

    async def _read(self, request: Request, priority: Priority) -> Answer:
        answer = await self._send(request, Call(request.operation), priority)
        if not answer.is_success:
            raise judge_read(answer, request.operation)
        return answer

    async def _read_page(self, model: type[Row], request: Request, priority: Priority) -> Page[Row]:
        answer = await self._read(request, priority)
        return await self._parse(answer, lambda content: read_page(model, content, max_rows=PAGE_ROWS), request)

    async def _parse(self, answer: Answer, parse: Callable[[bytes], T], request: Request) -> T:
        try:
            return await self._connection.parse(answer, parse)
        except FAILURES as failure:
            raise judge_failure(failure, Call(request.operation)) from failure

    async def _send(self, request: Request, call: Call, priority: Priority) -> Answer:
        try:
            return await self._connection.send(request, call, priority)
        except FAILURES as failure:
            raise judge_failure(failure, call) from failure
