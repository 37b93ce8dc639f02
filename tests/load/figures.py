"""What a run found, against the budgets of docs/architecture.md: a table for people, JSON for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WRITES = 9.0
MAX_REQUESTS_RATIO = 1.1
MAX_START_RATIO = 2.0
MAX_CPU_MS = 3.0
MAX_ACTIVE_MIB = 40.0
MAX_FINISHED_MIB = 150.0
MAX_COST_RATIO = 1.2


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; without a budget it only explains another one."""

    what: str
    value: float
    unit: str = ""
    budget: float | None = None

    @property
    def verdict(self) -> str:
        """``ok``, ``MISSED``, or nothing."""
        if self.budget is None:
            return ""
        return "ok" if round(self.value, 2) <= self.budget else "MISSED"


@dataclass(frozen=True, slots=True)
class Table:
    """All figures of one size, and what they were taken with."""

    title: str
    conditions: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def missed(self) -> tuple[Figure, ...]:
        """Those over their budget."""
        return tuple(figure for figure in self.figures if figure.verdict == "MISSED")

    def find(self, what: str) -> float:
        """Return a figure's value."""
        return next(figure.value for figure in self.figures if figure.what == what)

    def render(self) -> str:
        """Return the table as Markdown, which reads well in a terminal too."""
        rows = [("figure", "value", "budget", ""), *(_row(figure) for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        head, *rest = (_line(row, widths) for row in rows)
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        said = "\n".join(f"- {condition}" for condition in self.conditions)
        return "\n".join((f"### {self.title}", "", said, "", head, rule, *rest, ""))

    def to_json(self) -> dict[str, Any]:
        """Return everything, with verdicts."""
        return {
            "title": self.title,
            "conditions": list(self.conditions),
            "figures": [
                {
                    "what": figure.what,
                    "value": round(figure.value, 4),
                    "unit": figure.unit,
                    "budget": figure.budget,
                    "verdict": figure.verdict,
                }
                for figure in self.figures
            ],
        }


def compare(larger: Table, smaller: Table, what: str, *, has_budget: bool = True) -> Figure:
    """Say how a cost grows with the size."""
    ratio = larger.find(what) / max(smaller.find(what), 1e-9)
    return Figure(f"{what}, {larger.title} ÷ {smaller.title}", ratio, budget=MAX_COST_RATIO if has_budget else None)


def _row(figure: Figure) -> tuple[str, str, str, str]:
    budget = "" if figure.budget is None else f"≤ {figure.budget:g}{_space(figure.unit)}"
    return figure.what, f"{figure.value:.4g}{_space(figure.unit)}", budget, figure.verdict


def _space(unit: str) -> str:
    return f" {unit}" if unit else ""


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    return "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |"
