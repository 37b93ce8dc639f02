"""A connection of the event loop: whatever is crammed into it, others have their turns, and a head has its bound."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import httpcore
from typing_extensions import override

from osmig.net.bounded_stream import BoundedStream
from osmig.net.bounds import MAX_HEADER_BYTES, MAX_WIRE_BYTES
from osmig.net.failures import TooLongError

SMALL_BYTES = 4096
AT_ONCE_BYTES = 2**16
"""What httpcore asks for."""


class Crammed(httpcore.AsyncNetworkStream):
    """A connection on which as much has come as is asked for, so that no read waits."""

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"x" * max_bytes

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take it."""

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return Crammed()

    @override
    def get_extra_info(self, info: str) -> Any:
        return f"the {info}"


async def read_all(stream: httpcore.AsyncNetworkStream) -> int:
    """Read until no more is allowed; return how much came."""
    read_bytes = 0
    with suppress(TooLongError):
        while True:
            read_bytes += len(await stream.read(AT_ONCE_BYTES))
    return read_bytes


async def test_of_each_answer_a_head_is_read_and_a_body_only_when_it_has_begun() -> None:
    stream = BoundedStream(Crammed())
    for _ in range(2):
        await stream.write(b"GET / HTTP/1.1\r\n\r\n")
        assert MAX_HEADER_BYTES <= await read_all(stream) < MAX_HEADER_BYTES + SMALL_BYTES
        stream.begin_body()
        assert MAX_WIRE_BYTES <= await read_all(stream) < MAX_WIRE_BYTES + SMALL_BYTES


async def test_over_tls_it_is_the_same() -> None:
    stream = await BoundedStream(Crammed()).start_tls(ssl.create_default_context())
    assert MAX_HEADER_BYTES <= await read_all(stream) < MAX_HEADER_BYTES + SMALL_BYTES
    assert stream.get_extra_info("ssl_object") == "the ssl_object"


async def test_others_have_a_turn_before_each_small_piece_even_where_no_read_waits() -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)  # noqa: TID251 - no time passes by it

    other = asyncio.create_task(take_turns())
    stream = BoundedStream(Crammed())
    before, read_bytes = turns, await read_all(stream)
    other.cancel()

    assert turns - before >= read_bytes // SMALL_BYTES
