"""``make test``: each lane runs to its end, and what is told at the end is what happened."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.waiting import DEADLINE_S, eventually
from lanes.outcomes import Outcome, conclude, render
from lanes.plan import BY_REQUEST, LANES, NICENESS, Kind, Lane, report_path, write_command, write_command_alone
from lanes.running import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
GOOD, BAD = (sys.executable, "-c", ""), (sys.executable, "-c", "print('why it failed'); raise SystemExit(3)")
REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.unit.test_one" name="test_good" />
<testcase classname="tests.unit.test_one" name="test_bad[a b]"><failure>because</failure></testcase>
<testcase classname="tests.unit.test_one" name="test_bad[a b]"><error>also at its end</error></testcase>
<testcase classname="tests.unit.test_one" name="test_skipped"><skipped /></testcase>
<testcase classname="" name="tests.unit.test_two"><error>cannot be imported</error></testcase>
</testsuite></testsuites>
"""
TESTED = Lane(name="tested")


def run(folder: Path, *lanes: Lane) -> tuple[list[Outcome], str]:
    said: list[str] = []
    return Runner(folder, said.append).run(lanes), "\n".join(said)


def test_a_lane_that_fails_hides_no_other_and_shows_what_it_said(tmp_path: Path) -> None:
    outcomes, said = run(tmp_path, Lane(name="first", command=BAD), Lane(name="second", command=GOOD))
    assert [(one.lane.name, one.result) for one in outcomes] == [("first", "FAILED"), ("second", "ok")]
    assert "why it failed" in said


def test_a_lane_that_passes_says_nothing_but_its_line(tmp_path: Path) -> None:
    _, said = run(tmp_path, Lane(name="only", command=(sys.executable, "-c", "print('much')")))
    assert re.fullmatch(r"==> only\n<== only: ok, 1 passed, 0 failed, \d+ s", said)


def test_what_needs_a_lane_that_failed_is_not_run_and_counts_as_failed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    touch = (sys.executable, "-c", f"open({str(mark)!r}, 'w')")
    outcomes, _ = run(
        tmp_path, Lane(name="prepare", command=BAD), Lane(name="needy", command=touch, needs="prepare", kind=Kind.WAITS)
    )
    assert [one.result for one in outcomes] == ["FAILED", "not run"]
    assert outcomes[1].failures == ("needy: not run, because prepare failed",)
    assert not mark.exists()


def _note(path: Path, word: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"open({str(path)!r}, 'a').write({word!r})")


