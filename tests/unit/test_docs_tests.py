"""``tests/README.md`` says what each lane and each support module is for."""

from __future__ import annotations

from pathlib import Path, PurePath

from doc_pages import CODE, ROOT, rows_of
from lanes.plan import LANES

TESTS = ROOT / "tests"
PAGE = TESTS / "README.md"


def names_below(heading: str) -> list[str]:
    return [name for first, *_ in rows_of(PAGE, heading)[1:] for name in CODE.findall(first)]


def test_each_lane_with_tests_has_its_row() -> None:
    assert sorted(names_below("## Lanes")) == sorted(lane.name for lane in LANES if lane.has_tests)


def test_each_support_module_falls_under_one_row_and_no_row_is_left_over() -> None:
    patterns = names_below("## Support modules")
    lanes = {lane.name for lane in LANES if lane.has_tests} - {"lab"}
    there = [path.name for path in TESTS.iterdir() if is_support(path) and path.name not in lanes]
    found = {name: [pattern for pattern in patterns if PurePath(name).match(pattern)] for name in there}
    assert {name: fits for name, fits in found.items() if len(fits) != 1} == {}
    assert sorted(patterns) == sorted({fits[0] for fits in found.values()})


def is_support(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
