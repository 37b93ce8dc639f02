"""The Go programs of the lab: found, or built from the modules of their ``go.mod``."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cache import cache_folder, key_of, locked, report_progress, scratch
from lab.go import find_go
from lab.steps import Step, StepError, run_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lab.cache import Report

SOURCES = Path(__file__).with_name("cluster_sources")
HELM_SOURCES = Path(__file__).with_name("helm_sources")
ACTIONLINT_SOURCES = Path(__file__).with_name("actionlint_sources")
KUBE_SCORE_SOURCES = Path(__file__).with_name("kube_score_sources")
VERSION = "v1.36.3"
MINOR = 36
SKEW = 1
"""How many minor versions kubectl may be older or newer than the API server, by Kubernetes' version skew policy."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One program.

    Attributes:
        package: Its Go package, a ``tool`` of the ``go.mod`` in ``sources``.
        about_s: What building it takes after those before it in ``TOOLS``: seconds on two quiet cores.
        sources: The folder of its ``go.mod`` and ``go.sum``.
    """

    package: str
    about_s: int
    sources: Path = SOURCES


TOOLS = {
    "etcd": Tool("go.etcd.io/etcd/server/v3", 30),
    "kube-apiserver": Tool("k8s.io/kubernetes/cmd/kube-apiserver", 150),
    "kubectl": Tool("k8s.io/kubernetes/cmd/kubectl", 20),
    "kube-controller-manager": Tool("k8s.io/kubernetes/cmd/kube-controller-manager", 60),
    "helm": Tool("helm.sh/helm/v4/cmd/helm", 150, HELM_SOURCES),
    "kube-score": Tool("github.com/zegl/kube-score/cmd/kube-score", 20, KUBE_SCORE_SOURCES),
    "actionlint": Tool("github.com/rhysd/actionlint/cmd/actionlint", 20, ACTIONLINT_SOURCES),
}
"""All programs by name, the longest shared work first. One more is one more line (and a ``tool`` in its ``go.mod``)."""

STAMPS = {
    "k8s.io/component-base/version.gitVersion": VERSION,
    "k8s.io/component-base/version.gitMajor": "1",
    "k8s.io/component-base/version.gitMinor": str(MINOR),
    "k8s.io/client-go/pkg/version.gitVersion": VERSION,
    "k8s.io/client-go/pkg/version.gitMajor": "1",
    "k8s.io/client-go/pkg/version.gitMinor": str(MINOR),
}
"""Without these kubectl complains about version skew."""
_INSTEAD = {
    SOURCES: f"Or set KUBEBUILDER_ASSETS to a folder that has {{names}}, version 1.{MINOR}.",
    HELM_SOURCES: "Or put a Helm 4 on PATH.",
    KUBE_SCORE_SOURCES: "Or put kube-score on PATH.",
    ACTIONLINT_SOURCES: "Or put actionlint on PATH.",
}
"""What somebody without Go can do, by the folder of the sources."""
FLAGS = ("-trimpath", "-ldflags=-s -w " + " ".join(f"-X {name}={value}" for name, value in STAMPS.items()))


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the programs of one cluster; without controllers where nobody asked for them."""

    etcd: Path
    apiserver: Path
    kubectl: Path
    controllers: Path | None = None


def find_binaries(
    report: Report = report_progress, environ: Mapping[str, str] = os.environ, *, with_controllers: bool = True
) -> Binaries:
    """Return the programs of a cluster; see ``find_tools``."""
    controllers = ["kube-controller-manager"] if with_controllers else []
    found = find_tools(["etcd", "kube-apiserver", "kubectl", *controllers], report, environ)
    return Binaries(
        found["etcd"], found["kube-apiserver"], found["kubectl"], controllers=found.get("kube-controller-manager")
    )


