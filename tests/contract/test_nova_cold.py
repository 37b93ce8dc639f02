"""Cold moves on the real Nova up to the gate: the order of what is seen, refusals, failures, and lost answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.nova_client import HELD_S, HttpError
from nova_cold_support import COLD, changes, cold, moved, to_the_gate
from nova_support import GRANTED, Permission, change_service, connected, idle, make_backend, pending, posts, record_in
from osmig.api.names import Verb
from osmig.domain.errors import Absent, BackendError, NotPermitted, OutcomeUnknown, Refused, Transient
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from lab.nova import NovaLab


def test_a_cold_move_goes_through_its_stages_to_the_gate(nova: NovaLab) -> None:
    server = nova.boot("cold-gate", host="cmp1", plan=f"finish,cold_delay={HELD_S},finish_delay={HELD_S}")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(cold(server))
            assert pre_start.active is None
            receipt = await backend.start(cold(server), GRANTED)
            copying = await record_in(backend, server, "migrating")
            assert (copying.stage, copying.kind, copying.type) == (Stage.RUNNING, MoveKind.COLD, "migration")
            during = await backend.server(server)
            assert (during.status, during.is_busy, during.awaits_confirmation) == ("RESIZE", True, False)
            nova.control.release(server, "cold")
            handing = await record_in(backend, server, "post-migrating")
            assert handing.stage is Stage.SWITCHING_OVER
            nova.control.release(server, "cold", "finish")
            arrived = await record_in(backend, server, "finished")
            assert (arrived.stage, arrived.is_terminal) == (Stage.AWAITING_CONFIRMATION, False)
            assert (arrived.id, arrived.source_host) == (copying.id, "cmp1")
            waiting = await moved(backend, server)
            assert (waiting.is_busy, waiting.task_state) == (True, None)
            assert waiting.host == arrived.destination_host != "cmp1"
            call_lookup = await backend.find_effect(cold(server), pending(pre_start, operation=COLD), ())
            assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, receipt.request_id)
            assert call_lookup.record == arrived
            assert (await backend.pre_start_state(cold(server))).active == arrived

    asyncio.run(story())

    (post,) = posts(nova, server)
    assert (post["body"], post["microversion"]) == ('{"migrate": {}}', "compute 2.90")


def test_nova_writes_a_cold_move_down_in_this_order(nova: NovaLab) -> None:
    server = nova.boot("cold-order", host="cmp1")

    async def story() -> None:
        async with connected(nova) as backend:
            await to_the_gate(backend, server, "cmp2")

    nova.control.clear_transitions()
    asyncio.run(story())

    assert [(name, word) for name, word, _ in changes(nova, server)] == [
        ("server", "active/resize_prep@cmp1"),
        ("migration", "pre-migrating"),
        ("migration", "migrating"),
        ("server", "active/resize_migrating@cmp1"),
        ("migration", "post-migrating"),
        ("server", "active/resize_migrated@cmp2"),
        ("server", "active/resize_finish@cmp2"),
        ("migration", "finished"),
        ("server", "resized/None@cmp2"),
    ]
    assert [stage for _, _, stage in changes(nova, server) if stage] == [
        Stage.PREPARING,
        Stage.RUNNING,
        Stage.SWITCHING_OVER,
        Stage.AWAITING_CONFIRMATION,
    ]


def test_the_destination_of_a_cold_move_is_handed_on(nova: NovaLab) -> None:
    server = nova.boot("cold-there", host="cmp1")

    async def story() -> None:
        async with connected(nova) as backend:
            await backend.start(cold(server, "cmp3"), GRANTED)
            assert (await moved(backend, server)).host == "cmp3"

    asyncio.run(story())

    assert posts(nova, server)[0]["body"] == '{"migrate": {"host": "cmp3"}}'


@pytest.mark.parametrize("microversion", ["2.1", "2.55", "2.56", "2.90"])
def test_every_version_takes_the_order_without_a_host_as_an_empty_object(nova: NovaLab, microversion: str) -> None:
    server = nova.boot(f"cold-{microversion}")

    nova.nova.request("POST", f"/servers/{server}/action", {"migrate": {}}, microversion=microversion)

    async def story() -> None:
        async with connected(nova) as backend:
            await moved(backend, server)

    asyncio.run(story())


def test_a_stopped_server_moves_and_stays_stopped(nova: NovaLab) -> None:
    server = nova.boot("cold-stopped", host="cmp2")
    nova.nova.post(f"/servers/{server}/action", {"os-stop": None})

    async def story() -> None:
        async with connected(nova) as backend:
            await idle(backend, server)
            record = await to_the_gate(backend, server)
            await backend.apply(Verb.CONFIRM, server, record.id, GRANTED)
            await idle(backend, server)
            after = await backend.server(server)
            assert (after.status, after.host) == ("SHUTOFF", record.destination_host)
            assert after.host != "cmp2"

    asyncio.run(story())


def test_an_expired_permit_sends_no_cold_start(nova: NovaLab) -> None:
    server = nova.boot("cold-late")

    async def story() -> BackendError:
        async with connected(nova) as backend:
            with pytest.raises(Transient) as caught:
                await backend.start(cold(server), Permission(valid=False))
            return caught.value

    assert asyncio.run(story()).operation == "cold-migrate"
    assert posts(nova, server) == []


@pytest.mark.parametrize(
    ("host", "server", "kind", "message"),
    [
        ("nowhere", None, Refused, "The cloud has no compute host of the name given as destination"),
        ("cmp2", None, Refused, "The server already is on the destination host"),
        (None, "00000000-0000-4000-8000-000000000000", Absent, "These credentials see no such server"),
    ],
)
def test_what_nova_refuses_at_once_of_a_cold_move(
    nova: NovaLab, host: str | None, server: str | None, kind: type[BackendError], message: str
) -> None:
    wanted = server or nova.boot(f"cold-refused-{host}", host="cmp2")

    async def story() -> BackendError:
        async with connected(nova) as backend:
            with pytest.raises(kind) as caught:
                await backend.start(cold(wanted, host), GRANTED)
            return caught.value

    error = asyncio.run(story())

    assert (error.operation, error.message) == ("cold-migrate", message)


def test_a_paused_server_is_refused_with_its_state(nova: NovaLab) -> None:
    server = nova.boot("cold-paused")
    nova.nova.post(f"/servers/{server}/action", {"pause": None})

    async def story() -> BackendError:
        async with connected(nova) as backend:
            await idle(backend, server)
            with pytest.raises(Refused) as caught:
                await backend.start(cold(server), GRANTED)
            return caught.value

    assert asyncio.run(story()).message == "The server cannot be moved while its state is paused"


@pytest.mark.parametrize(
    ("user", "host", "kind"),
    [("member", None, NotPermitted), ("reader", None, NotPermitted), ("manager", "cmp3", NotPermitted)],
)
def test_roles_that_may_not_move_cold_are_told_so(
    nova: NovaLab, user: str, host: str | None, kind: type[BackendError]
) -> None:
    secret = f"clouds: {{x: {{auth_type: admin_token, auth: {{endpoint: '{nova.compute}', token: {user}}}}}}}"

    async def story() -> BackendError:
        backend = make_backend(secret.encode())
        with pytest.raises(kind) as caught:
            await backend.start(cold(nova.servers["vm-1"], host), GRANTED)
        await backend.close()
        return caught.value

    assert asyncio.run(story()).reason == "NotPermitted"


def test_a_second_cold_start_while_moving_proves_nothing(nova: NovaLab) -> None:
    server = nova.boot("cold-twice", plan=f"finish,cold_delay={HELD_S}")

    async def story() -> None:
        async with connected(nova) as backend:
            await backend.start(cold(server), GRANTED)
            pre_start = await backend.pre_start_state(cold(server))
            with pytest.raises(OutcomeUnknown) as caught:
                await backend.start(cold(server), GRANTED)
            assert caught.value.reason == "Conflict"
            call = pending(pre_start, operation=COLD, request_id=caught.value.request_id, answer="Conflict")
            assert (await backend.find_effect(cold(server), call, ())).kind is CallLookupKind.CONFLICT

    asyncio.run(story())
    nova.control.release(server, "cold")


def test_a_cold_start_at_the_gate_is_refused_with_its_state(nova: NovaLab) -> None:
    server = nova.boot("cold-at-gate")

    async def story() -> BackendError:
        async with connected(nova) as backend:
            await to_the_gate(backend, server)
            with pytest.raises(Refused) as caught:
                await backend.start(cold(server), GRANTED)
            return caught.value

    assert asyncio.run(story()).message == "The server cannot be moved while its state is resized"


def test_a_cold_move_that_finds_no_host_ends_in_error_where_it_was(nova: NovaLab) -> None:
    server = nova.boot("cold-no-host", host="cmp3")
    others = ("cmp1", "cmp2", "cmp4")

    async def story() -> None:
        async with connected(nova) as backend, connected(nova, "manager") as manager:
            receipt = await backend.start(cold(server), GRANTED)
            record = await record_in(backend, server, "error")
            await idle(backend, server)
            assert (record.stage, record.destination_host) == (Stage.ERROR, None)
            after = await backend.server(server)
            assert (after.status, after.host, after.is_in_error) == ("ACTIVE", "cmp3", False)
            for request_id in (receipt.request_id, None):
                assert (await backend.explain(server, request_id)).reason == "NoValidHost"
            assert (await manager.explain(server, receipt.request_id)).message

    for host in others:
        change_service(nova, host, status="disabled")
    try:
        asyncio.run(story())
    finally:
        for host in others:
            change_service(nova, host, status="enabled")


@pytest.mark.parametrize(("plan", "side"), [("fail_source", "source"), ("fail_dest", "destination")])
def test_a_cold_move_that_breaks_leaves_the_server_in_error_and_says_why(nova: NovaLab, plan: str, side: str) -> None:
    server = nova.boot(f"cold-{plan}", host="cmp1", plan=f"finish,cold={plan}")

    async def story() -> None:
        async with connected(nova) as backend, connected(nova, "manager") as manager:
            receipt = await backend.start(cold(server), GRANTED)
            record = await record_in(backend, server, "error")
            await idle(backend, server)
            after = await backend.server(server)
            assert after.is_in_error
            assert after.host == ("cmp1" if side == "source" else record.destination_host)
            for request_id in (receipt.request_id, None):
                assert "novalab: " in (await backend.explain(server, request_id)).message
            assert (await manager.explain(server, receipt.request_id)).message
            with pytest.raises(Refused) as caught:
                await backend.start(cold(server), GRANTED)
            assert caught.value.reason == "ServerInError"

    asyncio.run(story())


def test_nova_says_of_an_action_that_it_does_not_know_what_we_take_for_unsupported(nova: NovaLab) -> None:
    with pytest.raises(HttpError) as caught:
        nova.nova.post(f"/servers/{nova.servers['vm-1']}/action", {"teleport": {}})

    assert caught.value.status == 400
    assert "There is no such action: teleport" in caught.value.body
