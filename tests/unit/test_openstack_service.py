"""Which Compute service a connection is proven to speak to: the one that took the credentials, under TLS."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from http_upstream import Upstream, answer, serving
from nova_support import PATIENT
from osmig.domain.errors import BackendError
from osmig.drivers.servers.nova.credentials import Credentials
from osmig.drivers.servers.nova.session import ComputeSession, Request
from osmig.drivers.servers.nova.transport import Transport
from osmig.net.endpoints import EndpointGuard
from tls_support import certify_localhost
from transport_ways import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

READ = Request(operation="read-server", method="GET", path="/servers/s-1", microversion=(2, 1))
AGAIN = Request(operation="list-servers", method="GET", path="/servers", microversion=(2, 1), params={"limit": 1})


def speak(compute: list[str], handler: BaseHTTPRequestHandler) -> None:
    """Be a Keystone that names the first of ``compute``, and a Compute service."""
    if handler.path.endswith("/auth/tokens"):
        endpoint = {"interface": "public", "region": "r", "region_id": "r", "url": compute[0], "id": "e"}
        catalog = [{"type": "compute", "name": "nova", "id": "c", "endpoints": [endpoint]}]
        token = {
            "catalog": catalog,
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "methods": ["password"],
            "user": {"id": "u", "name": "u", "domain": {"id": "d", "name": "d"}},
            "project": {"id": "p", "name": "p", "domain": {"id": "d", "name": "d"}},
            "roles": [{"id": "r", "name": "admin"}],
        }
        answer(201, json.dumps({"token": token}).encode(), X_Subject_Token="t")(handler)  # noqa: S106 - no secret
        return
    links = [{"rel": "self", "href": f"{compute[0]}/"}]
    version = {"id": "v2.1", "status": "CURRENT", "version": "2.90", "min_version": "2.1", "links": links}
    about: dict[str, object] = (
        {"version": version} if handler.path.rstrip("/").endswith("/v2.1") else {"server": {}, "servers": []}
    )
    answer(200, json.dumps(about).encode())(handler)


@contextmanager
def cloud(folder: Path, *, tls: bool) -> Iterator[tuple[ComputeSession, str, list[str], Upstream]]:
    """A session with a cloud; its catalogue names what the list holds."""
    context, pem = certify_localhost(folder, "127.0.0.1")
    upstream, compute = Upstream(), [""]
    upstream.respond = lambda handler: speak(compute, handler)
    with ExitStack() as stack:
        stack.enter_context(serving(upstream, context if tls else None))
        origin = f"http{'s' if tls else ''}://localhost:{upstream.port}"
        compute[0] = f"{origin}/v2.1"
        transport = Transport(EndpointGuard(NAMED), cacert=pem, timeouts=PATIENT, threads=1, observe=lambda *_: None)
        auth = {"auth_url": f"{origin}/v3", "username": "u", "password": "p", "project_name": "p"}
        auth |= {"user_domain_id": "d", "project_domain_id": "d"}
        session = ComputeSession(Credentials(auth_type="password", auth=auth, cacert=pem), transport)
        stack.callback(session.close)
        yield session, compute[0], compute, upstream


def tell(session: ComputeSession) -> str:
    """Return the service that is proven, as text."""
    return session.service or ""


def test_one_service_that_answers_everything_is_proven_and_told_with_whom_it_is_trusted_by(tmp_path: Path) -> None:
    with cloud(tmp_path, tls=True) as (session, url, _, _):
        assert tell(session) == "", "nothing was asked yet"
        session.read(READ)
        session.read(AGAIN)
        assert tell(session).startswith(f"{url} ")


def test_a_service_that_refuses_the_credentials_is_not_proven(tmp_path: Path) -> None:
    with cloud(tmp_path, tls=True) as (session, _, compute, upstream):
        session.version()
        upstream.respond = lambda handler: speak(compute, handler) if "auth" in handler.path else answer(401)(handler)
        with pytest.raises(BackendError):
            session.read(READ)
        assert session.service is None


def test_a_later_login_whose_catalogue_names_another_service_leads_nowhere_else(tmp_path: Path) -> None:
    with cloud(tmp_path, tls=True) as (session, url, compute, upstream):
        session.read(READ)
        compute[0] = url.replace("localhost", "127.0.0.1")
        refused = iter((True,))
        upstream.respond = lambda handler: (
            speak(compute, handler) if "auth" in handler.path or not next(refused, False) else answer(401)(handler)
        )
        session.read(READ)
        assert next(refused, None) is None, "the login was repeated"
        assert {headers["host"] for headers in upstream.headers} == {f"localhost:{upstream.port}"}
        assert tell(session).startswith(f"{url} ")


def test_without_tls_nothing_is_proven(tmp_path: Path) -> None:
    with cloud(tmp_path, tls=False) as (session, _, _, _):
        session.read(READ)
        assert session.service is None
