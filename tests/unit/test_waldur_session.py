"""How lists end, on servers that count their rows, link their pages, or do neither; and who goes first."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from http_upstream import Upstream, answer
from osmig.backends.waldur.session import MAX_PAGES
from osmig.domain.errors import Absent, Transient
from waldur_support import make_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from http.server import BaseHTTPRequestHandler

    from osmig.backends.ports import TenantBackend

SOURCE = "b8444897d6e64277adb048b2cf09fca5"
PER_PAGE = 2


@asynccontextmanager
async def backend_of(upstream: Upstream) -> AsyncIterator[TenantBackend]:
    """Work against a scripted server."""
    backend = make_backend(upstream.url)
    try:
        yield backend
    finally:
        await backend.close()


def pages(
    total: int, headers_of: Callable[[int, bool], dict[str, str]], *, after: Callable[[BaseHTTPRequestHandler], None]
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Respond with pages of two rows; ``headers_of`` gets the total and whether this is the last page."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        page = int(parse_qs(urlsplit(handler.path).query)["page"][0])
        first, end = (page - 1) * PER_PAGE, min(page * PER_PAGE, total)
        rows = [{"uuid": f"{number:032x}", "src_resource_uuid": SOURCE} for number in range(first, end)]
        if page > 1 and not rows:
            after(handler)
            return
        body = json.dumps(rows).encode()
        answer(200, body, **headers_of(total, end == total))(handler)

    return respond


def counted(total: int, _is_last: bool) -> dict[str, str]:  # noqa: FBT001 - as called by pages
    return {"X_Result_Count": str(total)}


def linked(_total: int, is_last: bool) -> dict[str, str]:  # noqa: FBT001
    # the address is another's: only that there is a next page is believed
    first = '<http://127.0.0.1:9/api/>; rel="first"'
    return {"Link": first if is_last else f'{first}, <http://127.0.0.1:9/api/?page=2>; rel="next"'}


def bare(_total: int, _is_last: bool) -> dict[str, str]:  # noqa: FBT001
    return {}


INVALID_PAGE = answer(404, b'{"detail": "Invalid page."}')
EMPTY_PAGE = answer(200, b"[]")


@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("headers_of", [counted, linked, bare])
@pytest.mark.parametrize("after", [INVALID_PAGE, EMPTY_PAGE], ids=["invalid page", "empty page"])
async def test_a_list_is_read_to_its_end(
    upstream: Upstream,
    total: int,
    headers_of: Callable[[int, bool], dict[str, str]],
    after: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    upstream.respond = pages(total, headers_of, after=after)

    async with backend_of(upstream) as backend:
        runs = await backend.runs(SOURCE)

    assert sorted(run.id for run in runs) == [f"{number:032x}" for number in range(total)]
    most = -(-total // PER_PAGE) or 1
    assert len(upstream.seen) <= most + (headers_of is bare)


async def test_a_list_that_never_ends_is_given_up(upstream: Upstream) -> None:
    row = json.dumps([{"uuid": "0" * 32}]).encode()
    upstream.respond = answer(200, row)

    async with backend_of(upstream) as backend:
        with pytest.raises(Transient, match=f"more than {MAX_PAGES} pages"):
            await backend.runs(SOURCE)


async def test_a_list_shorter_than_counted_is_not_believed(upstream: Upstream) -> None:
    upstream.respond = answer(200, b"[]", X_Result_Count="3")

    async with backend_of(upstream) as backend:
        with pytest.raises(Transient, match="changed while it was read"):
            await backend.runs(SOURCE)


async def test_a_row_that_shows_twice_counts_once(upstream: Upstream) -> None:
    row = {"uuid": "0" * 32, "src_resource_uuid": SOURCE}
    upstream.respond = answer(200, json.dumps([row, row]).encode(), X_Result_Count="2")

    async with backend_of(upstream) as backend:
        assert len(await backend.runs(SOURCE)) == 1


async def test_rows_are_sorted_by_age_whatever_the_server_does(upstream: Upstream) -> None:
    rows = [
        {"uuid": "2" * 32, "created": "2026-11-21T02:00:00Z"},
        {"uuid": "3" * 32},
        {"uuid": "1" * 32, "created": "2026-11-21T01:00:00Z"},
    ]
    upstream.respond = answer(200, json.dumps(rows).encode(), X_Result_Count="3")

    async with backend_of(upstream) as backend:
        assert [run.id[0] for run in await backend.runs(SOURCE)] == ["1", "2", "3"]


async def test_the_first_page_of_something_that_is_gone_is_an_absence(upstream: Upstream) -> None:
    upstream.respond = answer(404, b'{"detail": "Not found."}')

    async with backend_of(upstream) as backend:
        with pytest.raises(Absent):
            await backend.runs(SOURCE)
