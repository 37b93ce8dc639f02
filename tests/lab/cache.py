"""Where the lab keeps what is costly to make, and how two makers stay out of each other's way."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[str], None]


def report_progress(line: str) -> None:
    """Write one line about a long step to standard error, at once."""
    sys.stderr.write(f"lab: {line}\n")
    sys.stderr.flush()


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/osmig-lab`` (default ``~/.cache/osmig-lab``), made if missing."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "osmig-lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def key_of(*parts: str | Path) -> str:
    """Return a short hash of texts and of the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(folder: Path, report: Report) -> Iterator[None]:
    """Hold the lock beside ``folder``; it ends with the holder, also when that is killed."""
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"somebody else is preparing {folder.name}; waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside ``folder``, on the same file system, for what is renamed into it when it is whole.

    Call it under the lock of ``folder``: what a killed predecessor left is removed first.
    """
    work = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
