"""What every transport promises, over real sockets on loopback: once, permitted, to a permitted address, in bounds."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from http_upstream import LOOPBACK, Upstream, answer, cut, cut_halfway, dripping, serving, silent
from nova_support import Permission
from osmig.net.endpoints import EndpointPolicy, EndpointRefusedError
from osmig.net.failures import PermitExpiredError
from tls_support import certify_localhost
from transport_ways import METHODS, WAYS, NoAnswer
from waldur_support import HASTY

if TYPE_CHECKING:
    from pathlib import Path

    from transport_ways import Way

NOWHERE = "http://localhost:1"


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each transport in turn."""
    name: str = request.param
    return WAYS[name]


def to_loopback(_host: str, _port: int) -> tuple[str, ...]:
    return (LOOPBACK,)


async def test_an_expired_permit_lets_nothing_leave(way: Way, upstream: Upstream) -> None:
    async with way.opened(upstream.url) as send:
        sent = await send("POST", Permission(valid=False))

    assert isinstance(sent.failure, PermitExpiredError)
    assert upstream.seen == []
    assert not sent.has_left


async def test_the_permit_is_asked_after_the_name_was_resolved_and_the_connection_stands(
    way: Way, upstream: Upstream
) -> None:
    permit = Permission()

    def resolve_slowly(_host: str, _port: int) -> tuple[str, ...]:
        permit.valid = False
        return (LOOPBACK,)

    async with way.opened(f"http://localhost:{upstream.port}", resolve=resolve_slowly) as send:
        sent = await send("POST", permit)

    assert isinstance(sent.failure, PermitExpiredError)
    assert permit.asked == 1
    assert upstream.seen == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", METHODS)
async def test_a_redirect_is_an_answer_and_never_followed(way: Way, upstream: Upstream, code: int, method: str) -> None:
    upstream.respond = answer(code, Location="/elsewhere")

    async with way.opened(upstream.url) as send:
        sent = await send(method, Permission())

    assert sent.status == code
    [request] = upstream.seen
    assert request.startswith(method)


@pytest.mark.parametrize("code", [408, 429, 500, 503])
async def test_nothing_is_repeated_whatever_the_answer(way: Way, upstream: Upstream, code: int) -> None:
    upstream.respond = answer(code, Retry_After="0")

    async with way.opened(upstream.url) as send:
        sent = await send("POST", Permission())

    assert sent.status == code
    assert len(upstream.seen) == 1
    assert sent.has_left


async def test_a_cut_answer_leaves_the_outcome_open_and_is_not_repeated(way: Way, upstream: Upstream) -> None:
    upstream.respond = cut

    async with way.opened(upstream.url) as send:
        sent = await send("POST", Permission())

    assert way.told(sent, NoAnswer.CUT)
    assert not sent.is_timeout
    assert len(upstream.seen) == 1
    assert sent.has_left


async def test_an_answer_cut_halfway_is_no_answer(way: Way, upstream: Upstream) -> None:
    upstream.respond = cut_halfway

    async with way.opened(upstream.url) as send:
        assert way.told(await send("GET"), NoAnswer.CUT)


async def test_a_refused_connection_proves_that_nothing_was_sent(way: Way) -> None:
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        async with way.opened(f"http://{LOOPBACK}:{bound.getsockname()[1]}") as send:
            sent = await send("POST", Permission())

    assert way.told(sent, NoAnswer.REFUSED)
    assert not sent.has_left


async def test_a_silent_server_is_given_up_and_the_outcome_is_open(way: Way, upstream: Upstream) -> None:
    released = threading.Event()
    upstream.respond = silent(released)

    async with way.opened(upstream.url, timeouts=HASTY) as send:
        sent = await send("POST", Permission())
    released.set()

    assert way.told(sent, NoAnswer.SILENCE)
    assert sent.is_timeout
    assert sent.has_left


async def test_a_server_that_drips_is_given_up_in_time(way: Way, upstream: Upstream) -> None:
    released = threading.Event()
    upstream.respond = dripping(released)

    async with way.opened(upstream.url, timeouts=HASTY) as send:
        assert way.told(await send("GET"), NoAnswer.DRIPPING)
    released.set()


async def test_reads_share_a_connection_and_a_change_gets_its_own(way: Way, upstream: Upstream) -> None:
    async with way.opened(upstream.url) as send:
        for _ in range(3):
            assert (await send("GET")).status == 200
        assert len(upstream.connections) == 1
        for _ in range(2):
            assert (await send("POST", Permission())).status == 200

    assert len(upstream.connections) == 3


async def test_no_environment_reaches_a_request(
    way: Way, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login a password b\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/nowhere")

    async with way.opened(upstream.url) as send:
        await send("GET")

    assert [headers.get("authorization") for headers in upstream.headers] == [way.authorization]


async def test_cookies_are_not_kept(way: Way, upstream: Upstream) -> None:
    upstream.respond = answer(Set_Cookie="session=1; Path=/")

    async with way.opened(upstream.url) as send:
        for _ in range(2):
            await send("GET")

    assert ["cookie" in headers for headers in upstream.headers] == [False, False]


async def test_an_address_that_is_not_allowed_is_never_connected_to(way: Way, upstream: Upstream) -> None:
    async with way.opened(upstream.url, policy=EndpointPolicy()) as send:
        sent = await send("POST", Permission())

    assert isinstance(sent.failure, EndpointRefusedError)
    assert "loopback" in str(sent.failure)
    assert upstream.connections == set()
    assert not sent.has_left


async def test_the_very_address_that_passed_is_connected_to(way: Way, upstream: Upstream) -> None:
    asked: list[str] = []

    def resolve_once(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("10.0.0.1",) if len(asked) > 1 else (LOOPBACK,)

    async with way.opened(f"http://cloud.example:{upstream.port}", resolve=resolve_once) as send:
        assert (await send("GET")).status == 200

    assert asked == ["cloud.example"]


async def test_the_next_address_is_tried_when_one_does_not_answer(way: Way, upstream: Upstream) -> None:
    url = f"http://localhost:{upstream.port}"
    async with way.opened(url, resolve=lambda _host, _port: ("127.0.0.2", LOOPBACK)) as send:
        assert (await send("GET")).status == 200


async def test_a_name_without_an_address_sends_nothing(way: Way) -> None:
    def fail(_host: str, _port: int) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with way.opened(NOWHERE, resolve=fail) as send:
        sent = await send("POST", Permission())

    assert way.told(sent, NoAnswer.UNRESOLVED)
    assert not sent.has_left


async def test_an_own_authority_is_trusted_and_the_name_is_checked(way: Way, tmp_path: Path) -> None:
    context, pem = certify_localhost(tmp_path, "127.0.0.9")
    upstream = Upstream()
    with serving(upstream, context):
        named, by_address = f"https://localhost:{upstream.port}", f"https://{LOOPBACK}:{upstream.port}"
        async with way.opened(named, resolve=to_loopback, cacert=pem) as send:
            assert (await send("GET")).status == 200
        for url, cacert in ((by_address, pem), (named, None)):
            async with way.opened(url, resolve=to_loopback, cacert=cacert) as send:
                sent = await send("POST", Permission())
            assert way.told(sent, NoAnswer.UNTRUSTED)
            assert not sent.has_left

    assert len(upstream.seen) == 1
