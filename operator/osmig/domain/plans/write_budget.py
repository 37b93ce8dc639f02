"""Which change of a plan's status is worth a write: orders, hosts and outcomes at once, counts every 10 s.

Bytes are written as a Migration's are: every 15 s, for 5 points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from osmig.api.names import ConditionType
from osmig.api.plan_names import PlanReason
from osmig.domain.conditions import find_condition
from osmig.domain.plans.phases import PLAN_HELD
from osmig.domain.write_budget import ANY_CHANGE_PERIOD_S, PROGRESS_PERIOD_S, PROGRESS_POINTS, Urgency

if TYPE_CHECKING:
    from osmig.api.plan_status import PlanStatus

COUNTS_PERIOD_S = 10.0
FAILURE_PERIOD_S = 600.0
"""After another write, before it is written that a plan which waits anyhow cannot be looked at."""

_FAILURES = frozenset({PlanReason.INCOMPLETE_SWEEP, PlanReason.RETRYING, PlanReason.PROVIDER_NOT_READY})

_COUNTED = {
    "counts",
    "bytes",
    "throughput_bytes_per_second",
    "failures",
    "left",
    "progress_text",
    "estimated_completion_time",
    "conditions",
    "preview",
    "hosts",
}
_HOST_COUNTED = {"remaining", "soft_deleted", "unconfirmed", "inbound", "quiet_sweeps", "message"}


def judge_plan(before: PlanStatus, after: PlanStatus, *, age_s: float) -> Urgency:
    """Say when ``after`` must be written over ``before``.

    Args:
        before: as the API server has it.
        after: as decided now.
        age_s: seconds since this process last wrote this status; infinite if it never did.
    """
    if before == after:
        return Urgency.LATER
    if _only_fails_again(before, after):
        return Urgency.NOW if age_s >= FAILURE_PERIOD_S else Urgency.LATER
    if _essence(before) != _essence(after):
        return Urgency.NOW
    if _counts(before) != _counts(after):
        return Urgency.NOW if age_s >= COUNTS_PERIOD_S else Urgency.LATER
    if abs(_measure_percent(after) - _measure_percent(before)) >= PROGRESS_POINTS and age_s >= PROGRESS_PERIOD_S:
        return Urgency.NOW
    return Urgency.NOW if age_s >= ANY_CHANGE_PERIOD_S else Urgency.LATER


def _only_fails_again(before: PlanStatus, after: PlanStatus) -> bool:
    """Whether a plan that has begun nothing, and waits, cannot be looked at besides: a cloud may fail every minute."""
    succeeded = find_condition(after.conditions, ConditionType.SUCCEEDED)
    is_same = (before.controls, before.round, _list_hosts(before)) == (after.controls, after.round, _list_hosts(after))
    is_failure = succeeded is not None and succeeded.reason in _FAILURES
    return is_failure and is_same and before.phase in PLAN_HELD and after.start_time is None


def measure_wait_s(before: PlanStatus, after: PlanStatus, *, age_s: float) -> float:
    """Return in how many seconds a change that `judge_plan` puts off is written; infinite when no count has changed.

    A plan that is paused is looked at every few minutes, and what still moves ends meanwhile.

    Args:
        before: as the API server has it.
        after: as decided now.
        age_s: seconds since this process last wrote this status.
    """
    return max(0.0, COUNTS_PERIOD_S - age_s) if _counts(before) != _counts(after) else math.inf


def _essence(status: PlanStatus) -> dict[str, Any]:
    """Return what is never delayed: a host's mark, an order, an outcome, a preview to be approved."""
    essence = status.model_dump(exclude=_COUNTED)
    essence["hosts"] = _list_hosts(status)
    essence["conditions"] = [(one.type, one.status, one.reason) for one in status.conditions]
    essence["hash"] = status.preview.hash if status.preview is not None else None
    return essence


def _list_hosts(status: PlanStatus) -> list[dict[str, Any]]:
    return [host.model_dump(exclude=_HOST_COUNTED) for host in status.hosts]


def _measure_percent(status: PlanStatus) -> float:
    moved = status.bytes
    return 100 * moved.processed_bytes / moved.total_bytes if moved is not None and moved.total_bytes else 0.0


def _counts(status: PlanStatus) -> dict[str, Any]:
    """Return what people watch, without the forecast, which changes with every look."""
    counted = status.model_dump(include={"counts", "failures", "left"})
    counted["hosts"] = [host.model_dump(include=_HOST_COUNTED) for host in status.hosts]
    return counted
