"""The transport to Waldur over a real socket on loopback: the token, bounds, and names that are slow to resolve.

What it promises as every transport does is in test_transports.py.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from http_upstream import LOOPBACK, Upstream, answer, silent
from lab.waiting import DEADLINE_S
from nova_support import Permission
from osmig.drivers.tenants.waldur.requests import PING, turn_to
from osmig.net.answers import Call
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointPolicy
from osmig.net.failures import NoAnswerError, UnpermittedRequestError
from transport_ways import ORDER, RUNS, waldur_transport_of
from waldur_support import TOKEN

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

SOURCE = "b8444897-d6e6-4277-adb0-48b2cf09fca5"


def to_loopback(_host: str, _port: int) -> tuple[str, ...]:
    return (LOOPBACK,)


async def test_a_read_needs_no_permit_and_carries_the_token(upstream: Upstream) -> None:
    upstream.respond = answer(200, b"[]", X_Result_Count="0", Retry_After="0")

    async with waldur_transport_of(upstream.url) as transport:
        got = await transport.send(turn_to(RUNS, 2), Call("list-runs"))

    assert (got.status, got.content, got.read_count("x-result-count"), got.retry_after_s) == (200, b"[]", 0, 0.0)
    assert upstream.seen == [f"GET /api/openstack-migrations/?page=2&page_size=100&src_resource_uuid={SOURCE}"]
    [headers] = upstream.headers
    assert (headers["authorization"], headers["accept-encoding"]) == (f"Token {TOKEN}", "identity")


async def test_a_path_before_the_api_is_kept(upstream: Upstream) -> None:
    async with waldur_transport_of(f"{upstream.url}/waldur") as transport:
        await transport.send(RUNS, Call("list-runs"))

    assert upstream.seen == [f"GET /waldur/api/openstack-migrations/?src_resource_uuid={SOURCE}"]


async def test_a_change_without_a_permit_is_a_programming_error(upstream: Upstream) -> None:
    async with waldur_transport_of(upstream.url) as transport:
        with pytest.raises(UnpermittedRequestError):
            await transport.send(ORDER, Call("replicate"))

    assert upstream.connections == set()


async def test_a_read_that_is_given_up_has_left_too(upstream: Upstream) -> None:
    released = threading.Event()
    upstream.respond = silent(released)
    call = Call("list-runs")

    async with waldur_transport_of(upstream.url) as transport:
        with pytest.raises(NoAnswerError, match="did not answer in time") as caught:
            await transport.send(RUNS, call)
    released.set()

    assert call.has_left
    assert caught.value.is_timeout


async def test_a_resolver_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang(_host: str, _port: int) -> tuple[str, ...]:
        released.wait(DEADLINE_S)
        return (LOOPBACK,)

    call = Call("replicate", Permission())
    timeouts = Timeouts(connect_s=0.2, read_s=DEADLINE_S)
    async with waldur_transport_of("http://localhost:1", resolve=hang, timeouts=timeouts) as transport:
        with pytest.raises(NoAnswerError, match="did not accept a connection in time"):
            async with asyncio.timeout(DEADLINE_S / 2):  # less than what is allowed for the answer
                await transport.send(ORDER, call)
        released.set()

    assert not call.has_left


async def test_a_path_and_a_host_are_sent_as_a_server_can_read_them(upstream: Upstream) -> None:
    named = f"http://bücher.example:{upstream.port}/wäldur"
    async with waldur_transport_of(
        named, policy=EndpointPolicy(allowed=("127.0.0.0/8",)), resolve=to_loopback
    ) as there:
        await there.send(PING.about(), Call("ping"))

    assert upstream.seen == ["GET /w%C3%A4ldur/api/openstack-migrations/?page_size=1"]
    assert upstream.headers[0]["host"] == f"xn--bcher-kva.example:{upstream.port}"


async def test_a_header_that_comes_twice_is_one_list(upstream: Upstream) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for relation in ("first", "next"):
            handler.send_header("Link", f'<{upstream.url}/>; rel="{relation}"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    upstream.respond = respond
    async with waldur_transport_of(upstream.url) as transport:
        assert (await transport.send(PING.about(), Call("ping"))).has_next


async def test_a_list_is_waited_for_longer_than_one_thing(upstream: Upstream) -> None:
    released = threading.Event()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        released.wait(DEADLINE_S)
        answer(200, b"[]")(handler)

    upstream.respond = respond
    async with waldur_transport_of(
        upstream.url, timeouts=Timeouts(connect_s=DEADLINE_S, read_s=0.2, list_s=DEADLINE_S)
    ) as transport:
        listing = asyncio.create_task(transport.send(RUNS, Call("list-runs")))
        with pytest.raises(NoAnswerError, match="did not answer in time"):
            await transport.send(PING.about(), Call("ping"))
        assert not listing.done()
        released.set()
        assert (await listing).status == 200
