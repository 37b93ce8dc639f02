"""Throughput, time left and trend of a running move: from two samples, smoothed, and only where there are numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain_samples import NOW
from osmig.api.names import Trend
from osmig.drivers.servers.policy.progress import describe
from osmig.drivers.servers.views import BytesView, ProgressView

if TYPE_CHECKING:
    from osmig.api.migration import Progress


NO_DISK = BytesView()


def sample(remaining: int | None, processed: int | None = None, disk: BytesView = NO_DISK) -> ProgressView:
    return ProgressView(memory=BytesView(total=10_000, processed=processed, remaining=remaining), disk=disk)


def follow(*samples: tuple[float, ProgressView]) -> Progress:
    """Describe one sample after the other."""
    progress = None
    for seconds, view in samples:
        progress = describe(view, progress, now=NOW + timedelta(seconds=seconds))
    assert progress is not None
    return progress


def test_one_sample_has_no_rate() -> None:
    first = follow((0, sample(9000, 100)))
    assert (first.throughput_bytes_per_second, first.eta_seconds, first.trend) == (None, None, Trend.FALLING)


def test_the_throughput_is_what_was_copied_of_memory_and_disk_together() -> None:
    disk = BytesView(total=100, processed=0, remaining=100)
    more = BytesView(total=100, processed=50, remaining=50)
    after = follow((0, sample(9000, 100, disk=disk)), (10, sample(8000, 1100, disk=more)))
    assert after.throughput_bytes_per_second == 105


def test_a_rate_is_smoothed_by_what_was_known_before() -> None:
    after = follow((0, sample(9000, 0)), (10, sample(8000, 1000)), (20, sample(5000, 4000)))
    assert after.throughput_bytes_per_second == 200
    assert after.eta_seconds == round(0.5 * (5000 / 300) + 0.5 * 70)


def test_the_time_left_is_what_is_left_by_how_fast_it_falls() -> None:
    assert follow((0, sample(9000)), (10, sample(8000))).eta_seconds == 80
    assert follow((0, sample(9000)), (10, sample(9000))).eta_seconds is None
    assert follow((0, sample(9000)), (10, sample(9500))).eta_seconds is None
    assert follow((0, sample(0))).eta_seconds == 0


def test_a_sample_within_a_second_of_the_last_one_waits_for_the_next() -> None:
    known = ((0, sample(9000, 0)), (10, sample(8000, 1000)))
    assert follow(*known, (10.5, sample(7000, 9000))) == follow(*known)
    assert follow(*known, (11, sample(7900, 1100))).throughput_bytes_per_second == 100


def test_the_trend_is_judged_at_every_moment_as_the_condition_is() -> None:
    before = follow((0, sample(9000)), (29.5, sample(9000)))
    after = follow((0, sample(9000)), (29.5, sample(9000)), (30.0, sample(9000)))
    assert (before.trend, after.trend) == (Trend.FALLING, Trend.FLAT)
    assert after.sample_time == before.sample_time


def test_samples_that_are_taken_often_tell_a_rate_too() -> None:
    often = follow(*((quarter / 4, sample(9000 - 25 * quarter, 25 * quarter)) for quarter in range(81)))
    assert (often.throughput_bytes_per_second, often.eta_seconds) == (100, 70)


def test_a_counter_that_went_back_is_no_negative_rate() -> None:
    assert follow((0, sample(9000, 5000)), (10, sample(8000, 10))).throughput_bytes_per_second == 0


def test_what_is_not_told_is_not_shown() -> None:
    after = follow((0, sample(None, None)), (10, sample(None, None)))
    assert (after.throughput_bytes_per_second, after.eta_seconds, after.trend) == (None, None, None)
    lost = follow((0, sample(9000, 10)), (10, sample(8000, 1010)), (20, sample(None, None)))
    assert (lost.throughput_bytes_per_second, lost.eta_seconds, lost.trend) == (100, None, None)
    began = follow((0, ProgressView(percent=3)), (10, sample(9000, 10)))
    assert (began.throughput_bytes_per_second, began.eta_seconds) == (None, None)


@pytest.mark.parametrize(
    ("seconds", "remaining", "trend"),
    [
        (29, 9000, Trend.FALLING),
        (29, 9500, Trend.FALLING),
        (30, 9000, Trend.FLAT),
        (30, 9090, Trend.FLAT),
        (30, 9095, Trend.RISING),
        (30, 8911, Trend.FLAT),
        (30, 8909, Trend.FALLING),
    ],
)
def test_the_trend_is_judged_against_the_lowest_value_after_half_a_minute(
    seconds: float, remaining: int, trend: Trend
) -> None:
    assert follow((0, sample(9000)), (seconds, sample(remaining))).trend is trend


def test_every_number_that_is_written_fits_the_schema() -> None:
    huge = 2**53
    after = follow((0, sample(huge, 0)), (1, sample(huge - 1, huge)))
    assert after.throughput_bytes_per_second == huge
    assert after.model_validate(after.model_dump()) == after


def test_a_disk_that_is_copied_while_the_memory_stands_is_progress() -> None:
    disk = [BytesView(total=10_000, remaining=left) for left in (9000, 4000)]
    after = follow((0, sample(9000, disk=disk[0])), (300, sample(9000, disk=disk[1])))
    assert (after.trend, after.lowest_remaining_bytes) == (Trend.FALLING, 13_000)
    assert after.last_progress_time == NOW + timedelta(seconds=300)
