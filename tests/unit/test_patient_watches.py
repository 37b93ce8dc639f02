"""A watch that fails again and again pauses longer each time; rights that do not come back end the process."""

from __future__ import annotations

import pytest

from fake_clock import FakeClock
from osmig.bare_kopf import errors
from osmig.patient_kopf import FIRST_PAUSE_S, LONGEST_PAUSE_S, REFUSED_S, Patience

REFUSED = errors.APIForbiddenError(None, status=403, headers={})
BROKEN = ValueError("half a line")


async def measure_pause(patience: Patience, clock: FakeClock, error: Exception = BROKEN) -> float:
    before = clock.boottime()
    await patience.bear(error, "watch providers")
    return clock.boottime() - before


async def bear_without_end(patience: Patience) -> None:
    while True:
        await patience.bear(REFUSED, "watch providers")


async def test_each_failure_in_a_row_is_followed_by_a_longer_pause_up_to_a_bound() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    assert [await measure_pause(patience, clock) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


async def test_an_event_makes_the_pauses_short_again() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    await measure_pause(patience, clock)
    patience.relax()
    assert await measure_pause(patience, clock) == FIRST_PAUSE_S


@pytest.mark.parametrize(("stood_s", "pause_s"), [(REFUSED_S, FIRST_PAUSE_S), (REFUSED_S - 1, LONGEST_PAUSE_S)])
async def test_so_does_a_watch_that_stood_for_long_and_had_nothing_to_tell(stood_s: float, pause_s: float) -> None:
    clock = FakeClock()
    patience = Patience(clock)
    for _ in range(6):
        await measure_pause(patience, clock)
    clock.advance(stood_s)
    assert await measure_pause(patience, clock) == pause_s


async def test_rights_that_are_missing_for_long_end_the_process() -> None:
    clock = FakeClock()
    patience, began = Patience(clock), clock.boottime()
    with pytest.raises(errors.APIForbiddenError):
        await bear_without_end(patience)
    assert REFUSED_S <= clock.boottime() - began < REFUSED_S + LONGEST_PAUSE_S


async def test_rights_that_are_missing_now_and_then_do_not() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    for _ in range(20):
        assert await measure_pause(patience, clock, REFUSED) == FIRST_PAUSE_S
        clock.advance(REFUSED_S)
