"""A login that was refused is not sent again by the same connection, however many ask for it."""

from __future__ import annotations

import asyncio

import pytest

from http_upstream import Upstream, answer, serving
from nova_support import clouds_yaml, make_backend
from osmig.domain.errors import BackendError, InvalidConfiguration, Transient, Unauthorized

REFUSED = b'{"error": {"code": 401, "message": "The request you have made requires authentication."}}'
LOGIN = "POST /v3/auth/tokens"


def credentials(upstream: Upstream) -> bytes:
    return clouds_yaml(
        auth_url=f"{upstream.url}/v3",
        username="mover",
        password="mistyped",  # noqa: S106 - nobody's
        project_name="lab",
        user_domain_id="default",
        project_domain_id="default",
    )


async def ask(upstream: Upstream, *, times: int) -> list[BackendError]:
    """Let many steps ask for servers at once over one connection."""
    backend = make_backend(credentials(upstream))
    failures = await asyncio.gather(*(backend.server("s") for _ in range(times)), return_exceptions=True)
    await backend.close()
    assert all(isinstance(failure, BackendError) for failure in failures)
    return [failure for failure in failures if isinstance(failure, BackendError)]


@pytest.mark.parametrize("code", [401, 403, 404])
async def test_a_refused_login_is_sent_once_however_many_steps_ask(code: int) -> None:
    upstream = Upstream()
    upstream.respond = answer(code, REFUSED, Content_Type="application/json")
    with serving(upstream):
        failures = await ask(upstream, times=20)

    assert {type(failure) for failure in failures} == {Unauthorized}
    assert upstream.seen == [LOGIN]


async def test_a_login_that_shall_come_later_does_and_the_moment_is_handed_on() -> None:
    upstream = Upstream()
    upstream.respond = answer(429, b"{}", Retry_After="600")
    with serving(upstream):
        failures = await ask(upstream, times=20)

    assert {(type(failure), failure.retry_after_s) for failure in failures} == {(Transient, 600.0)}
    assert upstream.seen == [LOGIN]


async def test_a_moment_that_has_come_lets_the_login_be_tried_again() -> None:
    upstream = Upstream()
    upstream.respond = answer(503, b"{}", Retry_After="0")
    with serving(upstream):
        await ask(upstream, times=3)

    assert upstream.seen == [LOGIN] * 3


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        (404, b"<h1>Not Found</h1>", Transient),
        (400, REFUSED, InvalidConfiguration),
        (500, b"", Transient),
        (503, b"", Transient),
    ],
)
async def test_what_may_be_otherwise_next_time_is_asked_again(code: int, body: bytes, kind: type[BackendError]) -> None:
    upstream = Upstream()
    upstream.respond = answer(code, body)
    with serving(upstream):
        failures = await ask(upstream, times=3)

    assert {type(failure) for failure in failures} == {kind}
    assert upstream.seen == [LOGIN] * 3
