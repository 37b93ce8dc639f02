"""What stands behind the generated client: no environment, no redirects, no retries, bounded answers, permits."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, cast

import httpcore
import httpx
from typing_extensions import override

from osmig.backends.bounds import PermitExpiredError
from osmig.backends.waldur.answers import Call, NoAnswerError, UnpermittedRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterator

    from osmig.backends.bounds import Timeouts

MAX_ANSWER_BYTES = 8 * 2**20
"""A page of 100 rows has 0.1 MB; each row may carry a traceback of several kB."""

READ_S = 15.0
"""How long a request that only reads is waited for, at most; one that changes something was seen to take 19 s."""

CALL = "osmig.call"
"""The extension of a request that carries its `Call`."""

_SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_KEPT_HEADERS = frozenset({"content-type", "link", "retry-after", "x-result-count"})
"""A redirect is an answer, never a direction; cookies would make a login of it; nothing is decompressed."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Inheritance because httpx offers no other place to send by oneself."""

    def __init__(
        self, network: httpcore.AsyncNetworkBackend, *, context: ssl.SSLContext | None, timeouts: Timeouts
    ) -> None:
        """Open nothing yet.

        Args:
            network: makes the connections.
            context: whom TLS trusts; ``None`` without TLS.
            timeouts: bounds of every request.
        """
        self._timeouts = timeouts
        options: dict[str, Any] = {"ssl_context": context, "network_backend": network, "max_connections": 8}
        self._reading = httpcore.AsyncConnectionPool(max_keepalive_connections=2, keepalive_expiry=30.0, **options)
        # A kept connection may be closed by the other side this very moment, which would look like an answer that was
        # lost: a request that changes something therefore always gets a new one.
        self._changing = httpcore.AsyncConnectionPool(max_keepalive_connections=0, **options)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its answer to the end, within bounds of size and time.

        Raises:
            NoAnswerError: no whole answer came.
            EndpointRefusedError: the guard lets no address pass; nothing was sent.
            PermitExpiredError: the permit is not valid any more; nothing was sent.
            UnpermittedRequestError: a request that changes something without a permit; nothing was sent.
        """
        call: Call = request.extensions[CALL]
        is_safe = request.method.encode() in _SAFE_METHODS
        if not is_safe and call.permit is None:
            message = f"{request.method} without a permit"
            raise UnpermittedRequestError(message)
        read_s = min(READ_S, self._timeouts.read_s) if is_safe else self._timeouts.read_s
        sent = _to_core(request, call, connect_s=self._timeouts.connect_s, read_s=read_s)
        pool = self._reading if is_safe else self._changing
        try:
            async with asyncio.timeout(self._timeouts.connect_s + read_s):
                return await _exchange(pool, sent)
        except (TimeoutError, httpcore.TimeoutException) as error:
            text = "did not answer in time" if call.has_left else "did not accept a connection in time"
            message = f"The endpoint {text}"
            raise NoAnswerError(message, is_timeout=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise NoAnswerError(_hurdle(error)) from error

    @override
    async def aclose(self) -> None:
        """Close all connections."""
        await self._reading.aclose()
        await self._changing.aclose()


async def _exchange(pool: httpcore.AsyncConnectionPool, sent: httpcore.Request) -> httpx.Response:
    response = await pool.handle_async_request(sent)
    try:
        body = bytearray()
        async for chunk in cast("AsyncIterable[bytes]", response.stream):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                message = "The endpoint's answer is too long"
                raise NoAnswerError(message)
    finally:
        await response.aclose()
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers]
    return httpx.Response(
        response.status, headers=[pair for pair in pairs if pair[0] in _KEPT_HEADERS], content=bytes(body)
    )


def _to_core(request: httpx.Request, call: Call, *, connect_s: float, read_s: float) -> httpcore.Request:
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions={
            "timeout": {"connect": connect_s, "read": read_s, "write": read_s, "pool": connect_s},
            "trace": _admit(call),
        },
    )


def _admit(call: Call) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Let a request leave, or not; asked when the connection stands, right before the first byte."""

    async def trace(event: str, _details: dict[str, Any]) -> None:
        if event != "http11.send_request_headers.started":
            return
        if call.permit is not None and not call.permit.is_valid():
            raise PermitExpiredError
        call.has_left = True

    return trace


def _hurdle(error: Exception) -> str:
    match error:
        case httpcore.ConnectError() if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
            return "The endpoint's certificate is not trusted, or it speaks no TLS"
        case httpcore.ConnectError():
            return "The endpoint refused the connection"
        case _:
            return "The connection to the endpoint broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
