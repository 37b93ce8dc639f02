"""Samples of a running move → ``status.progress``. A number appears only when upstream reported one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import Progress, Transfer
from osmig.domain.upstream import ProgressView

if TYPE_CHECKING:
    import datetime as dt

    from osmig.domain.upstream import BytesView

_PROGRESS_SHARE = 0.99
"""Remaining memory must fall by 1 % below its lowest value to count as progress (architecture.md §6a)."""


def describe(sample: ProgressView | None, before: Progress | None, *, now: dt.datetime) -> Progress | None:
    """Return the newest progress; without a number in the sample the last one stands, with its own ``sampleTime``."""
    if sample is None or sample == ProgressView():
        return before
    remaining = sample.memory.remaining
    lowest = before.lowest_remaining_bytes if before else None
    moved = remaining is not None and (lowest is None or remaining < lowest * _PROGRESS_SHARE)
    return Progress(
        percent=measure_percent(sample),
        memory=_transfer(sample.memory),
        disk=_transfer(sample.disk),
        sample_time=now,
        lowest_remaining_bytes=remaining if moved else lowest,
        last_progress_time=now if moved else (before.last_progress_time if before else None),
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
    return max(0, min(100, round(100 * (total - remaining) / total)))


def _transfer(view: BytesView) -> Transfer | None:
    if view.total is None and view.processed is None and view.remaining is None:
        return None
    return Transfer(total_bytes=view.total, processed_bytes=view.processed, remaining_bytes=view.remaining)
