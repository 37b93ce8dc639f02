"""Losing the Lease with hundreds of objects at hand: what kopf has under way then must not keep the process alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waiting import DEADLINE_S, eventually
from load.stage import name_server, open_stage, pause

if TYPE_CHECKING:
    from pathlib import Path

FLEET = 200
LEASE = ("--lease-duration", "12", "--lease-renew-deadline", "10", "--lease-period", "0.5")
"""Long enough to keep it through a burst on a busy machine."""
FROZEN_S = 12.0


def test_a_process_that_lost_its_lease_in_a_burst_ends_at_once_with_an_error(tmp_path: Path) -> None:
    with open_stage(tmp_path) as stage, stage.operator(*LEASE, name="operator", move_s=60.0) as osmig:
        osmig.wait_ready()
        stage.burst([name_server(index) for index in range(FLEET)])
        eventually(lambda: stage.journal("operator").read().starts(), what="a first start")

        osmig.pause()
        pause(FROZEN_S)
        osmig.resume()

        assert osmig.wait(timeout_s=DEADLINE_S) == 1
        assert osmig.logs("lease.lost")
