"""What each role of Nova's default policy may do on the real Nova."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from nova_cold_support import moved
from nova_support import GRANTED, connected, record_at, record_in
from osmig.api.names import Verb
from osmig.domain.capabilities import Scope
from osmig.domain.errors import Absent, NotPermitted
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.servers.nova.backend import NovaBackend
from osmig.drivers.servers.views import Job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lab.nova import NovaLab
    from osmig.drivers.servers.ports import ServerBackend

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
            assert isinstance(backend, NovaBackend)
            roles = backend._session.roles()  # noqa: SLF001 - what the capabilities are made from
            assert roles == frozenset(implied[role])

    asyncio.run(story())


Call = tuple[str, "Callable[[ServerBackend, str], Awaitable[object]]"]
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
    server = nova.servers["vm-1"]
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
            await moved(operator, server)
            records = await backend.records(server)
            await backend.apply(verb, server, records[0].id, GRANTED)
            await record_at(backend, server, stage)

    asyncio.run(story())


def test_a_manager_moves_both_ways_without_naming_a_host(nova: NovaLab) -> None:
    live, cold = nova.boot("roles-manager-live"), nova.boot("roles-manager-cold")

    async def story() -> None:
        async with connected(nova, "manager") as backend:
            await backend.start(Job(server_id=live), GRANTED)
            assert (await record_in(backend, live, "completed")).destination_host is None
            await backend.start(Job(server_id=cold, kind=MoveKind.COLD), GRANTED)
            await record_in(backend, cold, "finished")
            await moved(backend, cold)
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
