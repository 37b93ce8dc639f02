"""What every backend's requests are bound by and observed with: the one home of all figures (ADR 0026)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_ANSWER_BYTES = 4 * 2**20
"""A body as it comes: nothing is decompressed. A page of 1000 rows of Nova's has 0.5 MB, one of 100 of Waldur's 0.1."""

MAX_WIRE_BYTES = 2 * MAX_ANSWER_BYTES
"""A body with what its chunks add to it."""

MAX_PIECES = 10_000
"""Of a body as it comes, for the shortest costs as much as any: chunks of a byte would keep a process busy for long."""

MAX_HEADER_BYTES = 64 * 2**10
"""All that comes before a body, answers of status 1xx too; servers themselves take 8 to 16 kB of headers."""

LARGE_BYTES = 64 * 2**10
"""A body beyond it is large: it is never parsed or validated on the event loop, and takes of the common memory."""

MAX_LARGE_BYTES_HELD = 16 * 2**20
"""Of all large bodies that are held at once, whoever's they are; of one Provider's, no more than one may be largest."""

MAX_LARGE_BYTES_OF_NAMESPACE = MAX_LARGE_BYTES_HELD // 2
"""Of all large bodies that the Providers of one namespace hold at once: what is left is for all others."""

PARSERS = 1
"""Large bodies that are computed on at once: each thread that computes keeps the event loop waiting for its turns."""

MAX_DEPTH = 32
"""Of objects and lists within one another; the answers that are asked for have at most 8."""

MAX_VALUES = 150_000
"""Values of one answer: 1000 servers with all that Nova tells have 80,000. Each may take 200 bytes when read."""

MAX_ROWS = 10_000
"""Rows of an answer to a request that cannot say how many it wants, and rows that are kept of one Provider."""

MAX_COUNTED_PAGES = 20
"""Of a list that is only counted, once a minute, and has all that ever was; at a request a second 20 s of them."""

_MAX_RETRY_AFTER_S = 3600.0
_MAX_DIGITS = 9


class RequestObserver(Protocol):
    """Told of every request that was answered or failed; called from worker threads."""

    def __call__(self, service: str, operation: str, code: str, seconds: float, /) -> None:
        """Note one request.

        Args:
            service: ``compute``, ``identity``, ``waldur`` or ``hosting``.
            operation: in our words, such as ``live-migrate`` or ``authenticate``.
            code: the HTTP status, or ``timeout`` or ``connection_error`` when no answer came.
            seconds: from handing the request over to its whole answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect_s: for a connection.
        read_s: for an answer.
        list_s: for a page of a list, where ``read_s`` is less: a busy Waldur was seen to take 7 s for 40 rows, and
            a page has 100.
    """

    connect_s: float = 5.0
    read_s: float = 60.0
    list_s: float = 60.0

    @property
    def total_s(self) -> float:
        """From the first step of a call to the last byte of its answer, however it drips."""
        return self.connect_s + self.read_s


def read_retry_after(value: str | None) -> float | None:
    """Read the header Retry-After in seconds, at most an hour.

    Its other form, a date, would need a clock both sides agree on.
    """
    if not value or not value.isascii() or not value.isdigit():
        return None
    return min(float(value), _MAX_RETRY_AFTER_S) if len(value) <= _MAX_DIGITS else _MAX_RETRY_AFTER_S


ObserverOf = Callable[[tuple[str, str]], RequestObserver]
"""Makes the observer of one Provider's requests from its namespace and name."""
