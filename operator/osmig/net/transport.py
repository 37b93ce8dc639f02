"""The way to a stranger's server: no environment, no redirects, no retries, bounded answers, permits."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import httpcore

from osmig.net.answer_memory import AnswerMemory
from osmig.net.answers import Answer
from osmig.net.body_size import BodySize
from osmig.net.endpoints import check_url
from osmig.net.failures import NoAnswerError, NoMemoryError, UnwantedFormError
from osmig.net.network import GuardedNetwork
from osmig.net.permits import SAFE_METHODS, check_permit, require_permit
from osmig.net.places import MOST_RESERVED
from osmig.net.requests import Size
from osmig.net.tls import trust_usual

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator

    from osmig.net.answer_memory import Share, SharedMemory
    from osmig.net.answers import Call
    from osmig.net.bounded_stream import BoundedStream
    from osmig.net.bounds import Timeouts
    from osmig.net.endpoints import EndpointGuard
    from osmig.net.requests import Request

REQUESTS_AT_ONCE = 8
"""For everybody; starts and orders have some more (`osmig.net.places`)."""

READ_S = 15.0
"""How long the answer to a read of one thing is waited for, at most; a change was seen to take 19 s."""

_KEPT_HEADERS = frozenset({"content-type", "link", "retry-after"})
"""A redirect is an answer, never a direction; cookies would make a login of it."""

_BODY_HEADERS = frozenset({"content-encoding", "content-length"})
_PLAIN = frozenset({"", "identity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One server and the right to it.

    Attributes:
        endpoint: its URL, before the paths of requests; one that passed ``check_url``.
        login: name and value of the header that says who asks; never shown.
        guard: judges every address that is connected to.
        timeouts: bounds of every request.
        context: trusts the Secret's certificates; ``None`` trusts the usual ones.
        kept_headers: of answers, in lower case, beside those that are always kept.
        memory: for the large answers of all Providers.
    """

    endpoint: str
    login: tuple[str, str] = field(repr=False)
    guard: EndpointGuard
    timeouts: Timeouts
    context: ssl.SSLContext | None = None
    kept_headers: frozenset[str] = frozenset()
    memory: SharedMemory | None = None


