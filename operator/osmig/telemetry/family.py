"""What is declared of one metric family, and the collectors that are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family.

    Attributes:
        name: as PromQL spells it; a histogram without ``_bucket``, ``_sum`` and ``_count``.
        kind: the exposition type.
        text: the help text.
        labels: label names, in the order in which values are given.
        buckets: upper bounds of a histogram, in the unit of the name.
    """

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Register a gauge whose value is set by its owner."""
        return Gauge(self.name, self.text, self.labels, registry=registry)

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Register a counter."""
        return Counter(self.name, self.text, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """Register a histogram with this family's buckets."""
        return Histogram(self.name, self.text, self.labels, registry=registry, buckets=self.buckets)

    def scraped(self) -> GaugeMetricFamily:
        """Return an empty gauge family to be filled during one scrape."""
        return GaugeMetricFamily(self.name, self.text, labels=self.labels)
