"""The programs of a real Kubernetes API server: found, or built from the modules of ``cluster_sources/go.mod``."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cache import cache_folder, key_of, locked, report_progress, timed
from lab.go import find_go

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.cache import Report

SOURCES = Path(__file__).with_name("cluster_sources")
VERSION = "v1.36.3"
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
STAMPS = {
    "k8s.io/component-base/version.gitVersion": VERSION,
    "k8s.io/component-base/version.gitMajor": "1",
    "k8s.io/component-base/version.gitMinor": "36",
    "k8s.io/client-go/pkg/version.gitVersion": VERSION,
    "k8s.io/client-go/pkg/version.gitMajor": "1",
    "k8s.io/client-go/pkg/version.gitMinor": "36",
}
"""Without these kubectl complains about version skew."""
FLAGS = ("-trimpath", "-ldflags=-s -w " + " ".join(f"-X {name}={value}" for name, value in STAMPS.items()))


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the four programs."""

    etcd: Path
    apiserver: Path
    kubectl: Path
    controllers: Path


def find_binaries(report: Report = report_progress, environ: Mapping[str, str] = os.environ) -> Binaries:
    """Return the programs, from the first place that has them; build those that nobody has.

    Places: the folder ``KUBEBUILDER_ASSETS`` (the convention of envtest, which brings no controllers), the cache.

    Raises:
        RuntimeError: A build failed; the message says what to do.
    """
    cache = binaries_folder()
    places = [Path(environ["KUBEBUILDER_ASSETS"])] if environ.get("KUBEBUILDER_ASSETS") else []
    places.append(cache)
    missing = [name for name in PACKAGES if _look(name, places) is None]
    if missing:
        with locked(cache, report):
            _build([name for name in missing if _look(name, places) is None], cache, report)
    found = {name: _look(name, places) or cache / name for name in PACKAGES}
    return Binaries(
        etcd=found["etcd"],
        apiserver=found["kube-apiserver"],
        kubectl=found["kubectl"],
        controllers=found["kube-controller-manager"],
    )


def binaries_folder() -> Path:
    """Return the cache folder that belongs to the sources, flags and machine; it need not exist."""
    key = key_of(SOURCES / "go.mod", SOURCES / "go.sum", *FLAGS, platform.system(), platform.machine())
    return cache_folder() / f"cluster-{key}"


def _look(name: str, places: Iterable[Path]) -> Path | None:
    return next((place / name for place in places if os.access(place / name, os.X_OK)), None)


def _build(names: list[str], cache: Path, report: Report) -> None:
    """Build into a temporary folder and rename each finished program into the cache."""
    if not names:
        return
    go = find_go(report)
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cluster-build-", dir=cache.parent) as work:
        with timed("cluster: downloading Go modules", report):
            _run_go(go, "list", "-deps", "-f", "", *(PACKAGES[name] for name in names))
        for name in names:
            with timed(f"cluster: building {name} (the first one takes minutes)", report):
                _run_go(go, "build", *FLAGS, "-o", f"{work}/{name}", PACKAGES[name])
            shutil.move(f"{work}/{name}", cache / name)


def _run_go(go: str, *args: str) -> None:
    """Run Go in the folder of ``go.mod``, untouched by the settings and workspaces of its user."""
    environ = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    done = subprocess.run([go, *args], cwd=SOURCES, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    if done.returncode:
        message = (
            f"go {args[0]} failed. It needs the Go module proxy (GOPROXY), about 4 GB of disk and 3 GB of memory."
            " Or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kubectl and kube-controller-manager."
        )
        raise RuntimeError(f"{message}\n{done.stderr[-3000:]}")
