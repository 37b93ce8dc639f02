"""Which lanes there are, in which order they begin, and how many run at once.

What computes runs one lane at a time and gives way to what waits: a test that waits for real servers is slow by
nature, and two processors serve many of those. Long lanes begin first, so that none is left over at the end.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path


class Kind(Enum):
    """What the time of a lane goes into."""

    COMPUTES = "computes"
    WAITS = "waits"


PLACES: Final = {Kind.COMPUTES: 1, Kind.WAITS: 5}
"""How many workers of a kind run at once on two processors.

Those that wait leave a processor idle most of the time: with fewer of them, the long lanes wait for one another.
"""
COMPUTING_ALONE: Final = 2
"""How many lanes may compute at once when no lane waits."""

NICENESS: Final = 5
"""Of lanes that give way: a third of what a lane gets that does not.

With 10 it is a tenth. Beside a dozen busy processes that is one hundredth of a processor, and a lane with half of its
tests left when all others are through.
"""
GIVING_WAY_TIMEOUT_S: Final = 1800
"""For a test of such a lane: beside two other busy processes one of 2 s was seen to take more than 300 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One command whose outcome is a row of the table.

    Attributes:
        name: unique; of tests, the folder below tests/.
        command: for what is no test.
        kind: which places it takes.
        workers: processes of pytest, each with servers of its own.
        weight: how many workers it counts as; more than it has, if a worker plays several tests side by side.
        needs: name of a lane that must have passed before; without it this one cannot run.
        is_last: begins when all others have ended, however.
        is_measured: whether its coverage counts. Measuring makes an operator's start half as long again, and where
            hundreds of them start, the other lanes have already been everywhere.
    """

    name: str
    command: tuple[str, ...] = ()
    kind: Kind = Kind.COMPUTES
    workers: int = 1
    weight: int = 0
    needs: str = ""
    is_last: bool = False
    is_measured: bool = True

    @property
    def places(self) -> int:
        """How many places it takes, of those of its kind."""
        return min(self.weight or self.workers, PLACES[self.kind])

    @property
    def has_tests(self) -> bool:
        """Whether pytest runs it and writes a report."""
        return not self.command


def _make(target: str) -> tuple[str, ...]:
    return ("make", "--no-print-directory", target)


PREPARE = "prepare"
LANES: Final = (
    Lane(name=PREPARE, command=_make(PREPARE)),
    Lane(name="e2e", kind=Kind.WAITS, workers=2, needs=PREPARE, is_measured=False),
    Lane(name="crash", kind=Kind.WAITS, weight=2, needs=PREPARE, is_measured=False),
    Lane(name="contract", kind=Kind.WAITS, needs=PREPARE),
    Lane(name="manifests", kind=Kind.WAITS, needs=PREPARE),
    Lane(name="lab", kind=Kind.WAITS, needs=PREPARE),
    Lane(name="component", kind=Kind.WAITS, needs=PREPARE),
    Lane(name="load", kind=Kind.WAITS, needs=PREPARE),
    Lane(name="hostile", kind=Kind.WAITS, weight=2, needs=PREPARE),
    Lane(name="lint", command=_make("lint")),
    Lane(name="types", command=_make("types")),
    Lane(name="imports", command=_make("imports")),
    # a third, for some of its tests wait for servers that say nothing
    Lane(name="unit", workers=3),
    Lane(name="coverage", command=_make("coverage"), is_last=True),
)
"""In the order in which they begin; a lane for which there is no place lets later ones pass."""


BY_REQUEST: Final = frozenset({"image"})
"""Folders with tests that no lane runs, for they want what few machines have: ``make image-test``."""


def write_command(lane: Lane, folder: Path, *, with_coverage: bool, gives_way: bool = False) -> tuple[str, ...]:
    """Return the command of a lane, which leaves its report and its temporary files in ``folder``.

    Lanes run side by side: they share neither a cache nor temporary folders, which pytest tidies up at its end.

    Args:
        lane: the lane.
        folder: where it may write.
        with_coverage: whether it measures, if it counts.
        gives_way: whether it lets others go first.
    """
    if lane.command:
        return lane.command
    measured = ("-m", "coverage", "run") if with_coverage and lane.is_measured else ()
    apart = (
        "-p",
        "no:cacheprovider",
        f"--basetemp={folder / lane.name}.tmp",
        f"--junitxml={report_path(lane, folder)}",
    )
    first, guard = (_give_way(), (f"--timeout={GIVING_WAY_TIMEOUT_S}",)) if gives_way else ((), ())
    options = ("-q", *_spread(lane), *guard, *apart)
    return (*first, sys.executable, *measured, "-m", "pytest", *options, _tests(lane))


def write_command_alone(lane: Lane) -> tuple[str, ...]:
    """Return the command of a lane that runs by itself, in front of whoever asked for it."""
    return lane.command or (sys.executable, "-m", "pytest", "-q", *_spread(lane), _tests(lane))


def report_path(lane: Lane, folder: Path) -> Path:
    """Return where the report of a lane's tests is."""
    return folder / f"{lane.name}.xml"


def _tests(lane: Lane) -> str:
    return f"tests/{lane.name}"


def _spread(lane: Lane) -> tuple[str, ...]:
    """Let each worker take whole files: what the tests of a file share is started once."""
    return (f"--numprocesses={lane.workers}", "--dist=loadfile") if lane.workers > 1 else ()


def _give_way() -> tuple[str, ...]:
    """Let those that wait go first; who gives way already, as a test that runs lanes, does so once."""
    further = max(0, NICENESS - os.nice(0))
    return ("nice", "-n", str(further))
