"""Takes away from the root filesystem what the operator never runs: shells, package managers, compilers, pip, pages.

Runs in a stage of the Dockerfile, by the Python of the image itself, because after it nothing else can run there.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode

ENVIRONMENT = Path("/opt/osmig")
OSMIG = "/opt/osmig/bin/osmig"
PROGRAMS = ("/opt/osmig/bin", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
OF_THE_SYSTEM = (
    *("boot", "home", "media", "mnt", "opt/build", "root", "srv", "tmp"),
    *("etc/apt", "etc/cron.daily", "etc/dpkg", "etc/init.d", "etc/pam.d", "etc/security", "etc/skel"),
    *("etc/update-motd.d", "usr/games", "usr/include", "usr/lib/ssl/misc", "usr/lib/udev", "usr/share/bug", "usr/src"),
    *("usr/lib/apt", "usr/lib/dpkg", "usr/lib/gcc", "usr/lib/git-core", "usr/lib/init", "usr/lib/systemd"),
    *("usr/libexec", "usr/local/include", "usr/local/share", "usr/share/bash-completion", "usr/share/debconf"),
    *(
        "usr/share/doc",
        "usr/share/doc-base",
        "usr/share/info",
        "usr/share/lintian",
        "usr/share/locale",
        "usr/share/man",
    ),
    *("usr/share/menu", "usr/share/perl5", "usr/share/pixmaps", "usr/share/python-wheels", "usr/share/python3"),
    *("var/cache", "var/lib/apt", "var/lib/dpkg/info", "var/log", "var/backups"),
)
"""Removed whole and left as empty folders; ``/var/lib/dpkg/status`` stays, by which scanners know the packages."""
OF_PYTHON = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo", "venv")
PACKAGES = ("dist-packages", "site-packages")
"""Of the base's own Python, where pip is; the environment has its own."""


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with everything in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_programs(interpreter: Path) -> None:
    """Remove each program but osmig, the interpreter and the links that lead to it."""
    for folder in {Path(name).resolve() for name in PROGRAMS}:
        for program in folder.iterdir() if folder.is_dir() else ():
            if program.resolve() not in {interpreter, Path(OSMIG)}:
                remove(program)


def empty(folder: Path) -> None:
    """Remove what is in a folder, if there is one."""
    for path in folder.iterdir() if folder.is_dir() else ():
        remove(path)


def compile_anew(folder: Path) -> None:
    """Write bytecode that is valid whatever the times of the sources: layers have one time for all files."""
    for cache in folder.rglob("__pycache__"):
        remove(cache)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def main() -> None:
    """Reduce the filesystem that this process sees as its root."""
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    for name in OF_PYTHON:
        remove(library / name)
    for folder in {*library.parent.glob("python3*"), library}:
        for name in PACKAGES:
            empty(folder / name)
    for name in OF_THE_SYSTEM:
        empty(Path("/", name))
    for folder in (library, ENVIRONMENT):
        compile_anew(folder)
    remove_programs(interpreter)
    remove(Path(__file__))
    os.execv(OSMIG, [OSMIG, "version"])  # noqa: S606 - there is no shell any more


if __name__ == "__main__":
    main()
