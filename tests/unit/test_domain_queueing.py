"""Whose turn it is: limits are never exceeded, nobody starves, and who waits for a host blocks nobody elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osmig.domain.observation import LimitHit
from osmig.domain.queueing import FREE, Bounds, HostLoad, HostPair, grant, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ("cmp1", "cmp2", "cmp3", "cmp4")

MOVES = st.builds(HostPair, st.sampled_from((None, *HOSTS)), st.sampled_from((None, *HOSTS)))
BOUNDS = st.builds(
    Bounds,
    provider=st.just("region-one"),
    in_flight=st.integers(1, 6),
    per_source=st.integers(1, 3),
    per_destination=st.integers(1, 3),
)


def bounds(in_flight: int = 10, per_source: int = 2, per_destination: int = 2) -> Bounds:
    return Bounds(provider="region-one", in_flight=in_flight, per_source=per_source, per_destination=per_destination)


def count(moves: list[HostPair]) -> tuple[int, Counter[str], Counter[str]]:
    return (
        len(moves),
        Counter(move.source for move in moves if move.source),
        Counter(move.destination for move in moves if move.destination),
    )


def fits(limits: Bounds, moves: list[HostPair]) -> bool:
    total, sources, destinations = count(moves)
    return (
        total <= limits.in_flight
        and max(sources.values(), default=0) <= limits.per_source
        and max(destinations.values(), default=0) <= limits.per_destination
    )


# --- one by one


@pytest.mark.parametrize(
    ("limits", "holding", "move", "slots"),
    [
        (bounds(), [], HostPair("cmp1", "cmp2"), FREE),
        (
            bounds(in_flight=1),
            [HostPair("cmp9", "cmp8")],
            HostPair("cmp1", "cmp2"),
            LimitHit(limit_of="moves through Provider region-one", used=1, limit=1),
        ),
        (
            bounds(per_source=1),
            [HostPair("cmp1", "cmp3")],
            HostPair("cmp1", "cmp2"),
            LimitHit(limit_of="moves away from host cmp1", used=1, limit=1),
        ),
        (
            bounds(per_destination=1),
            [HostPair("cmp3", "cmp2")],
            HostPair("cmp1", "cmp2"),
            LimitHit(limit_of="moves to host cmp2", used=1, limit=1),
        ),
        (bounds(per_source=1), [HostPair("cmp2", "cmp1")], HostPair("cmp1", "cmp2"), FREE),
        (bounds(per_source=1, per_destination=1), [HostPair()] * 9, HostPair(), FREE),
        (
            bounds(in_flight=2),
            [HostPair()] * 5,
            HostPair(),
            LimitHit(limit_of="moves through Provider region-one", used=5, limit=2),
        ),
    ],
)
def test_the_limit_that_is_full_is_named_with_what_is_used_of_it(
    *, limits: Bounds, holding: list[HostPair], move: HostPair, slots: LimitHit
) -> None:
    assert judge(limits, HostLoad(holding), (), move) == slots


def test_nobody_overtakes_on_a_host_that_an_elder_waits_for() -> None:
    limits = bounds(per_source=1, per_destination=1)
    holding, elder = [HostPair("cmp3", "cmp2")], HostPair("cmp1", "cmp2")
    assert judge(limits, HostLoad(holding), [elder], HostPair("cmp1", "cmp4")).limit_of == "moves away from host cmp1"
    assert judge(limits, HostLoad(holding), [], HostPair("cmp1", "cmp4")) == FREE


def test_who_waits_for_a_host_takes_no_slot_of_the_provider() -> None:
    limits = bounds(in_flight=2, per_destination=1)
    holding, elders = [HostPair("cmp3", "cmp2")], [HostPair("cmp1", "cmp2")] * 9
    assert judge(limits, HostLoad(holding), elders, HostPair("cmp3", "cmp4")) == FREE


def test_a_long_queue_does_not_count_as_more_moves_than_there_are() -> None:
    slots = judge(bounds(per_source=2), HostLoad([HostPair("cmp1")]), [HostPair("cmp1")] * 50, HostPair("cmp1"))
    assert slots == LimitHit(limit_of="moves away from host cmp1", used=2, limit=2)


def test_nothing_is_walked_while_the_provider_is_full_and_no_further_than_it_is_free() -> None:
    walked: list[int] = []

    def queue() -> Iterator[tuple[int, HostPair]]:
        for number in range(1000):
            walked.append(number)
            yield number, HostPair()

    assert grant(bounds(in_flight=3), HostLoad([HostPair()] * 3), queue()) == ()
    assert walked == []
    assert grant(bounds(in_flight=3), HostLoad([HostPair()]), queue()) == (0, 1)
    assert walked == [0, 1]


# --- in every order


@given(BOUNDS, st.lists(MOVES, max_size=8), st.lists(MOVES, max_size=20))
def test_all_who_are_granted_together_fit_together_and_each_is_judged_alike(
    limits: Bounds, running: list[HostPair], queue: list[HostPair]
) -> None:
    holding: list[HostPair] = []
    for move in running:
        if judge(limits, HostLoad(holding), (), move) == FREE:
            holding.append(move)
    granted = grant(limits, HostLoad(holding), enumerate(queue))
    assert fits(limits, holding + [queue[number] for number in granted])
    alone = [
        number for number, move in enumerate(queue) if judge(limits, HostLoad(holding), queue[:number], move) == FREE
    ]
    assert list(granted) == alone
    assert grant(limits, HostLoad(holding[::-1]), enumerate(queue)) == granted, (
        "the order of those who hold does not matter"
    )


@given(BOUNDS, st.lists(MOVES, max_size=6), st.lists(MOVES, max_size=20))
def test_one_that_waits_for_a_host_does_not_block_moves_between_other_hosts(
    limits: Bounds, holding: list[HostPair], queue: list[HostPair]
) -> None:
    candidate = HostPair("cmp8", "cmp9")
    taken = len(holding) + len(grant(limits, HostLoad(holding), enumerate(queue)))
    assert (judge(limits, HostLoad(holding), queue, candidate) == FREE) is (taken < limits.in_flight)


@dataclass
class World:
    """Moves that come, wait, run for a bounded time and end in an order that an adversary chooses."""

    limits: Bounds
    data: st.DataObject
    queue: list[tuple[int, HostPair]] = field(default_factory=list)
    running: list[tuple[int, HostPair, int]] = field(default_factory=list)

    longest = 3

    def round(self, number: int, arrivals: list[HostPair]) -> None:
        """Let one round pass."""
        left = [(name, move, rounds - 1) for name, move, rounds in self.running]
        self.running = [run for run in left if run[2] > 0]
        self.queue += [(number * 100 + index, move) for index, move in enumerate(arrivals)]
        granted = set(grant(self.limits, HostLoad(move for _, move, _ in self.running), self.queue))
        for name, move in self.queue:
            if name in granted:
                self.running.append((name, move, self.data.draw(st.integers(1, self.longest))))
        self.queue = [(name, move) for name, move in self.queue if name not in granted]
        assert fits(self.limits, [move for _, move, _ in self.running])


@settings(max_examples=60)
@given(BOUNDS, st.lists(MOVES, min_size=1, max_size=6), st.data())
def test_everybody_gets_a_turn_however_many_come_later_and_no_limit_is_ever_exceeded(
    limits: Bounds, first: list[HostPair], data: st.DataObject
) -> None:
    world = World(limits, data)
    world.round(0, first)
    # whoever is first gets its hosts when their moves end, and the next slot of the Provider after that
    patience = len(first) * (2 * world.longest + 1)
    for number in range(1, patience + 1):
        if not any(name < 100 for name, _ in world.queue):
            return
        world.round(number, data.draw(st.lists(MOVES, max_size=4)))
    assert not [move for name, move in world.queue if name < 100]
