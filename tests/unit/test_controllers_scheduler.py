"""Who is stepped when: on a clock that moves only when told."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from fake_clock import HeldClock
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.scheduler import CUT_EVERY_S, MAX_STEP_S, ORDER_GRACE_S, Scheduler
from osmig.controllers.turns import Lane, Places, Sort
from osmig.domain.errors import KubeThrottled, KubeUnavailable, LeadershipLost, ObjectGone, Transient, WriteConflict
from osmig.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

A, B, C = (Key(Kind.MIGRATION, "ns", name) for name in "abc")


@dataclass
class Steps:
    """Steps that take as long as told, answer what they are told, and write down what happened."""

    clock: HeldClock
    log: list[tuple[float, str, str]] = field(default_factory=list)
    takes_s: dict[Key, float] = field(default_factory=dict)
    answers: dict[Key, list[float | BaseException | None]] = field(default_factory=dict)
    running: int = 0
    most: int = 0
    inner: Callable[[Key], Awaitable[None]] | None = None

    async def __call__(self, key: Key) -> float | None:
        """Make a step."""
        self.running += 1
        self.most = max(self.most, self.running)
        self.log.append((self.clock.elapsed, key.name, "begins"))
        try:
            if key in self.takes_s:
                await self.clock.sleep(self.takes_s[key])
            if self.inner is not None:
                await self.inner(key)
        finally:
            self.running -= 1
            self.log.append((self.clock.elapsed, key.name, "ends"))
        answer = self.answers[key].pop(0) if self.answers.get(key) else None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def all_begun(self) -> list[tuple[float, str]]:
        """When which steps began."""
        return [(at, who) for at, who, what in self.log if what == "begins"]

    def begun(self, name: str) -> list[float]:
        """When the steps of one key began."""
        return [at for at, who in self.all_begun if who == name]


@dataclass(frozen=True)
class GivenLanes:
    """Lanes and orders as a test gives them."""

    lanes: dict[Key, Lane]
    ordered: set[Key]

    def find(self, key: Key) -> Lane:
        """Return a key's lane."""
        return self.lanes.get(key, Lane(key.namespace, Sort.POLL, ""))

    def has_order(self, key: Key) -> bool:
        """Whether there is an order."""
        return key in self.ordered


@dataclass
class Bench:
    """A scheduler that runs."""

    clock: HeldClock
    steps: Steps
    metrics: Metrics
    scheduler: Scheduler
    task: asyncio.Task[None]
    lanes: dict[Key, Lane]
    ordered: set[Key]

    def gauge(self, name: str, **labels: str) -> float:
        """Read a metric."""
        samples = [s for f in self.metrics.collect() for s in f.samples if s.name == name]
        return sum(s.value for s in samples if labels.items() <= s.labels.items())


@pytest.fixture
async def open_bench() -> AsyncIterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def make(*, workers: int = 10, random: float = 1.0) -> Bench:
        clock = HeldClock()
        steps, metrics = Steps(clock), Metrics(clock)
        lanes: dict[Key, Lane] = {}
        ordered: set[Key] = set()
        scheduler = Scheduler(
            steps,
            clock=clock,
            metrics=metrics,
            random=lambda: random,
            lanes=GivenLanes(lanes, ordered),
            places=Places(lane=workers, namespace=workers, total=1000),
        )
        benches.append(Bench(clock, steps, metrics, scheduler, asyncio.create_task(scheduler.run()), lanes, ordered))
        return benches[-1]

    yield make
    for bench in benches:
        bench.task.cancel()
        await asyncio.wait({bench.task})
        await bench.clock.pass_by(1000)


