"""One HTTP transport per Provider: no environment, no redirects, no retries, bounded answers, permitted calls only.

keystoneauth sends through it, so everything here also holds for tokens, discovery and a repeat after a 401.
"""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as WireTimeoutError

from osmig.drivers.servers.nova.logins import KeptAnswer
from osmig.drivers.servers.nova.wire import guarded_pools
from osmig.net.answer_memory import AnswerMemory
from osmig.net.body_size import BodySize
from osmig.net.bounded_reading import left_until
from osmig.net.failures import NoAnswerError, UnwantedFormError
from osmig.net.json_reading import is_bounded, take_turn
from osmig.net.permits import SAFE_METHODS, check_permit
from osmig.net.places import MOST_RESERVED
from osmig.net.tls import name_trusted, trust_given

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from osmig.net.answer_memory import Share, SharedMemory
    from osmig.net.bounds import RequestObserver, Timeouts
    from osmig.net.endpoints import EndpointGuard
    from osmig.net.permits import Permit

_PIECE_BYTES = 2**16
_PLAIN = frozenset({"", "identity"})
_UNAUTHORIZED = 401
_TOKEN_PATH = "/auth/tokens"  # noqa: S105 - a path, not a secret


@dataclass(slots=True)
class Call:
    """One call of ours, which may take several requests: a token, discovery, the call itself, its repeat after a 401.

    Attributes:
        operation: in our words, for metrics and errors.
        permit: the right to change something; ``None`` for a call that only reads.
        may_have_acted: a request that changes something has left, and no answer proved that nothing came of it.
        failure: why the newest of its requests that got no answer got none; the SDK swallows it during discovery.
        deadline: until when all of them together may take, by the monotonic clock.
    """

    operation: str
    deadline: float
    permit: Permit | None = None
    may_have_acted: bool = field(default=False)
    failure: Exception | None = field(default=None)


class Transport:
    """The requests session of one Provider, with everything in it that keeps a call single and in bounds.

    Args:
        guard: judges every address that is connected to.
        cacert: PEM certificates to trust instead of the usual ones, which blanks alone stand for, too.
        timeouts: bounds for every request.
        threads: connections to keep per host.
        observe: told of every request.
        memory: for large answers, shared with other Providers.

    Attributes:
        trusted: a name for whom it trusts; the certificates themselves are not kept.

    Raises:
        ValueError: ``cacert`` holds no certificate that can be read.
    """

    def __init__(
        self,
        guard: EndpointGuard,
        *,
        cacert: bytes | None,
        timeouts: Timeouts,
        threads: int,
        observe: RequestObserver,
        memory: SharedMemory | None = None,
    ) -> None:
        self._calls = threading.local()
        self._timeouts = timeouts
        self.memory = AnswerMemory(memory)
        self.logins = KeptAnswer()
        self._observe = observe
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept-Encoding"] = "identity"
        context = trust_given(cacert, "cacert")
        self.trusted = name_trusted(cacert)
        adapter = _GuardedAdapter(self, guard, context, timeouts=timeouts, threads=threads)
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, adapter)

    @contextmanager
    def calling(self, operation: str, permit: Permit | None = None, *, within_s: float | None = None) -> Iterator[Call]:
        """Name what this thread does until the block ends, and bring the right to do it.

        Args:
            operation: in our words.
            permit: for a call that changes something.
            within_s: how long it may take, where that is less than any call may.
        """
        total_s = self._timeouts.total_s
        call = Call(operation, time.monotonic() + min(total_s, within_s or total_s), permit)
        self._calls.current = call
        try:
            yield call
        finally:
            self._calls.current = None

    def admit(self, method: str, path: str) -> None:
        """Let a request leave, or not; asked when the connection stands, right before the first byte.

        Raises:
            PermitExpiredError: the permit is not valid any more.
            UnpermittedRequestError: a request that changes something without a permit.
        """
        if method in SAFE_METHODS or _is_token_request(method, path):
            return
        call = self.current
        check_permit(method, call.permit if call is not None else None)
        if call is not None:
            call.may_have_acted = True

    def read_deadline(self) -> float:
        """Tell until when this thread's request may take, by the monotonic clock."""
        deadline: float = self._calls.deadline
        return deadline

    def begin_request(self) -> float:
        """Fix the deadline of this thread's next request: that of its call, or its own where it belongs to none."""
        call = self.current
        deadline = call.deadline if call is not None else time.monotonic() + self._timeouts.total_s
        self._calls.deadline = deadline
        return deadline

    @property
    def current(self) -> Call | None:
        """The call that this thread is in."""
        call: Call | None = getattr(self._calls, "current", None)
        return call

    def note(self, request: requests.PreparedRequest, code: str, seconds: float) -> None:
        """Tell the observer, and remember what an answer of 401 proves: that nothing was done."""
        call = self.current
        path = request.path_url.partition("?")[0]
        if code == str(_UNAUTHORIZED) and call is not None and not _is_token_request(request.method, path):
            call.may_have_acted = False
        if _is_token_request(request.method, path):
            self._observe("identity", "authenticate", code, seconds)
        elif call is None or not _is_resource(path):
            self._observe("compute", "discover", code, seconds)
        else:
            self._observe("compute", call.operation, code, seconds)

    def close(self) -> None:
        """Close idle connections."""
        self.session.close()


