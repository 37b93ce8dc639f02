"""Which change of status is worth a write: the API server pays ten times what we pay (ADR 0004).

Orders, intents, records, phases and outcomes are never delayed. Progress is written at most every 15 s and only for
5 points or another count of items, or after 5 min with any change; a new wording of the same reason at most every 60 s,
of what waits in the queue every 10 min: thousands may wait, and each turn of the queue has words of its own
(architecture.md §8).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from osmig.api.names import Phase

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus

PROGRESS_POINTS = 5
PROGRESS_PERIOD_S = 15.0
MESSAGE_PERIOD_S = 60.0
ANY_CHANGE_PERIOD_S = 300.0
QUEUED_PERIOD_S = 600.0


class Urgency(Enum):
    """How soon a changed status must be written."""

    NOW = auto()
    LATER = auto()


def judge(before: MigrationStatus, after: MigrationStatus, *, age_s: float) -> Urgency:
    """Say when ``after`` must be written over ``before``.

    Args:
        before: as the API server has it.
        after: as decided now.
        age_s: seconds since this process last wrote this status; infinite if it never did.
    """
    if before == after:
        return Urgency.LATER
    if _essence(before) != _essence(after):
        return Urgency.NOW
    if after.phase is Phase.QUEUED:
        return Urgency.NOW if age_s >= QUEUED_PERIOD_S else Urgency.LATER
    if age_s >= ANY_CHANGE_PERIOD_S:
        return Urgency.NOW
    if _messages(before) != _messages(after) and age_s >= MESSAGE_PERIOD_S:
        return Urgency.NOW
    if age_s >= PROGRESS_PERIOD_S and (_points(before, after) >= PROGRESS_POINTS or _items(before) != _items(after)):
        return Urgency.NOW
    return Urgency.LATER


def _essence(status: MigrationStatus) -> dict[str, Any]:
    """Return what is never delayed."""
    essence = status.model_dump(exclude={"progress", "server", "conditions"})
    if essence["upstream"] is not None:
        essence["upstream"].pop("updated_time")
    essence["conditions"] = [
        (condition.type, condition.status, condition.reason, condition.observed_generation)
        for condition in status.conditions
    ]
    return essence


def _messages(status: MigrationStatus) -> list[str]:
    return [condition.message for condition in status.conditions]


def _items(status: MigrationStatus) -> object:
    return status.progress.items if status.progress is not None else None


def _points(before: MigrationStatus, after: MigrationStatus) -> int:
    old = before.progress.percent if before.progress else None
    new = after.progress.percent if after.progress else None
    if old is None or new is None:
        return 0 if old == new else PROGRESS_POINTS
    return abs(new - old)
