"""``PYTHONPATH=tests python -m lanes``: all lanes, each to its end; with names those; one alone runs in front.

The exit status is 1 if anything failed, 130 or 143 if it was told to stop.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lanes.outcomes import render
from lanes.plan import LANES, write_command_alone
from lanes.running import Runner, clean_environ

if TYPE_CHECKING:
    from types import FrameType

SIGNALLED = 128


class StoppedError(BaseException):
    """A signal came."""


def _stop(number: int, _: FrameType | None) -> None:
    raise StoppedError(number)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([lane.name for lane in LANES]))
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/lanes"), show_default=True)
def main(names: tuple[str, ...], folder: Path) -> None:
    """Run lanes side by side and close with a table."""
    chosen = [lane for lane in LANES if lane.name in names] if names else list(LANES)
    if len(chosen) == 1:
        command = write_command_alone(chosen[0])
        os.execvpe(command[0], command, clean_environ())  # noqa: S606 - written in plan.py
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    folder.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        log.unlink()
    begin = time.monotonic()
    try:
        outcomes = Runner(folder, say, with_coverage=not names).run(chosen)
    except StoppedError as stop:
        say("stopped; everything that was started has ended")
        sys.exit(SIGNALLED + int(stop.args[0]))
    say(f"\n{render(outcomes, time.monotonic() - begin)}")
    sys.exit(any(not outcome.is_good for outcome in outcomes))


def say(line: str) -> None:
    """Print at once, also where the output is a file."""
    click.echo(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
