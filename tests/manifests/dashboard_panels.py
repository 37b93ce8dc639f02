"""What a panel of a dashboard is: title, what it shows, queries; and the expressions that several have."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = '{namespace=~"$namespace"}'
FLEET = '{namespace=~"$namespace", provider=~"$provider"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        title: Its heading.
        description: What it shows and how to read it; Grafana shows it at the heading.
        queries: PromQL to legend.
        kind: Grafana's type of panel.
        unit: Grafana's name of the unit.
        width: Of the 24 columns of a row.
        height: In Grafana's rows.
        is_instant: Whether the newest value alone counts.
        most: The end of a scale, where there is one.
        least: Where a scale begins; ``None`` where values fall below 0.
    """

    title: str
    description: str
    queries: dict[str, str]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 12
    height: int = 8
    is_instant: bool = False
    most: float | None = None
    least: float | None = 0


def number(title: str, description: str, query: str, unit: str = "short") -> Panel:
    return Panel(
        title=title,
        description=description,
        queries={query: ""},
        kind="stat",
        unit=unit,
        width=4,
        height=4,
        is_instant=True,
    )


def progress(selector: str) -> str:
    remaining, total = (
        f"sum by (namespace, name) (max by (namespace, name, medium) (osmig_migration_data_{part}_bytes{selector}))"
        for part in ("remaining", "total")
    )
    return f"1 - {remaining} / ({total} > 0)"


def count(counter: str, window: str) -> str:
    """Return how far a counter rose in a window, with the first event of a series that was born in it.

    ``increase`` sees no rise in a series that begins at 1, and most reasons are seen once in a night.
    """
    nothing = f"0 * max_over_time({counter}[{window}])"
    born_with = f"min_over_time({counter}[{window}]) unless {counter} offset {window}"
    return f"(increase({counter}[{window}]) or {nothing}) + ({born_with} or {nothing})"


def of(value: str) -> str:
    """Return a value of each Migration of the chosen Providers, with its source host.

    During a take-over two pods serve a Migration, perhaps with different hosts: one of them counts.
    """
    info = f"max by (namespace, name, source_host) (osmig_migration_info{FLEET}}})"
    return f"{value} * on (namespace, name) group_left (source_host) topk by (namespace, name) (1, {info})"
