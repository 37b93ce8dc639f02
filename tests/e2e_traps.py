"""Addresses of end-to-end tests: one that nobody may connect to, and one that passes everything on to a server."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler


class Trap:
    """An address that nobody may connect to; the kernel takes connections without our help."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        """Listen on a free port."""
        self._listener = socket.create_server((host, 0))
        self._listener.setblocking(False)  # noqa: FBT003 - its name
        self.host, self.port = self._listener.getsockname()

    def __enter__(self) -> Self:
        """Listen on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._listener.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def was_touched(self) -> bool:
        """Whether somebody connected since the last question."""
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


def forward_to(url: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a responder that passes a GET on to another server, with the headers that Nova needs."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        request = urllib.request.Request(url + handler.path)  # noqa: S310 - loopback
        for name in ("X-Auth-Token", "OpenStack-API-Version"):
            if handler.headers.get(name):
                request.add_header(name, handler.headers[name])
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            body = answer.read()
            handler.send_response(answer.status)
            handler.send_header("Content-Type", answer.headers["Content-Type"])
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond
