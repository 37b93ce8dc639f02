"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from osmig.clock import SystemClock
from osmig.kube.microtime import format_microtime


async def test_the_clock_is_aware_and_only_grows() -> None:
    clock = SystemClock()
    before = clock.boottime()

    await clock.sleep(0.01)

    assert clock.boottime() - before >= 0.01
    assert clock.now().tzinfo is UTC


def test_a_microtime_is_utc_with_six_decimals() -> None:
    moment = datetime(2030, 1, 1, 2, 0, 0, tzinfo=timezone(timedelta(hours=2)))

    assert format_microtime(moment) == "2030-01-01T00:00:00.000000Z"
