"""Renders the reference page of all metrics from their declaration.

Run ``python -m osmig.telemetry.reference > docs/reference/metrics.md`` after changing a metric.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from osmig.telemetry.catalogue import FAMILIES

if TYPE_CHECKING:
    from osmig.telemetry.family import Family

_HEAD = """\
# Metrics

Served at `/metrics` as Prometheus text, or as OpenMetrics to a scraper that asks for it. Times are Unix seconds,
durations seconds. Server names, UUIDs and messages are never labels. Every metric with `provider` also has
`namespace`. Series of one Migration are served while it is not finished and for 10 minutes after; they end at once
when it is deleted, as those of a MigrationPlan do. `host` is one of at most 50 hosts of a MigrationPlan.

The usual `process_*`, `python_gc_*` and `python_info` are served as well. This page is generated from
`operator/osmig/telemetry/catalogue.py` and `plan_families.py`.
"""


def render_metrics() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(_render(family) for family in FAMILIES)])


def _render(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels) or "none"
    buckets = f"Buckets: {', '.join(f'{bound:g}' for bound in family.buckets)}.\n" if family.buckets else ""
    return f"## `{family.name}`\n\n{family.text}\n\nType: {family.kind}. Labels: {labels}.\n{buckets}"


if __name__ == "__main__":
    sys.stdout.write(render_metrics())
