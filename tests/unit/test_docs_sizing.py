"""docs/sizing.md says what docs/benchmarks.md has measured, and the chart's defaults."""

from __future__ import annotations

import re

import yaml

from doc_pages import ROOT

SIZING = ROOT / "docs" / "sizing.md"
MEASURED = {
    "the process, idle": ("memory of the idle process", ["87 MiB"]),
    "1,000 Migrations under way": ("memory over idle for 1,000 active", ["33 MiB", "24 MiB"]),
    "10,000 finished Migrations": ("memory over idle for 10,000 finished", ["139 MiB"]),
    "a Migration from start to end": ("CPU of one Migration", ["23 ms", "30 ms"]),
    "a watch event with a status write": ("CPU for a watch event and an own status write", ["3.3 ms"]),
}
"""What the page says, and the row of the runs and the figures that it is taken from."""


def test_what_is_said_is_what_was_measured() -> None:
    text = SIZING.read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE))
    runs = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for what, (row, figures) in MEASURED.items():
        (measured,) = re.findall(rf"^\| {re.escape(row)} \|(.*)$", runs, re.MULTILINE)
        for figure in figures:
            number, unit = figure.split()
            assert figure in measured
            assert re.search(rf"\b{re.escape(number)}\b.*{unit}", said[what]), (what, figure)
    (size,) = re.findall(r"A finished object has\s(\S+ KiB)\.", runs)
    assert f"{size} for a finished Migration" in said["the API server's storage"]


def test_the_defaults_are_those_of_the_chart() -> None:
    values = yaml.safe_load((ROOT / "charts" / "osmig" / "values.yaml").read_text(encoding="utf-8"))
    requests, limits = values["resources"]["requests"], values["resources"]["limits"]
    text = SIZING.read_text(encoding="utf-8")

    assert f"| {requests['cpu']} | {requests['memory']} | {limits['memory']} |" in text
    assert "cpu" not in limits, "the page says why"
