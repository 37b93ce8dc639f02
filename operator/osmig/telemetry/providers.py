"""What is counted per Provider, behind a view that already knows the Provider's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.telemetry import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class ProviderCollectors:
    """The families whose labels begin with ``namespace, provider``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outcomes = catalogue.MIGRATION_OUTCOMES.counter(registry)
        self.durations = catalogue.MIGRATION_DURATION.histogram(registry)
        self.foreign = catalogue.FOREIGN_MIGRATIONS.gauge(registry)
        self.stale_foreign = catalogue.STALE_FOREIGN_MIGRATIONS.gauge(registry)
        self.up = catalogue.PROVIDER_UP.gauge(registry)
        self.requests = catalogue.API_REQUESTS.counter(registry)
        self.request_durations = catalogue.API_REQUEST_DURATION.histogram(registry)
        self._seen_statuses: dict[tuple[str, str], set[str]] = {}

    def replace_foreign(self, labels: tuple[str, str], counts: Mapping[str, int]) -> None:
        """Set all foreign counts of one Provider; a status that was seen before and is gone becomes 0."""
        seen = self._seen_statuses.setdefault(labels, set())
        seen.update(counts)
        for status in seen:
            self.foreign.labels(*labels, status).set(counts.get(status, 0))

    def forget(self, labels: tuple[str, str]) -> None:
        """Drop every series of one Provider."""
        self._seen_statuses.pop(labels, None)
        wanted = dict(zip(("namespace", "provider"), labels, strict=True))
        for family in self._families():
            family.remove_by_labels(wanted)

    def _families(self) -> tuple[Counter | Gauge | Histogram, ...]:
        return (
            *(self.outcomes, self.durations, self.foreign, self.stale_foreign),
            *(self.up, self.requests, self.request_durations),
        )


class ProviderMetrics:
    """The metrics of one Provider; cheap to make and to keep, also after the Provider was forgotten."""

    __slots__ = ("_collectors", "_labels")

    def __init__(self, collectors: ProviderCollectors, namespace: str, name: str) -> None:
        self._collectors = collectors
        self._labels = (namespace, name)

    def set_up(self, *, up: bool) -> None:
        """Record whether the newest contact succeeded."""
        self._collectors.up.labels(*self._labels).set(up)

    def set_foreign(self, counts: Mapping[str, int]) -> None:
        """Replace the counts of foreign migrations by upstream's status word; call it after every sweep."""
        self._collectors.replace_foreign(self._labels, counts)

    def set_stale_foreign(self, count: int) -> None:
        """Replace the number of foreign migrations whose record stands still; call it after every sweep."""
        self._collectors.stale_foreign.labels(*self._labels).set(count)

    def count_request(self, service: str, operation: str, code: int | str, duration_s: float) -> None:
        """Count one request that was sent, from any thread; ``code`` says what happened when no status came."""
        self._collectors.requests.labels(*self._labels, service, operation, code).inc()
        self._collectors.request_durations.labels(*self._labels, service, operation).observe(duration_s)

    def count_outcome(self, *, migration_type: str, outcome: str, reason: str, duration_s: float | None) -> None:
        """Count one ended attempt; ``duration_s`` is counted from its intent, ``None`` when nothing was ever sent."""
        self._collectors.outcomes.labels(*self._labels, migration_type, outcome, reason).inc()
        if duration_s is not None:
            self._collectors.durations.labels(*self._labels, migration_type, outcome).observe(duration_s)
