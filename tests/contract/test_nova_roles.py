"""What each role of Nova's default policy may do on the real Nova, and how a move is followed without os-migrations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from lab.nova import NovaLab
from lab.waiting import eventually, eventually_async
from nova_support import GRANTED, connected, idle, record_in
from osmig.api.names import Verb
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.errors import Absent, NotPermitted, Refused
from osmig.domain.upstream import Job, MoveKind, Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from osmig.backends.openstack.backend import NovaBackend
    from osmig.domain.upstream import RecordView

HANG = "hang,memory=64,tick=0.1"
ORDERS = {"LiveMigration", "ColdMigration", "Abort", "AbortQueued", "ForceComplete"}
HOSTS = {"Hosts", "DestinationHost", "ColdDestinationHost"}
POSSIBLE = ORDERS | {"Confirm", "DestinationHost", "ColdDestinationHost"}

BY_ROLE = {
    "operator": (Scope.CLOUD, POSSIBLE | HOSTS | {"AllMigrations", "Progress"}),
    "manager": (Scope.PROJECT, ORDERS | {"Confirm", "AllMigrations", "Progress"}),
    "member": (Scope.UNKNOWN, {"Confirm", "FollowByServer"}),
    "reader": (Scope.UNKNOWN, {"FollowByServer"}),
}


@pytest.mark.parametrize("role", BY_ROLE)
def test_the_roles_of_the_token_reduce_what_the_cloud_has(nova_keystone: NovaLab, role: str) -> None:
    async def story() -> None:
        async with connected(nova_keystone, role) as backend:
            found = await backend.probe()
            scope, capabilities = BY_ROLE[role]
            assert found.scope is scope
            assert found.capabilities == capabilities
            assert found.possible == POSSIBLE

    asyncio.run(story())


@pytest.mark.parametrize("role", [*BY_ROLE, "appcred"])
def test_keystone_names_the_implied_roles_too(nova_keystone: NovaLab, role: str) -> None:
    implied = {"operator": {"admin", "manager", "member", "reader"}, "manager": {"manager", "member", "reader"}}
    # an application credential has the very roles it was made with
    implied |= {"member": {"member", "reader"}, "reader": {"reader"}, "appcred": {"admin"}}

    async def story() -> None:
        async with connected(nova_keystone, role) as backend:
            roles = backend._session.roles()  # noqa: SLF001 - what the capabilities are made from
            assert roles == implied[role]

    asyncio.run(story())


Call = tuple[str, "Callable[[NovaBackend, str], Awaitable[object]]"]
LIVE: Call = ("live", lambda backend, server: backend.start(Job(server_id=server), GRANTED))
LIVE_THERE: Call = (
    "live there",
    lambda backend, server: backend.start(Job(server_id=server, destination_host="cmp2"), GRANTED),
)
COLD: Call = ("cold", lambda backend, server: backend.start(Job(server_id=server, kind=MoveKind.COLD), GRANTED))
COLD_THERE: Call = (
    "cold there",
    lambda backend, server: backend.start(Job(server_id=server, destination_host="cmp2", kind=MoveKind.COLD), GRANTED),
)
ABORT: Call = ("abort", lambda backend, server: backend.apply(Verb.ABORT, server, "999999", GRANTED))
FORCE: Call = ("force", lambda backend, server: backend.apply(Verb.FORCE_COMPLETE, server, "999999", GRANTED))
CONFIRM: Call = ("confirm", lambda backend, server: backend.apply(Verb.CONFIRM, server, "1", GRANTED))
REVERT: Call = ("revert", lambda backend, server: backend.apply(Verb.REVERT, server, "1", GRANTED))
HOST: Call = ("host", lambda backend, _server: backend.host("cmp1"))

FORBIDDEN = {
    "manager": (LIVE_THERE, COLD_THERE, HOST),
    "member": (LIVE, LIVE_THERE, COLD, COLD_THERE, ABORT, FORCE, HOST),
    "reader": (LIVE, LIVE_THERE, COLD, COLD_THERE, ABORT, FORCE, CONFIRM, REVERT, HOST),
}


@pytest.mark.parametrize(
    ("role", "call"),
    [pytest.param(role, call, id=f"{role} {call[0]}") for role, calls in FORBIDDEN.items() for call in calls],
)
def test_what_a_role_may_not_is_not_permitted_and_changes_nothing(nova: NovaLab, role: str, call: Call) -> None:
    server = nova.servers["vm-7"]
    before = nova.nova.actions(server)

    async def story() -> str:
        async with connected(nova, role) as backend:
            with pytest.raises(NotPermitted) as caught:
                await call[1](backend, server)
            return caught.value.reason

    assert asyncio.run(story()) == "NotPermitted"
    assert nova.nova.actions(server) == before


@pytest.mark.parametrize("role", ["manager", "member"])
@pytest.mark.parametrize(("verb", "stage"), [(Verb.CONFIRM, Stage.SUCCEEDED), (Verb.REVERT, Stage.REVERTED)])
def test_a_member_may_confirm_and_revert(nova: NovaLab, role: str, verb: Verb, stage: Stage) -> None:
    server = nova.boot(f"roles-{role}-{verb}")

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, role) as backend:
            await operator.start(Job(server_id=server, kind=MoveKind.COLD), GRANTED)
            await awaiting(operator, server)
            records = await backend.records(server)
            await backend.apply(verb, server, records[0].id, GRANTED)
            await ends(backend, server, stage)

    asyncio.run(story())


def test_a_manager_moves_both_ways_without_naming_a_host(nova: NovaLab) -> None:
    live, cold = nova.boot("roles-manager-live"), nova.boot("roles-manager-cold")

    async def story() -> None:
        async with connected(nova, "manager") as backend:
            await backend.start(Job(server_id=live), GRANTED)
            assert (await record_in(backend, live, "completed")).destination_host is None
            await backend.start(Job(server_id=cold, kind=MoveKind.COLD), GRANTED)
            await record_in(backend, cold, "finished")
            await awaiting(backend, cold)
            await backend.apply(Verb.REVERT, cold, "", GRANTED)
            await record_in(backend, cold, "reverted")

    asyncio.run(story())


def test_a_server_of_another_project_is_absent_for_every_role_but_admin(nova: NovaLab) -> None:
    server = nova.boot("roles-other", user="other")

    async def story() -> None:
        for role in ("manager", "member", "reader"):
            async with connected(nova, role) as backend:
                with pytest.raises(Absent) as caught:
                    await backend.server(server)
                assert caught.value.reason == "ServerNotFound"
                if role == "manager":
                    assert await backend.records(server) == ()
                    continue
                with pytest.raises(Absent):
                    await backend.records(server)
        async with connected(nova) as backend:
            assert (await backend.server(server)).id == server

    asyncio.run(story())


@pytest.mark.parametrize("role", ["member", "reader"])
def test_a_live_move_is_followed_by_server_and_actions(nova: NovaLab, role: str) -> None:
    server = nova.boot(f"roles-follow-{role}", plan=HANG)

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, role) as backend:
            before = await backend.survey(Job(server_id=server))
            assert (before.active, before.mark.previous_id, before.mark.host) == (None, None, None)
            receipt = await operator.start(Job(server_id=server), GRANTED)
            running = await ends(backend, server, Stage.RUNNING)
            assert running.id == receipt.request_id
            assert (running.kind, running.type, running.status) == (MoveKind.LIVE, "live-migration", "migrating")
            assert running.source_host is running.destination_host is None
            during = await backend.survey(Job(server_id=server))
            assert during.active == running
            assert during.mark.previous_id == str(running.number)
            await record_in(operator, server, "running")
            nova.control.steer(server, "finish")
            await idle(backend, server)
            (done,) = await backend.records(server)
            assert (done.id, done.number, done.stage) == (running.id, running.number, Stage.SUCCEEDED)
            assert (await backend.server(server)).host_id != before.mark.host_id
            await operator.start(Job(server_id=server), GRANTED)
            newest, older = await backend.records(server)
            assert newest.number > older.number
            assert (older.id, older.number, older.stage) == (done.id, done.number, done.stage)
            await ends(backend, server, Stage.RUNNING)
            await record_in(operator, server, "running")
            nova.control.steer(server, "cancel")
            await idle(backend, server)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("plan", "stage"),
    [
        ("finish,precheck=source", Stage.ERROR),
        ("crash,memory=64,tick=0.1", Stage.ERROR),
        ("fail,memory=64,tick=0.1", Stage.FAILED),
    ],
)
def test_a_live_move_that_failed_is_told_by_actions_and_events(nova: NovaLab, plan: str, stage: Stage) -> None:
    server = nova.boot(f"roles-{plan[:8]}", plan=plan)

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, "reader") as backend:
            await operator.start(Job(server_id=server), GRANTED)
            await ends(backend, server, stage)
            assert (await backend.server(server)).is_in_error is plan.startswith("crash")

    asyncio.run(story())


def test_an_abort_and_one_that_was_ignored_are_told_apart(nova: NovaLab) -> None:
    servers = {
        Stage.CANCELLED: nova.boot("roles-aborted", plan=HANG),
        Stage.SUCCEEDED: nova.boot("roles-not-aborted", plan=f"{HANG},abort=ignore"),
    }

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, "reader") as backend:
            for stage, server in servers.items():
                await operator.start(Job(server_id=server), GRANTED)
                record = await record_in(operator, server, "running")
                await operator.apply(Verb.ABORT, server, record.id, GRANTED)
                if stage is Stage.SUCCEEDED:
                    nova.control.steer(server, "finish")
                await ends(backend, server, stage)

    asyncio.run(story())


def test_a_move_that_one_host_refused_and_another_took_is_no_failure() -> None:
    with NovaLab(computes=("source", "bad=finish,precheck=dest", "good")) as picky:
        # the scheduler prefers the host with more memory left
        picky.boot("roles-ballast", host="good")
        server = picky.boot("roles-second-choice", host="source")

        async def story() -> None:
            async with connected(picky) as operator, connected(picky, "reader") as backend:
                await operator.start(Job(server_id=server), GRANTED)
                await record_in(operator, server, "completed")
                assert picky.nova.actions(server)[-1]["message"] == "Error"
                await idle(backend, server)
                assert (await backend.records(server))[0].stage is Stage.SUCCEEDED

        asyncio.run(story())


@pytest.mark.parametrize(("verb", "stage"), [(Verb.CONFIRM, Stage.SUCCEEDED), (Verb.REVERT, Stage.REVERTED)])
def test_a_cold_move_is_followed_through_its_gate(nova: NovaLab, verb: Verb, stage: Stage) -> None:
    plan = "cold_delay=0.5,confirm_delay=1,revert_delay=1"
    server = nova.boot(f"roles-gate-{verb}", plan=plan)

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, "reader") as backend:
            await operator.start(Job(server_id=server, kind=MoveKind.COLD), GRANTED)
            seen = await stages(backend, server, until=Stage.AWAITING_CONFIRMATION)
            await operator.apply(verb, server, "", GRANTED)
            seen += await stages(backend, server, until=stage)
            under_way = Stage.CONFIRMING if verb is Verb.CONFIRM else Stage.REVERTING
            assert seen == [Stage.RUNNING, Stage.AWAITING_CONFIRMATION, under_way, stage]
            assert not (await backend.server(server)).is_busy

    asyncio.run(story())


def test_under_a_policy_of_its_own_an_admin_follows_and_steers_by_the_server(nova: NovaLab) -> None:
    server = nova.boot("roles-policy", plan=HANG)
    body = {"forbidden": {"code": 403, "message": "Policy doesn't allow os_compute_api:os-migrations:index"}}

    async def story() -> None:
        async with connected(nova) as backend:
            nova.control.fault(path="/os-migrations", when="before", status=403, body=body, count=0)
            found = await backend.probe()
            assert found.scope is Scope.UNKNOWN
            assert {Capability.FOLLOW_BY_SERVER, Capability.HOSTS, Capability.PROGRESS} <= found.capabilities
            assert Capability.ALL_MIGRATIONS not in found.capabilities
            with pytest.raises(Refused, match="no live migration"):
                await backend.apply(Verb.ABORT, server, "req-1", GRANTED)
            receipt = await backend.start(Job(server_id=server), GRANTED)
            record = await ends(backend, server, Stage.RUNNING)
            assert record.id == receipt.request_id

            async def sampled() -> Any:  # noqa: ANN401 - any sample
                sample = await backend.progress(server, record.id)
                return sample if sample is not None and sample.memory.total else None

            await eventually_async(sampled, what="the bytes are shown")
            await backend.apply(Verb.ABORT, server, record.id, GRANTED)
            await ends(backend, server, Stage.CANCELLED)
            await backend.start(Job(server_id=server), GRANTED)
            again = await ends(backend, server, Stage.RUNNING)
            await eventually_async(sampled, what="the bytes are shown")
            await backend.apply(Verb.FORCE_COMPLETE, server, again.id, GRANTED)
            await ends(backend, server, Stage.SUCCEEDED)

    asyncio.run(story())
    nova.control.clear_faults()
    eventually(lambda: nova.nova.migrations(server)[-1]["status"] == "completed", what="completed", timeout_s=20)


async def ends(backend: NovaBackend, server_id: str, stage: Stage) -> RecordView:
    """Wait until the newest record has this stage."""

    async def probe() -> RecordView | None:
        records = await backend.records(server_id)
        return records[0] if records and records[0].stage is stage else None

    found = await eventually_async(probe, what=f"the newest record is {stage}", timeout_s=20)
    assert found is not None
    return found


async def stages(backend: NovaBackend, server_id: str, *, until: Stage) -> list[Stage]:
    """Return the stages of the newest record, each once, until the last of them."""
    seen: list[Stage] = []

    async def probe() -> bool:
        newest = (await backend.records(server_id))[0].stage
        if seen[-1:] != [newest]:
            seen.append(newest)
        return newest is until

    await eventually_async(probe, what=f"the newest record is {until}", timeout_s=20)
    return seen


async def awaiting(backend: NovaBackend, server_id: str) -> None:
    """Wait until the server may be confirmed."""

    async def probe() -> bool:
        return (await backend.server(server_id)).awaits_confirmation

    await eventually_async(probe, what="the server awaits its confirmation", timeout_s=20)
