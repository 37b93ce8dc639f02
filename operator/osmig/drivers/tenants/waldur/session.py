"""One connection to one Waldur: each request paced, counted, sent once and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.drivers.tenants.waldur.classify import (
    judge_change,
    judge_failure,
    judge_overlong,
    judge_read,
    judge_unreadable,
)
from osmig.drivers.tenants.waldur.requests import PAGE_ROWS, PING, turn_to
from osmig.drivers.tenants.waldur.wire import RunRow, read_rows
from osmig.net.answer_memory import CommonMemory
from osmig.net.answers import Call
from osmig.net.bounds import LARGE_BYTES, MAX_ROWS
from osmig.net.connection import Connection
from osmig.net.failures import FAILURES, TooManyRowsError
from osmig.net.json_reading import UnreadableError
from osmig.net.paging import OverlongError, read_pages
from osmig.net.requests import Size
from osmig.net.transport import Access
from osmig.net.wire import read_row

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from osmig.net.answers import Answer
    from osmig.net.bounds import RequestObserver, Timeouts
    from osmig.net.endpoints import EndpointGuard
    from osmig.net.limiting import Limiter, Priority
    from osmig.net.paging import Page
    from osmig.net.permits import Permit
    from osmig.net.requests import Request
    from osmig.net.wire import Row

T = TypeVar("T")

SERVICE = "waldur"
MAX_PAGES = MAX_ROWS // PAGE_ROWS
ROUNDS = 3
"""How often a list that changes while it is read is read anew."""

_COUNT = "x-result-count"
_SCHEME = "Token"


def make_access(
    endpoint: str,
    token: str,
    *,
    guard: EndpointGuard,
    timeouts: Timeouts,
    context: ssl.SSLContext | None = None,
    memory: CommonMemory | None = None,
) -> Access:
    """Say how one Waldur is reached, and as whom.

    Args:
        endpoint: its URL, without ``/api``; one that passed ``check_url``.
        token: of the service account; never shown.
        guard: judges every address that is connected to.
        timeouts: bounds of every request.
        context: trusts the Secret's certificates; ``None`` trusts the usual ones.
        memory: for the large answers of all Providers; ``None`` is one's own.
    """
    return Access(
        endpoint=endpoint,
        login=("Authorization", f"{_SCHEME} {token}"),
        guard=guard,
        timeouts=timeouts,
        context=context,
        kept_headers=frozenset({_COUNT}),
        memory=memory or CommonMemory(),
    )


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
        self._login = access.login[1]
        self._max_pages = max_pages
        self._connection = Connection(access, service=SERVICE, limiter=limiter, observe=observe, name=name)

    def has_token(self, prefix: str) -> bool:
        """Whether the token in use begins so; the token itself is handed to nobody."""
        return self._login.startswith(f"{_SCHEME} {prefix}")

    async def row(self, model: type[Row], request: Request, priority: Priority) -> Row:
        """Read one object.

        Raises:
            BackendError: as ``judge_read`` says.
        """
        answer = await self._read(request, priority)
        try:
            return await self._parse(answer, lambda content: read_row(model, content), request)
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
                return tuple((await self._read_page(model, request, priority)).rows.values())
            for _ in range(ROUNDS):
                found = await read_pages(
                    lambda number: self._read_page(model, turn_to(request, number), priority),
                    max_pages=self._max_pages,
                    max_rows=self._max_pages * PAGE_ROWS,
                )
                if found is not None:
                    return found
        except UnreadableError:
            raise judge_unreadable(Call(request.operation)) from None
        except (OverlongError, TooManyRowsError) as error:
            raise judge_overlong(request.operation, error.bound) from None
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
        call = Call(request.operation, permit)
        answer = await self._send(request, call, priority)
        if not answer.is_success:
            raise judge_change(answer, request.operation)
        if len(answer.content) > LARGE_BYTES:
            raise judge_unreadable(call)
        return answer.content

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
        max_rows = MAX_ROWS if request.size is Size.ALL else PAGE_ROWS
        page = await self._parse(answer, lambda content: read_rows(model, content, max_rows=max_rows), request)
        return replace(page, total=answer.read_count(_COUNT), has_next=answer.has_next)

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
