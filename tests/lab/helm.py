"""Helm as whoever installs the charts has it: its own home, a kubeconfig that is named, values as a file."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lab.binaries import find_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_S = 200.0
"""For an install that waits; longer than anybody does."""


class HelmError(AssertionError):
    """Helm ended with an error; the message is what it said."""


class Helm:
    """One Helm 4.

    Attributes:
        program: Its path.
    """

    def __init__(self, program: Path | None = None) -> None:
        """Take a program, found or built if not given."""
        self.program = program or find_tools(["helm"])["helm"]

    def run(self, *args: str | Path, values: Mapping[str, Any] | None = None, kubeconfig: Path | None = None) -> str:
        """Run it and return what it printed.

        Args:
            args: What to do.
            values: Values of the chart, besides its own.
            kubeconfig: Whose rights it has; without one it reaches no cluster.

        Raises:
            HelmError: It failed.
        """
        with tempfile.TemporaryDirectory(prefix="osmig-helm-") as home:
            given: list[str | Path] = []
            if values is not None:
                file = Path(home) / "values.json"
                file.write_text(json.dumps(values), encoding="utf-8")
                given = ["--values", file]
            environ = {"HOME": home, "PATH": os.environ["PATH"], "KUBECONFIG": str(kubeconfig or Path(home) / "none")}
            done = subprocess.run(  # noqa: S603 - the caller is a test
                [self.program, *args, *given],
                capture_output=True,
                text=True,
                env=environ,
                timeout=LONGEST_S,
                check=False,
            )
        if done.returncode:
            raise HelmError(f"helm {' '.join(map(str, args))} -> {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout

    def render(
        self,
        chart: Path,
        values: Mapping[str, Any] | None = None,
        *,
        release: str = "osmig",
        namespace: str = "osmig-system",
    ) -> str:
        """Return what a chart makes, as YAML text, hooks included; no cluster is asked.

        Raises:
            HelmError: It refused the values; the message says why.
        """
        return self.run("template", release, chart, "--namespace", namespace, values=values or {})

    def render_objects(self, chart: Path, values: Mapping[str, Any] | None = None, **options: str) -> list[Any]:
        """Return the same as objects; options as those of ``render``."""
        return [made for made in yaml.safe_load_all(self.render(chart, values, **options)) if made]
