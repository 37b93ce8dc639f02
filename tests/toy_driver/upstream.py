"""The scripted upstream of boxes: its copies, every call that came, and which answers are lost or held back.

It lives in the test's process, so it outlives the operators that are killed.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from osmig.domain.errors import Absent
from toy_driver.views import CopyView

if TYPE_CHECKING:
    from collections.abc import Iterator

COPY, EMPTY = "copy", "empty"


@dataclass
class Boxes:
    """What upstream has, whoever asks.

    Attributes:
        calls: every call that changed something, in the order in which they came.
        lost: calls whose next answer is lost.
        held: calls whose answer waits for ``released``.
        unheard: calls that wait for ``released`` before they do anything, and then do nothing.
        arrived: every call that upstream had begun to read, whether it changed something or not.
    """

    rows: dict[str, CopyView] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    unheard: set[str] = field(default_factory=set)
    arrived: list[str] = field(default_factory=list)
    released: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def list(self) -> tuple[CopyView, ...]:
        """Return every copy."""
        return tuple(self.rows.values())

    def read(self, copy_id: str) -> CopyView:
        """Return one copy, which is done by now."""
        if copy_id not in self.rows:
            raise Absent("RecordGone", "there is no such copy", operation="read")
        self.rows[copy_id] = replace(self.rows[copy_id], is_done=True)
        return self.rows[copy_id]

    def begin(self, name: str) -> CopyView:
        """Make a copy, also where there is one of that name: it is the caller who must call once."""
        with self.lock:
            self.calls.append(COPY)
            row = CopyView(id=f"box-{len(self.rows) + 1}", name=name)
            self.rows[row.id] = row
            return row

    def empty(self, copy_id: str) -> CopyView:
        """Empty the source."""
        with self.lock:
            self.calls.append(EMPTY)
            self.rows[copy_id] = replace(self.rows[copy_id], is_source_empty=True)
            return self.rows[copy_id]

    def loses(self, call: str) -> bool:
        """Whether this answer is lost; the next one is not."""
        is_lost = call in self.lost
        self.lost.discard(call)
        return is_lost


@contextmanager
def serve(boxes: Boxes) -> Iterator[str]:
    """Serve the boxes over HTTP on the loopback address; return the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"boxes": boxes}))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        boxes.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    boxes: ClassVar[Boxes]

    def do_GET(self) -> None:
        copy_id = self.path.partition("/copies/")[2]
        try:
            found = asdict(self.boxes.read(copy_id)) if copy_id else [asdict(row) for row in self.boxes.list()]
        except Absent:
            self.send_error(404)
        else:
            self._answer(found)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or "{}")
        call = EMPTY if self.path.endswith("/empty-source") else COPY
        self.boxes.arrived.append(call)
        if call in self.boxes.unheard:
            self.boxes.released.wait()
            self.close_connection = True
            return
        row = self.boxes.empty(self.path.split("/")[2]) if call is EMPTY else self.boxes.begin(body["name"])
        if call in self.boxes.held:
            self.boxes.released.wait()
        if self.boxes.loses(call) or call in self.boxes.held:
            self.close_connection = True
        else:
            self._answer(asdict(row))

    def _answer(self, content: object) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    @override
    def log_message(self, *args: object) -> None:
        del args
