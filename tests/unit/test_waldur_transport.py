"""The transport to Waldur over a real socket on loopback: the token, bounds, and names that are slow to resolve.

What it promises as every transport does is in test_transports.py.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from http_upstream import LOOPBACK, Upstream, answer, silent
from nova_support import LOOPBACK as LOOPBACK_ONLY
from nova_support import Permission
from osmig.backends.bounds import Timeouts
from osmig.backends.endpoints import EndpointGuard
from osmig.backends.waldur.answers import Call, NoAnswerError, UnpermittedRequestError
from osmig.backends.waldur.opening import Access, open_client
from transport_ways import ORDER, RUNS, client_of
from waldur_support import HASTY, TOKEN


async def test_a_read_needs_no_permit_and_carries_the_token(upstream: Upstream) -> None:
    upstream.respond = answer(200, b"[]", X_Result_Count="0", Retry_After="0")

    async with client_of(upstream.url) as client:
        got = await client.send(RUNS, Call("list-runs"), page=2)

    assert (got.status, got.content, got.result_count, got.retry_after_s) == (200, b"[]", 0, 0.0)
    assert upstream.seen == ["GET /api/openstack-migrations/?page=2&page_size=100"]
    [headers] = upstream.headers
    assert (headers["authorization"], headers["accept-encoding"]) == (f"Token {TOKEN}", "identity")


async def test_a_path_before_the_api_is_kept(upstream: Upstream) -> None:
    async with client_of(f"{upstream.url}/waldur") as client:
        await client.send(RUNS, Call("list-runs"))

    assert upstream.seen == ["GET /waldur/api/openstack-migrations/"]


async def test_a_change_without_a_permit_is_a_programming_error(upstream: Upstream) -> None:
    async with client_of(upstream.url) as client:
        with pytest.raises(UnpermittedRequestError):
            await client.send(ORDER, Call("replicate"))

    assert upstream.connections == set()


async def test_a_read_that_is_given_up_has_left_too(upstream: Upstream) -> None:
    released = threading.Event()
    upstream.respond = silent(released)
    call = Call("list-runs")

    async with client_of(upstream.url) as client:
        with pytest.raises(NoAnswerError, match="did not answer in time") as caught:
            await client.send(RUNS, call)
    released.set()

    assert call.has_left
    assert caught.value.is_timeout


async def test_an_answer_that_is_too_long_is_given_up(upstream: Upstream) -> None:
    upstream.respond = answer(200, b" " * (8 * 2**20 + 1))

    async with client_of(upstream.url, timeouts=Timeouts(connect_s=2.0, read_s=10.0)) as client:
        with pytest.raises(NoAnswerError, match="too long"):
            await client.send(RUNS, Call("list-runs"))


async def test_nothing_is_decompressed_so_that_nothing_can_explode(upstream: Upstream) -> None:
    packed = gzip.compress(b" " * 2**24)
    upstream.respond = answer(200, packed, Content_Encoding="gzip")

    async with client_of(upstream.url) as client:
        got = await client.send(RUNS, Call("list-runs"))

    assert got.content == packed


async def test_threads_that_were_shut_down_are_no_programming_error(upstream: Upstream) -> None:
    threads = ThreadPoolExecutor(max_workers=1)
    guard = EndpointGuard(LOOPBACK_ONLY)
    client = open_client(Access(endpoint=upstream.url, token=TOKEN, guard=guard, timeouts=HASTY), threads)
    threads.shutdown()
    call = Call("replicate", Permission())

    with pytest.raises(NoAnswerError, match="replaced"):
        await client.send(ORDER, call)
    await client.close()

    assert not call.has_left


async def test_a_resolver_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang(_host: str, _port: int) -> tuple[str, ...]:
        released.wait(10)
        return (LOOPBACK,)

    call = Call("replicate", Permission())
    timeouts = Timeouts(connect_s=0.2, read_s=8.0)
    async with client_of("http://localhost:1", resolve=hang, timeouts=timeouts) as client:
        with pytest.raises(NoAnswerError, match="did not accept a connection in time"):
            async with asyncio.timeout(4):  # less than what is allowed for the answer
                await client.send(ORDER, call)
        released.set()

    assert not call.has_left


async def test_a_url_of_which_nothing_can_be_made_is_told() -> None:
    with pytest.raises(NoAnswerError, match=r"spec\.waldur\.endpoint"):
        async with client_of("http://999.999.999.999"):
            pass
