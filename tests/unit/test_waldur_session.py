"""How lists end, on servers that count their rows, link their pages, or do neither; and who goes first."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from http_upstream import Upstream, answer
from lab.waiting import DEADLINE_S
from nova_support import LOOPBACK, PATIENT
from osmig.clock import SystemClock
from osmig.domain.errors import Absent, Transient
from osmig.drivers.tenants.waldur.requests import LIST_NETWORKS, LIST_PLANS, LIST_RUNS
from osmig.drivers.tenants.waldur.session import MAX_PAGES, WaldurSession, make_access
from osmig.drivers.tenants.waldur.wire import NamedRow, RunRow
from osmig.net.bounds import MAX_ANSWER_BYTES
from osmig.net.connection import LISTS_AT_ONCE
from osmig.net.endpoints import EndpointGuard
from osmig.net.json_api import ROUNDS
from osmig.net.limiting import Limiter, Priority
from waldur_support import TOKEN, make_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from http.server import BaseHTTPRequestHandler

    from osmig.drivers.tenants.ports import TenantBackend

SOURCE = "b8444897d6e64277adb048b2cf09fca5"
PER_PAGE = 2


def session_of(upstream: Upstream, *, max_pages: int = MAX_PAGES) -> WaldurSession:
    """Open one connection to a scripted server; the caller closes it."""
    access = make_access(upstream.url, TOKEN, guard=EndpointGuard(LOOPBACK), timeouts=PATIENT)
    return WaldurSession(
        access,
        limiter=Limiter(1000, SystemClock()),
        observe=lambda *_told: None,
        name="test",
        max_pages=max_pages,
    )


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
        page = page_of(handler)
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


def page_of(handler: BaseHTTPRequestHandler) -> int:
    return int(parse_qs(urlsplit(handler.path).query)["page"][0])


def same_page(**headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Respond with the same two rows, whatever page is asked for."""
    rows = [{"uuid": f"{number:032x}", "src_resource_uuid": SOURCE} for number in range(2)]
    return answer(200, json.dumps(rows).encode(), **headers)


async def test_a_server_that_ignores_pages_is_believed_when_a_page_brings_nothing_new(upstream: Upstream) -> None:
    upstream.respond = same_page()

    async with backend_of(upstream) as backend:
        runs = await backend.runs(SOURCE)

    assert len(runs) == 2
    assert len(upstream.seen) == 2


async def test_rows_without_an_id_end_a_list_too(upstream: Upstream) -> None:
    upstream.respond = answer(200, b'[{"name": "x"}, 42]')

    async with backend_of(upstream) as backend:
        assert await backend.runs(SOURCE) == ()

    assert len(upstream.seen) == 2


@pytest.mark.parametrize(
    "headers", [{"X_Result_Count": "4"}, {"Link": '<http://x/>; rel="next"'}], ids=["count", "link"]
)
async def test_a_server_that_repeats_a_page_though_it_has_more_is_not_believed(
    upstream: Upstream, headers: dict[str, str]
) -> None:
    upstream.respond = same_page(**headers)

    async with backend_of(upstream) as backend:
        with pytest.raises(Transient, match="changed while it was read"):
            await backend.runs(SOURCE)

    assert len(upstream.seen) == 2 * ROUNDS


async def test_a_row_that_comes_twice_on_two_pages_is_a_change_though_the_count_stays(upstream: Upstream) -> None:
    """One row was deleted and one was made: those between moved by one, and one of them may have been missed."""
    ids = {1: (1, 2), 2: (2, 3)}

    def respond(handler: BaseHTTPRequestHandler) -> None:
        rows = [{"uuid": f"{number:032x}"} for number in ids[page_of(handler)]]
        answer(200, json.dumps(rows).encode(), X_Result_Count="4")(handler)

    upstream.respond = respond
    async with backend_of(upstream) as backend:
        with pytest.raises(Transient, match="changed while it was read"):
            await backend.runs(SOURCE)


@pytest.mark.parametrize(("headers", "asked"), [({}, 3), ({"X_Result_Count": "7"}, 1)], ids=["bare", "count"])
async def test_a_list_beyond_the_bound_is_told_as_that_and_not_read_again_soon(
    upstream: Upstream, headers: dict[str, str], asked: int
) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        first = 2 * page_of(handler)
        rows = [{"uuid": f"{number:032x}"} for number in (first, first + 1)]
        answer(200, json.dumps(rows).encode(), **headers)(handler)

    upstream.respond = respond
    session = session_of(upstream, max_pages=3)
    with pytest.raises(Transient, match="more than 3 pages, and no more are read") as caught:
        await session.rows(RunRow, LIST_RUNS.about(SOURCE), Priority.START)
    await session.close()

    assert caught.value.retry_after_s == 600
    assert len(upstream.seen) == asked


async def test_a_list_as_long_as_the_bound_is_read(upstream: Upstream) -> None:
    upstream.respond = pages(6, counted, after=INVALID_PAGE)
    session = session_of(upstream, max_pages=3)
    assert len(await session.rows(RunRow, LIST_RUNS.about(SOURCE), Priority.START)) == 6
    await session.close()


async def test_what_waldur_does_not_page_is_asked_for_once_and_without_a_page(upstream: Upstream) -> None:
    rows = [{"uuid": f"{number:032x}"} for number in range(130)]
    upstream.respond = answer(200, json.dumps(rows).encode())
    session = session_of(upstream)
    assert len(await session.rows(NamedRow, LIST_PLANS.about(SOURCE), Priority.READ)) == 130
    await session.close()

    assert upstream.seen == [f"GET /api/marketplace-public-offerings/{UUID(SOURCE)}/plans/"]


async def test_an_answer_that_is_too_long_is_not_asked_for_again_soon(upstream: Upstream) -> None:
    upstream.respond = answer(200, b" " * (MAX_ANSWER_BYTES + 1))

    async with backend_of(upstream) as backend:
        with pytest.raises(Transient, match="list-runs is too long") as caught:
            await backend.runs(SOURCE)

    assert caught.value.retry_after_s == 600


async def test_slow_lists_keep_nothing_else_waiting(upstream: Upstream) -> None:
    """Twelve lists are more than there are connections: what is answered at once is answered all the same."""
    released, lists = threading.Event(), threading.Semaphore(0)

    def respond(handler: BaseHTTPRequestHandler) -> None:
        if "page=" in handler.path:
            lists.release()
            released.wait(DEADLINE_S)
        answer(200, b"[]", X_Result_Count="0")(handler)

    upstream.respond = respond
    session = session_of(upstream)
    wanted = [(LIST_RUNS, Priority.START)] * 6 + [(LIST_NETWORKS, Priority.PROGRESS)] * 6
    async with asyncio.TaskGroup() as listing:
        for template, priority in wanted:
            listing.create_task(session.rows(RunRow, template.about(SOURCE), priority))
        for _ in range(LISTS_AT_ONCE + 1):  # one of those that are only shown
            await asyncio.to_thread(lists.acquire)
        await session.ping(Priority.SWEEP)
        under_way = [path for path in upstream.seen if "page=" in path]
        released.set()
    await session.close()

    assert sorted(path.split("?")[0] for path in under_way) == [
        "GET /api/openstack-migrations/",
        "GET /api/openstack-migrations/",
        "GET /api/openstack-networks/",
    ]
    assert len(upstream.seen) == 1 + len(wanted)


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
