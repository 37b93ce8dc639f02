"""What became of a lane: counted from the report that pytest writes, and never better than its exit status."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lanes.plan import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a lane.

    Attributes:
        passed: tests; a lane that is no test counts as one.
        failures: each failed test, or what else went wrong.
    """

    lane: Lane
    passed: int
    failures: tuple[str, ...]
    skipped: int
    seconds: float
    was_run: bool = True

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def result(self) -> str:
        """One word for the table."""
        if not self.was_run:
            return "not run"
        return "ok" if self.is_good else "FAILED"

    def describe(self) -> str:
        """Return one line."""
        counts = describe_counts(self.passed, len(self.failures), self.skipped)
        return f"{self.lane.name}: {self.result}, {counts}, {self.seconds:.0f} s"


def conclude(lane: Lane, status: int, seconds: float, report: Path) -> Outcome:
    """Judge a lane that has ended.

    Args:
        lane: the lane.
        status: its exit status.
        seconds: how long it ran.
        report: JUnit XML, if its tests wrote one.
    """
    if not lane.has_tests:
        failed = (f"{lane.name}: exit status {status}",) if status else ()
        return Outcome(lane=lane, passed=int(not failed), failures=failed, skipped=0, seconds=seconds)
    passed, failures, skipped = _read(report)
    if not failures and (status or not passed + skipped):
        reason = f"exit status {status}" if status else "no test was run"
        failures = (f"tests/{lane.name}: {reason}",)
    return Outcome(lane=lane, passed=passed, failures=failures, skipped=skipped, seconds=seconds)


def could_not_run(lane: Lane, needed: Outcome) -> Outcome:
    """Return the outcome of a lane that needs one that failed."""
    failures = (f"{lane.name}: not run, because {needed.lane.name} failed",)
    return Outcome(lane=lane, passed=0, failures=failures, skipped=0, seconds=0.0, was_run=False)


def _read(report: Path) -> tuple[int, tuple[str, ...], int]:
    """Count the tests of a report; one that failed and then failed to be taken down is written twice."""
    try:
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest has just written it
    except (OSError, ET.ParseError):
        return 0, (), 0
    names = {case: _name(case) for case in cases}
    failed = dict.fromkeys(names[case] for case in cases if _has(case, "failure", "error"))
    skipped = {names[case] for case in cases if _has(case, "skipped")} - failed.keys()
    passed = {*names.values()} - failed.keys() - skipped
    return len(passed), tuple(failed), len(skipped)


def _has(case: ET.Element, *children: str) -> bool:
    return any(case.find(child) is not None for child in children)


def _name(case: ET.Element) -> str:
    """Return a test as pytest takes it: ``tests.unit.test_cli`` is the file of ``test_…``."""
    module, name = case.get("classname", "").replace(".", "/"), case.get("name", "")
    return f"{module}.py::{name}" if module else name


def describe_counts(passed: int, failed: int, skipped: int) -> str:
    """Return counts in pytest's words."""
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def render(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the table, the names of what failed, and the sum alone on the last line."""
    rows: list[tuple[str, ...]] = [("lane", "passed", "failed", "skipped", "seconds", "result")]
    rows += [
        (one.lane.name, *map(str, (one.passed, len(one.failures), one.skipped)), f"{one.seconds:.0f}", one.result)
        for one in outcomes
    ]
    failures = [failure for one in outcomes for failure in one.failures]
    passed, skipped = sum(one.passed for one in outcomes), sum(one.skipped for one in outcomes)
    total = map(str, (passed, len(failures), skipped))
    rows.append(("all", *total, f"{seconds:.0f}", "FAILED" if failures else "ok"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_align(row, widths)).rstrip() for row in rows]
    told = ["", "failed:", *(f"  {failure}" for failure in failures)] if failures else []
    return "\n".join((*lines, *told, "", describe_counts(passed, len(failures), skipped)))


def _align(row: tuple[str, ...], widths: list[int]) -> list[str]:
    name, *counts, result = row
    return [
        name.ljust(widths[0]),
        *(count.rjust(width) for count, width in zip(counts, widths[1:-1], strict=True)),
        result.ljust(widths[-1]),
    ]
