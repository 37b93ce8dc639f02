"""What a hostile server does in place of an answer: each behaviour writes to one connection until it is cut off."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Iterable, Iterator

DRIP_S = 0.05
"""Between two bytes: no timeout of a single read ever passes."""

MIB = 2**20


class Behaviour(StrEnum):
    """What the server does; the text is what the command line takes."""

    HONEST = "honest"
    HANG = "hang"
    DRIP_HEADERS = "drip-headers"
    DRIP_BODY = "drip-body"
    ENDLESS_HEADERS = "endless-headers"
    ENDLESS_CONTINUES = "endless-continues"
    ENDLESS_CHUNK_LINE = "endless-chunk-line"
    TINY_CHUNKS = "tiny-chunks"
    HUGE_JSON = "huge-json"
    DEEP_JSON = "deep-json"
    MANY_VALUES = "many-values"
    GZIP_BOMB = "gzip-bomb"
    HOSTILE_TEXT = "hostile-text"
    ODD_DATES = "odd-dates"
    ODD_NUMBERS = "odd-numbers"
    ODD_TYPES = "odd-types"
    MORE_ROWS = "more-rows"
    ENDLESS_PAGES = "endless-pages"
    ENDLESS_REDIRECTS = "endless-redirects"
    FAT_LISTS = "fat-lists"


ROWS = frozenset({Behaviour.ODD_DATES, Behaviour.ODD_NUMBERS, Behaviour.ODD_TYPES})
"""Those that answer in the right form, with odd values in some of the rows."""

HOSTILE_TEXT = "Unable to migrate instance " * 12_000 + "token=" * 10_000 + "/a" * 20_000 + "1." * 20_000
"""Texts on which a pattern that goes back and forth takes quadratic time, 0.4 MB."""

ODD_DATES: tuple[object, ...] = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0000-00-00T00:00:00", "99999-01-01T00:00:00",
    "1969-12-31", "now", "", 0, -1, 10**18, None, [], {}, True,
)  # fmt: skip
ODD_NUMBERS = ("1e400", "-1e400", "9" * 5000, "NaN", "Infinity", "-0", "1e-400", f"-{'8' * 400}", "null", "true")
"""Written as they are: Python's own writer of JSON would not."""

ODD_TYPES: tuple[object, ...] = (None, [], {}, [[]], 1.5, True, "\ud800", "\x00", "x" * 100_000, {"a": {"b": []}})


def misbehave(behaviour: Behaviour, connection: socket.socket, stop: threading.Event) -> bool:
    """Answer one request that was read; false where the behaviour is one of what the answers say."""
    write = _WRITERS.get(behaviour)
    if write is None:
        return False
    parts = write()
    pause_s = DRIP_S if behaviour in {Behaviour.DRIP_HEADERS, Behaviour.DRIP_BODY} else 0.0
    with suppress(OSError):  # cut off, as it should be
        for part in parts:
            if pause_s and stop.wait(pause_s):
                break
            connection.sendall(part)
            if stop.is_set():
                break
        else:
            if behaviour is Behaviour.HANG:
                stop.wait()
    return True


def head(status: int, length: int, *headers: str) -> bytes:
    """Write the head of an answer whose connection ends with it."""
    lines = (f"HTTP/1.1 {status} Whatever", "Content-Type: application/json", f"Content-Length: {length}", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "Connection: close", "")).encode()


def fill_odd(row: dict[str, object], behaviour: Behaviour) -> Iterator[bytes]:
    """Write a row over and over, each time with one of its values replaced by an odd one."""
    for name in row:
        match behaviour:
            case Behaviour.ODD_NUMBERS:
                marked = json.dumps({**row, name: "@odd@"})
                yield from (marked.replace('"@odd@"', number).encode() for number in ODD_NUMBERS)
            case Behaviour.ODD_DATES:
                yield from (json.dumps({**row, name: date}).encode() for date in ODD_DATES)
            case _:
                yield from (json.dumps({**row, name: value}).encode() for value in ODD_TYPES)
    if behaviour is Behaviour.ODD_TYPES:
        yield from (json.dumps(value).encode() for value in ODD_TYPES)


def _drip(first: bytes) -> Iterator[bytes]:
    yield first
    for _ in count():
        yield b"x"


def _repeat(first: bytes, part: bytes, *, times: int | None = None) -> Iterator[bytes]:
    yield first
    for _ in count() if times is None else range(times):
        yield part


def _whole(status: int, body: bytes, *headers: str) -> tuple[bytes, ...]:
    return (head(status, len(body), *headers), body)


def _pack(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * MIB) for _ in range(size // MIB)) + packer.flush()


_OK = b"HTTP/1.1 200 OK\r\n"
_WRITERS: dict[Behaviour, Callable[[], Iterable[bytes]]] = {
    Behaviour.HANG: lambda: (),
    Behaviour.DRIP_HEADERS: lambda: _drip(_OK + b"X-Slow: "),
    Behaviour.DRIP_BODY: lambda: _drip(_OK + b"Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{"),
    Behaviour.ENDLESS_HEADERS: lambda: _repeat(_OK, b"X-Filler: " + b"x" * 8000 + b"\r\n"),
    Behaviour.ENDLESS_CONTINUES: lambda: _repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    Behaviour.ENDLESS_CHUNK_LINE: lambda: _repeat(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
    Behaviour.TINY_CHUNKS: lambda: _repeat(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n1\r\n" * 10_000),
    Behaviour.HUGE_JSON: lambda: _repeat(head(200, 64 * MIB) + b"[", b'{"id": 1},' * 6553, times=64 * MIB // 65530),
    Behaviour.DEEP_JSON: lambda: _whole(200, b'{"version": ' + b"[" * (MIB // 2) + b"]" * (MIB // 2) + b"}"),
    Behaviour.MANY_VALUES: lambda: _whole(200, b'{"version": [' + b",".join([b"{}"] * (MIB + 1)) + b"]}"),
    Behaviour.GZIP_BOMB: lambda: _whole(200, _pack(128 * MIB), "Content-Encoding: gzip"),
}
"""What is written in place of any answer."""
