"""A dashboard drawn as SVG: its panels where Grafana puts them, with what Prometheus answered to their queries."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLUMN, ROW, GAP, LINE = 50, 30, 4, 14
"""Pixels of a column and a row of the grid, between panels, and of a line of text."""
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#96d98d", "#ffb357", "#e0b400")
SHOWN = 7
"""Series of a panel; a legend has no place for more."""
_STYLE = "text{font:11px sans-serif;fill:#ccccdc}.t{font-weight:bold}.n{font-size:30px;fill:#73bf69}.q{fill:#8e8e99}"


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel: its legend, and its samples as pairs of Unix time and value, the newest last."""

    name: str
    samples: Sequence[tuple[float, float]]

    @property
    def newest(self) -> float:
        """Its newest value."""
        return self.samples[-1][1]


def draw(board: Mapping[str, Any], answers: Mapping[int, Sequence[Line]]) -> str:
    """Return a board as SVG.

    Args:
        board: its JSON.
        answers: the series of each panel, by the panel's id.
    """
    panels = board["panels"]
    width = 24 * COLUMN
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * ROW
    parts = [part for panel in panels for part in _draw_panel(panel, list(answers.get(panel["id"], ()))[:SHOWN])]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><style>{_STYLE}</style>'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#111217"/>', *parts, "</svg>", ""])


def spell(value: float, unit: str) -> str:
    """Return a value as Grafana spells it in a unit, roughly."""
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit in {"bytes", "Bps"}:
        for prefix in ("", "Ki", "Mi", "Gi"):
            if abs(value) < 1024 or prefix == "Gi":
                return f"{value:.3g} {prefix}B{'/s' * (unit == 'Bps')}"
            value /= 1024
    return f"{value:.3g}{ {'s': ' s', 'reqps': ' req/s', 'ops': ' ops/s'}.get(unit, '') }"


def _draw_panel(panel: Mapping[str, Any], lines: Sequence[Line]) -> Iterator[str]:
    place = panel["gridPos"]
    x, y = place["x"] * COLUMN + GAP, place["y"] * ROW + GAP
    width, height = place["w"] * COLUMN - 2 * GAP, place["h"] * ROW - 2 * GAP
    yield f'<g transform="translate({x},{y})"><rect width="{width}" height="{height}" rx="3" fill="#181b1f"/>'
    yield _text(8, 18, panel["title"], "t")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if not lines:
        yield _text(width // 2 - 20, height // 2 + 8, "No data", "q")
    elif panel["type"] == "stat" and not lines[0].name:
        yield _text(12, height - 28, spell(lines[0].newest, unit), "n")
    elif panel["type"] == "timeseries":
        yield from _draw_curves(lines, unit, width, height)
    else:
        yield from _draw_bars(lines, unit, width)
    yield "</g>"


def _draw_bars(lines: Sequence[Line], unit: str, width: int) -> Iterator[str]:
    most = max((line.newest for line in lines), default=0) or 1
    most = max(most, 1.0) if unit == "percentunit" else most
    for number, line in enumerate(lines):
        y = 32 + number * 2 * LINE
        length = max(0, round((width - 120) * line.newest / most))
        yield _text(8, y + 8, line.name)
        yield f'<rect x="8" y="{y + 11}" width="{length}" height="9" fill="{COLOURS[number]}"/>'
        yield _text(length + 14, y + 20, spell(line.newest, unit))


def _draw_curves(lines: Sequence[Line], unit: str, width: int, height: int) -> Iterator[str]:
    left, top, right = 62, 28, width - 10
    bottom = height - 10 - LINE * ((len(lines) + 1) // 2)
    times = [time for line in lines for time, _ in line.samples]
    first, length = min(times), max(max(times) - min(times), 1)
    most = max(value for line in lines for _, value in line.samples) or 1
    for part in (0, 0.5, 1):
        y = round(bottom - part * (bottom - top))
        yield f'<path d="M{left} {y}H{right}" stroke="#2c3235"/>' + _text(6, y + 4, spell(most * part, unit), "q")
    for number, line in enumerate(lines):
        points = " ".join(
            f"{left + (time - first) / length * (right - left):.0f},{bottom - value / most * (bottom - top):.0f}"
            for time, value in line.samples
        )
        yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[number]}" stroke-width="1.5"/>'
        x, y = 8 + number % 2 * (width // 2), bottom + LINE * (number // 2 + 1)
        yield f'<rect x="{x}" y="{y - 4}" width="10" height="3" fill="{COLOURS[number]}"/>'
        yield _text(x + 14, y, f"{line.name}  {spell(line.newest, unit)}")


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}"{f" class={kind!r}" if kind else ""}>{escape(text)}</text>'
