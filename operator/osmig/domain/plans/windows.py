"""Whether a plan's windows are open, and when that changes.

A window is open while its last opening is not longer ago than it lasts. Time zones are tables that come with the
process, so looking one up is as pure as a table of our own. So is remembering what was found: openings never change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from typing_extensions import override

from osmig.api.plan_windows import WindowKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.api.plan_windows import PlanSchedule, PlanWindow

_MAX_CHANGES = 16
_MAX_COMING = 64
"""Openings and closings of single windows that are gone through to find the next ones of the whole."""

_KEPT, _KEPT_EACH = 4096, 8
"""Cron expressions whose openings are remembered, and times between two openings of each: now, and some to come."""

_SEARCHED_YEARS = 8
"""No leap day is further away than the next."""

_INSTANT = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowState:
    """Whether moves may begin now.

    Attributes:
        names: of the windows that are open and decide, with their reasons.
        change_time: when this changes next, UTC; ``None`` where no window does.
        problem: why the windows mean nothing, in words fit for status; then they are closed.
    """

    is_open: bool
    names: tuple[str, ...] = ()
    change_time: dt.datetime | None = None
    problem: str = ""


def judge_windows(schedule: PlanSchedule, now: dt.datetime) -> WindowState:
    """Say whether the windows are open now, and when that changes."""
    if not schedule.windows:
        return WindowState(is_open=True)
    try:
        zone = ZoneInfo(schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return WindowState(is_open=False, problem=f"schedule.timeZone: there is no time zone {schedule.time_zone}")
    for index, window in enumerate(schedule.windows):
        try:
            CronSim(window.cron, now.astimezone(zone))
        except CronSimError as error:
            text = f"schedule.windows[{index}].cron of {window.name}: {str(error)[:100]}"
            return WindowState(is_open=False, problem=text)
    is_open, names = _judge_at(schedule, now, zone)
    return WindowState(is_open=is_open, names=names, change_time=_find_change(schedule, now, zone, is_open=is_open))


def list_openings_s(schedule: PlanSchedule, now: dt.datetime) -> list[float]:
    """Return for how long the windows will be open, in seconds, each time that they open again after they close.

    Args:
        schedule: one whose windows are open now, and mean something.
        now: this moment.
    """
    flips = list(_list_flips(schedule, now, ZoneInfo(schedule.time_zone), is_open=True, max_changes=_MAX_COMING))
    return [(closes - opens).total_seconds() for opens, closes in zip(flips[1::2], flips[2::2], strict=False)]


def _find_change(schedule: PlanSchedule, now: dt.datetime, zone: ZoneInfo, *, is_open: bool) -> dt.datetime | None:
    """Return when opening or closing of one window changes the whole; ``None`` if that is many of them away."""
    return next(_list_flips(schedule, now, zone, is_open=is_open, max_changes=_MAX_CHANGES), None)


def _list_flips(
    schedule: PlanSchedule, now: dt.datetime, zone: ZoneInfo, *, is_open: bool, max_changes: int
) -> Iterator[dt.datetime]:
    """Yield when the whole opens and closes, alternately, within ``max_changes`` changes of single windows."""
    moment = now
    for _ in range(max_changes):
        changes = [change for window in schedule.windows for change in _list_changes(window, moment, zone)]
        if not changes:
            return
        moment = min(changes)
        if _judge_at(schedule, moment, zone)[0] != is_open:
            is_open = not is_open
            yield moment


def _judge_at(schedule: PlanSchedule, now: dt.datetime, zone: ZoneInfo) -> tuple[bool, tuple[str, ...]]:
    """Deny beats Allow; without any window that allows, everything is that none denies."""
    running = [window for window in schedule.windows if _is_running(window, now, zone)]
    denying = tuple(_word(window) for window in running if window.kind is WindowKind.DENY)
    allowing = tuple(_word(window) for window in running if window.kind is WindowKind.ALLOW)
    must_allow = any(window.kind is WindowKind.ALLOW for window in schedule.windows)
    if denying:
        return False, denying
    return bool(allowing) or not must_allow, allowing


def _word(window: PlanWindow) -> str:
    return f"{window.name} ({window.reason})" if window.reason is not None else window.name


def _is_running(window: PlanWindow, now: dt.datetime, zone: ZoneInfo) -> bool:
    last, _ = _openings_of(window.cron, zone).around(now)
    return last is not None and now < last + dt.timedelta(seconds=window.duration_seconds)


def _list_changes(window: PlanWindow, now: dt.datetime, zone: ZoneInfo) -> list[dt.datetime]:
    """Return when the window closes, if it is open, and when it opens next."""
    last, following = _openings_of(window.cron, zone).around(now)
    changes = [following] if following is not None else []
    if last is not None and _is_running(window, now, zone):
        changes.append(last + dt.timedelta(seconds=window.duration_seconds))
    return changes


class OpeningSearch(CronSim):
    """Looks for openings, but not as far as fifty years: what never opens would take 20 ms of each step's thread."""

    _first_year = 0

    @override
    def advance_month(self) -> None:
        super().advance_month()
        self._check()

    @override
    def reverse_month(self) -> None:
        super().reverse_month()
        self._check()

    def _check(self) -> None:
        self._first_year = self._first_year or self.dt.year
        if abs(self.dt.year - self._first_year) > _SEARCHED_YEARS:
            raise StopIteration


class _Openings:
    """The openings of one cron expression, searched for only where they are not known.

    A rare one is searched for day by day, and each step of a plan asks several times.
    """

    def __init__(self, cron: str, zone: ZoneInfo) -> None:
        self._cron, self._zone = cron, zone
        self._known: tuple[tuple[dt.datetime | None, dt.datetime | None], ...] = ()

    def around(self, now: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
        """Return the last opening up to this very moment and the next one, UTC; ``None`` for none in eight years."""
        known = next((pair for pair in self._known if _is_between(now, *pair)), None)
        if known is None:
            before = OpeningSearch(self._cron, (now + _INSTANT).astimezone(self._zone), reverse=True)
            after = OpeningSearch(self._cron, now.astimezone(self._zone))
            known = _to_utc(next(before, None)), _to_utc(next(after, None))
            # replaced, never changed: large plans are decided on in a thread
            self._known = (*self._known[1 - _KEPT_EACH :], known)
        return known


@lru_cache(maxsize=_KEPT)
def _openings_of(cron: str, zone: ZoneInfo) -> _Openings:
    return _Openings(cron, zone)


def _is_between(now: dt.datetime, last: dt.datetime | None, following: dt.datetime | None) -> bool:
    return (last is None or last <= now) and (following is None or now < following)


def _to_utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.astimezone(dt.UTC) if moment is not None else None
