"""When a token expires: by the published description of a call that was never recorded, so nothing may depend on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from http_upstream import Upstream, answer, serving
from waldur_support import make_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler

    from osmig.domain.capabilities import Probe

TOKENS = "/api/personal-access-tokens/"
TOKEN = "wpat-1a2b3c4d-and-what-nobody-else-knows"  # noqa: S105 - of a test
PREFIX = "token_prefix"
WHEN = datetime(2030, 1, 8, tzinfo=UTC)


def row(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A token as the description has it."""
    told = {
        "uuid": f"{number:032x}",
        "name": "osmig",
        PREFIX: TOKEN[:13],
        "expires_at": "2030-01-08T00:00:00Z",
        "is_active": True,
    }
    return {**told, **changes}


def serve(version: str, tokens: Callable[[BaseHTTPRequestHandler], None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """A Waldur of which no more is there than a probe reads."""
    bodies = {"/api/version/": {"version": version}, "/api/users/me/": {"uuid": "1" * 32}}

    def respond(handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        if path == TOKENS:
            tokens(handler)
        else:
            answer(200, json.dumps(bodies.get(path, [])).encode())(handler)

    return respond


async def probe(tokens: Callable[[BaseHTTPRequestHandler], None], *, version: str = "8.1.3") -> tuple[Probe, list[str]]:
    """Probe, and return what was asked for, too."""
    upstream = Upstream()
    upstream.respond = serve(version, tokens)
    with serving(upstream):
        backend = make_backend(upstream.url, token=TOKEN)
        try:
            found = await backend.probe()
        finally:
            await backend.close()
        return found, upstream.seen


def rows(*given: object) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with these rows."""
    return answer(200, json.dumps(given).encode(), X_Result_Count=str(len(given)))


@pytest.mark.parametrize(
    ("given", "expires"),
    [
        ([row()], WHEN),
        ([row(), row(2) | {PREFIX: "another-1234"}], WHEN),
        ([row(), row(2, is_active=False)], WHEN),
        ([row(), row(2)], None),
        ([row(is_active=False)], None),
        ([row() | {PREFIX: "wpat-"}], None),
        ([row() | {PREFIX: ""}], None),
        ([row() | {PREFIX: 7}], None),
        ([row(expires_at=None)], None),
        ([row(expires_at="soon")], None),
        ([], None),
        (["odd", 7, {}], None),
    ],
    ids=[
        "ours", "and another", "and one before it", "two fit", "not active", "prefix of all", "no prefix", "odd prefix",
        "never", "odd time", "none", "odd rows",
    ],
)  # fmt: skip
async def test_the_token_in_use_is_told_by_its_prefix(given: list[object], expires: datetime | None) -> None:
    found, _ = await probe(rows(*given))
    assert found.expires == expires
    assert found.user_id == "1" * 32


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500, 503])
async def test_whatever_the_list_answers_the_probe_goes_on(status: int) -> None:
    found, _ = await probe(answer(status, b'{"detail": "No."}'))
    assert (found.expires, found.api_version) == (None, "8.1.3")


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>"])
async def test_a_list_that_is_none_is_no_trouble(body: bytes) -> None:
    found, _ = await probe(answer(200, body))
    assert found.expires is None


@pytest.mark.parametrize(
    ("version", "is_asked"), [("8.1.3", True), ("8.2.0", True), ("8.0.9", False), ("7.8.2", False), ("main", False)]
)
async def test_servers_that_have_no_such_tokens_or_may_not_are_not_asked(version: str, *, is_asked: bool) -> None:
    _, paths = await probe(rows(row()), version=version)
    assert any(TOKENS in path for path in paths) is is_asked