async def test_keys_are_stepped_in_the_order_in_which_they_are_due(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(workers=1)
    for key, delay_s in ((A, 3.0), (B, 1.0), (C, 2.0)):
        bench.scheduler.wake(key, delay_s)
    await bench.clock.pass_by(10)
    assert bench.steps.all_begun == [(1.0, "b"), (2.0, "c"), (3.0, "a")]


async def test_a_key_that_is_due_already_is_not_put_off_but_may_be_brought_forward(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench()
    bench.scheduler.wake(A, 5.0)
    bench.scheduler.wake(A, 9.0)
    bench.scheduler.wake(A, 2.0)
    await bench.clock.pass_by(20)
    assert bench.steps.begun("a") == [2.0]


async def test_a_step_says_when_its_key_is_due_next_or_never(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.steps.answers[A] = [4.0, 0.0, None]
    bench.scheduler.wake(A)
    await bench.clock.pass_by(100)
    assert bench.steps.begun("a") == [0.0, 4.0, 4.0]
    assert bench.gauge("osmig_reconcile_total", result="success") == 3


async def test_a_key_is_never_stepped_twice_at_once_and_a_wake_meanwhile_is_not_lost(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench()
    bench.steps.takes_s[A] = 5.0
    bench.scheduler.wake(A)
    await bench.clock.pass_by(1)
    bench.scheduler.wake(A)
    bench.scheduler.wake(A)
    await bench.clock.pass_by(30)
    assert bench.steps.most == 1
    assert bench.steps.begun("a") == [0.0, 5.0]


async def test_a_wake_meanwhile_for_later_keeps_its_time(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.steps.takes_s[A] = 5.0
    bench.steps.answers[A] = [60.0, None]
    bench.scheduler.wake(A)
    await bench.clock.pass_by(1)
    bench.scheduler.wake(A, 19.0)
    await bench.clock.pass_by(200)
    assert bench.steps.begun("a") == [0.0, 20.0]


async def test_a_key_whose_step_takes_long_does_not_delay_others(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(workers=2)
    bench.steps.takes_s[A] = 1000.0
    bench.scheduler.wake(A)
    await bench.clock.pass_by(1)
    bench.scheduler.wake(A)
    bench.scheduler.wake(B)
    bench.scheduler.wake(C, 2.0)
    await bench.clock.pass_by(10)
    assert bench.steps.all_begun == [(0.0, "a"), (1.0, "b"), (3.0, "c")]


async def test_no_more_steps_run_at_once_than_there_are_places(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(workers=3)
    keys = [Key(Kind.MIGRATION, "ns", f"m{number}") for number in range(10)]
    for key in keys:
        bench.steps.takes_s[key] = 1.0
        bench.scheduler.wake(key)
    await bench.clock.pass_by(0.5)
    assert bench.gauge("osmig_queue_depth") == 7
    assert bench.gauge("osmig_oldest_due_seconds") == 0.5
    await bench.clock.pass_by(20)
    assert bench.steps.most == 3
    assert len(bench.steps.all_begun) == 10
    assert bench.gauge("osmig_queue_depth") == 0


async def test_what_is_due_later_is_not_waiting(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.scheduler.wake(A, 30.0)
    await bench.clock.pass_by(10)
    assert (bench.gauge("osmig_queue_depth"), bench.gauge("osmig_oldest_due_seconds")) == (0, 0)


async def test_a_free_place_goes_to_who_became_due_first(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench(workers=1)
    bench.steps.takes_s[A] = 10.0
    bench.scheduler.wake(A)
    await bench.clock.pass_by(1)
    bench.scheduler.wake(B, 2.0)
    bench.scheduler.wake(C, 1.0)
    await bench.clock.pass_by(60)
    assert bench.steps.all_begun == [(0.0, "a"), (10.0, "c"), (10.0, "b")]


BOOM = RuntimeError("boom")


@pytest.mark.parametrize("random", [0.0, 0.5, 1.0])
async def test_failures_are_spaced_out_to_a_minute_with_jitter_and_forgotten_by_a_success(
    open_bench: Callable[..., Bench], random: float
) -> None:
    bench = open_bench(random=random)
    bench.steps.answers[A] = [BOOM] * 9 + [0.0, BOOM, None]
    bench.scheduler.wake(A)
    await bench.clock.pass_by(2000)
    begun = bench.steps.begun("a")
    gaps = [later - earlier for earlier, later in itertools.pairwise(begun)]
    share = 0.5 + random / 2
    spans = [1, 2, 4, 8, 16, 32, 60, 60, 60, 0, 1]
    assert gaps == pytest.approx([span * share for span in spans])
    assert bench.gauge("osmig_reconcile_total", result="crash") == 10


@pytest.mark.parametrize(
    ("error", "result", "gap_s"),
    [
        (BOOM, "crash", 1.0),
        (WriteConflict("Conflict", "x"), "stale", 1.0),
        (KubeUnavailable("Timeout", "x"), "error", 1.0),
        (KubeThrottled("TooManyRequests", "x", retry_after_s=17), "error", 17.0),
        (Transient("Unreachable", "x", operation="o"), "error", 1.0),
        (asyncio.CancelledError(), "error", 1.0),
    ],
)
async def test_a_step_that_fails_comes_back_and_stops_nobody_else(
    open_bench: Callable[..., Bench], error: BaseException, result: str, gap_s: float
) -> None:
    bench = open_bench()
    bench.steps.answers[A] = [error, None]
    bench.scheduler.wake(A)
    bench.scheduler.wake(B, 0.5)
    await bench.clock.pass_by(100)
    assert bench.steps.begun("a") == [0.0, gap_s]
    assert bench.steps.begun("b") == [0.5]
    assert bench.gauge("osmig_reconcile_total", result=result) == 1


async def test_a_key_whose_object_is_gone_is_not_stepped_again(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.steps.answers[A] = [BOOM, ObjectGone("NotFound", "x"), BOOM, None]
    bench.scheduler.wake(A)
    await bench.clock.pass_by(100)
    assert len(bench.steps.begun("a")) == 2
    assert bench.gauge("osmig_reconcile_total", result="gone") == 1
    bench.scheduler.wake(A)
    await bench.clock.pass_by(100)
    assert bench.steps.begun("a")[2:] == [100.0, 101.0], "its failures are forgotten too"


async def test_a_wake_that_came_while_its_object_was_found_gone_is_not_lost(open_bench: Callable[..., Bench]) -> None:
    """A new object may have the name by now, and the old one's step has to clean up."""
    bench = open_bench()
    bench.steps.takes_s[A] = 5.0
    bench.steps.answers[A] = [ObjectGone("NotFound", "x"), None]
    bench.scheduler.wake(A)
    await bench.clock.pass_by(1)
    bench.scheduler.wake(A)
    await bench.clock.pass_by(30)
    assert bench.steps.begun("a") == [0.0, 5.0]


async def test_the_loss_of_the_lease_ends_the_run_and_nothing_begins_after_it(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(workers=1)
    bench.steps.takes_s[A] = 1.0
    bench.steps.answers[A] = [LeadershipLost("LeaseLost", "x")]
    bench.scheduler.wake(A)
    await bench.clock.pass_by(0.5)
    bench.scheduler.wake(B)
    await bench.clock.pass_by(10)
    assert bench.task.done()
    assert isinstance(bench.task.exception(), LeadershipLost)
    assert bench.steps.all_begun == [(0.0, "a")]


async def test_draining_waits_for_running_steps_and_cuts_off_those_that_take_too_long(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench()
    await bench.scheduler.drain(5.0)
    bench.steps.takes_s = {A: 1.0, B: 500.0}
    bench.scheduler.wake(A)
    bench.scheduler.wake(B)
    await bench.clock.pass_by(0.5)
    bench.task.cancel()
    draining = asyncio.create_task(bench.scheduler.drain(1.0))
    await bench.clock.pass_by(1)
    await draining
    await bench.clock.pass_by(10)
    assert [(at, who) for at, who, what in bench.steps.log if what == "ends"] == [(1.0, "a"), (1.5, "b")]
    assert [who for _, who in bench.steps.all_begun] == ["a", "b"], "what was cut off is not begun again"


async def test_an_order_that_comes_while_its_key_waits_behind_polls_is_stepped_at_once(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench(workers=1)
    bench.steps.takes_s[A] = 60.0
    bench.scheduler.wake(A)
    bench.scheduler.wake(B)
    await bench.clock.pass_by(1)
    bench.lanes[B] = Lane("ns", Sort.ORDER, "")
    bench.scheduler.wake(B)
    await bench.clock.pass_by(1)
    assert bench.steps.begun("b") == [1.0]


async def test_a_step_that_takes_too_long_is_cut_off_and_made_again(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(workers=1)
    bench.steps.takes_s[A] = 10 * MAX_STEP_S
    bench.scheduler.wake(A)
    await bench.clock.pass_by(MAX_STEP_S - 1)
    bench.scheduler.wake(B)
    assert bench.steps.begun("b") == []
    bench.steps.takes_s[A] = 1.0
    await bench.clock.pass_by(CUT_EVERY_S + 5)
    assert len(bench.steps.begun("b")) == 1
    assert len(bench.steps.begun("a")) == 2
    assert bench.gauge("osmig_reconcile_total", result="error") == 1


async def test_no_step_is_cut_off_between_an_intent_and_its_record(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    ended: list[float] = []

    async def send(key: Key) -> None:
        with bench.scheduler.uncut(key):
            await bench.clock.sleep(2 * MAX_STEP_S)
            ended.append(bench.clock.elapsed)
        await bench.clock.sleep(10 * MAX_STEP_S)

    bench.steps.inner = send
    bench.scheduler.wake(A)
    await bench.clock.pass_by(2 * MAX_STEP_S + CUT_EVERY_S + 0.5)
    assert ended == [2 * MAX_STEP_S], "what was sent is recorded first"
    assert bench.gauge("osmig_reconcile_total", result="error") == 1, "and what is left of the step is cut off"


async def test_draining_cuts_off_what_is_overdue_for_good(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.steps.takes_s[A] = 10 * MAX_STEP_S
    bench.scheduler.wake(A)
    await bench.clock.pass_by(MAX_STEP_S - 2)
    bench.task.cancel()
    draining = asyncio.create_task(bench.scheduler.drain(1.0))
    await bench.clock.pass_by(100)
    await draining
    assert bench.gauge("osmig_reconcile_total") == 0


async def begin_long_step(bench: Bench) -> None:
    """Let a step be under way for 10 s that takes 65."""
    bench.steps.takes_s[A] = 65.0
    bench.scheduler.wake(A)
    await bench.clock.pass_by(10.0)


def order(bench: Bench) -> None:
    """Let somebody order something of the same object."""
    bench.ordered.add(A)
    bench.scheduler.wake(A)


async def test_an_order_waits_for_no_read_of_its_own_object_that_hangs(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    await begin_long_step(bench)
    order(bench)
    del bench.steps.takes_s[A]
    await bench.clock.pass_by(ORDER_GRACE_S)
    assert bench.steps.begun("a") == [0.0, 10.0 + ORDER_GRACE_S]


async def test_a_step_that_records_the_order_soon_is_not_cut_off(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    await begin_long_step(bench)
    order(bench)
    await bench.clock.pass_by(ORDER_GRACE_S / 2)
    bench.ordered.discard(A)
    await bench.clock.pass_by(50.0)
    assert bench.steps.begun("a") == [0.0]


async def test_not_even_an_order_cuts_a_step_off_between_an_intent_and_its_record(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench()

    async def send(key: Key) -> None:
        with bench.scheduler.uncut(key):
            await bench.clock.sleep(60.0)

    bench.steps.inner = send
    bench.scheduler.wake(A)
    await bench.clock.pass_by(1.0)
    order(bench)
    await bench.clock.pass_by(58.0)
    assert bench.steps.running == 1
    await bench.clock.pass_by(2.0)
    assert bench.steps.begun("a")[:2] == [0.0, 60.0]


async def test_a_wake_without_an_order_cuts_nothing_off(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    await begin_long_step(bench)
    bench.scheduler.wake(A)
    await bench.clock.pass_by(50.0)
    assert bench.steps.begun("a") == [0.0]
