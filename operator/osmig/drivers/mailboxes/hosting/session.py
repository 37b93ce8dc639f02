"""One connection to one hosting service: how its answers are read; paced, sent and judged as any JSON API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from osmig.drivers.mailboxes.hosting import classify
from osmig.drivers.mailboxes.hosting.requests import PAGE_ROWS, turn_to
from osmig.drivers.mailboxes.hosting.wire import read_page, read_single
from osmig.net.bounds import MAX_ROWS
from osmig.net.json_api import JsonApi, Paging
from osmig.net.transport import Access

if TYPE_CHECKING:
    import ssl

    from osmig.net.answer_memory import SharedMemory
    from osmig.net.answers import Answer
    from osmig.net.bounds import Timeouts
    from osmig.net.connection import Connection
    from osmig.net.endpoints import EndpointGuard
    from osmig.net.limiting import Priority
    from osmig.net.paging import Page
    from osmig.net.permits import Permit
    from osmig.net.requests import Request
    from osmig.net.wire import Row, WireModel

SERVICE = "hosting"
LOCATION = "location"
MAX_PAGES: Final = MAX_ROWS // PAGE_ROWS


def make_access(
    endpoint: str,
    token: str,
    *,
    guard: EndpointGuard,
    timeouts: Timeouts,
    context: ssl.SSLContext,
    memory: SharedMemory,
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
    """The way to one service; each method may raise the ``BackendError`` family as ``classify`` says."""

    def __init__(self, connection: Connection) -> None:
        """Work over ``connection``, which is closed with the session; sends nothing yet."""
        self._api = JsonApi(connection, classify)

    async def row(self, model: type[Row], request: Request, priority: Priority) -> Row | None:
        """Read one object; ``None`` where the service answers with a list of none."""
        return await self._api.read(request, priority, lambda answer: read_single(model, answer.content))

    async def ping(self, model: type[WireModel], request: Request, priority: Priority) -> None:
        """See that the service answers with a list, whatever is in it, and takes the token."""
        await self._api.read(request, priority, lambda answer: _read_page(model, answer))

    async def rows(
        self, model: type[Row], request: Request, priority: Priority, *, max_pages: int = MAX_PAGES
    ) -> tuple[Row, ...]:
        """Read a list of so many pages at most to its end, as one state of it."""
        paging = Paging(
            turn_to=turn_to,
            read_page=lambda answer: _read_page(model, answer),
            page_rows=PAGE_ROWS,
            max_pages=max_pages,
        )
        return await self._api.read_list(request, priority, paging)

    async def change(self, request: Request, priority: Priority, permit: Permit) -> Answer:
        """Send exactly one request that changes something; return its 2xx."""
        return await self._api.change(request, priority, permit)

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        await self._api.close()


def _read_page(model: type[Row], answer: Answer) -> Page[Row]:
    return read_page(model, answer.content, max_rows=PAGE_ROWS)
