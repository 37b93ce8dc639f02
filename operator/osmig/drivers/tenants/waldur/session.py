"""One connection to one Waldur: how its answers are read; paced, sent and judged as any JSON API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.drivers.tenants.waldur import classify
from osmig.drivers.tenants.waldur.requests import PAGE_ROWS, PING, turn_to
from osmig.drivers.tenants.waldur.wire import RunRow, read_rows
from osmig.net.bounds import MAX_ROWS
from osmig.net.connection import Connection
from osmig.net.json_api import JsonApi, Paging
from osmig.net.requests import Size
from osmig.net.transport import Access
from osmig.net.wire import read_row

if TYPE_CHECKING:
    import ssl

    from osmig.net.answer_memory import SharedMemory
    from osmig.net.answers import Answer
    from osmig.net.bounds import RequestObserver, Timeouts
    from osmig.net.endpoints import EndpointGuard
    from osmig.net.limiting import Limiter, Priority
    from osmig.net.paging import Page
    from osmig.net.permits import Permit
    from osmig.net.requests import Request
    from osmig.net.wire import Row

SERVICE = "waldur"
MAX_PAGES = MAX_ROWS // PAGE_ROWS
_COUNT = "x-result-count"
_SCHEME = "Token"


def make_access(
    endpoint: str,
    token: str,
    *,
    guard: EndpointGuard,
    timeouts: Timeouts,
    context: ssl.SSLContext | None = None,
    memory: SharedMemory | None = None,
) -> Access:
    """Say how one Waldur is reached, and as whom.

    Args:
        endpoint: its URL, without ``/api``; one that passed ``check_url``.
        token: of the service account; never shown.
        guard: judges every address that is connected to.
        timeouts: bounds of every request.
        context: trusts the Secret's certificates; ``None`` trusts the usual ones.
        memory: for large answers, shared with other Providers; ``None`` is one's own.
    """
    return Access(
        endpoint=endpoint,
        login=("Authorization", f"{_SCHEME} {token}"),
        guard=guard,
        timeouts=timeouts,
        context=context,
        kept_headers=frozenset({_COUNT}),
        memory=memory,
    )


class WaldurSession:
    """The way to one Waldur; each method may raise the ``BackendError`` family as ``classify`` says."""

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
        connection = Connection(access, service=SERVICE, limiter=limiter, observe=observe, name=name)
        self._api = JsonApi(connection, classify)

    def has_token(self, prefix: str) -> bool:
        """Whether the token in use begins so; the token itself is handed to nobody."""
        return self._login.startswith(f"{_SCHEME} {prefix}")

    async def row(self, model: type[Row], request: Request, priority: Priority) -> Row:
        """Read one object."""
        return await self._api.read(request, priority, lambda answer: read_row(model, answer.content))

    async def rows(
        self, model: type[Row], request: Request, priority: Priority, *, max_pages: int | None = None
    ) -> tuple[Row, ...]:
        """Read a list to its end, as one state of it; of ``max_pages`` at most, where it is worth no more."""
        max_rows = MAX_ROWS if request.size is Size.ALL else PAGE_ROWS

        def read_page(answer: Answer) -> Page[Row]:
            page = read_rows(model, answer.content, max_rows=max_rows)
            return replace(page, total=answer.read_count(_COUNT), has_next=answer.has_next)

        if request.size is not Size.PAGES:
            return tuple((await self._api.read(request, priority, read_page)).rows.values())
        bound = min(self._max_pages, max_pages or self._max_pages)
        paging = Paging(turn_to=turn_to, read_page=read_page, page_rows=PAGE_ROWS, max_pages=bound)
        return await self._api.read_list(request, priority, paging)

    async def ping(self, priority: Priority) -> None:
        """See that Waldur answers, replicates tenants and takes the token, by a list of no more than one row.

        It also keeps a token alive whose lifetime counts from its last use.
        """
        await self.rows(RunRow, PING.about(), priority)

    async def change(self, request: Request, priority: Priority, permit: Permit) -> bytes:
        """Send exactly one request that changes something; return the body of its 2xx."""
        return (await self._api.change(request, priority, permit)).content

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        await self._api.close()
