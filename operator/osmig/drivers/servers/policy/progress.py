"""Samples of a running move → ``status.progress``. A number appears only when upstream reported one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import Progress, Transfer
from osmig.api.names import Trend
from osmig.drivers.servers.views import ProgressView, bound_percent

if TYPE_CHECKING:
    import datetime as dt

    from osmig.drivers.servers.views import BytesView

_PROGRESS_SHARE = 0.99
"""What remains must fall by 1 % below its lowest value to count as progress (architecture.md §6a)."""

_NEWEST_SHARE = 0.5
"""How much the newest sample counts in a rate; the rest is what was known before."""

_SHORTEST_S = 1.0
"""Samples closer than this tell no rate: the earlier one stands, so that those that are taken often add up to one."""

_FLAT_AFTER_S = 30.0
"""As long without progress is a trend; the shortest timeout that a spec may set is as long."""


def describe(sample: ProgressView | None, before: Progress | None, *, now: dt.datetime) -> Progress | None:
    """Return the newest progress; without a number in the sample the last one stands, with its own ``sampleTime``."""
    if sample is None or sample == ProgressView():
        return before
    if before is not None and _is_as_good(before, now=now):
        trend = _judge_trend(_left_before(before), before.lowest_remaining_bytes, before.last_progress_time, now=now)
        return before.model_copy(update={"trend": trend})
    # disks are copied before or beside the memory, which stands still meanwhile: only both together tell a stall
    remaining = _left(sample)
    lowest = before.lowest_remaining_bytes if before else None
    moved = remaining is not None and (lowest is None or remaining < lowest * _PROGRESS_SHARE)
    last_progress = now if moved else (before.last_progress_time if before else None)
    return Progress(
        percent=measure_percent(sample),
        memory=_transfer(sample.memory),
        disk=_transfer(sample.disk),
        sample_time=now,
        lowest_remaining_bytes=remaining if moved else lowest,
        last_progress_time=last_progress,
        throughput_bytes_per_second=_measure_throughput(sample, before, now=now),
        eta_seconds=_forecast(sample, before, now=now),
        trend=_judge_trend(remaining, lowest, last_progress, now=now),
    )


def measure_percent(sample: ProgressView) -> int | None:
    """Return 0 to 100 from remaining ÷ total over memory and disk, else upstream's own figure, else ``None``.

    Processed bytes are no measure: dirtied memory is sent again, so they exceed the total (docs/openstack.md).
    """
    parts = [
        (part.total, part.remaining)
        for part in (sample.memory, sample.disk)
        if part.total is not None and part.total > 0 and part.remaining is not None
    ]
    total = sum(part[0] for part in parts)
    if total == 0:
        return sample.percent
    remaining = sum(part[1] for part in parts)
    return bound_percent(100 * (total - remaining) / total)


def _measure_throughput(sample: ProgressView, before: Progress | None, *, now: dt.datetime) -> int | None:
    """Return how fast bytes were copied lately."""
    known = before.throughput_bytes_per_second if before else None
    seconds, old, new = _seconds_since(before, now), _copied_before(before), _copied(sample)
    if seconds is None or old is None or new is None:
        return known
    rate = max(0.0, (new - old) / seconds)
    return round(rate if known is None else _NEWEST_SHARE * rate + (1 - _NEWEST_SHARE) * known)


def _forecast(sample: ProgressView, before: Progress | None, *, now: dt.datetime) -> int | None:
    """Return the seconds left if what is left falls on as lately; ``None`` while it does not fall."""
    seconds, old, new = _seconds_since(before, now), _left_before(before), _left(sample)
    if new == 0:
        return 0
    if before is None or new is None:
        return None
    if seconds is None or old is None:
        return before.eta_seconds
    fall = (old - new) / seconds
    if fall <= 0:
        return None
    eta_s = new / fall
    if before.eta_seconds is not None:
        eta_s = _NEWEST_SHARE * eta_s + (1 - _NEWEST_SHARE) * max(0.0, before.eta_seconds - seconds)
    return round(eta_s)


def _judge_trend(
    remaining: int | None, lowest: int | None, last_progress: dt.datetime | None, *, now: dt.datetime
) -> Trend | None:
    if remaining is None or last_progress is None:
        return None
    if (now - last_progress).total_seconds() < _FLAT_AFTER_S:
        return Trend.FALLING
    return Trend.RISING if lowest is not None and remaining * _PROGRESS_SHARE > lowest else Trend.FLAT


def _is_as_good(before: Progress, *, now: dt.datetime) -> bool:
    seconds = _seconds_since(before, now)
    return seconds is not None and seconds < _SHORTEST_S


def _seconds_since(before: Progress | None, now: dt.datetime) -> float | None:
    if before is None or before.sample_time is None:
        return None
    seconds = (now - before.sample_time).total_seconds()
    return seconds if seconds > 0 else None


def _copied(sample: ProgressView) -> int | None:
    parts = [part.processed for part in (sample.memory, sample.disk) if part.processed is not None]
    return sum(parts) if parts else None


def _copied_before(before: Progress | None) -> int | None:
    parts = [medium.processed_bytes for medium in _media(before) if medium.processed_bytes is not None]
    return sum(parts) if parts else None


def _left(sample: ProgressView) -> int | None:
    parts = [part.remaining for part in (sample.memory, sample.disk) if part.remaining is not None]
    return sum(parts) if parts else None


def _left_before(before: Progress | None) -> int | None:
    parts = [medium.remaining_bytes for medium in _media(before) if medium.remaining_bytes is not None]
    return sum(parts) if parts else None


def _media(before: Progress | None) -> list[Transfer]:
    return [medium for medium in (before.memory, before.disk) if medium is not None] if before else []


def _transfer(view: BytesView) -> Transfer | None:
    if view.total is None and view.processed is None and view.remaining is None:
        return None
    return Transfer(total_bytes=view.total, processed_bytes=view.processed, remaining_bytes=view.remaining)
