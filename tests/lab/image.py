"""The image of the Dockerfile, built without any registry: buildah on a base that debootstrap makes, unpacked to run.

It needs root, ``buildah``, ``debootstrap``, ``unshare`` and ``chroot``; ``list_missing`` says what is not here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cache import cache_folder, key_of, locked, report_progress, scratch
from lab.steps import Step, run_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cache import Report

ROOT = Path(__file__).parents[2]
PROGRAMS = ("buildah", "debootstrap", "unshare", "chroot", "sh", "mount", "tar")
LOCKS = (ROOT / "requirements.build.lock", ROOT / "requirements.image.lock")
BASE = "localhost/osmig-base"
PIP_FOLDER = "/etc/xdg/pip"
"""Where pip reads a configuration that says it shall take the files beside it, and ask nobody."""
PIP_CONFIGURATION = f"[global]\nno-index = true\nfind-links = {PIP_FOLDER}\ndisable-pip-version-check = true\n"
USER = "65532:65532"
ENTER = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd / && exec chroot --userspec="$0" "$@"'
"""What a kubelet does with ``readOnlyRootFilesystem``; the mounts end with the process."""
BASE_STEP = Step("image: a base of this distribution, by debootstrap", 60, "See the log that it names.")
WHEELS_STEP = Step("image: downloading the wheels of the locks", 20, "The package index must be reachable once.")
IMPORT_STEP = Step("image: making an image of the base", 15, "buildah must be able to write into the storage.")
BUILD_STEP = Step("image: building it", 60, "Run image/build.sh by hand to see more.")


def list_missing(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return what is missing here to build and to enter an image, in words."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=environ.get("PATH", "")) is None]
    return [*absent, *(["the rights of root"] if os.geteuid() else [])]


def find_codename() -> str:
    """Return the name of this distribution's release, by which debootstrap knows it."""
    found = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "stable"


def make_base(codename: str, report: Report = report_progress) -> Path:
    """Return the cached archive of a base with the distribution's python3, made if missing."""
    folder = cache_folder() / f"image-base-{codename}"
    archive = folder / "base.tar"
    with locked(folder, report):
        if not archive.exists():
            with scratch(folder) as work:
                packages = "--include=python3,python3-venv,ca-certificates"
                command: list[str | Path] = ["debootstrap", "--variant=minbase", packages, codename, work / "base"]
                run_step(BASE_STEP, command, report)
                outside = [f"--exclude=./{name}/*" for name in ("proc", "sys", "dev", "var/cache/apt/archives")]
                subprocess.run(["tar", *outside, "-C", work / "base", "-cf", work / "base.tar", "."], check=True)  # noqa: S603, S607
                folder.mkdir(exist_ok=True)
                (work / "base.tar").replace(archive)
    return archive


def fetch_wheels(python: str, report: Report = report_progress) -> Path:
    """Return the cached folder of the files that the locks name, with their hashes checked.

    Args:
        python: The version of Python that they are for, as ``3.11``.
        report: Takes the progress lines.
    """
    folder = cache_folder() / f"image-wheels-{key_of(python, *LOCKS)}"
    with locked(folder, report):
        if not folder.exists():
            with scratch(folder) as work:
                wanted = [part for lock in LOCKS for part in ("-r", lock)]
                options = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--python-version", python]
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
                run_step(WHEELS_STEP, [*pip, *options, "--dest", work, *wanted], report)
                (work / "pip.conf").write_text(PIP_CONFIGURATION, encoding="utf-8")
                work.rename(folder)
    return folder


@dataclass(frozen=True, slots=True)
class Builder:
    """buildah with a storage of its own.

    Attributes:
        folder: Where that is.
        report: Takes the progress lines.
    """

    folder: Path
    report: Report = report_progress

    @property
    def environ(self) -> dict[str, str]:
        """The environment by which buildah uses that storage and needs no service."""
        paths = {"graphroot": self.folder / "graph", "runroot": self.folder / "run"}
        lines = ["[storage]", 'driver = "vfs"', *(f'{name} = "{path}"' for name, path in paths.items())]
        file = self.folder / "storage.conf"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return {**os.environ, "CONTAINERS_STORAGE_CONF": str(file), "BUILDAH_ISOLATION": "chroot", "ENGINE": "buildah"}

    def ask(self, *words: str | Path) -> str:
        """Run buildah and return what it said."""
        command = ["buildah", *words]
        return subprocess.run(command, env=self.environ, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603

    def take_base(self, archive: Path) -> None:
        """Make an image of a base's archive."""
        script = (
            f'c=$(buildah from scratch) && buildah add -q $c "$0" / && buildah commit -q $c {BASE} && buildah rm $c'
        )
        run_step(IMPORT_STEP, ["sh", "-c", script, archive], self.report, env=self.environ)

    def build(self, name: str, wheels: Path) -> str:
        """Build the image by the script of ``make image``, everything anew, and return its id."""
        options = ["--no-cache", "--pull=never", "--volume", f"{wheels}:{PIP_FOLDER}:ro"]
        environ = {**self.environ, "PYTHON_IMAGE": BASE}
        run_step(BUILD_STEP, [ROOT / "image" / "build.sh", name, *options], self.report, env=environ, cwd=ROOT)
        return str(self.inspect(name)["FromImageID"])

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what an image says about itself."""
        return dict(json.loads(self.ask("inspect", "--type", "image", name)))

    def unpack(self, name: str) -> Path:
        """Return a folder with the root filesystem of an image."""
        return Path(self.ask("mount", self.ask("from", "--pull=never", name)))

    def remove(self) -> None:
        """Give back what was unpacked and built."""
        self.ask("rm", "--all")
        self.ask("rmi", "--all", "--force")


def enter(root: Path, *command: str) -> tuple[str | Path, ...]:
    """Return the command that runs another one in a root filesystem, as its user, unable to write there."""
    return ("unshare", "--mount", "sh", "-c", ENTER, USER, root, *command)
