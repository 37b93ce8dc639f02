"""Reading an answer over a connection of the event loop: in small pieces, with a bound for the head.

What a server crams into one read is computed on at a stretch: 64 KiB hold 2,600 answers of status 100, or 10,000 chunks
of a byte, and httpcore looks at each before the loop gets its turn back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpcore
from typing_extensions import override

from osmig.net.bounds import MAX_HEADER_BYTES, MAX_WIRE_BYTES
from osmig.net.failures import TooLongError

if TYPE_CHECKING:
    import ssl

_PIECE_BYTES = 4096


class BoundedStream(httpcore.AsyncNetworkStream):
    """Inheritance because httpcore offers no other place to choose how much is read."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        """Read from ``inner``, of each answer no more than a head until `begin_body`."""
        self._inner = inner
        self._left_bytes = MAX_HEADER_BYTES

    def begin_body(self) -> None:
        """Let a body be read: the head has come."""
        self._left_bytes = MAX_WIRE_BYTES

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come, once everybody else has had a turn.

        Raises:
            TooLongError: more came than is allowed.
            httpcore.ReadTimeout, httpcore.ReadError: as httpcore itself does.
        """
        if self._left_bytes <= 0:
            raise TooLongError
        # what waits in the buffer of a TLS connection is returned without one
        await asyncio.sleep(0)  # noqa: TID251 - no time passes by it
        piece = await self._inner.read(min(max_bytes, _PIECE_BYTES), timeout)
        self._left_bytes -= len(piece)
        return piece

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send a part of a request; what comes next is the head of its answer."""
        self._left_bytes = MAX_HEADER_BYTES
        await self._inner.write(buffer, timeout)

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return BoundedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
