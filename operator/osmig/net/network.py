"""Below HTTP: connections to permitted addresses only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpcore
from typing_extensions import override

from osmig.net.bounded_stream import BoundedStream
from osmig.net.failures import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.net.endpoints import EndpointGuard


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Inheritance because httpcore offers no other place to choose the address.

    TLS still asks for the host's name: httpcore takes that from the URL.
    """

    def __init__(self, guard: EndpointGuard) -> None:
        """Connect to nothing yet.

        Args:
            guard: resolves and judges each host.
        """
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that the guard lets pass and that answers.

        Raises:
            EndpointRefusedError: the guard lets none pass.
            NoAnswerError: the name has no address.
            httpcore.ConnectTimeout, httpcore.ConnectError: as httpcore itself does.
        """
        try:
            async with asyncio.timeout(timeout):
                return BoundedStream(await self._connect(host, port, socket_options))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def _connect(
        self, host: str, port: int, options: Iterable[httpcore.SOCKET_OPTION] | None
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in await self._resolve(host, port):
            try:
                return await self._inner.connect_tcp(address, port, socket_options=options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    async def _resolve(self, host: str, port: int) -> tuple[str, ...]:
        try:
            return await asyncio.wrap_future(self._guard.look_up(host, port))
        except OSError as error:
            message = "The name of the endpoint cannot be resolved"
            raise NoAnswerError(message) from error
