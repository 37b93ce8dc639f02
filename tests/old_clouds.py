"""A scripted cloud that speaks a version of its own choice, and one backend that asks it one thing."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from http_upstream import answer
from nova_support import clouds_yaml, make_backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from http.server import BaseHTTPRequestHandler

    from http_upstream import Upstream
    from osmig.drivers.servers.ports import ServerBackend

SERVER = "11111111-2222-4333-8444-555555555555"


def version_document(upstream: Upstream, newest: str) -> dict[str, Any]:
    """Say which microversions the cloud speaks."""
    link = {"rel": "self", "href": f"{upstream.url}/v2.1/"}
    return {"version": {"id": "v2.1", "status": "CURRENT", "min_version": "2.1", "version": newest, "links": [link]}}


def speak(upstream: Upstream, newest: str, **bodies: Any) -> None:  # noqa: ANN401 - JSON
    """Answer like a Nova of this version; `bodies` by a path's last word: JSON, a bare status, or what answers."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        word = handler.path.partition("?")[0].rstrip("/").rpartition("/")[2].replace("-", "_").replace(".", "_")
        body = bodies.get(word, version_document(upstream, newest) if word == "v2_1" else 500)
        if callable(body):
            body(handler)
        elif isinstance(body, int):
            answer(body)(handler)
        else:
            answer(200, body if isinstance(body, bytes) else json.dumps(body).encode())(handler)

    upstream.respond = respond


def ask(upstream: Upstream, question: Callable[[ServerBackend], Awaitable[Any]]) -> Any:  # noqa: ANN401
    """Ask one backend one thing."""

    async def story() -> object:
        secret = clouds_yaml(auth_type="admin_token", endpoint=f"{upstream.url}/v2.1", token="t")  # noqa: S106
        backend = make_backend(secret)
        try:
            return await question(backend)
        finally:
            await backend.close()

    return asyncio.run(story())
