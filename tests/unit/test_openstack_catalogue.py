"""A login that leads to no Compute service, or to several, is told by its cause."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler  # noqa: TC003 - a type of what is called

import pytest
import yaml

from http_upstream import Upstream, serving
from nova_support import make_backend
from osmig.domain.errors import BackendError, InvalidConfiguration

TOKEN = {
    "methods": ["password"],
    "user": {"id": "u", "name": "mover", "domain": {"id": "default", "name": "Default"}},
    "expires_at": "2099-01-01T00:00:00.000000Z",
    "issued_at": "2026-01-01T00:00:00.000000Z",
    "audit_ids": ["a"],
}
PROJECT = {"project": {"id": "p", "name": "lab", "domain": {"id": "default", "name": "Default"}}, "roles": []}


def compute_in(*regions: str, url: str = "http://127.0.0.1:9/v2.1", interface: str = "public") -> dict[str, object]:
    endpoints = [
        {"id": name, "interface": interface, "region": name, "region_id": name, "url": url} for name in regions
    ]
    return {"catalog": [{"id": "s", "type": "compute", "name": "nova", "endpoints": endpoints}]}


def answering(token: dict[str, object]) -> Upstream:
    """A Keystone that gives this token to everybody; everything else is Nova's version document."""
    upstream = Upstream()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        is_login = handler.command == "POST"
        version = {"id": "v2.1", "status": "CURRENT", "version": "2.90", "min_version": "2.1", "links": []}
        body = json.dumps({"token": token} if is_login else {"version": version}).encode()
        handler.send_response(201 if is_login else 200)
        handler.send_header("X-Subject-Token", "t")
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    upstream.respond = respond
    return upstream


async def failing(token: dict[str, object], **cloud: object) -> str:
    upstream = answering(token)
    with serving(upstream):
        auth = {
            "auth_url": f"{upstream.url}/v3", "username": "mover", "password": "p", "user_domain_id": "default",
        }  # fmt: skip
        secret = yaml.safe_dump({"clouds": {"x": {"auth": auth, **cloud}}}).encode()
        backend = make_backend(secret)
        with pytest.raises(BackendError) as caught:
            await backend.server("s")
        await backend.close()
    assert isinstance(caught.value, InvalidConfiguration)
    return caught.value.message


async def test_a_login_without_a_project_is_not_told_as_a_wrong_region() -> None:
    message = await failing({**TOKEN})

    assert message.startswith("The login has no project")
    assert "region" not in message


async def test_of_two_regions_none_is_taken_unless_it_is_named() -> None:
    message = await failing({**TOKEN, **PROJECT, **compute_in("north", "south")})

    assert message == "The catalogue has compute endpoints in 2 regions: set region_name to one of north, south"


async def test_a_region_that_does_not_exist_is_told_with_those_that_do() -> None:
    message = await failing({**TOKEN, **PROJECT, **compute_in("north", "south")}, region_name="west")

    assert message == "The catalogue has no compute endpoint in the region_name of clouds.yaml; it has north, south"


async def test_a_catalogue_without_compute_is_told() -> None:
    catalogues: tuple[dict[str, object], ...] = ({"catalog": []}, compute_in("north", interface="internal"))
    for catalogue in catalogues:
        assert (
            await failing({**TOKEN, **PROJECT, **catalogue})
            == "The catalogue has no compute endpoint for the region_name and interface of clouds.yaml"
        )


async def test_the_names_of_a_hostile_catalogue_are_few_short_and_clean() -> None:
    regions = [f"{number}\n<b>https://evil.example/{'x' * 300}" for number in range(1000)]
    message = await failing({**TOKEN, **PROJECT, **compute_in(*regions)})

    assert len(message) < 500
    assert "evil" not in message
    assert "\n" not in message


async def test_the_only_region_is_taken_without_a_name() -> None:
    upstream = answering({})
    with serving(upstream):
        token = {**TOKEN, **PROJECT, **compute_in("north", url=f"{upstream.url}/v2.1")}
        upstream.respond = answering(token).respond
        auth = {"auth_url": f"{upstream.url}/v3", "username": "mover", "password": "p", "user_domain_id": "default"}
        backend = make_backend(yaml.safe_dump({"clouds": {"x": {"auth": auth}}}).encode())
        with pytest.raises(BackendError, match="lists no microversions"):
            await backend.server("s")
        await backend.close()
    assert any(line.startswith("GET /v2.1") for line in upstream.seen), "its endpoint was asked"
