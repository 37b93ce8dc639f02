"""The lists that Waldur and hosting services are counted by: their pages' boundaries, and what each state counts as."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hosting_support import spec_for
from http_upstream import answer
from lab.hosting import TOKEN, HostingWorld
from lab.hosting_server import serve
from nova_support import LOOPBACK, PATIENT, telling
from osmig.clock import SystemClock
from osmig.domain.capabilities import Scope
from osmig.domain.errors import Transient
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.mailboxes import DRIVER
from osmig.drivers.ports import Net
from osmig.net.bounds import MAX_COUNTED_PAGES
from osmig.net.endpoints import EndpointGuard
from waldur_support import make_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from http.server import BaseHTTPRequestHandler

    from http_upstream import Upstream
    from osmig.domain.operations import Sweep
    from osmig.drivers.mailboxes.ports import MailboxBackend
    from osmig.drivers.tenants.ports import TenantBackend

PER_PAGE = 2
TOTALS = [0, 1, PER_PAGE, PER_PAGE + 1, 2 * PER_PAGE, 2 * PER_PAGE + 1]

# --- Waldur: by numbers of pages, the oldest first


@asynccontextmanager
async def waldur_of(upstream: Upstream) -> AsyncIterator[TenantBackend]:
    backend = make_backend(upstream.url)
    try:
        yield backend
    finally:
        await backend.close()


class WaldurList:
    """The list of replications, in pages of two."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows: list[Any] = list(rows)
        self.before_page: Callable[[int], object] = lambda _: None
        self.pages = 0

    @staticmethod
    def make(number: int, state: str = "CREATING", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Make a row."""
        return {"uuid": f"{number:032x}", "state": state} | fields

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer with a page."""
        self.pages += 1
        self.before_page(self.pages)
        page = int(parse_qs(urlsplit(handler.path).query)["page"][0])
        rows = self.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
        if page > 1 and not rows:
            answer(404, b'{"detail": "Invalid page."}')(handler)
            return
        answer(200, json.dumps(rows).encode(), X_Result_Count=str(len(self.rows)))(handler)


async def list_waldur(upstream: Upstream, given: WaldurList) -> Sweep:
    upstream.respond = given.respond
    async with waldur_of(upstream) as backend:
        return await backend.list_operations()


@pytest.mark.parametrize("total", TOTALS)
async def test_replications_are_listed_to_the_end(upstream: Upstream, total: int) -> None:
    given = WaldurList(*map(WaldurList.make, range(total)))
    sweep = await list_waldur(upstream, given)
    assert sweep.is_full
    assert sorted(int(row.id, 16) for row in sweep.records) == list(range(total))
    assert given.pages == max(1, -(-total // PER_PAGE))


@pytest.mark.parametrize("change", ["appears", "goes"])
async def test_a_replication_that_comes_or_goes_while_pages_are_read_is_neither_missed_nor_doubled(
    upstream: Upstream, change: str
) -> None:
    given = WaldurList(*map(WaldurList.make, range(5)))

    def disturb(page: int) -> None:
        if page == 2:
            given.rows.append(WaldurList.make(5)) if change == "appears" else given.rows.pop(0)

    given.before_page = disturb
    sweep = await list_waldur(upstream, given)
    assert sorted(row.id for row in sweep.records) == sorted(row["uuid"] for row in given.rows)


async def test_an_odd_replication_hides_no_other(upstream: Upstream) -> None:
    given = WaldurList(WaldurList.make(0), {"uuid": 7}, {"state": 3}, WaldurList.make(1) | {"state": 42})
    sweep = await list_waldur(upstream, given)
    assert [(int(row.id, 16), row.stage) for row in sweep.records] == [(0, Stage.RUNNING), (1, Stage.UNKNOWN)]


async def test_a_history_that_is_longer_than_is_worth_counting_is_told_and_not_read(upstream: Upstream) -> None:
    given = WaldurList(*map(WaldurList.make, range(MAX_COUNTED_PAGES * PER_PAGE)))
    assert len((await list_waldur(upstream, given)).records) == MAX_COUNTED_PAGES * PER_PAGE
    given.rows.append(WaldurList.make(99))
    given.pages = 0
    with pytest.raises(Transient, match=f"{MAX_COUNTED_PAGES} pages"):
        await list_waldur(upstream, given)
    assert given.pages == 1


@pytest.mark.parametrize(
    ("state", "replica", "stage"),
    [
        ("CREATION_SCHEDULED", "Creating", Stage.QUEUED),
        ("Creation Scheduled", None, Stage.QUEUED),
        ("CREATING", "Creating", Stage.RUNNING),
        ("CREATING", "OK", Stage.RUNNING),
        ("CREATING", "Erred", Stage.FAILED),
        ("CREATION_SCHEDULED", "Terminated", Stage.FAILED),
        ("OK", "OK", Stage.SUCCEEDED),
        ("OK", "Terminated", Stage.SUCCEEDED),
        ("ERRED", "Erred", Stage.FAILED),
        ("PAUSED", "Creating", Stage.UNKNOWN),
        (None, None, Stage.UNKNOWN),
    ],
)
async def test_what_a_replication_counts_as(
    upstream: Upstream, state: str | None, replica: str | None, stage: Stage
) -> None:
    states = {"state": state, "dst_resource_state": replica}
    given = WaldurList(WaldurList.make(0, src_resource_uuid=f"{9:032x}") | states)
    [row] = (await list_waldur(upstream, given)).records
    assert (row.stage, row.kind, row.server_id) == (stage, MoveKind.REPLICATION, f"{9:032x}")


# --- a hosting service: by numbers of pages


@asynccontextmanager
async def hosting_of(world: HostingWorld, **hosting: Any) -> AsyncIterator[MailboxBackend]:  # noqa: ANN401 - of a spec
    guard = EndpointGuard(LOOPBACK, None)
    net = Net(guard=guard, clock=SystemClock(), timeouts=PATIENT, threads=1, observer_of=telling([]))
    with serve(world) as url:
        backend = await DRIVER.connect(net, ("team-a", "hosting"), spec_for(url, **hosting), {"token": TOKEN.encode()})
        try:
            yield backend
        finally:
            await backend.close()


async def list_hosting(world: HostingWorld, **hosting: Any) -> Sweep:  # noqa: ANN401 - fields of a spec
    async with hosting_of(world, **hosting) as backend:
        return await backend.list_operations()


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("counts", [True, False])
async def test_jobs_are_listed_to_the_end(total: int, *, counts: bool) -> None:
    world = HostingWorld(page_rows=PER_PAGE, counts=counts)
    codes = [world.make_job() for _ in range(total)]
    sweep = await list_hosting(world)
    assert sorted(row.id for row in sweep.records) == codes
    assert sweep.is_full


async def test_a_job_that_appears_while_pages_are_read_is_neither_missed_nor_doubled() -> None:
    world = HostingWorld(page_rows=PER_PAGE)
    for _ in range(5):
        world.make_job()
    pages: list[int] = []

    def disturb(page: int) -> None:
        pages.append(page)
        if len(pages) == 2:
            world.make_job()

    world.on_page = disturb
    sweep = await list_hosting(world)
    assert sorted(row.id for row in sweep.records) == sorted(world.jobs)


async def test_an_odd_job_hides_no_other() -> None:
    world = HostingWorld(odd_rows=[{"code": None}, 7, {"code": "MG9", "status": {}}])
    world.make_job(status="running")
    sweep = await list_hosting(world, customerCode="acme")
    assert [(row.stage, row.project_id) for row in sweep.records] == [(Stage.RUNNING, "acme"), (Stage.UNKNOWN, "acme")]


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("validating", Stage.PREPARING),
        ("to_schedule", Stage.QUEUED),
        ("scheduled", Stage.QUEUED),
        ("Running", Stage.RUNNING),
        ("completed", Stage.SUCCEEDED),
        ("completed_with_errors", Stage.SUCCEEDED),
        ("failed", Stage.FAILED),
        ("paused", Stage.UNKNOWN),
    ],
)
async def test_what_a_job_counts_as(status: str, stage: Stage) -> None:
    world = HostingWorld()
    world.make_job(status=status)
    [row] = (await list_hosting(world)).records
    assert (row.stage, row.kind) == (stage, MoveKind.MAILBOXES)


@pytest.mark.parametrize(("hosting", "scope"), [({}, Scope.UNKNOWN), ({"customerCode": "acme"}, Scope.CUSTOMER)])
async def test_whose_jobs_are_listed_is_told_where_it_is_known(hosting: dict[str, Any], scope: Scope) -> None:
    async with hosting_of(HostingWorld(), **hosting) as backend:
        assert (await backend.probe()).scope is scope
