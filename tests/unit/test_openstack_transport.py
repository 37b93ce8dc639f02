"""The transport against a real HTTP server on loopback: nothing is repeated, followed, or sent without a permit."""

from __future__ import annotations

import gzip
import socket
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from http_upstream import LOOPBACK, Upstream, answer, cut, serving
from nova_support import Permission, Told
from osmig.backends.bounds import PermitExpiredError, Timeouts
from osmig.backends.endpoints import EndpointGuard, EndpointPolicy, EndpointRefusedError
from osmig.backends.openstack import transport as transport_module
from osmig.backends.openstack.transport import Transport, UnpermittedRequestError
from tls_support import certify_localhost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path


def _discard(_value: object) -> None:
    """Answer nothing."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    with serving(made):
        yield made


@pytest.fixture
def noted() -> Told:
    return []


def transport_of(
    noted: Told, *, cacert: str | None = None, resolve: Callable[[str, int], tuple[str, ...]] | None = None
) -> Transport:
    return Transport(
        EndpointGuard(EndpointPolicy(allowed=(LOOPBACK, "localhost")), resolve),
        cacert=cacert,
        timeouts=Timeouts(connect_s=2.0, read_s=0.5),
        threads=2,
        observe=lambda service, operation, code, _seconds: noted.append((service, operation, code)),
    )


@pytest.fixture
def transport(noted: Told) -> Iterator[Transport]:
    made = transport_of(noted)
    yield made
    made.close()


def test_a_read_needs_no_permit_and_is_noted(transport: Transport, upstream: Upstream, noted: Told) -> None:
    with transport.calling("read-server"):
        assert transport.session.get(f"{upstream.url}/v2.1/servers/x").json() == {}

    assert noted == [("compute", "read-server", "200")]


def test_a_change_without_a_permit_is_a_programming_error(transport: Transport, upstream: Upstream) -> None:
    with pytest.raises(UnpermittedRequestError):
        transport.session.post(f"{upstream.url}/v2.1/servers/x/action")
    with transport.calling("read-server"), pytest.raises(UnpermittedRequestError):
        transport.session.delete(f"{upstream.url}/v2.1/servers/x")

    assert upstream.seen == []


def test_an_expired_permit_lets_nothing_leave(transport: Transport, upstream: Upstream) -> None:
    with transport.calling("live-migrate", Permission(valid=False)) as call, pytest.raises(PermitExpiredError):
        transport.session.post(f"{upstream.url}/v2.1/servers/x/action")

    assert upstream.seen == []
    assert not call.may_have_acted


def test_the_permit_is_asked_after_the_name_was_resolved_and_the_connection_stands(
    upstream: Upstream, noted: Told
) -> None:
    permit = Permission()

    def resolve_slowly(_host: str, _port: int) -> tuple[str, ...]:
        permit.valid = False
        return (LOOPBACK,)

    transport = transport_of(noted, resolve=resolve_slowly)
    with transport.calling("live-migrate", permit), pytest.raises(PermitExpiredError):
        transport.session.post(f"http://localhost:{upstream.port}/v2.1/servers/x/action")
    transport.close()

    assert permit.asked == 1
    assert upstream.seen == []


def test_a_token_needs_no_permit(transport: Transport, upstream: Upstream, noted: Told) -> None:
    with transport.calling("live-migrate", Permission(valid=False)) as call:
        transport.session.post(f"{upstream.url}/v3/auth/tokens")

    assert not call.may_have_acted
    assert noted == [("identity", "authenticate", "200")]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_an_answer_and_never_followed(
    transport: Transport, upstream: Upstream, code: int, method: str
) -> None:
    upstream.respond = answer(code, Location="/elsewhere")

    with transport.calling("live-migrate", Permission()):
        response = transport.session.request(method, f"{upstream.url}/servers/x", allow_redirects=True)

    assert response.status_code == code
    assert upstream.seen == [f"{method} /servers/x"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_nothing_is_repeated_whatever_the_answer(transport: Transport, upstream: Upstream, code: int) -> None:
    upstream.respond = answer(code, Retry_After="0")

    with transport.calling("live-migrate", Permission()) as call:
        assert transport.session.post(f"{upstream.url}/servers/x/action").status_code == code

    assert len(upstream.seen) == 1
    assert call.may_have_acted


def test_a_cut_answer_leaves_the_outcome_open_and_is_not_repeated(
    transport: Transport, upstream: Upstream, noted: Told
) -> None:
    upstream.respond = cut

    with transport.calling("live-migrate", Permission()) as call, pytest.raises(requests.ConnectionError):
        transport.session.post(f"{upstream.url}/servers/x/action")

    assert call.may_have_acted
    assert len(upstream.seen) == 1
    assert noted == [("compute", "live-migrate", "connection_error")]


def test_a_401_proves_that_nothing_was_done(transport: Transport, upstream: Upstream) -> None:
    upstream.respond = answer(401)

    with transport.calling("live-migrate", Permission()) as call:
        transport.session.post(f"{upstream.url}/servers/x/action")

    assert not call.may_have_acted


def test_a_refused_connection_proves_that_nothing_was_sent(transport: Transport, noted: Told) -> None:
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        url = f"http://{LOOPBACK}:{bound.getsockname()[1]}/servers/x/action"
        with transport.calling("live-migrate", Permission()) as call, pytest.raises(requests.ConnectionError):
            transport.session.post(url)

    assert not call.may_have_acted
    assert noted == [("compute", "live-migrate", "connection_error")]


def test_a_silent_server_is_given_up(transport: Transport, upstream: Upstream, noted: Told) -> None:
    released = threading.Event()
    upstream.respond = lambda _handler: _discard(released.wait(10))

    with transport.calling("live-migrate", Permission()) as call, pytest.raises(requests.ReadTimeout):
        transport.session.post(f"{upstream.url}/servers/x/action")
    released.set()

    assert call.may_have_acted
    assert noted == [("compute", "live-migrate", "timeout")]


def test_a_server_that_drips_is_given_up_in_time(transport: Transport, upstream: Upstream) -> None:
    released = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not released.wait(0.1):
            handler.wfile.write(b"x")

    upstream.respond = drip
    with transport.calling("sweep"), pytest.raises(requests.ReadTimeout):
        transport.session.get(f"{upstream.url}/os-migrations")
    released.set()


def test_an_answer_that_never_ends_is_given_up(transport: Transport, upstream: Upstream) -> None:
    bomb = gzip.compress(b" " * (transport_module.MAX_ANSWER_BYTES + 1))
    upstream.respond = answer(200, bomb, Content_Encoding="gzip")

    with transport.calling("sweep"), pytest.raises(requests.ConnectionError, match="too long"):
        transport.session.get(f"{upstream.url}/os-migrations")


def test_a_compressed_answer_is_read(transport: Transport, upstream: Upstream) -> None:
    upstream.respond = answer(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")

    with transport.calling("sweep"):
        assert transport.session.get(f"{upstream.url}/os-migrations").json() == {"a": 1}


def test_an_answer_cut_halfway_is_no_answer(transport: Transport, upstream: Upstream) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        cut(handler)

    upstream.respond = half
    with transport.calling("sweep"), pytest.raises(requests.ConnectionError):
        transport.session.get(f"{upstream.url}/os-migrations")


def test_reads_share_a_connection_and_a_change_gets_its_own(transport: Transport, upstream: Upstream) -> None:
    with transport.calling("read-server"):
        for _ in range(3):
            transport.session.get(f"{upstream.url}/servers/x")
    assert len(upstream.connections) == 1

    with transport.calling("live-migrate", Permission()):
        transport.session.post(f"{upstream.url}/servers/x/action")
    assert len(upstream.connections) == 2


def test_no_environment_reaches_a_request(
    transport: Transport, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login a password b\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    headers: list[str | None] = []

    def remember(handler: BaseHTTPRequestHandler) -> None:
        headers.append(handler.headers.get("Authorization"))
        answer()(handler)

    upstream.respond = remember

    with transport.calling("read-server"):
        transport.session.get(f"{upstream.url}/servers/x")

    assert headers == [None]


def test_cookies_are_not_kept(transport: Transport, upstream: Upstream) -> None:
    upstream.respond = answer(Set_Cookie="session=1; Path=/")

    with transport.calling("read-server"):
        transport.session.get(f"{upstream.url}/servers/x")

    assert len(transport.session.cookies) == 0


def test_an_address_that_is_not_allowed_is_never_connected_to(upstream: Upstream, noted: Told) -> None:
    guard = EndpointGuard(EndpointPolicy())
    closed = Transport(guard, cacert=None, timeouts=Timeouts(), threads=1, observe=lambda *told: noted.append(told[:3]))

    with closed.calling("read-server"), pytest.raises(EndpointRefusedError, match="loopback"):
        closed.session.get(f"{upstream.url}/servers/x")
    closed.close()

    assert upstream.connections == set()


def test_the_next_address_is_tried_when_one_does_not_answer(upstream: Upstream, noted: Told) -> None:
    transport = transport_of(noted, resolve=lambda _host, _port: ("127.0.0.2", LOOPBACK))

    with transport.calling("read-server"):
        response = transport.session.get(f"http://localhost:{upstream.port}/servers/x")
    transport.close()

    assert response.status_code == 200


def test_a_name_without_an_address_sends_nothing(noted: Told) -> None:
    def fail(_host: str, _port: int) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    transport = transport_of(noted, resolve=fail)
    with (
        transport.calling("live-migrate", Permission()) as call,
        pytest.raises(requests.ConnectionError),
    ):
        transport.session.post("http://localhost:1/servers/x/action")
    transport.close()

    assert not call.may_have_acted


def test_an_own_authority_is_trusted_by_its_certificate_alone(noted: Told, tmp_path: Path) -> None:
    context, pem = certify_localhost(tmp_path, "127.0.0.9")
    upstream = Upstream()
    with serving(upstream, context):
        url = f"https://localhost:{upstream.port}/servers/x"
        trusting = transport_of(noted, cacert=pem.decode(), resolve=lambda _host, _port: (LOOPBACK,))
        doubting = transport_of(noted)
        with trusting.calling("read-server"):
            assert trusting.session.get(url).status_code == 200
            with pytest.raises(requests.exceptions.SSLError):  # the name is checked, not the address
                trusting.session.get(f"https://{LOOPBACK}:{upstream.port}/servers/x")
        with doubting.calling("live-migrate", Permission()) as call, pytest.raises(requests.exceptions.SSLError):
            doubting.session.post(url)
        trusting.close()
        doubting.close()

    assert not call.may_have_acted
    assert upstream.seen == ["GET /servers/x"]


def test_a_cacert_that_is_no_certificate_is_refused(noted: Told) -> None:
    for text in ("PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\u20ac"):
        with pytest.raises(ValueError, match="cacert holds no PEM certificate"):
            transport_of(noted, cacert=text)
