"""At the gate on the real Nova: confirm and revert, in and out of turn, by us, by others and by Nova itself."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lab.nova_client import HELD_S
from nova_cold_support import changes, cold, to_the_gate
from nova_support import GRANTED, Permission, absent, change_service, connected, idle, pending, posts, record_in
from osmig.api.names import Verb
from osmig.domain.calls import Operation
from osmig.domain.errors import Absent, BackendError, NotPermitted, Refused, Transient
from osmig.domain.operations import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.nova import NovaLab
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.drivers.servers.views import ServerView

NOT_WAITING = "Not possible now: the server does not wait for a confirmation"


async def ended(nova: NovaLab, backend: ServerBackend, server: str, verb: Verb, stage: Stage) -> ServerView:
    """Move a server to cmp2 and decide there; return the server when all is over."""
    record = await to_the_gate(backend, server, "cmp2")
    nova.control.clear_transitions()
    await backend.apply(verb, server, record.id, GRANTED)
    decided = await record_in(backend, server, "confirmed" if verb is Verb.CONFIRM else "reverted")
    await idle(backend, server)
    assert (decided.id, decided.stage, decided.is_terminal) == (record.id, stage, True)
    return await backend.server(server)


@contextmanager
def forced_down(nova: NovaLab, host: str) -> Iterator[None]:
    """Let Nova take a compute service for down for the length of the block."""
    change_service(nova, host, forced_down=True)
    try:
        yield
    finally:
        change_service(nova, host, forced_down=False)


def test_a_confirm_makes_the_move_final(nova: NovaLab) -> None:
    server = nova.boot("gate-confirm", host="cmp1")

    async def story() -> None:
        async with connected(nova) as backend:
            after = await ended(nova, backend, server, Verb.CONFIRM, Stage.SUCCEEDED)
            assert (after.status, after.host) == ("ACTIVE", "cmp2")

    asyncio.run(story())

    assert changes(nova, server) == [
        ("migration", "confirming", Stage.CONFIRMING),
        ("migration", "confirmed", Stage.SUCCEEDED),
        ("server", "active/None@cmp2", None),
    ]
    assert posts(nova, server)[-1]["body"] == '{"confirmResize": null}'
    assert posts(nova, server)[-1]["status"] == 204


def test_a_revert_takes_the_server_back(nova: NovaLab) -> None:
    server = nova.boot("gate-revert", host="cmp1")

    async def story() -> None:
        async with connected(nova) as backend:
            after = await ended(nova, backend, server, Verb.REVERT, Stage.REVERTED)
            assert (after.status, after.host) == ("ACTIVE", "cmp1")

    asyncio.run(story())

    words = [word for _, word, _ in changes(nova, server)]
    assert words[0] == "resized/resize_reverting@cmp2"
    assert words[1:3] == ["reverting", "reverted"]
    assert words[-1] == "active/None@cmp1"
    assert posts(nova, server)[-1]["body"] == '{"revertResize": null}'
    assert posts(nova, server)[-1]["status"] == 202


def test_a_revert_shows_that_it_is_under_way(nova: NovaLab) -> None:
    server = nova.boot("gate-reverting", plan=f"finish,revert_delay={HELD_S}")

    async def story() -> None:
        async with connected(nova) as backend:
            record = await to_the_gate(backend, server)
            await backend.apply(Verb.REVERT, server, record.id, GRANTED)
            during = await backend.server(server)
            assert (during.status, during.is_busy, during.awaits_confirmation) == ("REVERT_RESIZE", True, False)
            for verb in (Verb.CONFIRM, Verb.REVERT):
                with pytest.raises(Refused) as caught:
                    await backend.apply(verb, server, record.id, GRANTED)
                assert caught.value.message == "Not possible now: the server's task state is resize_reverting"
            nova.control.release(server, "revert")
            await idle(backend, server)

    asyncio.run(story())


def test_while_a_confirm_is_under_way_another_is_refused(nova: NovaLab) -> None:
    server = nova.boot("gate-confirming", plan=f"finish,confirm_delay={HELD_S}")

    async def story() -> None:
        async with connected(nova) as backend:
            record = await to_the_gate(backend, server)
            await backend.apply(Verb.CONFIRM, server, record.id, GRANTED)
            assert (await record_in(backend, server, "confirming")).stage is Stage.CONFIRMING
            during = await backend.server(server)
            assert (during.status, during.task_state, during.awaits_confirmation) == ("VERIFY_RESIZE", None, True)
            for verb in (Verb.CONFIRM, Verb.REVERT):
                with pytest.raises(Refused) as caught:
                    await backend.apply(verb, server, record.id, GRANTED)
                assert caught.value.message == NOT_WAITING
            nova.control.release(server, "confirm")
            await record_in(backend, server, "confirmed")

    asyncio.run(story())

    assert [post["status"] for post in posts(nova, server)[-2:]] == [400, 400]


@pytest.mark.parametrize("verb", [Verb.CONFIRM, Verb.REVERT])
def test_a_server_that_does_not_wait_refuses(nova: NovaLab, verb: Verb) -> None:
    server = nova.boot(f"gate-idle-{verb}")

    async def story() -> BackendError:
        async with connected(nova) as backend:
            with pytest.raises(Refused) as caught:
                await backend.apply(verb, server, "1", GRANTED)
            return caught.value

    error = asyncio.run(story())

    assert (error.operation, error.message) == (verb, NOT_WAITING)
    assert posts(nova, server)[-1]["status"] == 409


@pytest.mark.parametrize("verb", [Verb.CONFIRM, Verb.REVERT])
def test_an_expired_permit_sends_no_confirm_and_no_revert(nova: NovaLab, verb: Verb) -> None:
    async def story() -> None:
        async with connected(nova) as backend:
            with pytest.raises(Transient):
                await backend.apply(verb, nova.servers["vm-1"], "1", Permission(valid=False))

    mark = nova.control.request_mark()
    asyncio.run(story())

    assert posts(nova, nova.servers["vm-1"], since=mark) == []


@pytest.mark.parametrize("verb", [Verb.CONFIRM, Verb.REVERT])
def test_a_server_that_nova_does_not_know_is_absent(nova: NovaLab, verb: Verb) -> None:
    async def story() -> BackendError:
        async with connected(nova) as backend:
            with pytest.raises(Absent) as caught:
                await backend.apply(verb, "00000000-0000-4000-8000-000000000000", "1", GRANTED)
            return caught.value

    assert asyncio.run(story()).reason == "ServerNotFound"


@pytest.mark.parametrize(("verb", "stage"), [(Verb.CONFIRM, Stage.SUCCEEDED), (Verb.REVERT, Stage.REVERTED)])
def test_a_member_may_confirm_and_revert_and_a_reader_may_not(nova: NovaLab, verb: Verb, stage: Stage) -> None:
    server = nova.boot(f"gate-roles-{verb}")

    async def story() -> None:
        async with connected(nova) as backend:
            record = await to_the_gate(backend, server)
            async with connected(nova, "reader") as reader:
                with pytest.raises(NotPermitted):
                    await reader.apply(verb, server, record.id, GRANTED)
            async with connected(nova, "member") as member:
                assert (await member.server(server)).awaits_confirmation
                await member.apply(verb, server, record.id, GRANTED)
            assert (await record_in(backend, server, "confirmed", "reverted")).stage is stage
            await idle(backend, server)

    asyncio.run(story())


def test_a_server_deleted_at_the_gate_vanishes_with_its_record(nova: NovaLab) -> None:
    server = nova.boot("gate-deleted")

    async def story() -> None:
        async with connected(nova) as backend:
            record = await to_the_gate(backend, server)
            pre_start = await backend.pre_start_state(cold(server))
            nova.control.clear_transitions()
            nova.nova.request("DELETE", f"/servers/{server}")
            await absent(backend, server)
            assert await backend.records(server) == ()
            for verb in (Verb.CONFIRM, Verb.REVERT):
                with pytest.raises(Absent):
                    await backend.apply(verb, server, record.id, GRANTED)
                with pytest.raises(Absent):
                    await backend.find_effect(cold(server), pending(pre_start, operation=verb), ())

    asyncio.run(story())

    assert ("migration", "confirmed", Stage.SUCCEEDED) in changes(nova, server)


@pytest.mark.parametrize("verb", [Verb.CONFIRM, Verb.REVERT])
def test_a_confirm_or_revert_that_breaks_is_told_with_its_reason(nova: NovaLab, verb: Verb) -> None:
    server = nova.boot(f"gate-broken-{verb}", plan=f"finish,{verb}=fail")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(cold(server))
            record = await to_the_gate(backend, server)
            start = await backend.find_effect(cold(server), pending(pre_start, operation=Operation.COLD_MIGRATE), ())
            await backend.apply(verb, server, record.id, GRANTED)
            broken = await record_in(backend, server, "error")
            await idle(backend, server)
            assert (broken.id, broken.stage) == (record.id, Stage.ERROR)
            assert (await backend.server(server)).is_in_error
            for request_id in (start.request_id, None):
                explanation = await backend.explain(server, request_id)
                assert explanation.message == f"novalab: {verb} fails"

    asyncio.run(story())


def test_with_the_source_compute_down_a_confirm_is_refused(nova: NovaLab) -> None:
    server = nova.boot("gate-source-down", host="cmp4")

    async def story() -> None:
        async with connected(nova) as backend:
            record = await to_the_gate(backend, server, "cmp1")
            with forced_down(nova, "cmp4"), pytest.raises(Refused) as caught:
                await backend.apply(Verb.CONFIRM, server, record.id, GRANTED)
            text = "Not possible now: the compute service of a host that takes part is down"
            assert caught.value.message == text
            assert (await backend.server(server)).awaits_confirmation
            await backend.apply(Verb.CONFIRM, server, record.id, GRANTED)
            await idle(backend, server)

    asyncio.run(story())


def test_a_cold_start_from_a_host_that_is_down_is_refused(nova: NovaLab) -> None:
    server = nova.boot("gate-host-down", host="cmp4")

    async def story() -> BackendError:
        async with connected(nova) as backend:
            with forced_down(nova, "cmp4"), pytest.raises(Refused) as caught:
                await backend.start(cold(server), GRANTED)
            return caught.value

    assert asyncio.run(story()).message == "The compute service of a host that takes part is down"
