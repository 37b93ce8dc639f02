"""Virtual environments of their own for programs that must not live in the test's environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from lab.cache import cache_folder, key_of, locked, timed

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cache import Report


def make_environment(name: str, requirements: Path, *options: str, step: str, advice: str, report: Report) -> Path:
    """Return the bin folder of the cached environment that belongs to a requirements file and this interpreter.

    Args:
        name: Prefix of its folder in the cache.
        requirements: What is in it; a changed file makes a new one.
        options: Further options of ``pip install``.
        step: What the progress line says when it must be made.
        advice: What somebody whose installation fails can do.
        report: Takes the progress lines.

    Raises:
        RuntimeError: The packages could not be installed; the message ends with what pip said.
    """
    folder = cache_folder() / f"{name}-{key_of(requirements, sys.version.split()[0])}"
    complete = folder / "complete"
    with locked(folder, report):
        if complete.exists():
            return folder / "bin"
        shutil.rmtree(folder, ignore_errors=True)
        with timed(step, report):
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)  # noqa: S603 - this interpreter
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run(  # noqa: S603 - our own requirements
                [*pip, *options, "-r", str(requirements)], capture_output=True, text=True, check=False
            )
        if done.returncode:
            raise RuntimeError(f"{step} failed. {advice}\n{done.stderr[-3000:]}")
        complete.touch()
    return folder / "bin"
