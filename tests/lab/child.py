"""One subprocess on a leash: it never outlives the test run, also when that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEASH = Path(__file__).with_name("leash.py")


class Child:
    """A started subprocess in the process group of its leash, with everything it says in one file.

    Whoever starts one must call ``terminate``, ``kill`` or ``wait``; what it started in its group ends with it.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start ``command``; standard output and error are appended to ``log``."""
        self.name = Path(command[0]).name
        self.log = log
        # First, so that there is no moment in which the child runs without it.
        self._leash = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", LEASH], stdin=subprocess.PIPE, process_group=0
        )
        try:
            with log.open("ab") as output:
                self._popen = subprocess.Popen(  # noqa: S603 - the commands are written in this folder
                    command,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    env=env,
                    cwd=cwd,
                    process_group=self._leash.pid,
                )
        except OSError:
            self._drop_leash()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the child has ended."""
        self._popen.send_signal(number)

    def set_niceness(self, niceness: int) -> None:
        """Set how far it, and all that it started in its group, lets others go first.

        Raises:
            PermissionError: it is less than before, which takes rights.
            ProcessLookupError: nothing of the group is left.
        """
        os.setpriority(os.PRIO_PGRP, self._leash.pid, niceness)

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end, however long if no time is given, and return the exit status.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        status = self._popen.wait(timeout_s)
        self._drop_leash()
        return status

    def terminate(self, timeout_s: float = 15.0) -> int:
        """SIGTERM, then after ``timeout_s`` SIGKILL; return the exit status."""
        self.send(signal.SIGTERM)
        try:
            return self.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL, also when it is stopped; return the exit status."""
        self.send(signal.SIGKILL)
        return self.wait(10)

    def kill_group(self) -> None:
        """SIGKILL for it and for all it started; nothing happens if it has ended."""
        self._drop_leash()
        self.wait(10)

    def tail(self, characters: int = 3000) -> str:
        """Return the end of what the child has said."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]

    def _drop_leash(self) -> None:
        if self._leash.stdin and not self._leash.stdin.closed:
            self._leash.stdin.close()
            self._leash.wait(10)