def test_what_needs_a_lane_and_what_is_last_wait_for_their_turn(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    outcomes, _ = run(
        tmp_path,
        Lane(name="last", command=_note(notes, "last"), is_last=True),
        Lane(name="needy", command=_note(notes, "needy "), needs="needed", kind=Kind.WAITS),
        Lane(name="needed", command=_note(notes, "needed ")),
    )
    assert notes.read_text() == "needed needy last"
    assert [one.lane.name for one in outcomes] == ["last", "needy", "needed"], "told in the order they were given in"


def _meet(folder: Path, name: str, other: str) -> tuple[str, ...]:
    """Return a command that ends well only if the other one runs at the same time."""
    own, awaited = folder / f"{name}.there", folder / f"{other}.there"
    script = (
        f"import pathlib, time\npathlib.Path({str(own)!r}).touch()\n"
        f"end = time.monotonic() + {DEADLINE_S}\n"
        f"while not pathlib.Path({str(awaited)!r}).exists():\n"
        f"    assert time.monotonic() < end\n    time.sleep(0.01)\n"
    )
    return (sys.executable, "-c", script)


@pytest.mark.parametrize("kinds", [(Kind.WAITS, Kind.WAITS), (Kind.WAITS, Kind.COMPUTES), (Kind.COMPUTES,) * 2])
def test_lanes_run_side_by_side(tmp_path: Path, kinds: tuple[Kind, Kind]) -> None:
    one, two = kinds
    outcomes, _ = run(
        tmp_path,
        Lane(name="a", command=_meet(tmp_path, "a", "b"), kind=one),
        Lane(name="b", command=_meet(tmp_path, "b", "a"), kind=two),
    )
    assert [outcome.result for outcome in outcomes] == ["ok", "ok"]


def test_tests_are_counted_from_their_report_and_each_once(tmp_path: Path) -> None:
    report = tmp_path / "tested.xml"
    report.write_text(REPORT)
    outcome = conclude(TESTED, 1, 2.0, report)
    assert (outcome.passed, outcome.skipped) == (1, 1)
    assert outcome.failures == ("tests/unit/test_one.py::test_bad[a b]", "tests.unit.test_two")


@pytest.mark.parametrize(
    ("status", "text", "failure"),
    [
        (0, None, "no test was run"),
        (5, "<testsuites />", "exit status 5"),
        (-9, "<testsuites><testsu", "exit status -9"),
        (1, '<testsuites><testcase classname="tests.a" name="b" /></testsuites>', "exit status 1"),
    ],
    ids=["no report", "no tests", "half a report", "failed after its tests"],
)
def test_an_outcome_is_never_better_than_the_exit_status(
    tmp_path: Path, status: int, text: str | None, failure: str
) -> None:
    report = tmp_path / "tested.xml"
    if text is not None:
        report.write_text(text)
    assert conclude(TESTED, status, 2.0, report).failures == (f"tests/tested: {failure}",)


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report_path(TESTED, tmp_path).write_text('<testsuites><testcase classname="tests.a" name="b" /></testsuites>')
    (outcome,), _ = run(tmp_path, TESTED)
    assert (outcome.passed, outcome.result) == (0, "FAILED")


def test_a_lane_that_gives_way_has_more_time_for_each_test(tmp_path: Path) -> None:
    gives, does_not = [
        write_command(TESTED, tmp_path, with_coverage=False, gives_way=gives_way) for gives_way in (True, False)
    ]
    (guard,) = [word for word in gives if word.startswith("--timeout=")]
    usual = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["timeout"]
    given_s = int(guard.partition("=")[2])
    assert given_s > 2 * int(usual)
    assert not [word for word in does_not if word.startswith("--timeout=")]
    script = "import os; assert os.nice(1) > 0; import lab.waiting; print(lab.waiting.DEADLINE_S)"
    patience_s = float(subprocess.check_output([sys.executable, "-c", script], cwd=ROOT / "tests", text=True))  # noqa: S603
    assert int(usual) < patience_s < given_s, "and it fails with what it waited for"


@pytest.mark.parametrize("already", [0, 4, 10, 15])
def test_who_gives_way_already_does_not_give_way_twice(already: int) -> None:
    written = (
        "lanes.plan.write_command(lanes.plan.Lane(name='tested'), pathlib.Path(), with_coverage=False, gives_way=True)"
    )
    script = f"import os, pathlib, lanes.plan; now = os.nice({already}); print(now, *{written}[:3])"
    now, *begins = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT / "tests", text=True).split()  # noqa: S603
    assert begins == ["nice", "-n", str(max(0, NICENESS - int(now)))]


