"""The page of the first change is true: its diff fits the files of today, its commands and its files exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from doc_pages import CODE, ROOT, rows_of
from doc_tables import DOCS

PAGE = DOCS / "first-change.md"
TEXT = PAGE.read_text(encoding="utf-8")
DIFF = re.search(r"^```diff\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
HUNK = re.compile(r"^@@.*$", re.MULTILINE)


def read_hunks() -> list[tuple[str, str, str]]:
    """Return each hunk of the page's diff: the file, its lines before and its lines after."""
    assert DIFF is not None, "the page shows no diff"
    hunks = []
    for part in re.split(r"^--- a/.*\n", DIFF[1], flags=re.MULTILINE)[1:]:
        head, *bodies = HUNK.split(part)
        file = head.strip().removeprefix("+++ b/")
        for body in bodies:
            lines = body.removeprefix("\n").splitlines(keepends=True)
            before = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
            after = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
            hunks.append((file, before, after))
    return hunks


def test_the_diff_can_be_made_in_the_files_as_they_are_and_leaves_python() -> None:
    changed: dict[str, str] = {}
    for file, before, after in read_hunks():
        text = changed.get(file) or (ROOT / file).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file} has changed: make the page's diff anew"
        changed[file] = text.replace(before, after)

    assert sorted(Path(file).parts[0] for file in changed) == ["operator", "tests"]
    assert all(ast.parse(text) for text in changed.values())


def test_every_command_is_a_target_of_make_or_a_test_that_there_is() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    variables = re.findall(r"^TESTS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    told = set(re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE))
    tests = re.findall(r"pytest -q (\S+)", TEXT)

    assert told
    assert told - targets - set(variables[0].split()) == set()
    assert tests
    assert [test for test in tests if not (ROOT / test).exists()] == []


def test_the_walk_through_the_toy_names_each_of_its_files() -> None:
    rows = rows_of(PAGE, "## How an engine is added")[1:]
    told = [name for row in rows for name in CODE.findall(row[0])]

    assert sorted(told) == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/toy_driver").glob("*.py"))
