"""The page of plans names a test for each line of its tables, and each of these tests is there."""

from __future__ import annotations

import re

import pytest

from doc_pages import ROOT

PAGE = ROOT / "docs/plans.md"
HEADING = "\n## What goes wrong elsewhere, and what is asked of a plan\n"
LINK = re.compile(r"\[([^\]]+)\]\(\.\./(tests/[^)]+\.py)\)")
ROWS = [
    line for line in PAGE.read_text(encoding="utf-8").partition(HEADING)[2].splitlines() if re.match(r"\| [A-Z]", line)
]
LEADS = ("| What Nova or others do |", "| What people ask |")


@pytest.mark.parametrize("row", [row for row in ROWS if not row.startswith(LEADS)], ids=lambda row: row[2:50])
def test_what_a_plan_is_to_withstand_names_tests_that_are_there(row: str) -> None:
    tests = LINK.findall(row.split("|")[2])
    assert tests
    for words, path in tests:
        name = f"test_{words.replace(' ', '_')}"
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_both_tables_are_there() -> None:
    assert {row.split("|")[1].strip() for row in ROWS if row.startswith(LEADS)} == {
        "What Nova or others do",
        "What people ask",
    }
