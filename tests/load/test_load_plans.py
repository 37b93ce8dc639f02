"""What a plan costs beside its moves, and how long a place of its limits stays free, by a clock of the test's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import provider_body
from load.held import PER_MOVE, Held, hold
from load.journal import JournalReader
from load.plans import COUNTING_S
from load.scripted_cloud import HOSTS
from load.stage import LIMITS, name_server
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from plan_samples import plan_body

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLAN = Key(Kind.PLAN, "team-a", "drain")
DRAINED = ("cmp0", "cmp1")
COUNT, SLOTS, MOVE_S, TIMEOUT_S = 24, 4, 15.0, 400.0
LOOK = 3
"""Requests of one look at a host: its service, its servers, its moves."""
SOON_S = 0.5
"""An end is to be followed by a start within so much: a twentieth of the shortest move that is worth a plan."""


class Drain:
    """A plan that empties two hosts, and when what happened."""

    def __init__(self, folder: Path) -> None:
        """Spread the servers over the hosts."""
        servers = [name_server(number // 2 * HOSTS + number % 2) for number in range(COUNT)]
        self.held: Held = hold(MOVE_S, folder, servers)
        self.ends: dict[str, float] = {}
        self.over_at = 0.0
        offer = self.held.api.watch

        def watch(kind: Kind, body: Mapping[str, Any]) -> None:
            if "completionTime" in body["status"]:
                self.ends.setdefault(body["metadata"]["name"], self.held.clock.boottime())
            offer(kind, body)

        self.held.api.watch = watch

    async def run(self) -> None:
        """Let it come to its end."""
        spec = {
            "providerRef": {"name": provider_body()["metadata"]["name"]},
            "targets": {"hosts": list(DRAINED)},
            "maintenance": {"computeService": "Disable"},
            "limits": {"maxInFlight": SLOTS, "maxInFlightPerSourceHost": SLOTS},
        }
        async with self.held.run({"limits": dict(LIMITS)}):
            self.held.api.puts.clear()
            plan = self.held.api.add(Kind.PLAN, plan_body(spec=spec, namespace=PLAN.namespace))
            self.held.controllers.intake.offer(Kind.PLAN, plan)
            await self.held.clock.pass_by(TIMEOUT_S)
        self.over_at = self.ends.pop(PLAN.name)

    @property
    def starts(self) -> list[float]:
        """When moves were started, in order."""
        return [entry.at for entry in JournalReader(self.held.journal).read().entries if entry.method == "start"]

    @property
    def requests(self) -> Counter[str]:
        """Requests to the cloud, by what they were for."""
        sent = Counter[str]()
        for entry in JournalReader(self.held.journal).read().entries:
            sent[entry.method] += entry.requests
        return sent


@pytest.fixture
async def drain(tmp_path: Path) -> Drain:
    """One that is over."""
    drain = Drain(tmp_path)
    await drain.run()
    status = drain.held.api.status(PLAN)
    assert (status["phase"], status["progressText"], status["hostsText"]) == ("Succeeded", f"{COUNT}/{COUNT}", "2/2")
    return drain


async def test_a_place_that_a_move_leaves_free_is_taken_at_once(drain: Drain) -> None:
    ends = sorted(drain.ends.values())
    gaps = [after - before for before, after in zip(ends, drain.starts[SLOTS:], strict=False)]
    assert len(gaps) == COUNT - SLOTS
    assert max(gaps) <= SOON_S


async def test_a_plan_asks_nothing_for_each_server_beyond_what_its_move_does(drain: Drain) -> None:
    requests, lasted_s = drain.requests, drain.over_at - drain.starts[0]
    assert requests["start"] == COUNT
    # fewer records than by samples alone where a sweep shows an end
    assert all(requests[kind] <= each * COUNT for kind, each in PER_MOVE.items())
    # what depends on time alone: one look before the plan begins, one after its order, one after the last end
    assert requests["sweep_host"] <= LOOK * len(DRAINED) * (lasted_s / SWEEP_PERIOD_S + 3)
    assert requests["list_groups"] <= lasted_s / SWEEP_PERIOD_S + 3


async def test_the_status_of_a_plan_is_written_every_10_s_and_for_what_happens_to_its_hosts(drain: Drain) -> None:
    writes = sum(name == PLAN.name for name, _ in drain.held.api.puts)
    lasted_s = drain.over_at - drain.starts[0]
    assert writes <= lasted_s / COUNTING_S + 2 * len(DRAINED) + 4
