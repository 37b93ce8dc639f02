"""What the processes of a run tell the bench: one line a call, appended to a file at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    from osmig.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Entry:
    """One call.

    Attributes:
        at: boottime, the same clock in every process of the machine.
        method: of the port.
        requests: HTTP requests that a cloud would have seen for it.
        server_id: empty where the call is about none.
    """

    at: float
    method: str
    requests: int
    server_id: str


class Journal:
    """Appends; each line is one ``write()``, so that a reader never sees half of one for long."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open the file."""
        self._clock = clock
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, method: str, requests: int = 1, server_id: str = "") -> None:
        """Write down that a call happens now."""
        os.write(self._file, f"{self._clock.boottime():.6f} {method} {requests} {server_id}\n".encode())


class JournalReader:
    """Reads what was appended since the last time."""

    def __init__(self, path: Path) -> None:
        """Begin at the begin; the file may not be there yet."""
        self._path = path
        self._at = 0
        self.entries: list[Entry] = []

    def read(self) -> Self:
        """Take in what is new."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._at)
                whole, _, _ = file.read().rpartition(b"\n")
            self._at += len(whole) + 1 if whole else 0
            self.entries += [_parse(line) for line in whole.decode().splitlines()]
        return self

    def starts(self) -> dict[str, list[float]]:
        """Return when each server's move was started, oldest first."""
        found: dict[str, list[float]] = {}
        for entry in self.entries:
            if entry.method == "start":
                found.setdefault(entry.server_id, []).append(entry.at)
        return found


def _parse(line: str) -> Entry:
    at, method, requests, server_id = line.split(" ")
    return Entry(float(at), method, int(requests), server_id)
