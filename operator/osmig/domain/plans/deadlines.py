"""How long a plan has taken, while it was held not counted, and what that means.

Times are those of the wall clock, on record, for a deadline outlives processes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from osmig.api.plan_options import OnPlanDeadline
from osmig.domain.plans.phases import PLAN_FINISHED, PLAN_HELD

if TYPE_CHECKING:
    from osmig.api.plan import PlanSpec
    from osmig.api.plan_names import PlanPhase
    from osmig.api.plan_status import PlanStatus


def is_past_deadline(spec: PlanSpec, status: PlanStatus, now: dt.datetime) -> bool:
    """Whether the plan has taken longer than ``deadlineSeconds``; while it is held, that stays as it was."""
    left_s = measure_left_s(spec, status, now)
    return left_s is not None and left_s <= 0


def is_aborted_by_deadline(spec: PlanSpec, status: PlanStatus, now: dt.datetime) -> bool:
    """Whether the plan has taken too long and says Abort."""
    return spec.on_deadline is OnPlanDeadline.ABORT and is_past_deadline(spec, status, now)


def is_paused_by_deadline(spec: PlanSpec, status: PlanStatus, now: dt.datetime) -> bool:
    """Whether the plan has taken too long and says Pause."""
    return spec.on_deadline is OnPlanDeadline.PAUSE and is_past_deadline(spec, status, now)


def measure_left_s(spec: PlanSpec, status: PlanStatus, now: dt.datetime) -> float | None:
    """Return how many seconds are left, below 0 once there are none; ``None`` without a deadline or a start."""
    if spec.deadline_seconds is None or status.start_time is None:
        return None
    spent_s = ((status.held_time or now) - status.start_time).total_seconds() - status.paused_seconds
    return spec.deadline_seconds - spent_s


def count_time(status: PlanStatus, phase: PlanPhase, spec: PlanSpec, now: dt.datetime) -> PlanStatus:
    """Begin or end to hold the plan, as its new phase says, and tell when the deadline passes.

    Args:
        status: the new one, but for its phase.
        phase: the new one.
        spec: may have another deadline than the last time.
        now: this moment.
    """
    if status.start_time is None:
        return status
    changes: dict[str, Any] = {"held_time": (status.held_time or now) if phase in PLAN_HELD else None}
    if status.held_time is not None and phase not in PLAN_HELD:
        held_s = max(0, int((now - status.held_time).total_seconds()))
        changes["paused_seconds"] = status.paused_seconds + held_s
    status = status.model_copy(update=changes)
    return status.model_copy(update={"deadline_time": _find_deadline(status, phase, spec)})


def begin_deadline_anew(status: PlanStatus, now: dt.datetime) -> dict[str, Any]:
    """Return the changes by which nothing of the time until now counts any more."""
    if status.start_time is None:
        return {}
    spent_s = max(0, int((now - status.start_time).total_seconds()))
    return {"held_time": None, "paused_seconds": spent_s, "deadline_time": None}


def _find_deadline(status: PlanStatus, phase: PlanPhase, spec: PlanSpec) -> dt.datetime | None:
    if spec.deadline_seconds is None or status.start_time is None or phase in PLAN_HELD | PLAN_FINISHED:
        return None
    return status.start_time + dt.timedelta(seconds=spec.deadline_seconds + status.paused_seconds)