def _make_niceness_told(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let who gives way be told from this process, which may give way itself; return its niceness."""
    monkeypatch.setattr("lanes.plan.NICENESS", niceness := min(19, os.nice(0) + 1))
    return niceness


def _await(condition: str) -> str:
    """Return lines of such a test that wait until something is so."""
    return (
        f"end = time.monotonic() + {DEADLINE_S}\n"
        f"    while not ({condition}):\n        assert time.monotonic() < end\n        time.sleep(0.01)"
    )


def _write_test(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Write the only test of the lane ``TESTED``."""
    monkeypatch.chdir(folder)
    tests = folder / "tests" / TESTED.name
    tests.mkdir(parents=True)
    (tests / "test_it.py").write_text(f"import os, pathlib, time\n\ndef test_it():\n    {body}\n")


@pytest.mark.parametrize("beside", [True, False], ids=["beside one that waits", "beside none"])
def test_a_lane_gives_way_to_one_that_waits_and_else_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, beside: bool
) -> None:
    own, niced = os.nice(0), _make_niceness_told(monkeypatch)
    seen = tmp_path / "a.there"
    _write_test(tmp_path, monkeypatch, f"pathlib.Path({str(seen)!r}).write_text(str(os.nice(0)))")
    waits = Lane(name="waits", command=_meet(tmp_path, "b", "a"), kind=Kind.WAITS)
    outcomes, _ = run(tmp_path, *([waits] if beside else []), TESTED)
    assert {outcome.result for outcome in outcomes} == {"ok"}
    # the lane of this test may be raised at any moment itself
    assert int(seen.read_text()) in ({niced} if beside else {own, os.nice(0)})


def _may_raise() -> bool:
    script = "import os; own = os.nice(0); assert os.nice(1) > own; os.setpriority(os.PRIO_PROCESS, 0, own)"
    tried = subprocess.run([sys.executable, "-c", script], check=False, stderr=subprocess.DEVNULL)  # noqa: S603
    return tried.returncode == 0


@pytest.mark.skipif(not _may_raise(), reason="lacks a niceness to give way with, or the right to raise: CAP_SYS_NICE")
def test_a_lane_gives_way_no_longer_once_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    niced = _make_niceness_told(monkeypatch)
    begun = tmp_path / "a.there"
    begin = f"assert os.nice(0) == {niced}\n    pathlib.Path({str(begun)!r}).touch()\n    "
    _write_test(tmp_path, monkeypatch, begin + _await(f"os.nice(0) < {niced}"))
    waits = Lane(name="waits", command=_meet(tmp_path, "b", "a"), kind=Kind.WAITS)
    outcomes, said = run(tmp_path, waits, TESTED)
    assert {outcome.result for outcome in outcomes} == {"ok"}, said


def test_a_lane_that_may_not_be_raised_goes_on_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_niceness_told(monkeypatch)
    begun, tried = tmp_path / "a.there", tmp_path / "tried"

    def refuse(*_: int) -> None:
        with tried.open("x"):
            raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    begin = f"pathlib.Path({str(begun)!r}).touch()\n    "
    _write_test(tmp_path, monkeypatch, begin + _await(f"pathlib.Path({str(tried)!r}).exists()"))
    waits = Lane(name="waits", command=_meet(tmp_path, "b", "a"), kind=Kind.WAITS)
    outcomes, said = run(tmp_path, waits, TESTED)
    assert {outcome.result for outcome in outcomes} == {"ok"}, said


def test_the_table_names_each_lane_and_each_failure_and_ends_with_the_sum() -> None:
    outcomes = [
        Outcome(lane=Lane(name="unit"), passed=4243, failures=(), skipped=1, seconds=51.4),
        Outcome(
            lane=Lane(name="e2e"), passed=2, failures=("tests/e2e/test_e2e_cold.py::test_a",), skipped=0, seconds=9
        ),
    ]
    assert render(outcomes, 60.0).splitlines() == [
        "lane  passed  failed  skipped  seconds  result",
        "unit    4243       0        1       51  ok",
        "e2e        2       1        0        9  FAILED",
        "all     4245       1        1       60  FAILED",
        "",
        "failed:",
        "  tests/e2e/test_e2e_cold.py::test_a",
        "",
        "4245 passed, 1 failed, 1 skipped",
    ]


def test_the_sum_of_a_good_run_stands_alone_on_the_last_line() -> None:
    good = Outcome(lane=Lane(name="lint"), passed=1, failures=(), skipped=0, seconds=1.0)
    assert render([good, replace(good, passed=7)], 2.0).splitlines()[-1] == "8 passed, 0 failed"


