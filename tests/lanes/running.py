"""Runs lanes side by side, each to its end, and takes what they did from their reports."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.child import Child
from lanes.outcomes import Outcome, conclude, could_not_run
from lanes.plan import COMPUTING_ALONE, PLACES, Kind, report_path, write_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lanes.plan import Lane

LOOK_EVERY_S = 0.1
TIDY_UP_S = 30.0
"""How long a lane that was told to stop may take to end its servers."""


@dataclass(slots=True)
class _Run:
    """A lane that runs, since when, and whether it gives way still."""

    child: Child
    begin: float
    gives_way: bool


@dataclass(slots=True)
class Runner:
    """Runs lanes.

    Attributes:
        folder: for their output, reports and temporary files.
        say: tells people how far it is.
    """

    folder: Path
    say: Callable[[str], None]
    with_coverage: bool = False
    _running: dict[Lane, _Run] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, lanes: Iterable[Lane]) -> list[Outcome]:
        """Run all lanes; return what became of them, in their order.

        Whatever ends it (also ``KeyboardInterrupt``), no lane is left behind.
        """
        ordered = list(lanes)
        waiting = list(ordered)
        try:
            while waiting or self._running:
                self._begin(waiting)
                self._collect()
                self._raise_again(waiting)
                time.sleep(LOOK_EVERY_S)
        finally:
            self._end_all()
        return [self._outcomes[lane.name] for lane in ordered]

    def _begin(self, waiting: list[Lane]) -> None:
        """Start what may run now, and give up what never can."""
        for lane in tuple(waiting):
            needed = self._outcomes.get(lane.needs)
            if needed is not None and not needed.is_good:
                waiting.remove(lane)
                self._keep(could_not_run(lane, needed))
            elif self._may_begin(lane, waiting):
                waiting.remove(lane)
                self._start(lane, gives_way=_gives_way(lane, (*waiting, *self._running)))

    def _may_begin(self, lane: Lane, waiting: list[Lane]) -> bool:
        others = [other for other in (*waiting, *self._running) if other is not lane]
        if lane.needs in {other.name for other in others} or (lane.is_last and others):
            return False
        taken = sum(other.places for other in self._running if other.kind is lane.kind)
        return taken == 0 or taken + lane.places <= _count_places(lane, others)

    def _start(self, lane: Lane, *, gives_way: bool) -> None:
        report_path(lane, self.folder).unlink(missing_ok=True)
        command = write_command(lane, self.folder, with_coverage=self.with_coverage, gives_way=gives_way)
        self.say(f"==> {lane.name}")
        child = Child(command, log=self._log(lane), env=clean_environ())
        self._running[lane] = _Run(child, time.monotonic(), gives_way)

    def _collect(self) -> None:
        for lane, one in tuple(self._running.items()):
            if one.child.returncode is None:
                continue
            del self._running[lane]
            status, seconds = one.child.wait(0), time.monotonic() - one.begin
            self._keep(conclude(lane, status, seconds, report_path(lane, self.folder)))

    def _raise_again(self, waiting: list[Lane]) -> None:
        """Let lanes give way no longer once nobody is left to whom they do, where this process has the right to it."""
        for lane, one in self._running.items():
            if one.gives_way and not _gives_way(lane, (*waiting, *self._running)):
                one.gives_way = False
                with suppress(PermissionError, ProcessLookupError):
                    one.child.set_niceness(os.nice(0))

    def _keep(self, outcome: Outcome) -> None:
        """Tell an outcome; of a failure everything that was said, because nobody can look at the files of a CI."""
        lane = outcome.lane
        self._outcomes[lane.name] = outcome
        log = self._log(lane)
        if not outcome.is_good and log.exists():
            self.say(
                f"--- {lane.name} said:\n{log.read_text(encoding='utf-8', errors='replace')}--- end of {lane.name}"
            )
        self.say(f"<== {outcome.describe()}")

    def _log(self, lane: Lane) -> Path:
        return self.folder / f"{lane.name}.log"

    def _end_all(self) -> None:
        """Let pytest end its servers as after Ctrl-C; what does not follow is killed with everything it started."""
        for one in self._running.values():
            one.child.send(signal.SIGINT)
        for one in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                one.child.wait(TIDY_UP_S)
            one.child.kill_group()
        self._running.clear()


def clean_environ() -> dict[str, str]:
    """Return the environment of a lane: the path by which this package was found is none of its business."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _gives_way(lane: Lane, others: Iterable[Lane]) -> bool:
    """Return whether a lane computes while others wait.

    Without these it would give way to strangers alone: beside two busy processes the last lane was seen to get a tenth
    of a processor.
    """
    return lane.kind is Kind.COMPUTES and any(other.kind is Kind.WAITS for other in others)


def _count_places(lane: Lane, others: Iterable[Lane]) -> int:
    """Return how many workers may run, of the lane's kind: without lanes that wait, both processors may compute."""
    if lane.kind is Kind.COMPUTES and not _gives_way(lane, others):
        return COMPUTING_ALONE
    return PLACES[lane.kind]
