"""Exactly one start, against the real Nova: what was sent, what became of it, and how it is found again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nova_support import GRANTED, PATIENT, Permission, connected, idle, make_backend, pending, posts, record_in
from osmig.domain.errors import Absent, BackendError, NotPermitted, OutcomeUnknown, Refused, Transient, Unauthorized
from osmig.domain.operations import Stage
from osmig.drivers.servers.records import pick_record
from osmig.drivers.servers.views import CallLookupKind, Job, StartTrace
from osmig.net.bounds import Timeouts

if TYPE_CHECKING:
    from lab.nova import NovaLab
    from lab.nova_client import Fault

HANG = "hang,memory=64"
START = "/action$"


def test_a_start_is_accepted_and_its_action_is_there_at_once(nova: NovaLab) -> None:
    server = nova.boot("start-once")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            receipt = await backend.start(Job(server_id=server), GRANTED)
            call_lookup = await backend.find_effect(Job(server_id=server), pending(pre_start), ())

            assert receipt.request_id is not None
            assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, receipt.request_id)
            record = await record_in(backend, server, "completed")
            assert record.stage is Stage.SUCCEEDED
            assert record.source_host == pre_start.server.host
            await idle(backend, server)
            found_late = await backend.find_effect(Job(server_id=server), pending(pre_start), ())
            assert found_late.record == record
            assert found_late.server.host == record.destination_host != pre_start.server.host

    asyncio.run(story())

    (post,) = posts(nova, server)
    assert post["body"] == '{"os-migrateLive": {"host": null, "block_migration": "auto"}}'
    assert post["microversion"] == "compute 2.90"
    assert (post["user_agent"] or "").startswith("osmig/")


def test_the_destination_and_the_way_of_copying_are_handed_on(nova: NovaLab) -> None:
    server = nova.boot("start-there", host="cmp1", plan="finish")

    async def story() -> None:
        async with connected(nova) as backend:
            job = Job(server_id=server, destination_host="cmp3", block_migration="Never")
            await backend.start(job, GRANTED)
            assert (await record_in(backend, server, "completed")).destination_host == "cmp3"

    asyncio.run(story())

    assert posts(nova, server)[0]["body"] == '{"os-migrateLive": {"host": "cmp3", "block_migration": false}}'


def test_an_expired_permit_sends_nothing(nova: NovaLab) -> None:
    server = nova.boot("start-late")

    async def story() -> BackendError:
        async with connected(nova) as backend:
            with pytest.raises(Transient) as caught:
                await backend.start(Job(server_id=server), Permission(valid=False))
            return caught.value

    assert asyncio.run(story()).operation == "live-migrate"
    assert posts(nova, server) == []
    assert [action["action"] for action in nova.nova.actions(server)] == ["create"]


LOST: list[tuple[str, Fault, Timeouts]] = [
    ("cut", {"when": "after", "action": "cut"}, PATIENT),
    ("redirected", {"when": "after", "status": 307, "headers": {"Location": "/v2.1/elsewhere"}}, PATIENT),
    ("gateway timeout", {"when": "after", "status": 504, "body": "<html></html>"}, PATIENT),
    ("too late", {"when": "after", "action": "delay", "delay": 25.0}, Timeouts(connect_s=5.0, read_s=10.0)),
    ("nonsense", {"when": "after", "status": 200, "body": "<html>welcome</html>"}, PATIENT),
]


@pytest.mark.parametrize(("name", "fault", "timeouts"), LOST, ids=[name for name, *_ in LOST])
def test_a_start_whose_answer_is_lost_is_sent_once_and_found(
    nova: NovaLab, name: str, fault: Fault, timeouts: Timeouts
) -> None:
    server = nova.boot(f"start-{name}", plan="finish")

    async def story() -> None:
        async with connected(nova, timeouts=timeouts) as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            aimed: Fault = {**fault, "path": f"{server}/action", "method": "POST"}
            nova.control.fault(**aimed)
            with pytest.raises(OutcomeUnknown) as caught:
                await backend.start(Job(server_id=server), GRANTED)
            assert (caught.value.reason, caught.value.request_id) == ("NoAnswer", None)
        async with connected(nova) as backend:
            call_lookup = await backend.find_effect(Job(server_id=server), pending(pre_start), ())
            assert call_lookup.kind is CallLookupKind.OURS
            assert call_lookup.request_id == nova.nova.actions(server)[-1]["request_id"]

    asyncio.run(story())

    assert len(posts(nova, server)) == 1


def test_a_start_that_was_cut_before_nova_saw_it_left_no_trace(nova: NovaLab) -> None:
    server = nova.boot("start-cut-before")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            nova.control.fault(path=f"{server}/action", method="POST", when="before", action="cut")
            with pytest.raises(OutcomeUnknown):
                await backend.start(Job(server_id=server), GRANTED)
            call_lookup = await backend.find_effect(Job(server_id=server), pending(pre_start), ())
            assert call_lookup.kind is CallLookupKind.NOTHING

    asyncio.run(story())

    assert len(posts(nova, server)) == 1


def test_a_server_error_after_the_effect_is_found_by_its_request_id(nova: NovaLab) -> None:
    server = nova.boot("start-500")
    # the answer keeps the request id that Nova gave, which is what a failure inside Nova looks like
    body = {"computeFault": {"code": 500, "message": "Unexpected API Error."}}

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            nova.control.fault(path=f"{server}/action", method="POST", when="after", status=500, body=body)
            with pytest.raises(OutcomeUnknown):
                await backend.start(Job(server_id=server), GRANTED)
            request_id = nova.nova.actions(server)[-1]["request_id"]
            call = pending(pre_start, request_id=request_id, answer="ServerError")
            call_lookup = await backend.find_effect(Job(server_id=server), call, ())
            assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, request_id)

    asyncio.run(story())


def test_of_parallel_starts_one_moves_and_the_others_learn_that_it_was_not_theirs(nova: NovaLab) -> None:
    server = nova.boot("start-race", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend:
            job = Job(server_id=server)
            pre_start = await backend.pre_start_state(job)
            answers = await asyncio.gather(*(backend.start(job, GRANTED) for _ in range(3)), return_exceptions=True)
            won = [answer for answer in answers if not isinstance(answer, BaseException)]
            lost = [answer for answer in answers if isinstance(answer, OutcomeUnknown)]
            assert (len(won), len(lost)) == (1, 2)
            await record_in(backend, server, "running")
            for loser in lost:
                assert loser.reason in ("Conflict", "ServerError")
                assert loser.request_id is not None
                assert won[0].request_id is not None
                call = pending(pre_start, request_id=loser.request_id, answer=loser.reason)
                call_lookup = await backend.find_effect(job, call, (won[0].request_id,))
                assert call_lookup.kind is CallLookupKind.CONFLICT
                assert call_lookup.detail.endswith("(running)")
            nova.control.steer(server, "cancel")

    asyncio.run(story())

    assert len(nova.nova.migrations(server)) == 1


def test_a_second_start_while_moving_proves_nothing(nova: NovaLab) -> None:
    server = nova.boot("start-twice", plan=HANG)

    async def story() -> None:
        async with connected(nova) as backend:
            job = Job(server_id=server)
            await backend.start(job, GRANTED)
            await record_in(backend, server, "running")
            pre_start = await backend.pre_start_state(job)
            assert pre_start.active is not None
            with pytest.raises(OutcomeUnknown) as caught:
                await backend.start(job, GRANTED)
            assert caught.value.reason == "Conflict"
            call = pending(pre_start, request_id=caught.value.request_id, answer="Conflict")
            assert (await backend.find_effect(job, call, ())).kind is CallLookupKind.CONFLICT
            nova.control.steer(server, "cancel")

    asyncio.run(story())


def test_with_the_conductor_down_the_action_is_there_without_a_record(nova: NovaLab) -> None:
    server = nova.boot("start-no-conductor")

    async def story() -> None:
        async with connected(nova) as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            nova.control.service("novalab-conductor", "stop")
            try:
                receipt = await backend.start(Job(server_id=server), GRANTED)
                call_lookup = await backend.find_effect(Job(server_id=server), pending(pre_start), ())
            finally:
                nova.control.service("novalab-conductor", "start")
            assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, receipt.request_id)
            assert call_lookup.record is None
            assert call_lookup.server.is_busy
            await record_in(backend, server, "completed", "error")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("job", "kind", "reason"),
    [
        (Job(server_id="00000000-0000-4000-8000-000000000000"), Absent, "ServerNotFound"),
        (Job(destination_host="nowhere"), Refused, "StartRefused"),
    ],
)
def test_what_nova_refuses_at_once(nova: NovaLab, job: Job, kind: type[BackendError], reason: str) -> None:
    async def story() -> BackendError:
        async with connected(nova) as backend:
            with pytest.raises(BackendError) as caught:
                await backend.start(replace(job, server_id=job.server_id or nova.servers["vm-1"]), GRANTED)
            return caught.value

    error = asyncio.run(story())

    assert (type(error), error.reason) == (kind, reason)


def test_a_stopped_server_is_refused_with_its_state(nova: NovaLab) -> None:
    server = nova.boot("start-stopped")
    nova.nova.post(f"/servers/{server}/action", {"os-stop": None})

    async def story() -> BackendError:
        async with connected(nova) as backend:
            await idle(backend, server)
            with pytest.raises(Refused) as caught:
                await backend.start(Job(server_id=server), GRANTED)
            return caught.value

    assert asyncio.run(story()).message == "The server cannot be moved while its state is stopped"


@pytest.mark.parametrize(
    ("user", "cause"), [("member", NotPermitted), ("reader", NotPermitted), ("nobody", Unauthorized)]
)
def test_roles_that_may_not_move_are_told_so(nova: NovaLab, user: str, cause: type[BackendError]) -> None:
    secret = f"clouds: {{x: {{auth_type: admin_token, auth: {{endpoint: '{nova.compute}', token: {user}}}}}}}"

    async def story() -> BackendError:
        backend = make_backend(secret.encode())
        with pytest.raises(cause) as caught:
            await backend.start(Job(server_id=nova.servers["vm-1"]), GRANTED)
        await backend.close()
        return caught.value

    assert asyncio.run(story()).reason == cause.__name__


@pytest.mark.parametrize("side", ["source", "dest"])
def test_a_move_that_fails_its_check_is_explained_as_far_as_the_role_may_know(nova: NovaLab, side: str) -> None:
    server = nova.boot(f"explain-{side}", plan=f"finish,precheck={side}")

    async def story() -> None:
        async with connected(nova) as backend, connected(nova, "manager") as manager:
            receipt = await backend.start(Job(server_id=server), GRANTED)
            await record_in(backend, server, "error")
            await idle(backend, server)
            for request_id in (receipt.request_id, None):
                explanation = await backend.explain(server, request_id)
                assert explanation.reason == "PreCheckFailed"
                assert explanation.message.startswith("The check before the move failed: novalab: ")
            hidden = await manager.explain(server, receipt.request_id)
            assert (hidden.reason, hidden.message) == ("PreCheckFailed", "The check before the move failed")
            unknown = await backend.explain(server, "req-00000000-0000-4000-8000-000000000000")
            assert (unknown.reason, unknown.message) == (None, "The cloud gives no reason")

    asyncio.run(story())


def test_a_move_to_its_own_host_finds_no_valid_host(nova: NovaLab) -> None:
    server = nova.boot("explain-own-host", host="cmp2")

    async def story() -> None:
        async with connected(nova) as backend:
            receipt = await backend.start(Job(server_id=server, destination_host="cmp2"), GRANTED)
            await record_in(backend, server, "error")
            assert (await backend.explain(server, receipt.request_id)).reason == "NoValidHost"

    asyncio.run(story())


def test_a_strangers_migration_that_failed_between_our_look_and_our_start_is_not_taken_for_ours(nova: NovaLab) -> None:
    server = nova.boot("start-whose", host="cmp1", plan="finish")

    async def story() -> None:
        async with connected(nova) as backend:
            job = Job(server_id=server)
            pre_start = await backend.pre_start_state(job)
            # to the host where it is: Nova accepts it, and writes it off at once
            nova.nova.live_migrate(server, host="cmp1")
            theirs = await record_in(backend, server, "error")
            await idle(backend, server)
            receipt = await backend.start(job, GRANTED)
            assert receipt.request_id is not None
            ours = await record_in(backend, server, "completed")
            records, previous = await backend.records(server), pre_start.baseline.previous_id
            assert [row.id for row in records] == [ours.id, theirs.id]
            assert theirs.user_id == ours.user_id

            trace = await backend.start_trace(server, receipt.request_id)
            assert trace.began is not None
            assert theirs.created is not None
            assert ours.created is not None
            assert theirs.created < trace.began <= ours.created
            picked = pick_record(records, previous, kind=job.kind, request_id=receipt.request_id, trace=trace)
            assert picked == ours
            # our own alone is not there yet, and theirs is not taken for it
            assert pick_record((theirs,), previous, kind=job.kind, trace=trace) is None
            assert await backend.start_trace(server, "req-unknown") == StartTrace()

    asyncio.run(story())


@pytest.mark.parametrize("role", ["manager", "member"])
def test_every_role_that_follows_sees_when_its_start_began(nova_keystone: NovaLab, role: str) -> None:
    server = nova_keystone.boot(f"start-trace-{role}", plan="finish")

    async def story() -> StartTrace:
        async with connected(nova_keystone) as backend:
            receipt = await backend.start(Job(server_id=server), GRANTED)
            await record_in(backend, server, "completed")
        async with connected(nova_keystone, role) as backend:
            return await backend.start_trace(server, receipt.request_id or "")

    trace = asyncio.run(story())

    assert trace.shows_events
    assert trace.began is not None
    assert trace.started is not None
    assert trace.user_id is not None
