"""What is counted per Provider, behind a view that already knows the Provider's labels."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from osmig.telemetry import catalogue
from osmig.telemetry.labels import find_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class ProviderCollectors:
    """The families whose labels begin with ``namespace, provider``.

    Only a Provider that exists has series: a request that ends later, in whatever thread, counts no more.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outcomes = catalogue.MIGRATION_OUTCOMES.counter(registry)
        self.durations = catalogue.MIGRATION_DURATION.histogram(registry)
        self.foreign = catalogue.FOREIGN_MIGRATIONS.gauge(registry)
        self.stale_foreign = catalogue.STALE_FOREIGN_MIGRATIONS.gauge(registry)
        self.unowned = catalogue.UNOWNED_CONFIRMATIONS.gauge(registry)
        self.slots = catalogue.SLOTS.gauge(registry)
        self.granted_slot_age = catalogue.GRANTED_SLOT_AGE.gauge(registry)
        self.up = catalogue.PROVIDER_UP.gauge(registry)
        self.requests = catalogue.API_REQUESTS.counter(registry)
        self.request_durations = catalogue.API_REQUEST_DURATION.histogram(registry)
        self._seen_statuses: dict[tuple[str, str], set[str]] = {}
        self._existing: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def admit(self, labels: tuple[str, str]) -> None:
        """Let a Provider that exists have series."""
        self._existing.add(labels)

    def name_existing(self, labels: tuple[str, str]) -> tuple[str, str]:
        """Return the labels of a Provider, without its name if there is none of this name."""
        return labels if labels in self._existing else (labels[0], "")

    def set(self, gauge: Gauge, labels: tuple[str, str], value: float) -> None:
        """Replace a value of one Provider; one that is forgotten has none any more."""
        if labels in self._existing:
            gauge.labels(*labels).set(value)

    def forget_foreign(self, labels: tuple[str, str]) -> None:
        """Drop what is told of one Provider's foreign migrations, because nothing is known of them."""
        self._seen_statuses.pop(labels, None)
        for family in (self.foreign, self.unowned):
            family.remove_by_labels(_name_labels(labels))

    def count_request(self, labels: tuple[str, str], *words: str, code: str, duration_s: float) -> None:
        """Count a request by service and operation."""
        with self._lock:
            if labels in self._existing:
                self.requests.labels(*labels, *words, code).inc()
                self.request_durations.labels(*labels, *words).observe(duration_s)

    def replace_foreign(self, labels: tuple[str, str], counts: Mapping[str, int]) -> None:
        """Set all foreign counts of one Provider; a status that was seen before and is gone becomes 0."""
        if labels not in self._existing:
            return
        seen = self._seen_statuses.setdefault(labels, set())
        seen.update(counts)
        for status in seen:
            self.foreign.labels(*labels, status).set(counts.get(status, 0))

    def forget(self, labels: tuple[str, str]) -> None:
        """Drop every series of one Provider."""
        self._seen_statuses.pop(labels, None)
        wanted = _name_labels(labels)
        with self._lock:
            self._existing.discard(labels)
            for family in self._families():
                family.remove_by_labels(wanted)

    def _families(self) -> tuple[Counter | Gauge | Histogram, ...]:
        return (
            *(self.outcomes, self.durations, self.foreign, self.stale_foreign, self.unowned),
            *(self.slots, self.granted_slot_age, self.up, self.requests, self.request_durations),
        )


def _name_labels(labels: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("namespace", "provider"), labels, strict=True))


class ProviderMetrics:
    """The metrics of one Provider; cheap to make and to keep, also after the Provider was forgotten."""

    __slots__ = ("_collectors", "_labels")

    def __init__(self, collectors: ProviderCollectors, namespace: str, name: str) -> None:
        self._collectors = collectors
        self._labels = (namespace, name)

    def set_up(self, *, up: bool) -> None:
        """Record whether the newest contact succeeded."""
        self._collectors.set(self._collectors.up, self._labels, up)

    def set_foreign(self, counts: Mapping[str, int]) -> None:
        """Replace the counts of foreign migrations, by words of the driver's table; call it after every sweep."""
        self._collectors.replace_foreign(self._labels, counts)

    def set_unowned_confirmations(self, count: int) -> None:
        """Replace the number of moves that wait for a confirmation and are nobody's here; call it after every sweep."""
        self._collectors.set(self._collectors.unowned, self._labels, count)

    def forget_foreign(self) -> None:
        """Drop what is told of foreign migrations, because nothing is known of them."""
        self._collectors.forget_foreign(self._labels)

    def set_stale_foreign(self, count: int) -> None:
        """Replace the number of foreign migrations whose record stands still; call it after every sweep."""
        self._collectors.set(self._collectors.stale_foreign, self._labels, count)

    def set_slots(self, count: int) -> None:
        """Replace how many moves may be under way at once; call it after every sweep."""
        self._collectors.set(self._collectors.slots, self._labels, count)

    def set_granted_slot_age(self, age_s: float) -> None:
        """Replace how long ago the oldest turn was given that was not used; call it after every sweep."""
        self._collectors.set(self._collectors.granted_slot_age, self._labels, age_s)

    def count_request(self, service: str, operation: str, code: int | str, duration_s: float) -> None:
        """Count one request that was sent, from any thread; ``code`` says what happened when no status came."""
        word = find_word("code", code)
        self._collectors.count_request(self._labels, service, operation, code=word, duration_s=duration_s)
