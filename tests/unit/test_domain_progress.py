"""Progress: percent, clamping, zero totals, the lowest remaining."""

from __future__ import annotations

import pytest

from domain_samples import NOW
from osmig.drivers.servers.policy.progress import describe, measure_percent
from osmig.drivers.servers.views import BytesView, ProgressView

LATER = NOW.replace(minute=5)
NO_DISK = BytesView()


def sample(
    remaining: int | None = None, total: int | None = None, *, disk: BytesView = NO_DISK, percent: int | None = None
) -> ProgressView:
    return ProgressView(memory=BytesView(total=total, remaining=remaining), disk=disk, percent=percent)


@pytest.mark.parametrize(
    ("view", "percent"),
    [
        (sample(100, 100), 0),
        (sample(25, 100), 75),
        (sample(0, 100), 100),
        (sample(1, 1000), 100),
        (sample(250, 100), 0),
        (sample(), None),
        (sample(percent=42), 42),
        (sample(50, None, percent=42), 42),
        (sample(None, 100), None),
        (sample(0, 0), None),
        (sample(0, 0, percent=9), 9),
        (sample(50, 100, disk=BytesView(total=300, remaining=300)), 12),
        (sample(50, 100, disk=BytesView(total=0, remaining=0)), 50),
        (sample(50, 100, disk=BytesView(total=300)), 50),
        (sample(50, 100, percent=1), 50),
    ],
)
def test_percent_is_what_remains_of_memory_and_disk_else_upstreams_own_figure(
    view: ProgressView, percent: int | None
) -> None:
    assert measure_percent(view) == percent


def test_processed_bytes_are_shown_and_never_measured() -> None:
    view = ProgressView(memory=BytesView(total=100, processed=900, remaining=60))
    progress = describe(view, None, now=NOW)
    assert progress is not None
    assert progress.percent == 40
    assert progress.memory is not None
    assert progress.memory.processed_bytes == 900


def test_a_medium_without_numbers_is_left_out() -> None:
    progress = describe(sample(50, 100), None, now=NOW)
    assert progress is not None
    assert (progress.disk, progress.sample_time) == (None, NOW)


def test_without_a_sample_the_last_one_stands() -> None:
    before = describe(sample(50, 100), None, now=NOW)
    assert describe(None, before, now=LATER) is before
    assert describe(sample(), before, now=LATER) is before
    assert describe(None, None, now=LATER) is None


@pytest.mark.parametrize(
    ("remaining", "lowest", "has_moved"),
    [(989, 989, True), (990, 1000, False), (999, 1000, False), (1500, 1000, False), (None, 1000, False), (0, 0, True)],
)
def test_only_one_percent_below_the_lowest_is_progress(*, remaining: int | None, lowest: int, has_moved: bool) -> None:
    before = describe(sample(1000, 2000), None, now=NOW)
    after = describe(sample(remaining, 2000), before, now=LATER)
    assert after is not None
    assert after.lowest_remaining_bytes == lowest
    assert after.last_progress_time == (LATER if has_moved else NOW)


def test_before_the_first_number_there_is_no_time_of_progress() -> None:
    assert describe(sample(), None, now=NOW) is None
    progress = describe(sample(percent=3), None, now=NOW)
    assert progress is not None
    assert (progress.last_progress_time, progress.lowest_remaining_bytes) == (None, None)
