"""The transport to OpenStack against a real HTTP server on loopback: whose request it is, and what it came to.

What it promises as every transport does is in test_transports.py.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from http_upstream import LOOPBACK, Upstream, answer, cut, silent
from nova_support import Permission, Told
from osmig.net.bounds import LARGE_BYTES, MAX_ANSWER_BYTES
from osmig.net.failures import TooLongError, UnpermittedRequestError
from transport_ways import transport_of
from waldur_support import HASTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.drivers.servers.nova.transport import Transport


@pytest.fixture
def noted() -> Told:
    return []


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


def test_a_token_needs_no_permit(transport: Transport, upstream: Upstream, noted: Told) -> None:
    with transport.calling("live-migrate", Permission(valid=False)) as call:
        transport.session.post(f"{upstream.url}/v3/auth/tokens")

    assert not call.may_have_acted
    assert noted == [("identity", "authenticate", "200")]


def test_a_refusal_that_is_kept_keeps_no_large_body(transport: Transport, upstream: Upstream) -> None:
    upstream.respond = answer(401, b" " * (LARGE_BYTES + 1))

    kept = [transport.session.post(f"{upstream.url}/v3/auth/tokens") for _ in range(2)]

    assert [(len(found.content), found.status_code) for found in kept] == [(LARGE_BYTES + 1, 401), (0, 401)]
    assert len(upstream.seen) == 1


def test_a_401_proves_that_nothing_was_done(transport: Transport, upstream: Upstream) -> None:
    upstream.respond = answer(401)

    with transport.calling("live-migrate", Permission()) as call:
        transport.session.post(f"{upstream.url}/servers/x/action")

    assert not call.may_have_acted


def test_a_request_without_an_answer_is_noted_as_such(upstream: Upstream, noted: Told) -> None:
    released, transport = threading.Event(), transport_of(noted, timeouts=HASTY)
    for respond in (cut, silent(released)):
        upstream.respond = respond
        with transport.calling("live-migrate", Permission()), pytest.raises(requests.RequestException):
            transport.session.post(f"{upstream.url}/servers/x/action")
    released.set()
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        url = f"http://{LOOPBACK}:{bound.getsockname()[1]}/servers/x/action"
        with transport.calling("live-migrate", Permission()), pytest.raises(requests.RequestException):
            transport.session.post(url)
    transport.close()

    codes = ("connection_error", "timeout", "connection_error")
    assert noted == [("compute", "live-migrate", code) for code in codes]


def test_an_answer_that_never_ends_is_given_up(transport: Transport, upstream: Upstream) -> None:
    upstream.respond = answer(200, b" " * (MAX_ANSWER_BYTES + 1))

    with transport.calling("sweep"), pytest.raises(TooLongError):
        transport.session.get(f"{upstream.url}/os-migrations")


def test_a_cacert_that_is_no_certificate_is_refused(noted: Told) -> None:
    for text in (b"PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff"):
        with pytest.raises(ValueError, match="cacert holds no PEM certificate"):
            transport_of(noted, cacert=text)
