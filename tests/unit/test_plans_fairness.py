"""Plans and single Migrations share a Provider: each gets its turn, however much the others have to move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from osmig.api.names import Phase
from osmig.api.provider import Limits
from osmig.domain.plans.decisions import CreateChild
from osmig.domain.queueing import Bounds, HostLoad, HostPair, grant
from plan_world import PlanWorld, server

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOTS = 3
SERVERS = 12
WITHIN = Limits(max_in_flight=SLOTS, max_in_flight_per_source_host=SLOTS, max_in_flight_per_destination_host=SLOTS)
BOUNDS = Bounds(provider="cloud", in_flight=SLOTS, per_source=SLOTS, per_destination=SLOTS)
SINGLE = "single"

sizes = st.lists(st.integers(1, 100), min_size=1, max_size=3)
"""By plan, its maxInFlight."""
moments = st.lists(st.integers(0, 30), max_size=6)
"""When single Migrations are applied."""


class Provider:
    """The queue of one Provider, first come first served, and who runs."""

    def __init__(self, plans: Sequence[int]) -> None:
        """Let each plan empty a host of its own."""
        self.plans = [
            PlanWorld(
                spec={
                    "targets": {"hosts": [f"cmp{n}"]},
                    "limits": {"maxInFlight": size, "maxInFlightPerSourceHost": size},
                },
                servers=[server(100 * n + index, host=f"cmp{n}") for index in range(SERVERS)],
                hosts=(f"cmp{n}", "cmp9"),
                limits=WITHIN,
            )
            for n, size in enumerate(plans)
        ]
        self.queue: list[tuple[str, int]] = []
        self.running: list[tuple[str, int]] = []
        self.started: list[str] = []
        self.ahead: dict[int, int] = {}

    def apply_single(self, number: int) -> None:
        """Apply a single Migration, and note how many starts there were before."""
        self.queue.append((SINGLE, number))
        self.ahead[number] = len(self.started)

    def turn(self) -> None:
        """Let one move end, each plan make a step, and all begin whose turn it is."""
        if self.running:
            name, owner = self.running.pop(0)
            if name != SINGLE:
                self.plans[owner].end(name)
        for owner, plan in enumerate(self.plans):
            if plan.status.completion_time is None:
                plan.wait()
                plan.step()
            made = [(effect.name, owner) for effect in plan.made(CreateChild)]
            self.queue += [one for one in made if one not in [*self.queue, *self.running] and self._is_new(one)]
        load = HostLoad(HostPair() for _ in self.running)
        for one in grant(BOUNDS, load, [(one, HostPair()) for one in self.queue]):
            self.queue.remove(one)
            self.running.append(one)
            self._note(one)

    def _is_new(self, one: tuple[str, int]) -> bool:
        return self.plans[one[1]].children[one[0]].phase is None

    def _note(self, one: tuple[str, int]) -> None:
        name, owner = one
        if name == SINGLE:
            self.started.append(SINGLE)
            self.ahead[owner] = len(self.started) - self.ahead[owner]
        else:
            self.started.append(f"plan {owner}")
            self.plans[owner].follow(name, phase=Phase.RUNNING, is_sent=True)


@given(sizes=sizes, moments=moments)
def test_nobody_waits_longer_than_for_what_the_plans_may_have_at_once(sizes: list[int], moments: list[int]) -> None:
    provider = Provider(sizes)
    for turn in range(SERVERS * len(sizes) + 40):
        for number, moment in enumerate(moments):
            if moment == turn:
                provider.apply_single(number)
        provider.turn()

    promised = sum(min(size, SLOTS) for size in sizes)
    assert provider.queue == []
    assert all(waited <= promised + len(moments) for waited in provider.ahead.values())
    assert provider.started.count(SINGLE) == len(moments)
    for owner in range(len(sizes)):
        assert provider.started.count(f"plan {owner}") == SERVERS


def test_two_plans_that_want_everything_take_turns() -> None:
    provider = Provider([100, 100])
    for _ in range(SERVERS):
        provider.turn()

    first, second = (provider.started.count(f"plan {owner}") for owner in range(2))
    assert abs(first - second) <= SLOTS