class _GuardedAdapter(HTTPAdapter):
    """Inheritance because requests offers no other place to choose pools, bounds and timeouts."""

    def __init__(
        self, transport: Transport, guard: EndpointGuard, context: ssl.SSLContext, *, timeouts: Timeouts, threads: int
    ) -> None:
        self._transport = transport
        self._guard = guard
        self._context = context
        self._timeouts = timeouts
        super().__init__(pool_connections=4, pool_maxsize=threads + MOST_RESERVED, max_retries=0)

    @override
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = guarded_pools(
            self._guard, self._transport, connect_s=self._timeouts.connect_s
        )

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Add no certificates: the context holds the ones to trust."""

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        is_login = _is_token_request(request.method, request.path_url.partition("?")[0])
        if is_login and (kept := self._transport.logins.find()) is not None:
            return kept
        started = time.monotonic()
        code = "connection_error"
        try:
            deadline = self._transport.begin_request()
            bounds = (self._timeouts.connect_s, self._timeouts.read_s)
            response = super().send(request, stream=True, timeout=bounds)
            _read_whole(response, self._transport.memory, deadline)
            code = str(response.status_code)
        except (requests.RequestException, NoAnswerError) as failure:
            if isinstance(failure, requests.Timeout) or getattr(failure, "is_timeout", False):
                code = "timeout"
            if (call := self._transport.current) is not None:
                call.failure = failure
            raise
        finally:
            self._transport.note(request, code, time.monotonic() - started)
        # A redirect is an answer, never a direction. Without this header neither requests nor keystoneauth can follow.
        response.headers.pop("location", None)
        if is_login:
            self._transport.logins.note(response)
        return response


class _Body(io.BytesIO):
    """A body that was read, and what it took of the memory."""

    share: Share | None = None

    def drop(self) -> None:
        """Keep nothing of it: the exception that tells of it may live for long."""
        self.close()
        if self.share is not None:
            self.share.give_back()


def _read_whole(response: requests.Response, memory: AnswerMemory, deadline: float) -> None:
    """Read an answer to its end within its bounds, and put it back without its cookies.

    Raises:
        requests.RequestException: it broke off, or took too long.
        NoAnswerError: it is too long, or of a form that was not asked for.
    """
    raw, body, is_good = response.raw, _Body(), False
    try:
        if response.headers.get("content-encoding", "identity").strip().lower() not in _PLAIN:
            message = "The endpoint's answer is compressed, which was not asked for"
            raise UnwantedFormError(message)
        _read_into(body, raw, response.headers.get("content-length"), memory, deadline)
        _require_bounds(body)
        is_good = True
    except (WireTimeoutError, TimeoutError) as error:
        raise requests.ReadTimeout(error, request=response.request) from error
    except HTTPError as error:
        raise requests.ConnectionError(error, request=response.request) from error
    finally:
        if not is_good:
            raw.close()
            body.drop()
    response.raw = HTTPResponse(body=body, status=response.status_code, preload_content=False)


def _read_into(body: _Body, raw: HTTPResponse, told: str | None, memory: AnswerMemory, deadline: float) -> None:
    # read1 returns what has come; read would wait for a whole chunk, however slowly it drips in.
    body_size = BodySize(told)
    while piece := raw.read1(_PIECE_BYTES, decode_content=False):
        body.write(piece)
        size = body_size.add(piece)
        if body.share is None and size is not None:
            body.share = memory.take(size, left_until(deadline))
    body.seek(0)


def _require_bounds(body: _Body) -> None:
    content = body.getvalue()
    with take_turn(len(content)):
        is_kept = is_bounded(content)
    if not is_kept:
        del content
        message = "The endpoint's answer is nested too deeply, or holds too many values"
        raise UnwantedFormError(message)


def _is_token_request(method: str | None, path: str) -> bool:
    return method == "POST" and path.endswith(_TOKEN_PATH)


def _is_resource(path: str) -> bool:
    return "/servers" in path or "/os-" in path
