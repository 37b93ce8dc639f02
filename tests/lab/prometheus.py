"""A real Prometheus and promtool: found, or unpacked from the distribution's package without installing it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.cache import cache_folder, locked, report_progress, scratch
from lab.child import Child
from lab.ports import free_port
from lab.steps import Step, StepError, run_step
from lab.waiting import NotInTimeError, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cache import Report

NAMES = ("prometheus", "promtool")
PACKAGE = "prometheus"
OLDEST = (2, 42)
"""The first version that knows ``keep_firing_for``."""
ADVICE = (
    f"Put prometheus and promtool {OLDEST[0]}.{OLDEST[1]} or newer on PATH, or name their folder in PROMETHEUS_FOLDER."
)
LISTS = Step("prometheus: reading the package lists of the distribution", 15, ADVICE)
PACKAGE_STEP = Step("prometheus: downloading the package of the distribution", 5, ADVICE)
UNPACKING = Step("prometheus: unpacking it into the cache", 2, ADVICE)


@dataclass(frozen=True, slots=True)
class PrometheusPrograms:
    """Paths of the two programs."""

    prometheus: Path
    promtool: Path


def find_prometheus(
    report: Report = report_progress, environ: Mapping[str, str] = os.environ, cache: Path | None = None
) -> PrometheusPrograms:
    """Return the programs, from the first place that has both in a version new enough; else fetch them.

    Places: the folder ``PROMETHEUS_FOLDER``, PATH, the cache. Fetched is the package of the distribution, by its apt
    as it is configured on this machine, into the cache; nothing is installed and no rights are needed.

    Args:
        report: Takes the progress lines.
        environ: Where the variables are read.
        cache: The folder to use instead of the lab's own.

    Raises:
        RuntimeError: They could not be had; the message says what is missing.
    """
    cache = cache or cache_folder() / f"prometheus-{platform.machine()}"
    places = [*filter(None, [environ.get("PROMETHEUS_FOLDER")]), environ.get("PATH", ""), str(cache)]
    if found := _look(places):
        return found
    with locked(cache, report):
        if not _look([str(cache)]):
            _fetch(cache, environ, report)
    if found := _look([str(cache)]):
        return found
    raise RuntimeError(f"the package {PACKAGE} of this distribution is older than the rules need. {ADVICE}")


def _look(places: list[str]) -> PrometheusPrograms | None:
    for place in places:
        prometheus, promtool = (shutil.which(name, path=place) for name in NAMES)
        if prometheus and promtool and min(map(_version, (prometheus, promtool))) >= OLDEST:
            return PrometheusPrograms(Path(prometheus), Path(promtool))
    return None


def _version(program: str) -> tuple[int, int]:
    """Return major and minor; (0, 0) when it does not even start."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - just found
    match = re.search(r"version (\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _fetch(cache: Path, environ: Mapping[str, str], report: Report) -> None:
    """Download and unpack in a scratch folder, then rename the programs into the cache."""
    path = environ.get("PATH", "")
    apt, dpkg = (shutil.which(name, path=path) for name in ("apt-get", "dpkg-deb"))
    if apt is None or dpkg is None:
        absent = " and ".join(name for name, found in (("apt-get", apt), ("dpkg-deb", dpkg)) if not found)
        raise RuntimeError(f"no prometheus and promtool here, and no {absent} to fetch them with. {ADVICE}")
    cache.mkdir(parents=True, exist_ok=True)
    with scratch(cache) as work:
        _download(apt, work, report)
        (package,) = work.glob(f"{PACKAGE}_*.deb")
        run_step(UNPACKING, [dpkg, "-x", package, work / "unpacked"], report)
        for name in NAMES:
            (work / "unpacked" / "usr" / "bin" / name).replace(cache / name)


def _download(apt: str, work: Path, report: Report) -> None:
    """Download by the package lists of the machine; where these are absent, by lists of our own."""
    as_it_is = [apt, "-qq", "-o", "APT::Sandbox::User=root"]
    try:
        run_step(PACKAGE_STEP, [*as_it_is, "download", PACKAGE], report, cwd=work)
    except StepError:
        own = [*as_it_is, "-o", f"Dir::State::lists={work}/lists", "-o", f"Dir::Cache={work}"]
        (work / "lists" / "partial").mkdir(parents=True)
        run_step(LISTS, [*own, "update"], report)
        run_step(PACKAGE_STEP, [*own, "download", PACKAGE], report, cwd=work)


class PrometheusServer:
    """A Prometheus on a free loopback port with a configuration of the test's; a context manager."""

    def __init__(self, configuration: Mapping[str, Any], folder: Path) -> None:
        """Prepare; nothing is started yet.

        Args:
            configuration: What its configuration file holds; rule files in it are paths.
            folder: Where its data and its log go.
        """
        self._folder = folder
        self._configuration = folder / "prometheus.json"
        self._configuration.write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
        self._address = f"127.0.0.1:{free_port()}"
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            NotInTimeError: It did not get ready; a note holds what it said.
        """
        command: list[str | Path] = [
            find_prometheus().prometheus,
            f"--config.file={self._configuration}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={self._address}",
        ]
        child = self._child = Child(command, log=self._folder / "prometheus.log")
        try:
            eventually(self._is_ready, what="Prometheus ready")
        except NotInTimeError as error:
            error.add_note(child.tail())
            child.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._child:
            self._child.terminate()

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        return list(self._get("alerts")["alerts"])

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the instant vector that an expression gives now."""
        return list(self._get(f"query?{urllib.parse.urlencode({'query': expression})}")["result"])

    def query_range(self, expression: str, start: float, end: float, step_s: int = 1) -> list[dict[str, Any]]:
        """Return what an expression gave between two Unix times."""
        asked = {"query": expression, "start": start, "end": end, "step": step_s}
        return list(self._get(f"query_range?{urllib.parse.urlencode(asked)}")["result"])

    def _is_ready(self) -> bool:
        return self._read("/-/ready") != ""

    def _get(self, path: str) -> Any:  # noqa: ANN401 - parsed JSON
        return json.loads(self._read(f"/api/v1/{path}"))["data"]

    def _read(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self._address}{path}", timeout=10) as answer:
            return str(answer.read().decode())