def test_every_folder_with_tests_is_a_lane() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert {lane.name for lane in LANES if lane.has_tests} == folders - BY_REQUEST
    assert folders >= BY_REQUEST
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [name for name in BY_REQUEST if f"tests/{name})" not in makefile] == []


def test_a_lane_alone_runs_the_same_tests_as_among_the_others(tmp_path: Path) -> None:
    for lane in (lane for lane in LANES if lane.has_tests):
        together, alone = write_command(lane, tmp_path, with_coverage=True), write_command_alone(lane)
        assert together[-1] == alone[-1] == f"tests/{lane.name}"
        assert [word for word in alone if word.startswith(("--dist", "--numproc"))] == [
            word for word in together if word.startswith(("--dist", "--numproc"))
        ]


def test_coverage_is_measured_together_where_it_counts_and_never_alone(tmp_path: Path) -> None:
    lanes = [lane for lane in LANES if lane.has_tests]
    measured = {lane.name for lane in lanes if "coverage" in write_command(lane, tmp_path, with_coverage=True)}
    assert measured == {lane.name for lane in lanes} - {"e2e", "crash"}
    assert not any("coverage" in write_command(lane, tmp_path, with_coverage=False) for lane in lanes)


SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
DRIVER = """
import sys
from pathlib import Path
from lanes import __main__ as program
from lanes.plan import Lane
program.LANES = tuple(Lane(name=name, command=(sys.executable, "-c", sys.argv[2], f"{sys.argv[1]}/{name}.pid"))
                      for name in ("one", "two"))
program.main(["--folder", sys.argv[1]])
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_that_is_told_to_stop_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, status: int) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    # the script is our own
    runner = subprocess.Popen([sys.executable, "-c", DRIVER, tmp_path, SLEEPER], env=environ, stdout=subprocess.DEVNULL)  # noqa: S603
    pids = [eventually(_reader(tmp_path / f"{name}.pid"), what=f"{name} runs") for name in ("one", "two")]

    runner.send_signal(number)

    assert runner.wait(DEADLINE_S) == status
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="no child left")


def _reader(path: Path) -> Callable[[], str]:
    return path.read_text


def written_targets() -> list[str]:
    """Every target that ``make help`` lists."""
    return [*re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE), "coverage"]


@pytest.mark.parametrize("target", written_targets())
def test_what_make_passes_to_the_shell_is_something_it_can_read(target: str) -> None:
    """A comma or a quote in the wrong place of a ``$(call …)`` is seen here, not at the end of half an hour."""
    written = subprocess.run(  # noqa: S603
        ("make", "--no-print-directory", "--dry-run", "--always-make", f"PYTHON={sys.executable}", target),  # noqa: S607
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    read = subprocess.run(
        ("sh", "-n"),  # noqa: S607
        input=written.stdout,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (read.returncode, read.stderr) == (0, "")


def test_what_a_worker_measured_is_saved_before_it_says_that_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        """
import os, signal
import pytest
from tests.conftest import pytest_sessionfinish

@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    if hasattr(config, "workerinput"):
        os.kill(os.getpid(), signal.SIGKILL)
""",
        encoding="utf-8",
    )
    (tmp_path / "measured.py").write_text("def answer():\n    return 42\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text(
        "import measured\n\n\ndef test_it():\n    assert measured.answer() == 42\n", encoding="utf-8"
    )
    (tmp_path / ".coveragerc").write_text(
        "[run]\nparallel = true\npatch = subprocess\ninclude = */measured.py\n", encoding="utf-8"
    )
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}

    def measure(*args: str, check: bool = True) -> str:
        command = (sys.executable, "-m", "coverage", *args)
        done = subprocess.run(command, cwd=tmp_path, env=environ, check=check, capture_output=True, text=True)  # noqa: S603 - our own
        return done.stdout

    measure("run", "-m", "pytest", "-n", "1", "--max-worker-restart=0", "-p", "no:cacheprovider", check=False)
    measure("combine")

    assert measure("report", "--format=total").strip() == "100"
