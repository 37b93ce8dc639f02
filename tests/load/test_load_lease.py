"""Losing the Lease with hundreds of objects at hand: what kopf has under way then must not keep the process alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waiting import eventually
from load.stage import name_server, open_stage, pause

if TYPE_CHECKING:
    from pathlib import Path

FLEET = 200
LEASE = ("--lease-duration", "4", "--lease-renew-deadline", "3", "--lease-period", "0.5")
FROZEN_S = 5.0


def test_a_process_that_lost_its_lease_in_a_burst_ends_at_once_with_an_error(tmp_path: Path) -> None:
    with open_stage(tmp_path) as stage, stage.operator(*LEASE, name="operator", move_s=60.0) as osmig:
        osmig.wait_ready(timeout_s=60)
        stage.burst([name_server(index) for index in range(FLEET)])
        eventually(lambda: stage.journal("operator").read().starts(), what="a first start", timeout_s=60)

        osmig.pause()
        pause(FROZEN_S)
        osmig.resume()

        assert osmig.wait(timeout_s=15) == 1
        assert osmig.logs("lease.lost")
