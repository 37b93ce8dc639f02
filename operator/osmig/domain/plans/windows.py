"""Whether a plan's windows are open, and when that changes.

A window is open while its last opening is not longer ago than it lasts. Time zones are tables that come with the
process, so looking one up is as pure as a table of our own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from osmig.api.plan_windows import WindowKind

if TYPE_CHECKING:
    from osmig.api.plan_windows import PlanSchedule, PlanWindow

_MOST_CHANGES = 16
_INSTANT = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowState:
    """Whether moves may begin now.

    Attributes:
        names: of the windows that are open and decide.
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


def _find_change(schedule: PlanSchedule, now: dt.datetime, zone: ZoneInfo, *, is_open: bool) -> dt.datetime | None:
    """Return when opening or closing of one window changes the whole; ``None`` if that is many of them away."""
    moment = now
    for _ in range(_MOST_CHANGES):
        changes = [change for window in schedule.windows for change in _list_changes(window, moment, zone)]
        if not changes:
            return None
        moment = min(changes)
        if _judge_at(schedule, moment, zone)[0] != is_open:
            return moment
    return None


def _judge_at(schedule: PlanSchedule, now: dt.datetime, zone: ZoneInfo) -> tuple[bool, tuple[str, ...]]:
    """Deny beats Allow; without any window that allows, everything is that none denies."""
    running = [window for window in schedule.windows if _is_running(window, now, zone)]
    denying = tuple(window.name for window in running if window.kind is WindowKind.DENY)
    allowing = tuple(window.name for window in running if window.kind is WindowKind.ALLOW)
    must_allow = any(window.kind is WindowKind.ALLOW for window in schedule.windows)
    if denying:
        return False, denying
    return bool(allowing) or not must_allow, allowing


def _is_running(window: PlanWindow, now: dt.datetime, zone: ZoneInfo) -> bool:
    last = _last_opening(window, now, zone)
    return last is not None and now < last + dt.timedelta(seconds=window.duration_seconds)


def _last_opening(window: PlanWindow, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """Return the last opening up to this very moment, UTC; ``None`` where there was none in decades."""
    opening = next(CronSim(window.cron, (now + _INSTANT).astimezone(zone), reverse=True), None)
    return opening.astimezone(dt.UTC) if opening is not None else None


def _list_changes(window: PlanWindow, now: dt.datetime, zone: ZoneInfo) -> list[dt.datetime]:
    """Return when the window closes, if it is open, and when it opens next."""
    changes = []
    last = _last_opening(window, now, zone)
    if last is not None and _is_running(window, now, zone):
        changes.append(last + dt.timedelta(seconds=window.duration_seconds))
    opening = next(CronSim(window.cron, now.astimezone(zone)), None)
    if opening is not None:
        changes.append(opening.astimezone(dt.UTC))
    return changes
