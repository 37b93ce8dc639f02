"""The bench by hand: ``make bench``, or ``PYTHONPATH=tests python -m load.bench --size 1000,5000 --nova 50``.

Prints one table a size and whether each budget of docs/architecture.md is kept, and writes the same as JSON.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from lab.binaries import find_binaries
from lab.nova import find_nova_python
from load.figures import Figure, Table, compare
from load.nova import run_nova
from load.scale import Size, run_size

MOVE_S_PER_1000 = 60.0
MISSED, FAILED = 1, 2
COSTS = ("CPU per Migration", "CPU per watch event + own status write")


@click.command()
@click.option("--size", "sizes", default="1000,5000", show_default=True, help="Migrations, one run a size; 0 for none.")
@click.option("--nova", default=50, show_default=True, help="Migrations on the real Nova; 0 for none.")
@click.option("--rate", default=200, show_default=True, help="Limit of the Provider: requests a second, at most 1,000.")
@click.option("--move-seconds", type=float, help="How long a move takes; default: 60 for each 1,000 Migrations.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/bench.json"), show_default=True)
@click.option("--profile", is_flag=True, help="Profile the operator; its figures of CPU are worth nothing then.")
def main(*, sizes: str, nova: int, rate: int, move_seconds: float | None, output: Path, profile: bool) -> None:
    """Measure osmig against its budgets; the exit status is 1 where one is missed, 2 where a run failed."""
    find_binaries(with_controllers=False)
    folder = Path(tempfile.mkdtemp(prefix="osmig-bench-"))
    tables: list[Table] = []
    try:
        for count in sorted(int(word) for word in sizes.split(",") if word.strip() not in {"", "0"}):
            move_s = move_seconds or max(10.0, MOVE_S_PER_1000 * count / 1000)
            size = Size(count=count, move_s=move_s, requests_per_second=rate)
            inside = folder / str(count)
            inside.mkdir()
            _add(tables, run_size(size, inside, _report, profile=inside / "profile" if profile else None), output)
        if len(tables) > 1:
            _add(tables, _compare(tables), output)
        if nova:
            find_nova_python()
            inside = folder / "nova"
            inside.mkdir()
            _add(tables, run_nova(nova, inside, _report), output)
    except (AssertionError, RuntimeError) as error:
        click.echo(f"\nbench: FAILED: {error}\nLogs are in {folder}", err=True)
        sys.exit(FAILED)
    if not profile:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(_conclude(tables, output))


def _add(tables: list[Table], table: Table, output: Path) -> None:
    """Show a table and keep it at once: the next run may fail."""
    click.echo(f"\n{table.render()}")
    tables.append(table)
    output.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "tables": [table.to_json() for table in tables],
    }
    output.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _compare(tables: list[Table]) -> Table:
    larger, smaller = tables[-1], tables[0]
    return Table(
        "growth",
        ("how a cost grows from the smallest size of this run to the largest",),
        (compare(larger, smaller, COSTS[0]), compare(larger, smaller, COSTS[1], has_budget=False)),
    )


def _conclude(tables: list[Table], output: Path) -> int:
    missed: list[tuple[Table, Figure]] = [(table, figure) for table in tables for figure in table.missed]
    for table, figure in missed:
        click.echo(f"bench: missed with {table.title}: {figure.what} is {figure.value:.4g}, budget {figure.budget:g}")
    click.echo(f"bench: {len(missed)} budgets missed; everything is in {output}" if missed else f"bench: ok ({output})")
    return MISSED if missed else 0


def _report(line: str) -> None:
    click.echo(f"bench: {time.strftime('%H:%M:%S')} {line}", err=True)


if __name__ == "__main__":
    main()
