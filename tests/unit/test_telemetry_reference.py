"""The committed reference page of the metrics is the one that the code renders."""

from __future__ import annotations

from pathlib import Path

from osmig.telemetry.catalogue import FAMILIES
from osmig.telemetry.reference import render_metrics

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_metrics(), (
        "run: python -m osmig.telemetry.reference > docs/reference/metrics.md"
    )


def test_every_family_has_its_section_with_labels_and_meaning() -> None:
    page = render_metrics()

    for family in FAMILIES:
        section = page.partition(f"## `{family.name}`\n")[2].partition("\n## ")[0]
        assert family.text in section
        assert all(f"`{label}`" in section for label in family.labels)
