"""Lists of the real Nova: names, sweeps page by page, changes since, and what each role may see."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from lab.nova import NovaLab
from nova_support import GRANTED, Told, absent, connected, idle, record_in, running
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.errors import Absent, NotPermitted, Refused, Transient
from osmig.drivers.servers.views import Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.domain.capabilities import Probe

HANG = "hang,memory=64"


@pytest.fixture(scope="module")
def paged() -> Iterator[NovaLab]:
    """A Nova that gives at most 3 rows per page, with 10 migrations that are over."""
    with NovaLab("--max-limit", "3", servers=2, computes=("a", "b")) as lab:
        lab.control.seed_migrations(10)
        yield lab


def test_a_full_sweep_reads_every_page_and_keeps_what_is_not_over(paged: NovaLab) -> None:
    server = paged.boot("sweep-full", plan=HANG)

    async def story() -> None:
        async with connected(paged) as backend:
            under_way = await running(backend, server)
            mark = paged.control.request_mark()
            sweep = await backend.sweep(None)
            assert sweep.is_full
            assert [record.id for record in sweep.records] == [under_way.id]
            assert sweep.cursor is not None
            pages = [request for request in paged.control.requests(since=mark) if "/os-migrations" in request["path"]]
            assert len(pages) >= 4
            assert all("limit=" in request["path"] for request in pages)
            paged.control.steer(server, "finish")
            await record_in(backend, server, "completed")

    asyncio.run(story())


def test_a_later_sweep_brings_what_changed_also_if_it_is_over(paged: NovaLab) -> None:
    server = paged.boot("sweep-since")

    async def story() -> None:
        async with connected(paged) as backend:
            await backend.start(Job(server_id=server), GRANTED)
            done = await record_in(backend, server, "completed")
            first = await backend.sweep(None)
            assert done.updated is not None
            assert first.cursor is not None
            assert first.cursor <= done.updated - dt.timedelta(seconds=30)
            later = await backend.sweep(first.cursor)
            assert not later.is_full
            assert done.id in {record.id for record in later.records}
            assert later.cursor is not None
            assert later.cursor >= first.cursor
            future = done.updated + dt.timedelta(seconds=60)
            nothing = await backend.sweep(future)
            assert nothing.records == ()
            assert nothing.cursor is not None
            assert nothing.asked is not None
            assert nothing.cursor < nothing.asked, "never beyond the answer's own date"

    asyncio.run(story())


def test_a_sweep_that_fails_on_its_way_is_transient(paged: NovaLab) -> None:
    async def story() -> None:
        async with connected(paged) as backend:
            await backend.sweep(None)
            paged.control.fault(path="marker=", when="before", status=503, headers={"Retry-After": "7"})
            with pytest.raises(Transient) as caught:
                await backend.sweep(None)
            assert caught.value.retry_after_s == 7.0
            assert (await backend.sweep(None)).is_full

    asyncio.run(story())


def test_a_name_is_matched_exactly_and_must_be_unambiguous(nova: NovaLab) -> None:
    odd = "name.of a-server+(x)[1]"
    server = nova.boot(odd)
    nova.boot(f"{odd} and more")
    nova.boot("twin")
    nova.boot("twin")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(Job(server_name=odd))
            assert (pre_start.server.id, pre_start.server.name) == (server, odd)
            for missing in ("name.of", odd.upper(), "nobody"):
                with pytest.raises(Absent) as absent:
                    await backend.pre_start_state(Job(server_name=missing))
                assert absent.value.reason == "ServerNotFound"
            with pytest.raises(Refused) as refused:
                await backend.pre_start_state(Job(server_name="twin"))
            assert refused.value.reason == "ServerNameAmbiguous"
        async with connected(nova, "other") as stranger:
            for job in (Job(server_name=odd), Job(server_id=server)):
                with pytest.raises(Absent):
                    await stranger.pre_start_state(job)

    asyncio.run(story())


def test_a_survey_remembers_what_came_before(nova: NovaLab) -> None:
    server = nova.boot("pre_start", plan="finish")

    async def story() -> None:
        async with connected(nova) as backend:
            fresh = await backend.pre_start_state(Job(server_id=server))
            assert fresh.baseline.previous_id is None
            assert fresh.baseline.host == fresh.server.host
            assert len(fresh.baseline.request_ids) == 1
            await backend.start(Job(server_id=server), GRANTED)
            record = await record_in(backend, server, "completed")
            await idle(backend, server)
            later = await backend.pre_start_state(Job(server_id=server))
            assert later.baseline.previous_id == record.id
            assert later.baseline.request_ids == tuple(
                action["request_id"] for action in reversed(nova.nova.actions(server))
            )
            assert later.active is None
            assert later.baseline.host != fresh.baseline.host
            assert later.baseline.host_id != fresh.baseline.host_id

    asyncio.run(story())


def test_a_deleted_server_is_absent_and_its_moves_with_it(nova: NovaLab) -> None:
    server = nova.boot("deleted")

    async def story() -> None:
        async with connected(nova) as backend:
            await backend.start(Job(server_id=server), GRANTED)
            await record_in(backend, server, "completed")
            await idle(backend, server)
            nova.nova.delete(f"/servers/{server}")
            await absent(backend, server)
            assert await backend.records(server) == ()

    asyncio.run(story())


ROLES = {
    "operator": (Scope.CLOUD, {"Hosts", "DestinationHost", "ColdDestinationHost", "AllMigrations", "Progress"}),
    "manager": (Scope.PROJECT, {"AllMigrations", "Progress"}),
    "member": (Scope.UNKNOWN, {"FollowByServer"}),
    "reader": (Scope.UNKNOWN, {"FollowByServer"}),
}
BY_VERSION = {
    Capability.LIVE_MIGRATION,
    Capability.COLD_MIGRATION,
    Capability.CONFIRM,
    Capability.ABORT,
    Capability.ABORT_QUEUED,
    Capability.FORCE_COMPLETE,
}
"""A fixed token does not tell its roles, so what the version has counts as permitted."""


@pytest.mark.parametrize("role", ROLES)
def test_a_probe_tells_what_a_role_may_see(nova: NovaLab, role: str) -> None:
    told: Told = []

    async def story() -> Probe:
        async with connected(nova, role, told=told) as backend:
            return await backend.probe()

    found = asyncio.run(story())

    scope, capabilities = ROLES[role]
    assert found.scope is scope
    assert set(found.capabilities) == BY_VERSION | capabilities
    assert found.endpoint == nova.compute
    assert found.api_version == "2.104"
    assert found.user_id is None  # a fixed token does not tell
    reads = {"discover", "list-migrations", "list-servers", "list-actions", "read-progress"}
    assert {operation for _, operation, _ in told} <= reads


@pytest.mark.parametrize("role", ["manager", "member"])
def test_each_role_sweeps_and_surveys_as_far_as_it_may(nova: NovaLab, role: str) -> None:
    server = nova.boot(f"role-{role}", plan=HANG)

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, role) as backend:
            record = await running(operator, server)
            sweep = await backend.sweep(None)
            pre_start = await backend.pre_start_state(Job(server_id=server))
            assert len(pre_start.baseline.request_ids) == 2
            if role == "manager":
                assert record.id in {seen.id for seen in sweep.records}
                assert pre_start.active is not None
                assert pre_start.baseline.previous_id == record.id
            else:
                assert (sweep.records, sweep.cursor, sweep.is_full) == ((), None, True)
                assert pre_start.active is not None
                assert pre_start.active.id == pre_start.baseline.request_ids[0]
                assert pre_start.baseline.previous_id == str(pre_start.active.number)
            nova.control.steer(server, "cancel")
            await record_in(operator, server, "cancelled")

    asyncio.run(story())


def test_a_role_that_loses_its_right_is_asked_anew(nova: NovaLab) -> None:
    async def story() -> None:
        async with connected(nova) as backend:
            assert (await backend.probe()).scope is Scope.CLOUD
            forbidden = {"forbidden": {"code": 403, "message": "Policy doesn't allow it."}}
            nova.control.fault(path="/os-migrations", when="before", status=403, body=forbidden, count=3)
            with pytest.raises(NotPermitted):
                await backend.sweep(None)
            assert (await backend.sweep(None)).records == ()
            assert (await backend.probe()).scope is Scope.CLOUD

    asyncio.run(story())
