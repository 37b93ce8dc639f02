"""Beside every neighbour, a healthy tenant's moves start and end, and the operator stays alive within its memory."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from e2e_operator import ROOT
from hostile.arena import Arena, open_arena
from hostile.neighbours import BY_CLOUD, BY_OBJECTS, NEIGHBOURS
from hostile.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

SHARE = 0.2
"""Of the sizes that docs/security.md has the figures for; ``make neighbours`` runs them whole."""
MOVES = 4
TOGETHER = (*((name,) for name in BY_OBJECTS), *(tuple(BY_CLOUD)[first::3] for first in range(3)))
"""Hostile clouds come several at once: what each costs by itself is in docs/security.md."""
SOON_S: Final = 20.0
"""Far above what a busy machine needs for a start, and far below what a neighbour once cost: 52 s and over 120 s."""

FAILURE_THRESHOLD = 3
"""Probes in a row that fail before a kubelet acts on it, in deploy/; here they come ten times as often."""


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """One operator for all neighbours, one after the other."""
    with open_arena(tmp_path_factory.mktemp("hostile"), share=SHARE) as opened:
        yield opened


def read_memory_limit_mib() -> int:
    """Return what deploy/ lets the operator have."""
    manifests = yaml.safe_load_all(Path(ROOT / "deploy/deployment.yaml").read_text(encoding="utf-8"))
    deployment = next(one for one in manifests if one["kind"] == "Deployment")
    limit: str = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    return int(limit.removesuffix("Mi"))


@pytest.mark.parametrize("names", TOGETHER, ids=", ".join)
def test_neighbours_cost_a_healthy_tenant_nothing(arena: Arena, names: tuple[str, ...]) -> None:
    with Witness(arena.cluster, arena.osmig) as seen, ExitStack() as stack:
        for name in names:
            stack.enter_context(NEIGHBOURS[name](arena))
        delays = arena.healthy.measure(MOVES, name=f"h-{names[0].lower().replace(' ', '-')}")
    assert max(one.start_s for one in delays) < SOON_S
    assert max(one.order_s for one in delays) < SOON_S
    assert arena.osmig.returncode is None
    assert len(seen.transitions) == 1, "the Lease changed hands"
    assert seen.longest_failure < FAILURE_THRESHOLD, seen.failed_probes
    assert seen.memory_mib < read_memory_limit_mib()
