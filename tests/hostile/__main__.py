"""The table of docs/security.md: what each neighbour costs the healthy tenant and the operator.

``python -m hostile [--count N] [NEIGHBOUR ...]``, with tests/ and operator/ on PYTHONPATH. The table goes to standard
output, and how long each row took to standard error.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.arena import open_arena
from hostile.neighbours import NEIGHBOURS
from hostile.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostile.arena import Arena

HEAD = (
    "Neighbour",
    "apply → start, s: median / p99",
    "annotate → order, s: median / p99",
    "Lease age, s",
    "probes failed",
    "MiB",
)
SETTLE_S = 5.0
"""Until a neighbour has begun to do what it does."""

GOAL_S = 2.0
"""Within which a healthy tenant's start and order leave, 99 of 100, whoever lives beside it."""


def take_p99(seconds: Sequence[float]) -> float:
    """Return the value that 99 of 100 do not exceed, by nearest rank: of up to 100 values that is the worst."""
    return sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one neighbour costs.

    Attributes:
        starts_s: from apply to start, of each move.
        orders_s: from annotate to order.
        seen: of the operator meanwhile.
    """

    name: str
    starts_s: Sequence[float]
    orders_s: Sequence[float]
    seen: Witness

    @property
    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        delays = (f"{statistics.median(all_s):.2f} / {take_p99(all_s):.2f}" for all_s in (self.starts_s, self.orders_s))
        seen = self.seen
        return (self.name, *delays, f"{seen.lease_age_s:.1f}", str(len(seen.failed_probes)), f"{seen.memory_mib:.0f}")

    @property
    def is_good(self) -> bool:
        """Whether the goal is kept, nobody else took the Lease, and every probe was answered well."""
        worst_s = max(take_p99(self.starts_s), take_p99(self.orders_s))
        return worst_s <= GOAL_S and not self.seen.failed_probes and len(self.seen.transitions) == 1


def measure(arena: Arena, name: str, count: int) -> Row:
    """Let one neighbour loose; return the row of the table."""
    with Witness(arena.cluster, arena.osmig) as seen, NEIGHBOURS[name](arena):
        time.sleep(SETTLE_S)
        delays = arena.healthy.measure(count, name=f"h-{name.lower().replace(' ', '-')}")
    return Row(name=name, starts_s=[d.start_s for d in delays], orders_s=[d.order_s for d in delays], seen=seen)


def _say(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table row by row; exit with 1 if a row is beyond the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="moves of the healthy tenant beside each neighbour")
    parser.add_argument("neighbours", nargs="*", help="all by default")
    given = parser.parse_args()
    names = given.neighbours or list(NEIGHBOURS)
    if unknown := set(names) - set(NEIGHBOURS):
        parser.error(f"no such neighbour: {', '.join(sorted(unknown))}; there are {', '.join(NEIGHBOURS)}")
    _say(*HEAD)
    _say(*("---" for _ in HEAD))
    beyond = []
    with tempfile.TemporaryDirectory() as folder, open_arena(Path(folder)) as arena:
        for number, name in enumerate(names, start=1):
            began = time.monotonic()
            row = measure(arena, name, given.count)
            _say(*row.cells)
            sys.stderr.write(f"{number} of {len(names)}, {name}: {time.monotonic() - began:.0f} s\n")
            beyond += [] if row.is_good else [name]
    if beyond:
        sys.exit(f"beyond {GOAL_S:g} s at p99, or with a probe that failed: {', '.join(beyond)}")


if __name__ == "__main__":
    main()
