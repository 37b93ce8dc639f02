"""A server on loopback that is a hostile cloud: Keystone and Nova below ``/v3`` and ``/v2.1``, Waldur below ``/api``.

``python -m hostile.upstream --port 8774 --behaviour drip-headers`` with tests/ on the path; ``--after-login`` lets
Keystone and the version document answer honestly first.
"""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.behaviours import Behaviour, head, misbehave
from hostile.clouds import answer_hosting, answer_nova, answer_waldur

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
TESTS = Path(__file__).parent.parent
_MAX_REQUEST_BYTES = 2**20


class HostileUpstream:
    """One server, a thread per connection, a connection per request.

    Attributes:
        behaviour: of the next request; may be changed at any time.
        is_honest_first: whether login and version document are answered honestly whatever the behaviour.
        requests: method and path of each request that came.
    """

    def __init__(self, behaviour: Behaviour, *, port: int = 0, is_honest_first: bool = True) -> None:
        """Listen; serves nobody yet."""
        self.behaviour = behaviour
        self.is_honest_first = is_honest_first
        self.requests: list[str] = []
        self._stop = threading.Event()
        self._listener = socket.create_server((LOOPBACK, port))
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Serve until stopped."""
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            thread.start()

    def stop(self) -> None:
        """End; whoever still waits is cut off."""
        self._stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            line = _read_request(connection)
            if line is None:
                return
            method, path = line
            self.requests.append(f"{method} {path}")
            behaviour = self._choose(path)
            if not misbehave(behaviour, connection, self._stop):
                answer = answer_waldur if path.startswith("/api") else answer_nova
                answer = answer_hosting if path.startswith("/api/migrations") else answer
                status, body, headers = answer(method, path, self.url, behaviour)
                connection.sendall(head(status, len(body), *headers) + body)

    def _choose(self, path: str) -> Behaviour:
        is_first = path.startswith("/v3") or path.rstrip("/").endswith("/v2.1")
        return Behaviour.HONEST if is_first and self.is_honest_first else self.behaviour


@contextmanager
def hostile(behaviour: Behaviour, *, is_honest_first: bool = True) -> Iterator[HostileUpstream]:
    """Serve in a thread until the block ends."""
    upstream = HostileUpstream(behaviour, is_honest_first=is_honest_first)
    thread = threading.Thread(target=upstream.serve)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.stop()
        thread.join()


@contextmanager
def serving(behaviour: Behaviour, *options: str) -> Iterator[str]:
    """Serve in a process of its own, whose memory and CPU are not the test's; yield the URL."""
    command = (sys.executable, "-m", "hostile.upstream", "--port", "0", "--behaviour", behaviour, *options)
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _read_request(connection: socket.socket) -> tuple[str, str] | None:
    """Read one request to its end; ``None`` where none came."""
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _MAX_REQUEST_BYTES:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        received += chunk
    top, _, body = received.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, path, _ = lines[0].split(" ", 2)
    return method, path


def main() -> None:
    """Serve as a process of its own until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hostile.upstream", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on loopback; 0 takes any free one")
    parser.add_argument("--behaviour", type=Behaviour, choices=list(Behaviour), required=True)
    parser.add_argument("--after-login", action="store_true", help="let Keystone and the version document be honest")
    options = parser.parse_args()
    upstream = HostileUpstream(options.behaviour, port=options.port, is_honest_first=options.after_login)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: upstream.stop())
    print(upstream.url, flush=True)  # noqa: T201 - whoever started it waits for the line
    upstream.serve()


if __name__ == "__main__":
    main()
