"""What a decision means for metrics and logs: one line per phase change, one sample per step."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from osmig.api.names import ConditionType, EventReason, Kind
from osmig.domain.conditions import find_condition
from osmig.domain.phases import FINISHED
from osmig.telemetry.migrations import sample_migration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from osmig.api.migration import Attempt, MigrationStatus
    from osmig.controllers.keys import Key
    from osmig.domain.observation import Commit, Note, Observation
    from osmig.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)


class Reporter:
    """Feeds metrics and logs, and passes wakes on."""

    def __init__(self, metrics: Metrics, wake: Callable[[Key, float], None]) -> None:
        """Feed ``metrics``; ``wake(key, delay_s)`` makes a key due."""
        self._metrics = metrics
        self._wake = wake

    def wake(self, key: Key, delay_s: float | None = 0.0) -> None:
        """Make another key due, or this one sooner than its step says; ``None`` does nothing."""
        if delay_s is not None:
            self._wake(key, delay_s)

    def forget(self, key: Key) -> None:
        """Drop the series of a Migration that is gone."""
        self._metrics.forget_migration(key.namespace, key.name)

    def report(self, key: Key, observation: Observation, decision: Commit) -> None:
        """Record one decision whose status was written (or was not worth a write)."""
        before, after = observation.status, decision.status
        self._metrics.observe_migration(sample_migration(observation.migration.model_copy(update={"status": after})))
        for note in decision.notes:
            if note.reason is EventReason.DUPLICATE_START:
                self._metrics.count_duplicate_start()
        self._metrics.count_controls(Kind.MIGRATION, before.controls, after.controls)
        if before.phase != after.phase and after.phase is not None:
            self._report_phase(after)
        self._count_outcomes(key, observation, after)

    def report_change(self, key: Key, notes: Iterable[Note]) -> None:
        """Record a change of the object itself: a Migration that is let go although its move goes on must be seen."""
        for note in notes:
            if note.reason is EventReason.FINALIZER_LEFT:
                self._metrics.count_finalizer_leftover(key.namespace)
                _logger.warning("migration.left", extra={"why": note.text})

    @staticmethod
    def _report_phase(after: MigrationStatus) -> None:
        _logger.info(
            "migration.phase",
            extra={
                "attempt": after.attempt or 1,
                "phase": str(after.phase),
                "reason": _read_reason(after),
                "upstream": after.upstream.id if after.upstream is not None else None,
                "request": after.upstream.request_id if after.upstream is not None else None,
            },
        )

    def _count_outcomes(self, key: Key, observation: Observation, after: MigrationStatus) -> None:
        """Count each attempt once, by its entry in status, and an end without any attempt."""
        before, spec = observation.status, observation.migration.spec
        names = key.namespace, spec.provider_ref.name
        known = {attempt.number for attempt in before.attempts}
        for attempt in after.attempts:
            if attempt.number not in known:
                self._metrics.count_outcome(
                    *names,
                    migration_type=spec.type,
                    outcome=attempt.outcome,
                    reason=attempt.reason or "",
                    duration_s=_measure(attempt),
                )
        has_ended = after.phase in FINISHED and before.phase not in FINISHED
        if has_ended and after.phase is not None and after.start_time is None:
            self._metrics.count_outcome(
                *names, migration_type=spec.type, outcome=after.phase, reason=_read_reason(after), duration_s=None
            )


def _measure(attempt: Attempt) -> float | None:
    if attempt.start_time is None or attempt.end_time is None:
        return None
    return (attempt.end_time - attempt.start_time).total_seconds()


def _read_reason(status: MigrationStatus) -> str:
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    return str(succeeded.reason) if succeeded is not None else ""