def find_tools(
    names: Iterable[str], report: Report = report_progress, environ: Mapping[str, str] = os.environ
) -> dict[str, Path]:
    """Return the programs, each from the first place that has it; build those that nobody has.

    Places: the folder ``KUBEBUILDER_ASSETS`` (the convention of envtest, which brings no controllers), the cache; for
    kubectl, Helm and the checkers also ``PATH``: a kubectl close enough to the version of the API server, any Helm 4.

    Args:
        names: Keys of ``TOOLS``.
        report: Takes the progress lines.
        environ: Where the variables are read.

    Raises:
        StepError: A build failed; the message says what to do.
    """
    found = {name: _look(name, environ) for name in names}
    for sources in {TOOLS[name].sources for name, path in found.items() if path is None}:
        folder = tools_folder(sources)
        with locked(folder, report):
            # whoever held the lock before may have built them
            wanted = [name for name in found if TOOLS[name].sources == sources]
            found |= {name: found[name] or _look(name, environ) for name in wanted}
            _build([name for name in wanted if found[name] is None], folder, report)
    return {name: path or tools_folder(TOOLS[name].sources) / name for name, path in found.items()}


def tools_folder(sources: Path = SOURCES) -> Path:
    """Return the cache folder that belongs to the sources, flags and machine; it need not exist."""
    key = key_of(sources / "go.mod", sources / "go.sum", *FLAGS, platform.system(), platform.machine())
    return cache_folder() / f"{sources.name.removesuffix('_sources')}-{key}"


def _look(name: str, environ: Mapping[str, str]) -> Path | None:
    places = [Path(environ["KUBEBUILDER_ASSETS"])] if environ.get("KUBEBUILDER_ASSETS") else []
    for place in (*places, tools_folder(TOOLS[name].sources)):
        if os.access(place / name, os.X_OK):
            return place / name
    find_on_path = _ON_PATH.get(name)
    return find_on_path(environ.get("PATH", "")) if find_on_path else None


def _find_kubectl(path: str) -> Path | None:
    """Return the kubectl on a search path, if the API server may be asked with it."""
    program = shutil.which("kubectl", path=path)
    if program is None:
        return None
    command = [program, "version", "--client", "--output=json"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - just found
        version = str(json.loads(answer.stdout)["clientVersion"]["gitVersion"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    minor = re.match(r"v1\.(\d+)\.", version)
    return Path(program) if minor and abs(int(minor[1]) - MINOR) <= SKEW else None


def _find_helm(path: str) -> Path | None:
    """Return the Helm on a search path, if its major version is 4."""
    program = shutil.which("helm", path=path)
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False)  # noqa: S603 - just found
    except OSError:
        return None
    return Path(program) if answer.stdout.startswith("v4.") else None


def _find_any(name: str, path: str) -> Path | None:
    program = shutil.which(name, path=path)
    return Path(program) if program is not None else None


_ON_PATH: Mapping[str, Callable[[str], Path | None]] = {
    "kubectl": _find_kubectl,
    "helm": _find_helm,
    **{name: partial(_find_any, name) for name in ("actionlint", "kube-score")},
}


def _build(names: Sequence[str], folder: Path, report: Report) -> None:
    """Build all at once, so that no core waits for a linker, and rename each finished program into the cache.

    A build that was interrupted goes on where it was: Go keeps the compiled packages in its own cache.
    """
    if not names:
        return
    go = find_go(report)
    folder.mkdir(parents=True, exist_ok=True)
    packages = [TOOLS[name].package for name in names]
    sources = TOOLS[names[0]].sources
    lot = sources.name.removesuffix("_sources")
    instead = _INSTEAD[sources].format(names=_enumerate(names))
    download = Step(
        f"{lot}: downloading Go modules",
        10,
        f"It needs a Go module proxy (GOPROXY), and 1 GB for the modules. {instead}",
    )
    build = Step(
        f"{lot}: building {_enumerate(names)}",
        sum(TOOLS[name].about_s for name in names),
        f"It needs 3 GB of memory, and 3 GB of disk for Go's build cache (GOCACHE). {instead}",
    )
    # Untouched by the settings and workspaces of Go's user.
    environ = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    with scratch(folder) as work:
        run_step(download, [go, "list", "-deps", "-f", "", *packages], report, env=environ, cwd=sources)
        run_step(build, [go, "build", *FLAGS, "-o", f"{work}/", *packages], report, env=environ, cwd=sources)
        for name in names:
            built = work / _name_of_build(TOOLS[name].package)
            if not built.exists():
                raise StepError(f"go build made no {built.name} for {name}; see {sources}/go.mod. {instead}")
            built.replace(folder / name)


def _name_of_build(package: str) -> str:
    """Return what Go calls the program of a package: its last element that is no major version."""
    return re.sub(r"/v\d+$", "", package).rpartition("/")[2]


def _enumerate(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
