"""What leaves for Waldur, over a real socket on loopback: once, permitted, to a permitted address, within bounds."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from http_upstream import LOOPBACK, Upstream, answer, cut, serving
from nova_support import LOOPBACK as LOOPBACK_ONLY
from nova_support import Permission
from osmig.backends.bounds import PermitExpiredError, Timeouts
from osmig.backends.endpoints import EndpointGuard, EndpointPolicy, EndpointRefusedError
from osmig.backends.waldur.answers import Answer, Call, NoAnswerError, UnpermittedRequestError
from osmig.backends.waldur.opening import Access, open_client
from tls_support import certify_localhost
from waldur_support import HASTY, TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from osmig.backends.endpoints import Resolver
    from osmig.backends.waldur.client import WaldurClient

GET: dict[str, Any] = {"method": "get", "url": "/api/openstack-migrations/"}
POST: dict[str, Any] = {"method": "post", "url": "/api/openstack-migrations/", "json": {"name": "x"}}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    with serving(made):
        yield made


@asynccontextmanager
async def client_of(
    url: str,
    *,
    timeouts: Timeouts = HASTY,
    policy: EndpointPolicy = LOOPBACK_ONLY,
    resolve: Resolver | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[WaldurClient]:
    """Open a client as a session does."""
    access = Access(endpoint=url, token=TOKEN, guard=EndpointGuard(policy, resolve), timeouts=timeouts, context=context)
    with ThreadPoolExecutor(max_workers=1) as threads:
        client = await asyncio.to_thread(open_client, access, threads)
        try:
            yield client
        finally:
            await client.close()


def to_loopback(_host: str, _port: int) -> tuple[str, ...]:
    return (LOOPBACK,)


NAMED = EndpointPolicy(allowed=("localhost", "127.0.0.0/8"))


async def post(client: WaldurClient, permit: Permission | None = None) -> tuple[Call, Answer]:
    """Send one change; return the call and its answer."""
    call = Call("replicate", permit or Permission())
    return call, await client.send(POST, call)


async def test_a_read_needs_no_permit_and_carries_the_token(upstream: Upstream) -> None:
    headers: list[dict[str, str]] = []

    def remember(handler: BaseHTTPRequestHandler) -> None:
        headers.append({name.lower(): value for name, value in handler.headers.items()})
        answer(200, b"[]", X_Result_Count="0")(handler)

    upstream.respond = remember
    async with client_of(upstream.url) as client:
        got = await client.send(GET, Call("list-runs"), page=2)

    assert (got.status, got.content, got.result_count) == (200, b"[]", 0)
    assert upstream.seen == ["GET /api/openstack-migrations/?page=2&page_size=100"]
    assert headers[0]["authorization"] == f"Token {TOKEN}"
    assert headers[0]["accept-encoding"] == "identity"


async def test_a_path_before_the_api_is_kept(upstream: Upstream) -> None:
    async with client_of(f"{upstream.url}/waldur") as client:
        await client.send(GET, Call("list-runs"))

    assert upstream.seen == ["GET /waldur/api/openstack-migrations/"]


async def test_a_change_without_a_permit_is_a_programming_error(upstream: Upstream) -> None:
    async with client_of(upstream.url) as client:
        with pytest.raises(UnpermittedRequestError):
            await client.send(POST, Call("replicate"))

    assert upstream.connections == set()


async def test_an_expired_permit_lets_nothing_leave(upstream: Upstream) -> None:
    call = Call("replicate", Permission(valid=False))
    async with client_of(upstream.url) as client:
        with pytest.raises(PermitExpiredError):
            await client.send(POST, call)

    assert upstream.seen == []
    assert not call.has_left


async def test_the_permit_is_asked_after_the_name_was_resolved_and_the_connection_stands(upstream: Upstream) -> None:
    permit = Permission()

    def resolve_slowly(_host: str, _port: int) -> tuple[str, ...]:
        permit.valid = False
        return (LOOPBACK,)

    async with client_of(f"http://localhost:{upstream.port}", policy=NAMED, resolve=resolve_slowly) as client:
        with pytest.raises(PermitExpiredError):
            await post(client, permit)

    assert permit.asked == 1
    assert upstream.seen == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
async def test_a_redirect_is_an_answer_and_never_followed(
    upstream: Upstream, code: int, request_: dict[str, Any]
) -> None:
    upstream.respond = answer(code, Location="/elsewhere")

    async with client_of(upstream.url) as client:
        got = await client.send(request_, Call("x", Permission()))

    assert got.status == code
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 503])
async def test_nothing_is_repeated_whatever_the_answer(upstream: Upstream, code: int) -> None:
    upstream.respond = answer(code, Retry_After="0")

    async with client_of(upstream.url) as client:
        call, got = await post(client)

    assert (got.status, got.retry_after_s) == (code, 0.0)
    assert len(upstream.seen) == 1
    assert call.has_left


async def test_a_cut_answer_is_not_repeated(upstream: Upstream) -> None:
    upstream.respond = cut
    call = Call("replicate", Permission())

    async with client_of(upstream.url) as client:
        with pytest.raises(NoAnswerError) as caught:
            await client.send(POST, call)

    assert call.has_left
    assert not caught.value.is_timeout
    assert len(upstream.seen) == 1


async def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    call = Call("replicate", Permission())
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        async with client_of(f"http://{LOOPBACK}:{bound.getsockname()[1]}") as client:
            with pytest.raises(NoAnswerError, match="refused the connection"):
                await client.send(POST, call)

    assert not call.has_left


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
async def test_a_silent_server_is_given_up(upstream: Upstream, request_: dict[str, Any]) -> None:
    released = threading.Event()
    upstream.respond = lambda _handler: released.wait(10) and None
    call = Call("x", Permission())

    async with client_of(upstream.url) as client:
        with pytest.raises(NoAnswerError, match="did not answer in time") as caught:
            await client.send(request_, call)
    released.set()

    assert call.has_left
    assert caught.value.is_timeout


async def test_a_server_that_drips_is_given_up_in_time(upstream: Upstream) -> None:
    released = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not released.wait(0.1):
            handler.wfile.write(b"x")

    upstream.respond = drip
    async with client_of(upstream.url, timeouts=Timeouts(connect_s=0.2, read_s=0.5)) as client:
        with pytest.raises(NoAnswerError, match="in time"):
            await client.send(GET, Call("list-runs"))
    released.set()


async def test_an_answer_that_is_too_long_is_given_up(upstream: Upstream) -> None:
    upstream.respond = answer(200, b" " * (8 * 2**20 + 1))

    async with client_of(upstream.url, timeouts=Timeouts(connect_s=2.0, read_s=10.0)) as client:
        with pytest.raises(NoAnswerError, match="too long"):
            await client.send(GET, Call("list-runs"))


async def test_nothing_is_decompressed_so_that_nothing_can_explode(upstream: Upstream) -> None:
    packed = gzip.compress(b" " * 2**24)
    upstream.respond = answer(200, packed, Content_Encoding="gzip")

    async with client_of(upstream.url) as client:
        got = await client.send(GET, Call("list-runs"))

    assert got.content == packed


async def test_an_answer_cut_halfway_is_no_answer(upstream: Upstream) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        cut(handler)

    upstream.respond = half
    async with client_of(upstream.url) as client:
        with pytest.raises(NoAnswerError):
            await client.send(GET, Call("list-runs"))


async def test_reads_share_a_connection_and_a_change_gets_its_own(upstream: Upstream) -> None:
    async with client_of(upstream.url) as client:
        for _ in range(3):
            await client.send(GET, Call("list-runs"))
        assert len(upstream.connections) == 1
        await post(client)
        await post(client)

    assert len(upstream.connections) == 3


async def test_no_environment_reaches_a_request(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login a password b\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    headers: list[str | None] = []

    def remember(handler: BaseHTTPRequestHandler) -> None:
        headers.append(handler.headers.get("Authorization"))
        answer()(handler)

    upstream.respond = remember
    async with client_of(upstream.url) as client:
        await client.send(GET, Call("list-runs"))

    assert headers == [f"Token {TOKEN}"]


async def test_cookies_are_not_kept(upstream: Upstream) -> None:
    cookies: list[str | None] = []

    def remember(handler: BaseHTTPRequestHandler) -> None:
        cookies.append(handler.headers.get("Cookie"))
        answer(Set_Cookie="session=1; Path=/")(handler)

    upstream.respond = remember
    async with client_of(upstream.url) as client:
        await client.send(GET, Call("list-runs"))
        await client.send(GET, Call("list-runs"))

    assert cookies == [None, None]


async def test_an_address_that_is_not_allowed_is_never_connected_to(upstream: Upstream) -> None:
    call = Call("replicate", Permission())
    async with client_of(upstream.url, policy=EndpointPolicy()) as client:
        with pytest.raises(EndpointRefusedError, match="loopback"):
            await client.send(POST, call)

    assert upstream.connections == set()
    assert not call.has_left


async def test_the_very_address_that_passed_is_connected_to(upstream: Upstream) -> None:
    asked: list[str] = []

    def resolve_once(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("10.0.0.1",) if len(asked) > 1 else (LOOPBACK,)

    async with client_of(f"http://waldur.example:{upstream.port}", resolve=resolve_once) as client:
        got = await client.send(GET, Call("list-runs"))

    assert got.status == 200
    assert asked == ["waldur.example"]


async def test_the_next_address_is_tried_when_one_does_not_answer(upstream: Upstream) -> None:
    url = f"http://localhost:{upstream.port}"
    async with client_of(url, policy=NAMED, resolve=lambda *_: ("127.0.0.2", LOOPBACK)) as client:
        got = await client.send(GET, Call("list-runs"))

    assert got.status == 200


async def test_a_name_without_an_address_sends_nothing() -> None:
    def fail(_host: str, _port: int) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    call = Call("replicate", Permission())
    async with client_of("http://localhost:1", policy=NAMED, resolve=fail) as client:
        with pytest.raises(NoAnswerError, match="cannot be resolved"):
            await client.send(POST, call)

    assert not call.has_left


async def test_threads_that_were_shut_down_are_no_programming_error(upstream: Upstream) -> None:
    threads = ThreadPoolExecutor(max_workers=1)
    guard = EndpointGuard(LOOPBACK_ONLY)
    client = open_client(Access(endpoint=upstream.url, token=TOKEN, guard=guard, timeouts=HASTY), threads)
    threads.shutdown()
    call = Call("replicate", Permission())

    with pytest.raises(NoAnswerError, match="replaced"):
        await client.send(POST, call)
    await client.close()

    assert not call.has_left


async def test_a_resolver_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang(_host: str, _port: int) -> tuple[str, ...]:
        released.wait(10)
        return (LOOPBACK,)

    call = Call("replicate", Permission())
    timeouts = Timeouts(connect_s=0.2, read_s=8.0)
    async with client_of("http://localhost:1", policy=NAMED, resolve=hang, timeouts=timeouts) as client:
        with pytest.raises(NoAnswerError, match="did not accept a connection in time"):
            async with asyncio.timeout(4):  # less than what is allowed for the answer
                await client.send(POST, call)
        released.set()

    assert not call.has_left


async def test_an_own_authority_is_trusted_and_the_name_is_checked(tmp_path: Path) -> None:
    served, pem = certify_localhost(tmp_path)
    upstream = Upstream()
    with serving(upstream, served):
        url = f"https://localhost:{upstream.port}"
        trusting = trust(pem)
        async with client_of(url, policy=NAMED, resolve=to_loopback, context=trusting()) as client:
            assert (await client.send(GET, Call("list-runs"))).status == 200
        for other, context in ((f"https://{LOOPBACK}:{upstream.port}", trusting()), (url, None)):
            call = Call("replicate", Permission())
            async with client_of(other, policy=NAMED, resolve=to_loopback, context=context) as client:
                with pytest.raises(NoAnswerError, match="certificate is not trusted"):
                    await client.send(POST, call)
            assert not call.has_left

    assert upstream.seen == ["GET /api/openstack-migrations/"]


def trust(pem: bytes) -> Callable[[], ssl.SSLContext]:
    """Return what makes contexts that trust one certificate."""
    return lambda: ssl.create_default_context(cadata=pem.decode())


async def test_a_url_of_which_nothing_can_be_made_is_told() -> None:
    with pytest.raises(NoAnswerError, match=r"spec\.waldur\.endpoint"):
        async with client_of("http://999.999.999.999"):
            pass
