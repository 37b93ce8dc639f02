"""The transport of `net` for any server over HTTP: what is sent, what is kept of an answer, and each of its bounds."""

from __future__ import annotations

import asyncio
import gzip
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from http_upstream import Upstream, answer, dripping, in_chunks_of_a_byte
from lab.waiting import DEADLINE_S
from nova_support import LOOPBACK, PATIENT, Permission
from osmig.clock import SystemClock
from osmig.net.answers import Call
from osmig.net.bounds import MAX_ANSWER_BYTES, MAX_HEADER_BYTES, MAX_PIECES, Timeouts
from osmig.net.connection import Connection
from osmig.net.endpoints import EndpointGuard
from osmig.net.failures import (
    ConnectionReplacedError,
    NoAnswerError,
    PermitExpiredError,
    TooLongError,
    UnwantedFormError,
)
from osmig.net.limiting import Limiter, Priority
from osmig.net.requests import Request
from osmig.net.transport import Access, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from http.server import BaseHTTPRequestHandler

READ = Request(operation="read-job", method="GET", path="/jobs/7")
ORDER = Request(operation="order", method="POST", path="/jobs", body={"name": "x"})
HASTY = Timeouts(connect_s=2.0, read_s=0.5)
GUARD_S = DEADLINE_S / 2
"""Against a server that drips for ever: a test without a deadline in the transport ends here, and fails."""
SECRET = "nobody-may-see-this"  # noqa: S105 - of no server


def access_to(upstream: Upstream, timeouts: Timeouts = PATIENT) -> Access:
    return Access(
        endpoint=upstream.url,
        login=("X-Api-Token", SECRET),
        guard=EndpointGuard(LOOPBACK),
        timeouts=timeouts,
        kept_headers=frozenset({"location"}),
    )


@asynccontextmanager
async def opened(upstream: Upstream, timeouts: Timeouts = PATIENT) -> AsyncIterator[Transport]:
    transport = Transport(access_to(upstream, timeouts))
    try:
        yield transport
    finally:
        await transport.close()


async def test_a_driver_names_its_login_and_the_headers_that_it_needs(upstream: Upstream) -> None:
    upstream.respond = answer(201, Location="/jobs/7", Set_Cookie="a=b", Retry_After="9")

    async with opened(upstream) as transport:
        got = await transport.send(ORDER, Call("order", Permission()))

    assert upstream.headers[0]["x-api-token"] == SECRET
    assert upstream.headers[0]["accept-encoding"] == "identity"
    assert upstream.bodies == [b'{"name":"x"}']
    assert (got.status, dict(got.headers), got.retry_after_s) == (201, {"location": "/jobs/7", "retry-after": "9"}, 9)


def test_the_login_is_not_shown(upstream: Upstream) -> None:
    assert SECRET not in repr(access_to(upstream))


@pytest.mark.parametrize(
    ("respond", "length"),
    [
        (answer(200, b" " * MAX_ANSWER_BYTES), MAX_ANSWER_BYTES),
        (answer(200, b" " * (MAX_ANSWER_BYTES + 1)), None),
        (in_chunks_of_a_byte(MAX_PIECES), MAX_PIECES),
        (in_chunks_of_a_byte(MAX_PIECES + 1), None),
    ],
    ids=["longest", "too long", "most pieces", "too many pieces"],
)
async def test_a_body_is_read_up_to_its_bounds(
    upstream: Upstream, respond: Callable[[BaseHTTPRequestHandler], None], length: int | None
) -> None:
    upstream.respond = respond

    async with opened(upstream) as transport:
        if length:
            assert len((await transport.send(READ, Call("read-job"))).content) == length
        else:
            with pytest.raises(TooLongError):
                await transport.send(READ, Call("read-job"))


async def test_headers_together_are_bounded(upstream: Upstream) -> None:
    upstream.respond = answer(
        200, b"{}", **{f"X_{number}": "x" * 1000 for number in range(MAX_HEADER_BYTES // 1000 + 1)}
    )

    async with opened(upstream) as transport:
        with pytest.raises(TooLongError):
            await transport.send(READ, Call("read-job"))


def continuing(times: int, then: Callable[[BaseHTTPRequestHandler], None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """Say so many times that the answer is still to come."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * times)
        then(handler)

    return respond


@pytest.mark.parametrize(("times", "is_read"), [(1, True), (2000, True), (MAX_HEADER_BYTES // 25 + 200, False)])
async def test_what_comes_before_an_answer_counts_as_its_head(upstream: Upstream, times: int, is_read: bool) -> None:  # noqa: FBT001
    upstream.respond = continuing(times, answer(200, b" " * MAX_ANSWER_BYTES))

    async with opened(upstream) as transport:
        for _ in range(2):  # the second comes over the same connection
            if is_read:
                assert len((await transport.send(READ, Call("read-job"))).content) == MAX_ANSWER_BYTES
            else:
                with pytest.raises(TooLongError):
                    await transport.send(READ, Call("read-job"))

    assert len(upstream.connections) == (1 if is_read else 2)


async def test_a_change_of_the_protocol_that_nobody_asked_for_is_no_answer(upstream: Upstream) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

    upstream.respond = respond
    async with opened(upstream) as transport:
        with pytest.raises(NoAnswerError, match="broke"):
            await transport.send(READ, Call("read-job"))


async def test_nothing_is_decompressed(upstream: Upstream) -> None:
    upstream.respond = answer(200, gzip.compress(b" " * 2**24), Content_Encoding="gzip")

    async with opened(upstream) as transport:
        with pytest.raises(UnwantedFormError):
            await transport.send(READ, Call("read-job"))


async def test_a_body_that_drips_is_given_up_at_the_deadline(upstream: Upstream) -> None:
    released = threading.Event()
    upstream.respond = dripping(released)
    call = Call("order", Permission())

    async with opened(upstream, HASTY) as transport:
        with pytest.raises(NoAnswerError) as caught:
            async with asyncio.timeout(GUARD_S):
                await transport.send(ORDER, call)
    released.set()

    assert caught.value.is_timeout
    assert call.has_left


async def test_headers_that_drip_are_given_up_at_the_deadline(upstream: Upstream) -> None:
    released = threading.Event()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not released.wait(0.1):
            handler.wfile.write(b"x")

    upstream.respond = respond
    async with opened(upstream, HASTY) as transport:
        with pytest.raises(NoAnswerError) as caught:
            async with asyncio.timeout(GUARD_S):
                await transport.send(READ, Call("read-job"))
    released.set()

    assert caught.value.is_timeout


async def test_a_connection_paces_counts_and_takes_nothing_once_closed(upstream: Upstream) -> None:
    told: list[tuple[str, str, str]] = []
    connection = Connection(
        access_to(upstream),
        service="jobs",
        limiter=Limiter(1000, SystemClock()),
        observe=lambda service, operation, code, _seconds: told.append((service, operation, code)),
        name="test",
    )
    await connection.send(READ, Call("read-job"), Priority.READ)
    with pytest.raises(PermitExpiredError):
        await connection.send(ORDER, Call("order", Permission(valid=False)), Priority.START)
    await connection.close()
    with pytest.raises(ConnectionReplacedError):
        await asyncio.wait_for(connection.send(READ, Call("read-job"), Priority.READ), DEADLINE_S)

    assert told == [("jobs", "read-job", "200")]
    assert upstream.seen == ["GET /jobs/7"]
