"""What a decision means for metrics and logs: one line per phase change, one sample per step."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from osmig.api.names import ConditionType, ControlResult, EventReason
from osmig.domain.conditions import find_condition
from osmig.domain.orders import find_control
from osmig.domain.phases import FINISHED
from osmig.telemetry.migrations import sample_migration

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.api.migration import MigrationStatus
    from osmig.domain.observation import Decision, Observation
    from osmig.engine.keys import Key
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

    def report(self, key: Key, observation: Observation, decision: Decision) -> None:
        """Record one decision whose status was written (or was not worth a write)."""
        before, after = observation.status, decision.status
        self._metrics.observe_migration(sample_migration(observation.migration.model_copy(update={"status": after})))
        for note in decision.notes:
            if note.reason is EventReason.DUPLICATE_START:
                self._metrics.count_duplicate_start()
        for control in after.controls:
            known = find_control(before.controls, control.verb)
            is_new = known is None or (known.token, known.result) != (control.token, control.result)
            if is_new and control.result is not ControlResult.ACCEPTED:
                self._metrics.count_control(control.verb, control.result)
        if before.phase != after.phase and after.phase is not None:
            self._report_phase(key, observation, after)

    def _report_phase(self, key: Key, observation: Observation, after: MigrationStatus) -> None:
        succeeded = find_condition(after.conditions, ConditionType.SUCCEEDED)
        reason = succeeded.reason if succeeded is not None else ""
        _logger.info(
            "migration.phase",
            extra={
                "namespace": key.namespace,
                "migration": key.name,
                "uid": observation.migration.metadata.uid,
                "attempt": after.attempt or 1,
                "phase": str(after.phase),
                "reason": str(reason),
                "upstream": after.upstream.id if after.upstream is not None else None,
                "request": after.upstream.request_id if after.upstream is not None else None,
            },
        )
        if after.phase in FINISHED:
            duration = None
            if after.start_time is not None and after.completion_time is not None:
                duration = (after.completion_time - after.start_time).total_seconds()
            provider = self._metrics.provider(key.namespace, observation.migration.spec.provider_ref.name)
            provider.count_outcome(
                migration_type=observation.migration.spec.type,
                outcome=after.phase or "",
                reason=reason,
                duration_s=duration,
            )
