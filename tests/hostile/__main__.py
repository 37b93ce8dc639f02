"""The table of docs/security.md: what each neighbour costs the healthy tenant and the operator.

``python -m hostile [--count N] [NEIGHBOUR ...]``, with tests/ and operator/ on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.arena import open_arena
from hostile.neighbours import NEIGHBOURS
from hostile.witness import Witness

if TYPE_CHECKING:
    from hostile.arena import Arena

HEAD = (
    "Neighbour",
    "apply → start, s: median / worst",
    "annotate → order, s: median / worst",
    "Lease age, s",
    "probes failed",
    "MiB",
)
SETTLE_S = 5.0
"""Until a neighbour has begun to do what it does."""


def measure(arena: Arena, name: str, count: int) -> tuple[str, ...]:
    """Let one neighbour loose; return the row of the table."""
    with Witness(arena.cluster, arena.osmig) as seen, NEIGHBOURS[name](arena):
        time.sleep(SETTLE_S)
        delays = arena.healthy.measure(count, name=f"h-{name.lower().replace(' ', '-')}")
    starts, orders = sorted(d.start_s for d in delays), sorted(d.order_s for d in delays)
    return (
        name,
        f"{statistics.median(starts):.2f} / {starts[-1]:.2f}",
        f"{statistics.median(orders):.2f} / {orders[-1]:.2f}",
        f"{seen.lease_age_s:.1f}",
        str(len(seen.failed_probes)),
        f"{seen.memory_mib:.0f}",
    )


def _say(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="moves of the healthy tenant beside each neighbour")
    parser.add_argument("neighbours", nargs="*", default=list(NEIGHBOURS))
    given = parser.parse_args()
    _say(*HEAD)
    _say(*("---" for _ in HEAD))
    with tempfile.TemporaryDirectory() as folder, open_arena(Path(folder)) as arena:
        for name in given.neighbours:
            _say(*measure(arena, name, given.count))


if __name__ == "__main__":
    main()