class Transport:
    """Sends each request once, and reads its answer to the end."""

    def __init__(self, access: Access) -> None:
        """Open nothing yet.

        Args:
            access: where and as whom.

        Raises:
            UnicodeError: the host's name cannot be encoded.
        """
        self._timeouts = access.timeouts
        self._kept_headers = _KEPT_HEADERS | access.kept_headers
        self._memory = AnswerMemory(access.memory)
        self._origin = _Origin.of(access.endpoint)
        self._headers = [
            ("Host", self._origin.netloc),
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "osmig"),
            access.login,
        ]
        options: dict[str, Any] = {
            "ssl_context": access.context or (trust_usual() if self._origin.scheme == "https" else None),
            "network_backend": GuardedNetwork(access.guard),
            "max_connections": REQUESTS_AT_ONCE + MOST_RESERVED,
        }
        self._reading = httpcore.AsyncConnectionPool(max_keepalive_connections=2, keepalive_expiry=30.0, **options)
        # A kept connection may be closed by the other side this very moment, which would look like an answer that was
        # lost: a request that changes something therefore always gets a new one.
        self._changing = httpcore.AsyncConnectionPool(max_keepalive_connections=0, **options)

    async def send(self, request: Request, call: Call) -> Answer:
        """Send one request and read its answer, whatever it says, within bounds of size and time.

        Args:
            request: what to ask for.
            call: says what it is, and may bring the right to change something.

        Raises:
            NoAnswerError: no whole answer came.
            EndpointRefusedError: the guard lets no address pass; nothing was sent.
            PermitExpiredError: the permit is not valid any more; nothing was sent.
            UnpermittedRequestError: a request that changes something without a permit; nothing was sent.
        """
        require_permit(request.method, call.permit)
        pool = self._reading if request.method in SAFE_METHODS else self._changing
        read_s = self._measure_patience_s(request)
        sent = self._build(request, call, read_s=read_s)
        try:
            async with asyncio.timeout(self._timeouts.connect_s + read_s):
                return await self._exchange(pool, sent, call)
        except (TimeoutError, httpcore.TimeoutException) as error:
            if call.waits_for_memory:
                raise NoMemoryError from error
            text = "did not answer in time" if call.has_left else "did not accept a connection in time"
            message = f"The endpoint {text}"
            raise NoAnswerError(message, is_timeout=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise NoAnswerError(_connect_error(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._reading.aclose()
        await self._changing.aclose()

    async def _exchange(self, pool: httpcore.AsyncConnectionPool, sent: httpcore.Request, call: Call) -> Answer:
        response = await pool.handle_async_request(sent)
        try:
            headers = _keep(response.headers, self._kept_headers | _BODY_HEADERS)
            if headers.get("content-encoding", "identity").strip().lower() not in _PLAIN:
                message = "The endpoint's answer is compressed, which was not asked for"
                raise UnwantedFormError(message)
            cast("BoundedStream", response.extensions["network_stream"]).begin_body()
            body, share = await self._read_body(response, headers.get("content-length"), call)
        finally:
            await response.aclose()
        kept = {name: value for name, value in headers.items() if name in self._kept_headers}
        return Answer(response.status, bytes(body), kept, share)

    async def _read_body(
        self, response: httpcore.Response, told: str | None, call: Call
    ) -> tuple[bytearray, Share | None]:
        share, body, body_size = None, bytearray(), BodySize(told)
        try:
            async for piece in cast("AsyncIterable[bytes]", response.stream):
                body += piece
                size = body_size.add(piece)
                if share is None and size is not None:
                    call.waits_for_memory = True
                    share = await self._memory.take_async(size)
                    call.waits_for_memory = False
        except BaseException:
            body.clear()
            if share is not None:
                share.give_back()
            raise
        return body, share

    def _measure_patience_s(self, request: Request) -> float:
        if request.method not in SAFE_METHODS:
            return self._timeouts.read_s
        if request.size is Size.ONE:
            return min(READ_S, self._timeouts.read_s)
        return max(self._timeouts.list_s, self._timeouts.read_s)

    def _build(self, request: Request, call: Call, *, read_s: float) -> httpcore.Request:
        connect_s = self._timeouts.connect_s
        headers, content = list(self._headers), b""
        if request.body is not None:
            content = json.dumps(request.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        origin = self._origin
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=origin.scheme, host=origin.host, port=origin.port, target=origin.prefix + request.target
            ),
            headers=headers,
            content=content,
            extensions={
                "timeout": {"connect": connect_s, "read": read_s, "write": read_s, "pool": connect_s},
                "trace": _admit(request.method, call),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """An endpoint in the parts that a request is made of, each of plain ASCII."""

    scheme: str
    host: str
    port: int
    netloc: str
    prefix: str

    @classmethod
    def of(cls, endpoint: str) -> _Origin:
        host, port = check_url(endpoint)
        host = host.encode("idna").decode("ascii")
        parts = urlsplit(endpoint)
        shown = f"[{host}]" if ":" in host else host
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port,
            netloc=shown if parts.port is None else f"{shown}:{port}",
            prefix=quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._"),
        )


def _keep(headers: Iterable[tuple[bytes, bytes]], wanted: frozenset[str]) -> dict[str, str]:
    """Return the headers that are of use; one that comes more than once is one list, as HTTP has it."""
    kept: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        if name in wanted:
            kept[name] = f"{kept[name]}, {text}" if name in kept else text
    return kept


def _admit(method: str, call: Call) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Let a request leave, or not; asked when the connection stands, right before the first byte."""

    async def trace(event: str, _details: dict[str, Any]) -> None:
        if event != "http11.send_request_headers.started":
            return
        check_permit(method, call.permit)
        call.has_left = True

    return trace


def _connect_error(error: Exception) -> str:
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
