"""Decides about plans: small ones at once, large ones in a thread of their own, so that the event loop goes on.

A decision is pure and sees frozen values only. It takes 20 µs for each server of the plan; on the event loop a plan of
many thousands would hold up the Lease.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from osmig.domain.plans.machine import decide_plan
from osmig.net.bounds import LARGE_BYTES
from osmig.net.json_reading import take_turn

if TYPE_CHECKING:
    from osmig.domain.plans.decisions import PlanDecision
    from osmig.domain.plans.observation import PlanObservation

LARGE = 250
"""Servers and Migrations of a plan that is not decided on in the event loop."""


class PlanDecider:
    """Makes the decisions about all plans."""

    def __init__(self) -> None:
        """Have no thread before one is needed."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plans")

    async def decide(self, observation: PlanObservation) -> PlanDecision:
        """Decide; about a large plan after the other large ones, and with the turn that large answers take, too."""
        if count_known(observation) <= LARGE:
            return decide_plan(observation)

        def decide() -> PlanDecision:
            with take_turn(LARGE_BYTES + 1):
                return decide_plan(observation)

        return await asyncio.wrap_future(self._thread.submit(decide))


def count_known(observation: PlanObservation) -> int:
    """Count what a decision goes through."""
    targets = observation.target_sweep
    servers = sum(len(sweep.servers) for sweep in observation.sweeps.values())
    return servers + len(observation.children) + (len(targets.servers) if targets is not None else 0)
