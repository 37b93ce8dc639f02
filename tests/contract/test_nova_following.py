"""Following and steering a move on the real Nova: progress, abort and force-complete in each state."""

from __future__ import annotations

import asyncio

import pytest

from lab.nova import NovaLab
from lab.waiting import eventually_async
from nova_support import GRANTED, Permission, Told, connected, idle, record_in, running
from osmig.api.names import Verb
from osmig.domain.errors import Absent, BackendError, OutcomeUnknown, Refused, Transient, Unsupported
from osmig.domain.operations import Stage
from osmig.drivers.servers.policy.progress import measure_percent
from osmig.drivers.servers.views import Job, ProgressView

HANG = "hang,memory=64,disk=128"
MIB = 2**20


def test_progress_has_the_numbers_of_memory_and_disk(nova: NovaLab) -> None:
    server = nova.boot("follow-progress", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend:
            record = await running(backend, server)
            nova.control.steer(server, memory_remaining=16 * MIB, disk_remaining=32 * MIB)

            async def settled() -> ProgressView | None:
                sample = await backend.progress(server, record.id)
                return sample if sample and sample.memory.remaining == 16 * MIB else None

            sample = await eventually_async(settled, what="the steered numbers are shown")
            assert sample is not None
            assert (sample.memory.total, sample.disk.total, sample.disk.remaining) == (64 * MIB, 128 * MIB, 32 * MIB)
            assert measure_percent(sample) == 75
            assert await backend.progress(server, "999999") is None
            nova.control.steer(server, "finish")
            await record_in(backend, server, "completed")
            assert await backend.progress(server, record.id) is None

    asyncio.run(story())


def test_a_manager_sees_the_same_numbers_and_no_hosts(nova: NovaLab) -> None:
    server = nova.boot("follow-manager", plan=HANG)

    async def story() -> None:
        async with connected(nova, "manager") as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            assert pre_start.server.host is None
            assert pre_start.server.host_id
            record = await running(backend, server)
            assert record.source_host is None
            sample = await backend.progress(server, record.id)
            assert sample is not None
            await backend.apply(Verb.ABORT, server, record.id, GRANTED)
            assert (await record_in(backend, server, "cancelled")).stage is Stage.CANCELLED

    asyncio.run(story())


def test_without_the_right_to_progress_the_servers_own_figure_is_taken(nova: NovaLab) -> None:
    server = nova.boot("follow-member", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend, connected(nova, "member") as member:
            record = await running(backend, server)

            async def sampled() -> ProgressView | None:
                sample = await member.progress(server, record.id)
                return sample if sample and measure_percent(sample) else None

            sample = await eventually_async(sampled, what="the server shows a percentage")
            assert sample is not None
            assert sample.memory.total is None
            (made_up,) = await member.records(server)
            assert await member.progress(server, made_up.id)
            nova.control.steer(server, "cancel")
            await idle(backend, server)
            assert await member.progress(server, record.id) is None

    asyncio.run(story())


def test_an_abort_while_running_cancels(nova: NovaLab) -> None:
    server = nova.boot("follow-abort", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend:
            record = await running(backend, server)
            with pytest.raises(Transient):
                await backend.apply(Verb.ABORT, server, record.id, Permission(valid=False))
            await backend.apply(Verb.ABORT, server, record.id, GRANTED)
            assert (await record_in(backend, server, "cancelled")).is_terminal
            await idle(backend, server)
            with pytest.raises((Refused, Absent)):
                await backend.apply(Verb.ABORT, server, record.id, GRANTED)

    asyncio.run(story())


def test_a_force_complete_while_running_completes(nova: NovaLab) -> None:
    server = nova.boot("follow-force", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend:
            record = await running(backend, server)
            await backend.apply(Verb.FORCE_COMPLETE, server, record.id, GRANTED)
            assert (await record_in(backend, server, "completed")).id == record.id
            with pytest.raises(Refused):
                await backend.apply(Verb.FORCE_COMPLETE, server, record.id, GRANTED)

    asyncio.run(story())


def test_queued_moves_can_be_aborted_and_not_forced(nova: NovaLab) -> None:
    first = nova.boot("follow-first", plan=HANG, host="cmp4")
    second = nova.boot("follow-second", plan=HANG, host="cmp4")

    async def story() -> None:
        async with connected(nova) as backend:
            await running(backend, first)
            await backend.start(Job(server_id=second), GRANTED)
            record = await record_in(backend, second, "queued")
            assert record.stage is Stage.QUEUED
            with pytest.raises(Refused):
                await backend.apply(Verb.FORCE_COMPLETE, second, record.id, GRANTED)
            await backend.apply(Verb.ABORT, second, record.id, GRANTED)
            await record_in(backend, second, "cancelled")
            nova.control.steer(first, "cancel")
            await record_in(backend, first, "cancelled")

    asyncio.run(story())


def test_post_copy_is_switching_over_and_cannot_be_turned_back(nova: NovaLab) -> None:
    server = nova.boot("follow-post-copy", plan=f"{HANG},force=postcopy,force_delay=60")

    async def story() -> None:
        async with connected(nova) as backend:
            record = await running(backend, server)
            await backend.apply(Verb.FORCE_COMPLETE, server, record.id, GRANTED)
            assert (await record_in(backend, server, "running (post-copy)")).stage is Stage.SWITCHING_OVER
            for verb in (Verb.ABORT, Verb.FORCE_COMPLETE):
                with pytest.raises(Refused):
                    await backend.apply(verb, server, record.id, GRANTED)
            assert await backend.progress(server, record.id) is None
            nova.control.steer(server, "finish")
            await record_in(backend, server, "completed")

    asyncio.run(story())


@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.FORCE_COMPLETE])
def test_a_record_that_nova_does_not_know_is_absent(nova: NovaLab, verb: Verb) -> None:
    server = nova.boot(f"follow-unknown-{verb}", plan=HANG)

    async def story() -> BackendError:
        async with connected(nova) as backend:
            await running(backend, server)
            with pytest.raises(Absent) as caught:
                await backend.apply(verb, server, "999999", GRANTED)
            nova.control.steer(server, "cancel")
            await record_in(backend, server, "cancelled")
            return caught.value

    assert asyncio.run(story()).operation == verb


def test_a_verb_whose_answer_is_lost_leaves_the_outcome_open(nova: NovaLab) -> None:
    server = nova.boot("follow-lost", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend:
            record = await running(backend, server)
            nova.control.fault(path=f"{server}/migrations/", method="DELETE", when="after", action="cut")
            with pytest.raises(OutcomeUnknown):
                await backend.apply(Verb.ABORT, server, record.id, GRANTED)
            await record_in(backend, server, "cancelled")

    asyncio.run(story())


def test_reconcile_is_no_call(nova: NovaLab) -> None:
    async def story() -> None:
        async with connected(nova) as backend:
            with pytest.raises(Unsupported):
                await backend.apply(Verb.RECONCILE, nova.servers["vm-1"], "1", GRANTED)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("plan", "status", "stage"),
    [
        ("fail,memory=64", "failed", Stage.FAILED),
        ("crash,memory=64", "error", Stage.ERROR),
        ("finish,pre=fail", "failed", Stage.FAILED),
    ],
)
def test_what_goes_wrong_in_the_hypervisor_is_told_by_stage_and_server(
    nova: NovaLab, plan: str, status: str, stage: Stage
) -> None:
    server = nova.boot(f"follow-{plan[:5]}", plan=plan)

    async def story() -> None:
        async with connected(nova) as backend:
            receipt = await backend.start(Job(server_id=server), GRANTED)
            record = await record_in(backend, server, status)
            await idle(backend, server)
            assert record.stage is stage
            assert (await backend.server(server)).is_in_error is (plan.startswith("crash"))
            assert (await backend.explain(server, receipt.request_id)).message

    asyncio.run(story())


def test_the_observer_is_told_of_every_request_by_our_words(nova: NovaLab) -> None:
    told: Told = []

    async def story() -> None:
        async with connected(nova, told=told) as backend:
            await backend.pre_start_state(Job(server_id=nova.servers["vm-1"]))
            with pytest.raises(Absent):
                await backend.server("00000000-0000-4000-8000-000000000000")

    asyncio.run(story())

    assert told == [
        ("compute", "discover", "200"),
        ("compute", "read-server", "200"),
        ("compute", "list-actions", "200"),
        ("compute", "list-migrations", "200"),
        ("compute", "list-migrations", "200"),
        ("compute", "read-server", "404"),
    ]


def test_zeros_that_nova_itself_refuses_do_not_end_the_following() -> None:
    with NovaLab("--response-validation", "error", computes=("a", "b")) as strict:
        server = strict.boot("vm", plan="hang,memory=64")

        async def story() -> None:
            async with connected(strict) as backend:
                record = await running(backend, server)

                async def sampled() -> bool:
                    sample = await backend.progress(server, record.id)
                    return bool(sample and measure_percent(sample))

                await eventually_async(sampled, what="a percentage is shown")

        asyncio.run(story())
