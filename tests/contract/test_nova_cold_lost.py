"""Cold starts, confirms and reverts whose answer is lost, against the real Nova: each is sent once, and found again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from lab.nova import NovaLab
from nova_cold_support import COLD, cold, to_the_gate
from nova_support import GRANTED, PATIENT, connected, idle, pending, posts, record_in
from osmig.api.names import Verb
from osmig.domain.calls import Operation
from osmig.domain.errors import OutcomeUnknown
from osmig.domain.operations import Stage
from osmig.drivers.servers.views import CallLookupKind
from osmig.net.bounds import Timeouts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.nova_client import Fault
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.drivers.servers.views import PreStartState

ENDS = [
    pytest.param(Verb.CONFIRM, Operation.CONFIRM, "confirmResize", id="confirm"),
    pytest.param(Verb.REVERT, Operation.REVERT, "revertResize", id="revert"),
]

LOST: list[tuple[str, Fault, Timeouts]] = [
    ("cut", {"when": "after", "action": "cut"}, PATIENT),
    ("gateway timeout", {"when": "after", "status": 504, "body": "<html></html>"}, PATIENT),
    ("too late", {"when": "after", "action": "delay", "delay": 25.0}, Timeouts(connect_s=5.0, read_s=10.0)),
]


@asynccontextmanager
async def at_the_gate(nova: NovaLab, server: str) -> AsyncIterator[tuple[ServerBackend, RecordView, PreStartState]]:
    """Work on a server that awaits confirmation, by its record, after a look as before any call."""
    async with connected(nova) as backend:
        yield backend, await to_the_gate(backend, server), await backend.pre_start_state(cold(server))


@pytest.mark.parametrize(("name", "fault", "timeouts"), LOST, ids=[name for name, *_ in LOST])
def test_a_cold_start_whose_answer_is_lost_is_sent_once_and_found(
    nova: NovaLab, name: str, fault: Fault, timeouts: Timeouts
) -> None:
    server = nova.boot(f"cold-{name}")

    async def story() -> None:
        async with connected(nova, timeouts=timeouts) as backend:
            pre_start = await backend.pre_start_state(cold(server))
            aimed: Fault = {**fault, "path": f"{server}/action", "method": "POST"}
            nova.control.fault(**aimed)
            with pytest.raises(OutcomeUnknown) as caught:
                await backend.start(cold(server), GRANTED)
            assert (caught.value.reason, caught.value.request_id) == ("NoAnswer", None)
        async with connected(nova) as backend:
            call_lookup = await backend.find_effect(cold(server), pending(pre_start, operation=COLD), ())
            assert call_lookup.kind is CallLookupKind.OURS
            assert call_lookup.request_id == nova.nova.actions(server)[-1]["request_id"]
            live = await backend.find_effect(cold(server), pending(pre_start, operation=Operation.LIVE_MIGRATE), ())
            assert live.kind is CallLookupKind.CONFLICT

    asyncio.run(story())

    assert len(posts(nova, server)) == 1


def test_a_cold_start_that_was_cut_before_nova_saw_it_left_no_trace(nova: NovaLab) -> None:
    server = nova.boot("cold-cut-before")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(cold(server))
            nova.control.fault(path=f"{server}/action", method="POST", when="before", action="cut")
            with pytest.raises(OutcomeUnknown):
                await backend.start(cold(server), GRANTED)
            call_lookup = await backend.find_effect(cold(server), pending(pre_start, operation=COLD), ())
            assert call_lookup.kind is CallLookupKind.NOTHING

    asyncio.run(story())


@pytest.mark.parametrize(("verb", "operation", "name"), ENDS)
def test_a_confirm_or_revert_whose_answer_is_lost_is_found(
    nova: NovaLab, verb: Verb, operation: Operation, name: str
) -> None:
    server = nova.boot(f"gate-lost-{verb}")

    async def story() -> None:
        async with at_the_gate(nova, server) as (backend, record, pre_start):
            call = pending(pre_start, operation=operation)
            assert (await backend.find_effect(cold(server), call, ())).kind is CallLookupKind.NOTHING
            nova.control.fault(path=f"{server}/action", method="POST", when="after", action="cut")
            with pytest.raises(OutcomeUnknown) as caught:
                await backend.apply(verb, server, record.id, GRANTED)
            assert (caught.value.operation, caught.value.request_id) == (operation, None)
            call_lookup = await backend.find_effect(cold(server), call, ())
            newest = nova.nova.actions(server)[-1]
            assert newest["action"] == name
            assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, newest["request_id"])
            assert call_lookup.record is not None
            assert call_lookup.record.id == record.id
            other = Operation.REVERT if operation is Operation.CONFIRM else Operation.CONFIRM
            rival = await backend.find_effect(cold(server), pending(pre_start, operation=other), ())
            assert (rival.kind, rival.detail) == (CallLookupKind.CONFLICT, f"a {operation} that somebody else ordered")
            await idle(backend, server)

    asyncio.run(story())

    assert len(posts(nova, server)) == 2


@pytest.mark.parametrize(("verb", "operation", "_name"), ENDS)
def test_a_confirm_or_revert_cut_before_nova_saw_it_left_no_trace(
    nova: NovaLab, verb: Verb, operation: Operation, _name: str
) -> None:
    server = nova.boot(f"gate-cut-{verb}")

    async def story() -> None:
        async with at_the_gate(nova, server) as (backend, record, pre_start):
            nova.control.fault(path=f"{server}/action", method="POST", when="before", action="cut")
            with pytest.raises(OutcomeUnknown):
                await backend.apply(verb, server, record.id, GRANTED)
            call_lookup = await backend.find_effect(cold(server), pending(pre_start, operation=operation), ())
            assert (call_lookup.kind, call_lookup.server.awaits_confirmation) == (CallLookupKind.NOTHING, True)

    asyncio.run(story())


@pytest.mark.parametrize(("verb", "operation", "_name"), ENDS)
def test_a_server_error_after_the_effect_is_found_by_its_request_id_at_the_gate(
    nova: NovaLab, verb: Verb, operation: Operation, _name: str
) -> None:
    server = nova.boot(f"gate-500-{verb}")
    body = {"computeFault": {"code": 500, "message": "Unexpected API Error."}}
    headers = {"Content-Type": "application/json", "X-Openstack-Request-Id": "{request_id}"}

    async def story() -> None:
        async with at_the_gate(nova, server) as (backend, record, pre_start):
            nova.control.fault(
                path=f"{server}/action", method="POST", when="after", status=500, body=body, headers=headers
            )
            with pytest.raises(OutcomeUnknown) as caught:
                await backend.apply(verb, server, record.id, GRANTED)
            error = caught.value
            assert (error.reason, error.request_id) == ("ServerError", nova.nova.actions(server)[-1]["request_id"])
            call = pending(pre_start, operation=operation, request_id=error.request_id, answer=error.reason)
            call_lookup = await backend.find_effect(cold(server), call, ())
            assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, error.request_id)

    asyncio.run(story())


@pytest.mark.parametrize("user", ["operator", "member"])
def test_a_confirm_by_somebody_else_is_found_as_done(nova: NovaLab, user: str) -> None:
    server = nova.boot(f"gate-foreign-{user}")

    async def story() -> None:
        async with at_the_gate(nova, server) as (backend, _record, pre_start):
            nova.as_user(user).post(f"/servers/{server}/action", {"confirmResize": None})
            call_lookup = await backend.find_effect(cold(server), pending(pre_start, operation=Operation.CONFIRM), ())
            assert (call_lookup.kind, call_lookup.request_id) == (
                CallLookupKind.OURS,
                nova.nova.actions(server)[-1]["request_id"],
            )

    asyncio.run(story())


def test_what_nova_confirms_by_itself_is_found_as_done() -> None:
    with NovaLab("--confirm-window", "1", computes=("a", "b")) as eager:
        server = eager.boot("vm")

        async def story() -> None:
            async with connected(eager) as backend:
                pre_start = await backend.pre_start_state(cold(server))
                await backend.start(cold(server), GRANTED)
                await record_in(backend, server, "confirmed")
                await idle(backend, server)
                call_lookup = await backend.find_effect(
                    cold(server), pending(pre_start, operation=Operation.CONFIRM), ()
                )
                action = eager.nova.actions(server)[-1]
                assert (action["action"], action["user_id"]) == ("confirmResize", None)
                assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, action["request_id"])
                assert call_lookup.record is not None
                assert call_lookup.record.stage is Stage.SUCCEEDED

        asyncio.run(story())
