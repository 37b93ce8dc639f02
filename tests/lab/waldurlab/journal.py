"""The log of the requests that arrived, the unanswered included."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.waldurlab.routes import Arrival


@dataclass(slots=True)
class Entry:
    """One request.

    Attributes:
        n: Its number, from 1.
        t: When it arrived, in seconds of the machine's monotonic clock.
        user: Whose token it carried; the token itself is not kept.
        fault: The rule that broke it.
        status: What was answered; None as long as nothing was.
        real_status: What the double itself said, before a fault replaced it; None if it was not asked.
        answered_t: When it was answered.
    """

    n: int
    t: float
    method: str
    path: str
    query: list[tuple[str, str]]
    body: str
    user: str | None
    user_agent: str | None
    fault: int | None = None
    status: int | Literal["cut"] | None = None
    real_status: int | None = None
    answered_t: float | None = None


class Journal:
    """All entries, in the order of arrival."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Write down times of this clock, in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._total = 0

    def open(self, arrival: Arrival, user: str | None, user_agent: str | None) -> Entry:
        """Write down that a request has arrived."""
        path, _, query = arrival.target.partition("?")
        with self._lock:
            self._total += 1
            entry = Entry(
                n=self._total,
                t=self._clock(),
                method=arrival.method,
                path=path,
                query=parse_qsl(query, keep_blank_values=True),
                body=arrival.content.decode(errors="replace"),
                user=user,
                user_agent=user_agent,
            )
            self._entries.append(entry)
        return entry

    def close(self, entry: Entry, status: int | Literal["cut"]) -> None:
        """Write down what is answered, before it is sent."""
        with self._lock:
            entry.status, entry.answered_t = status, self._clock()

    def read(self, since: int) -> list[dict[str, Any]]:
        """Return the entries after number ``since``."""
        with self._lock:
            return [asdict(entry) for entry in self._entries if entry.n > since]

    @property
    def total(self) -> int:
        """The number of the newest entry, also if it was forgotten."""
        return self._total

    def clear(self) -> None:
        """Forget the entries; the numbers go on."""
        with self._lock:
            self._entries.clear()
