"""The demo's table: what of each Migration is shown, in at most 80 columns, redrawn on a terminal or line by line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WIDTH = 80
BAR = 8
_WIDTHS = (8, 10, 15, 10, 26)
_HEADS = ("NAME", "PHASE", "PROGRESS", "HOSTS", "ORDER")
_SHORT = {"AwaitingConfirmation": "Awaiting"}
_GREEN, _RED, _YELLOW, _MAGENTA, _CYAN = "32", "31", "33", "35", "36"
_COLOURS = {
    "Succeeded": _GREEN,
    "Failed": _RED,
    "Running": _CYAN,
    "Confirming": _CYAN,
    "AwaitingConfirmation": _MAGENTA,
    **dict.fromkeys(("Aborting", "Aborted", "Reverting", "Reverted"), _YELLOW),
}
_ERASE_LINES_ABOVE = "\x1b[{lines}F\x1b[J"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One Migration as the table shows it.

    Attributes:
        phase: ``-`` until osmig has seen the object.
        percent: ``None`` until the cloud has reported numbers.
        items: of a replication, how many of its parts are there, and how many there are.
        order: the newest verb and its result, such as ``abort Accepted``; empty when none was given.
    """

    name: str
    phase: str = "-"
    percent: int | None = None
    items: tuple[int, int] | None = None
    source: str = ""
    destination: str = ""
    order: str = ""


def read_row(body: Mapping[str, Any]) -> Row:
    """Take a row out of a Migration as the API server sent it."""
    status = body.get("status") or {}
    placement, progress = status.get("placement") or {}, status.get("progress") or {}
    controls = sorted(status.get("controls") or (), key=lambda control: control["time"])
    return Row(
        name=body["metadata"]["name"],
        phase=status.get("phase") or "-",
        percent=progress.get("percent"),
        items=(items["done"], items["total"]) if (items := progress.get("items")) else None,
        source=placement.get("sourceHost") or "",
        destination=placement.get("destinationHost") or "",
        order=f"{controls[-1]['verb']} {controls[-1]['result']}" if controls else "",
    )


def render_head() -> str:
    """Return the heading line."""
    return _align(_HEADS)


def render_row(row: Row) -> str:
    """Return one line without colours, ``WIDTH`` columns at most."""
    hosts = f"{row.source}->{row.destination or '?'}" if row.source else ""
    done = draw_count(row.items) if row.items else draw_bar(row.percent)
    return _align((row.name, _SHORT.get(row.phase, row.phase), done, hosts, row.order))


def draw_bar(percent: int | None) -> str:
    """Return a bar with its figure, empty while no figure is known."""
    if percent is None:
        return ""
    full = percent * BAR // 100
    return f"[{'#' * full}{'.' * (BAR - full)}] {percent:3d}%"


def draw_count(items: tuple[int, int]) -> str:
    """Return a bar with what is counted beside it: parts are no percentage of the whole."""
    done, total = items
    full = done * BAR // max(total, 1)
    return f"[{'#' * full}{'.' * (BAR - full)}] {done}/{total}"


def _align(cells: Sequence[str]) -> str:
    line = " ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
    return line.rstrip()[:WIDTH]


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a table may be redrawn: on a terminal that is not dumb, unless ``NO_COLOR`` is set."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class Board:
    """Prints what is said, and below it the table as it is now.

    Without a terminal nothing is ever redrawn: each change of a row is one plain line that begins with the seconds
    since the first.
    """

    def __init__(
        self, stream: TextIO, *, live: bool, columns: int = WIDTH, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to ``stream``, whose lines break after ``columns``; ``clock`` counts seconds from anywhere."""
        self._stream = stream
        self._live = live
        self._columns = columns
        self._clock = clock
        self._begin = 0.0
        self._rows: tuple[Row, ...] = ()
        self._drawn = 0

    def say(self, text: str = "") -> None:
        """Print a text above the table."""
        self._erase()
        self._write(f"{text}\n")
        self._draw()

    def show(self, rows: Sequence[Row]) -> None:
        """Bring the table up to date; nothing happens when it already is."""
        changed = [row for row in rows if row not in self._rows]
        if not changed:
            return
        is_first, self._rows = not self._rows, tuple(rows)
        if self._live:
            self._erase()
            self._draw()
            return
        if is_first:
            self._begin = self._clock()
            self._write(f"  TIME {render_head()}\n")
        for row in changed:
            self._write(f"{self._clock() - self._begin:4.0f} s {render_row(row)}"[:WIDTH] + "\n")

    def close(self) -> None:
        """Leave the table as it stands; what is said afterwards comes below it."""
        self._rows, self._drawn = (), 0

    def _erase(self) -> None:
        if self._drawn:
            self._write(_ERASE_LINES_ABOVE.format(lines=self._drawn))
            self._drawn = 0

    def _draw(self) -> None:
        if not self._live or not self._rows:
            return
        # A line that breaks would take two, and the erasing miss one.
        rows = [_paint(render_row(row)[: self._columns], row.phase) for row in self._rows]
        lines = ["", render_head()[: self._columns], *rows, ""]
        self._write("".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _paint(line: str, phase: str) -> str:
    colour = _COLOURS.get(phase)
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line
