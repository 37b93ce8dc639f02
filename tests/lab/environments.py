"""Virtual environments of their own for programs that must not live in the test's environment."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from lab.cache import cache_folder, key_of, locked
from lab.steps import Step, run_step

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cache import Report

VENV = Step(
    "making an empty environment",
    1,
    "The interpreter needs its module venv; some distributions have it in a package python3-venv.",
)


def make_environment(name: str, requirements: Path, *options: str, step: Step, report: Report) -> Path:
    """Return the bin folder of the cached environment that belongs to a requirements file and this interpreter.

    One that was begun and not finished is made anew.

    Args:
        name: Prefix of its folder in the cache.
        requirements: What is in it; a changed file makes a new one.
        options: Further options of ``pip install``.
        step: What is reported when it must be made.
        report: Takes the progress lines.

    Raises:
        StepError: The packages could not be installed; the message ends with what pip said.
    """
    folder = cache_folder() / f"{name}-{key_of(requirements, sys.version.split()[0])}"
    complete = folder / "complete"
    if complete.exists():
        return folder / "bin"
    with locked(folder, report):
        if complete.exists():
            return folder / "bin"
        shutil.rmtree(folder, ignore_errors=True)
        # Not in a scratch folder: an environment knows its own path and cannot be moved.
        run_step(VENV, [sys.executable, "-m", "venv", "--without-pip", folder], report)
        # By the pip that is here: bringing one to each environment takes longer than making it.
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
        run_step(
            step, [*pip, "install", "--quiet", "--disable-pip-version-check", *options, "-r", requirements], report
        )
        complete.touch()
    return folder / "bin"
