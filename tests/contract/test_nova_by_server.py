"""On the real Nova a move is followed without os-migrations: by the server, its actions and their events."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from lab.nova import NovaLab
from lab.nova_client import HELD_S
from lab.waiting import eventually, eventually_async
from nova_support import GRANTED, connected, idle, record_at, record_in, running
from osmig.api.names import Verb
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.errors import Refused
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.servers.views import Job

if TYPE_CHECKING:
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.drivers.servers.views import ProgressView

HANG = "hang,memory=64"


@pytest.mark.parametrize("role", ["member", "reader"])
def test_a_live_move_is_followed_by_server_and_actions(nova: NovaLab, role: str) -> None:
    server = nova.boot(f"roles-follow-{role}", plan=HANG)

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, role) as backend:
            before = await backend.pre_start_state(Job(server_id=server))
            assert (before.active, before.baseline.previous_id, before.baseline.host) == (None, None, None)
            receipt = await operator.start(Job(server_id=server), GRANTED)
            running = await record_at(backend, server, Stage.RUNNING)
            assert running.id == receipt.request_id
            assert (running.kind, running.type, running.status) == (MoveKind.LIVE, "live-migration", "migrating")
            assert running.source_host is running.destination_host is None
            during = await backend.pre_start_state(Job(server_id=server))
            assert during.active == running
            assert during.baseline.previous_id == str(running.number)
            await record_in(operator, server, "running")
            nova.control.steer(server, "finish")
            await idle(backend, server)
            (done,) = await backend.records(server)
            assert (done.id, done.number, done.stage) == (running.id, running.number, Stage.SUCCEEDED)
            assert (await backend.server(server)).host_id != before.baseline.host_id
            await operator.start(Job(server_id=server), GRANTED)
            newest, older = await backend.records(server)
            assert newest.number > older.number
            assert (older.id, older.number, older.stage) == (done.id, done.number, done.stage)
            await record_at(backend, server, Stage.RUNNING)
            await record_in(operator, server, "running")
            nova.control.steer(server, "cancel")
            await idle(backend, server)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("plan", "stage"),
    [
        ("finish,precheck=source", Stage.ERROR),
        ("crash,memory=64", Stage.ERROR),
        ("fail,memory=64", Stage.FAILED),
    ],
)
def test_a_live_move_that_failed_is_told_by_actions_and_events(nova: NovaLab, plan: str, stage: Stage) -> None:
    server = nova.boot(f"roles-{plan[:8]}", plan=plan)

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, "reader") as backend:
            await operator.start(Job(server_id=server), GRANTED)
            await record_at(backend, server, stage)
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
                record = await running(operator, server)
                await operator.apply(Verb.ABORT, server, record.id, GRANTED)
                if stage is Stage.SUCCEEDED:
                    nova.control.steer(server, "finish")
                await record_at(backend, server, stage)

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
    plan = f"cold_delay={HELD_S},confirm_delay={HELD_S},revert_delay={HELD_S}"
    server = nova.boot(f"roles-gate-{verb}", plan=plan)
    under_way = Stage.CONFIRMING if verb is Verb.CONFIRM else Stage.REVERTING

    async def story() -> None:
        async with connected(nova) as operator, connected(nova, "reader") as backend:
            await operator.start(Job(server_id=server, kind=MoveKind.COLD), GRANTED)
            seen = await stages(backend, server, until=Stage.RUNNING)
            nova.control.release(server, "cold")
            seen += await stages(backend, server, until=Stage.AWAITING_CONFIRMATION)
            await operator.apply(verb, server, "", GRANTED)
            seen += await stages(backend, server, until=under_way)
            nova.control.release(server, "confirm", "revert")
            seen += await stages(backend, server, until=stage)
            told = [word for word, _ in itertools.groupby(seen)]
            assert told == [Stage.RUNNING, Stage.AWAITING_CONFIRMATION, under_way, stage]
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
            record = await record_at(backend, server, Stage.RUNNING)
            assert record.id == receipt.request_id

            async def sampled() -> ProgressView | None:
                sample = await backend.progress(server, record.id)
                return sample if sample is not None and sample.memory.total else None

            await eventually_async(sampled, what="the bytes are shown")
            await backend.apply(Verb.ABORT, server, record.id, GRANTED)
            await record_at(backend, server, Stage.CANCELLED)
            await backend.start(Job(server_id=server), GRANTED)
            again = await record_at(backend, server, Stage.RUNNING)
            await eventually_async(sampled, what="the bytes are shown")
            await backend.apply(Verb.FORCE_COMPLETE, server, again.id, GRANTED)
            await record_at(backend, server, Stage.SUCCEEDED)

    asyncio.run(story())
    nova.control.clear_faults()
    eventually(lambda: nova.nova.migrations(server)[-1]["status"] == "completed", what="completed")


async def stages(backend: ServerBackend, server_id: str, *, until: Stage) -> list[Stage]:
    """Return the stages of the newest record, each once, until the last of them."""
    seen: list[Stage] = []

    async def probe() -> bool:
        newest = (await backend.records(server_id))[0].stage
        if seen[-1:] != [newest]:
            seen.append(newest)
        return newest is until

    await eventually_async(probe, what=f"the newest record is {until}")
    return seen
