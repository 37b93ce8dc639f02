"""Checkers of files that are no Python, in a cached environment of their own: 200 MB that no test needs to import."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cache import report_progress
from lab.environments import make_environment
from lab.steps import Step

if TYPE_CHECKING:
    from lab.cache import Report

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).with_name("checker_sources") / "requirements.txt"
STEP = Step("checkers: installing them", 20, "The package index must be reachable once.")


def find_checkers(report: Report = report_progress) -> Path:
    """Return the folder of their programs, installed if missing.

    Raises:
        StepError: They could not be installed.
    """
    return make_environment(
        "checkers", REQUIREMENTS, "--only-binary", ":all:", "--require-hashes", step=STEP, report=report
    )


def write_bill_of_materials(file: Path) -> None:
    """Write what the image has of others, by its lock, as CycloneDX; the same for the same lock.

    Raises:
        StepError: The program for it could not be installed.
    """
    program = find_checkers() / "cyclonedx-py"
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON", "-o", str(file.absolute())]
    command: list[str | Path] = [program, "requirements", "requirements.image.lock", *options]
    subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: S603 - the lab's own
