"""Metrics read as a scraper reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from osmig.telemetry.metrics import Metrics


def scrape(metrics: Metrics, series: str, /, **labels: str) -> list[float]:
    """Return the values of all series of that name with at least these labels, as a scraper reads them."""
    text = generate_latest(metrics).decode()
    return [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == series and labels.items() <= sample.labels.items()
    ]
