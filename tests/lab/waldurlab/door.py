"""An HTTP server on loopback in threads: hands each request to one function and sends what it returns."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from typing_extensions import override

from lab.waldurlab.routes import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.waldurlab.answers import Answer

LOOPBACK = "127.0.0.1"


class Door:
    """A listening server; ``close`` ends it."""

    def __init__(self, respond: Callable[[Arrival, str | None], Answer | None]) -> None:
        """Listen on a free port; ``respond`` gets the request and its user agent, and returns None to cut."""
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.respond = respond
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    respond: Callable[[Arrival, str | None], Answer | None]

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a caller that has given up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is sent as one piece.
    wbufsize = -1

    def serve(self) -> None:
        arrival = Arrival(
            method=self.command,
            target=self.path,
            base=f"http://{self.headers.get('Host', LOOPBACK)}",
            authorization=self.headers.get("Authorization"),
            content=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        assert isinstance(self.server, _Server)
        answer = self.server.respond(arrival, self.headers.get("User-Agent"))
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - the base class' names

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""
