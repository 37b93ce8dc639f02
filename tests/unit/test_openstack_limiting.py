"""Turns to send requests: never more than the rate, greater priorities first, and nobody cancelled takes any."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_clock import FakeClock, HeldClock, settle
from osmig.net.limiting import Limiter, Priority


def test_a_burst_of_one_second_passes_at_once_and_the_rest_at_the_rate() -> None:
    async def story() -> None:
        clock = HeldClock()
        limiter = Limiter(10, clock)
        granted: list[float] = []

        async def ask() -> None:
            await limiter.acquire(Priority.READ)
            granted.append(round(clock.elapsed, 6))

        tasks = [asyncio.create_task(ask()) for _ in range(13)]
        await settle()
        assert granted == [0.0] * 10
        await clock.pass_by(0.25)
        assert granted[10:] == [0.1, 0.2]
        await clock.pass_by(0.25)
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_who_comes_later_with_a_greater_priority_goes_first() -> None:
    async def story() -> list[str]:
        clock = HeldClock()
        limiter = Limiter(1, clock)
        await limiter.acquire(Priority.PROGRESS)
        passed: list[str] = []

        async def ask(name: str, priority: Priority) -> None:
            await limiter.acquire(priority)
            passed.append(name)

        wanted = [("progress", 0), ("sweep", 1), ("look-1", 2), ("start", 3), ("look-2", 2), ("order", 4)]
        tasks = []
        for name, number in wanted:
            tasks.append(asyncio.create_task(ask(name, Priority(number))))
            await settle()
        await clock.pass_by(3.0)
        assert len(passed) == 3
        tasks.append(asyncio.create_task(ask("late order", Priority.ORDER)))
        await settle()
        await clock.pass_by(9.0)
        await asyncio.gather(*tasks)
        return passed

    assert asyncio.run(story()) == ["order", "start", "look-1", "late order", "look-2", "sweep", "progress"]


@pytest.mark.parametrize("priority", [Priority.PROGRESS, Priority.SWEEP])
def test_what_is_read_without_end_holds_nobody_up_for_ever(priority: Priority) -> None:
    async def story() -> float:
        clock = HeldClock()
        limiter = Limiter(1, clock)

        async def read_on() -> None:
            while True:
                await limiter.acquire(Priority.READ)

        readers = [asyncio.create_task(read_on()) for _ in range(3)]
        await settle()
        asked = asyncio.create_task(limiter.acquire(priority))
        waited_s = 0.0
        while not asked.done() and waited_s < 600:
            await clock.pass_by(1.0)
            waited_s += 1.0
        for task in (*readers, asked):
            task.cancel()
        await asyncio.gather(*readers, asked, return_exceptions=True)
        return waited_s

    assert asyncio.run(story()) < 90


@pytest.mark.parametrize("is_granted_first", [False, True])
def test_whoever_is_cancelled_takes_nothing(*, is_granted_first: bool) -> None:
    async def story() -> None:
        clock = HeldClock()
        limiter = Limiter(1, clock)
        await limiter.acquire(Priority.READ)
        cancelled = asyncio.create_task(limiter.acquire(Priority.ORDER))
        await settle()
        if is_granted_first:
            # granted within this very round of the loop, and not woken yet
            clock.advance(1.0)
            limiter._grant()  # noqa: SLF001 - the moment cannot be met from outside
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert cancelled.cancelled()
        other = asyncio.create_task(limiter.acquire(Priority.PROGRESS))
        await settle()
        assert other.done() is is_granted_first
        await clock.pass_by(1.0)
        assert other.done()

    asyncio.run(story())


def test_what_was_sent_beyond_is_paid_for_by_the_next_and_what_was_not_sent_is_given_back() -> None:
    async def story() -> None:
        clock = FakeClock()
        limiter = Limiter(10, clock)
        await limiter.acquire(Priority.SWEEP)
        limiter.settle(19)
        await limiter.acquire(Priority.ORDER)
        assert clock.elapsed == pytest.approx(1.1)
        limiter.settle(-1000)
        for _ in range(10):
            await limiter.acquire(Priority.READ)
        assert clock.elapsed == pytest.approx(1.1)
        await limiter.acquire(Priority.READ)
        assert clock.elapsed == pytest.approx(1.2)

    asyncio.run(story())


def test_a_queue_that_everybody_left_troubles_nobody() -> None:
    troubles: list[str] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context["message"]))
        clock = HeldClock()
        limiter = Limiter(1, clock)
        await limiter.acquire(Priority.READ)
        left = asyncio.create_task(limiter.acquire(Priority.READ))
        await settle()
        left.cancel()
        await clock.pass_by(1.0)
        await limiter.acquire(Priority.READ)
        del limiter, left
        gc.collect()

    asyncio.run(story())

    assert troubles == []


def test_more_than_the_burst_is_granted_once_it_is_full() -> None:
    async def story() -> None:
        clock = FakeClock()
        limiter = Limiter(2, clock)
        await limiter.acquire(Priority.READ, 5)
        assert clock.elapsed == 0.0
        await limiter.acquire(Priority.READ, 1)
        assert clock.elapsed == pytest.approx(2.0)

    asyncio.run(story())


ASKS = st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 3), st.booleans()), max_size=40)
"""Priority, quarters of a second since the one before, and whether it is given up a little later."""


@dataclass
class Crowd:
    """Those who ask, and what each of them saw when its turn came."""

    clock: HeldClock
    limiter: Limiter
    waiting: dict[int, Priority] = field(default_factory=dict)
    granted: list[float] = field(default_factory=list)
    passed_over: list[int] = field(default_factory=list)

    async def ask(self, number: int, priority: Priority) -> None:
        """Wait for one's turn."""
        self.waiting[number] = priority
        try:
            await self.limiter.acquire(priority)
            self.granted.append(self.clock.elapsed)
        finally:
            del self.waiting[number]
        self.passed_over += [
            other for other, its in self.waiting.items() if (its, number) > (priority, other) and its >= priority
        ]


@given(verb_requests=ASKS, rate=st.integers(1, 6))
def test_never_more_than_the_rate_and_always_by_priority(
    verb_requests: list[tuple[Priority, int, bool]], rate: int
) -> None:
    async def story() -> Crowd:
        clock = HeldClock()
        crowd = Crowd(clock, Limiter(rate, clock))
        tasks: list[asyncio.Task[None]] = []
        for number, (priority, quarters, _) in enumerate(verb_requests):
            await clock.pass_by(quarters * 0.25)
            if number and verb_requests[number - 1][2]:
                tasks[-1].cancel()
            tasks.append(asyncio.create_task(crowd.ask(number, priority)))
            await settle()
        await clock.pass_by(len(verb_requests) / rate + 1.0)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert len(crowd.granted) == ends.count(None)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends if end is not None)
        return crowd

    crowd = asyncio.run(story())

    assert crowd.passed_over == []
    for first, begin in enumerate(crowd.granted):
        for last, end in enumerate(crowd.granted[first:], start=first):
            assert last - first + 1 <= rate * (end - begin) + rate + 1e-6
