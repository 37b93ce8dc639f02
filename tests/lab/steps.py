"""Long steps of the preparation: each says what it does and about how long, keeps its reader company, and can be ended.

The lab's programs are prepared by other programs (Go, pip, apt). They run on a leash: whoever ends the preparation, in
whatever way, leaves nothing behind that still writes into the cache.
"""

from __future__ import annotations

import contextlib
import queue
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lab.cache import Report

UPDATE_S = 20.0
"""How long a step may be silent."""
OUTPUT_CHARACTERS = 3000
MINUTE_S = 60


class StepError(RuntimeError):
    """A step failed; the message says which, what to do, and ends with what its program said last."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the reader of the progress is told.

    Attributes:
        title: What is done, without its duration.
        about_s: Seconds that it takes on two quiet cores.
        advice: What somebody can do with whom it fails.
    """

    title: str
    about_s: float
    advice: str


def run_step(
    step: Step,
    command: Sequence[str | Path],
    report: Report,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a program to its end, and report its begin, that it still runs, and its end.

    Raises:
        StepError: It could not be started, or ended with an error.
    """
    with reported(step, report), tempfile.TemporaryFile() as output:
        try:
            # a file without a name: nothing of it is left, however this process ends
            child = Child(command, log=Path(f"/proc/self/fd/{output.fileno()}"), env=env, cwd=cwd)
        except OSError as error:
            raise StepError(f"{step.title} failed. {step.advice}\n{error}") from error
        try:
            status = child.wait()
        finally:
            child.kill_group()
        if status:
            raise StepError(f"{step.title} failed ({status}). {step.advice}\n{child.tail(OUTPUT_CHARACTERS).strip()}")


@contextlib.contextmanager
def reported(step: Step, report: Report, *, every_s: float = UPDATE_S) -> Iterator[None]:
    """Report the begin of a step, then how long it has run, and its end with its seconds, unless it fails."""
    about = spell(step.about_s)
    report(f"{step.title}, about {about} ...")
    begin = time.monotonic()
    over = threading.Event()

    def keep_company() -> None:
        while not over.wait(every_s):
            report(f"{step.title}: {spell(time.monotonic() - begin)} so far, {about} on two quiet cores")

    company = threading.Thread(target=keep_company, daemon=True)
    company.start()
    try:
        yield
    finally:
        over.set()
        company.join()
    report(f"{step.title}: done after {spell(time.monotonic() - begin)}")


def spell(seconds: float) -> str:
    """Return a duration for people: seconds below a minute, else minutes and seconds."""
    minutes, rest = divmod(round(seconds), MINUTE_S)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def side_by_side(*tasks: Callable[[], object]) -> None:
    """Run tasks in threads of their own until all have ended.

    The first error is raised at once; what the other tasks still do ends with this process, as steps are on a leash.
    """
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
            ended.put(error)
        else:
            ended.put(None)

    for task in tasks:
        threading.Thread(target=run, args=(task,), daemon=True).start()
    for _ in tasks:
        if error := ended.get():
            raise error
