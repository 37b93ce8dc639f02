"""What a move costs the cloud and the API server, counted on a clock of the test's own.

The same burst on real processes takes more requests where the machine is busy: an answer that comes late is looked for
again. That ratio is shown by the bench, and here is what it would be without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from load import figures
from load.held import CONTACT_S, PER_MOVE, SETTLE_S, play_burst
from load.scale import PACE

if TYPE_CHECKING:
    from pathlib import Path

MOVE_S = 30.0
COUNTS = (1, 10)


@pytest.mark.parametrize("count", COUNTS)
async def test_a_move_takes_seven_requests_and_as_many_samples_and_sweeps_as_the_pace_says(
    tmp_path: Path, count: int
) -> None:
    costs = await play_burst(count, move_s=MOVE_S, folder=tmp_path)

    lasted_s = CONTACT_S + MOVE_S + SETTLE_S
    assert costs.phases == {"Succeeded": count}
    assert set(costs.starts.values()) == {1}
    assert costs.requests == {
        **{kind: requests * count for kind, requests in PER_MOVE.items()},
        "progress": count * MOVE_S / PACE.progress_s,
        "sweep": 1 + lasted_s // PACE.sweep_s,
        "probe": 3,
    }


@pytest.mark.parametrize("count", COUNTS)
async def test_an_attempt_takes_no_more_status_writes_than_its_budget(tmp_path: Path, count: int) -> None:
    # too short for a write of progress
    costs = await play_burst(count, move_s=6.0, folder=tmp_path)

    assert costs.phases == {"Succeeded": count}
    assert max(costs.writes.values()) <= figures.MAX_WRITES
