"""An order finds a place though the reads of its Provider hang, in threads and in connections alike."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_clock import give_way_until, settle
from http_upstream import Upstream, answer, serving
from lab.waiting import DEADLINE_S
from nova_support import GRANTED, PATIENT, clouds_yaml, make_backend
from old_clouds import SERVER, speak
from osmig.api.names import Verb
from osmig.clock import SystemClock
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.views import Job
from osmig.drivers.tenants.waldur.requests import LIST_RUNS, READ_ORDER
from osmig.drivers.tenants.waldur.session import make_access
from osmig.net.answers import Call
from osmig.net.connection import LISTS_AT_ONCE, Connection
from osmig.net.endpoints import EndpointGuard, EndpointPolicy
from osmig.net.limiting import Limiter, Priority, hurry
from osmig.net.places import RESERVED, Places
from osmig.net.transport import REQUESTS_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler

FOREVER_S = DEADLINE_S / 2
"""What has not ended by then never does: the reads hang until they are let go."""
THREADS = 8
"""Of the backends of tests."""
JOB = Job(server_id=SERVER, kind=MoveKind.LIVE)
ONE, OTHER = "b8444897d6e64277adb048b2cf09fca5", "c8444897d6e64277adb048b2cf09fca5"


class SlowReads:
    """Says nothing until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer, in the end."""
        self.began += 1
        self.go.wait(2 * DEADLINE_S)
        answer()(handler)


@pytest.fixture
def slow() -> SlowReads:
    return SlowReads()


@pytest.fixture
def upstream(slow: SlowReads) -> Iterator[Upstream]:
    made = Upstream()
    with serving(made):
        yield made
        slow.go.set()


async def test_an_order_and_a_start_leave_though_reads_have_all_threads_of_a_provider(
    upstream: Upstream, slow: SlowReads
) -> None:
    server = {"server": {"id": SERVER, "name": "vm", "status": "ACTIVE"}}
    named = {SERVER.replace("-", "_"): slow, "quick": server, "7": 202, "action": 202}
    speak(upstream, "2.90", **named)
    secret = clouds_yaml(auth_type="admin_token", endpoint=f"{upstream.url}/v2.1", token="t")  # noqa: S106
    backend = make_backend(secret, timeouts=PATIENT)
    reads = [asyncio.create_task(backend.server(SERVER)) for _ in range(3 * THREADS)]
    await give_way_until(lambda: slow.began == THREADS)

    async with asyncio.timeout(FOREVER_S):
        await backend.start(JOB, GRANTED)
        await backend.apply(Verb.ABORT, SERVER, "7", GRANTED)
        with hurry(is_order=True):
            assert (await backend.server("quick")).name == "vm"
    waiting = asyncio.create_task(backend.server("quick"))
    await settle()

    assert not waiting.done()
    assert slow.began == THREADS
    slow.go.set()
    await asyncio.gather(*reads, waiting, return_exceptions=True)
    await backend.close()


async def test_what_an_order_needs_to_know_is_read_though_reads_have_all_connections(
    upstream: Upstream, slow: SlowReads
) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        answer(200, b"[]")(handler) if OTHER[:8] in handler.path else slow(handler)

    upstream.respond = respond
    guard = EndpointGuard(EndpointPolicy(allowed=("127.0.0.0/8",)))
    connection = Connection(
        make_access(upstream.url, "t", guard=guard, timeouts=PATIENT),
        service="waldur",
        limiter=Limiter(1000, SystemClock()),
        observe=lambda *_: None,
        name="x",
    )
    lists = [LIST_RUNS.about(ONE)] * 2 * LISTS_AT_ONCE
    reads = [READ_ORDER.about(ONE)] * 2 * REQUESTS_AT_ONCE
    held = [asyncio.create_task(connection.send(each, Call("x"), Priority.READ)) for each in (*lists, *reads)]
    await give_way_until(lambda: slow.began == REQUESTS_AT_ONCE)

    async with asyncio.timeout(FOREVER_S):
        with hurry(is_order=True):
            for request in (LIST_RUNS.about(OTHER), READ_ORDER.about(OTHER)):
                assert (await connection.send(request, Call("x"), Priority.READ)).status == 200

    slow.go.set()
    await asyncio.gather(*held, return_exceptions=True)
    await connection.close()


async def test_hurry_ends_with_its_block_and_lowers_nothing() -> None:
    places = Places(1)
    await places.acquire(Priority.READ)
    with hurry(is_order=True), hurry(is_order=False):
        await places.acquire(Priority.READ)
    late = asyncio.create_task(places.acquire(Priority.READ))
    await settle()
    assert not late.done()
    for _ in range(2):
        places.release()
    await late


@pytest.mark.parametrize("is_granted_first", [False, True])
async def test_whoever_is_cancelled_takes_no_place(*, is_granted_first: bool) -> None:
    places = Places(1)
    await places.acquire(Priority.READ)
    waiting = asyncio.create_task(places.acquire(Priority.READ))
    await settle()
    if is_granted_first:
        places.release()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    if not is_granted_first:
        places.release()
    await asyncio.wait_for(places.acquire(Priority.PROGRESS), FOREVER_S)


STEPS = st.lists(st.one_of(st.sampled_from(Priority), st.none()), max_size=40)
"""Whose request comes next, or that one ends."""


@given(places=st.integers(1, 4), steps=STEPS)
def test_never_more_than_allowed_and_nobody_waits_who_may_go(places: int, steps: list[Priority | None]) -> None:
    async def story() -> None:
        granting, under_way, waiting = Places(places), 0, list[tuple[Priority, int, asyncio.Task[None]]]()
        for number, priority in enumerate(steps):
            if priority is not None:
                waiting.append((priority, -number, asyncio.create_task(granting.acquire(priority))))
            elif under_way:
                granting.release()
                under_way -= 1
            await settle()
            under_way += sum(task.done() for _, _, task in waiting)
            served = [each for each in waiting if each[2].done()]
            waiting = [each for each in waiting if not each[2].done()]
            for kind, _, _ in served:
                assert under_way <= places + RESERVED.get(kind, 0)
                assert all(other <= kind for other, _, _ in waiting)
            for kind, _, _ in waiting:
                assert under_way >= places + RESERVED.get(kind, 0)
        for _, _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in waiting), return_exceptions=True)

    asyncio.run(story())
