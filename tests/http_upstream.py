"""A scripted HTTP server on loopback, for what no real cloud does on demand."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

LOOPBACK = "127.0.0.1"


class Upstream:
    """What the server saw, names of headers in lower case, and how it shall answer."""

    def __init__(self) -> None:
        """Answer 200 until told otherwise."""
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.connections: set[int] = set()
        self.respond: Callable[[BaseHTTPRequestHandler], None] = answer()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"


def answer(code: int = 200, body: bytes = b"{}", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a responder that always says the same; `_` in a header's name stands for `-`."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def in_chunks_of_a_byte(count: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a responder of a body of so many spaces, each of which comes as a chunk."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"1\r\n \r\n" * count + b"0\r\n\r\n")

    return respond


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Close without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_halfway(handler: BaseHTTPRequestHandler) -> None:
    """Begin a body that is longer than what comes of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"{")
    cut(handler)


def silent(until: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a responder that says nothing until told, or for two minutes."""

    def respond(_handler: BaseHTTPRequestHandler) -> None:
        until.wait(120)

    return respond


def dripping(until: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a responder that never gets to the end of what it says, until told."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not until.wait(0.1):
            handler.wfile.write(b"x")

    return respond


@contextmanager
def serving(upstream: Upstream, context: ssl.SSLContext | None = None) -> Iterator[None]:
    """Serve until the block ends; `upstream` says how and learns what came."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
            upstream.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            upstream.seen.append(f"{self.command} {self.path}")
            upstream.connections.add(self.client_address[1])
            upstream.respond(self)

        do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - the base class' names

        @override
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # what is cut on purpose is no news
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    upstream.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
