"""The operator under test as what it is in production: a separate process that can be frozen, ended and killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.child import Child
from lab.waiting import NotInTimeError, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMAND = (sys.executable, "-m", "osmig", "run")
LISTENING = "http.listening"


class OsmigRun:
    """One ``osmig run``; a context manager that starts it and, at the end, ends it.

    Attributes:
        log: The file with everything it said; one JSON object a line.
    """

    def __init__(
        self,
        *flags: str,
        kubeconfig: Path,
        command: Sequence[str | Path] = COMMAND,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            flags: Further flags, for example ``"--namespace", name``; a free HTTP port is chosen unless they name one.
            kubeconfig: How it reaches the API server; best that of its service account.
            command: What to run instead of ``osmig run``, for example a wrapped entry point; the flags follow it.
            env: Further environment variables; OS_*, OSMIG_* and KUBECONFIG of the test run are not passed on.
            log: Where its output goes (appended, so that a second run can share it); a temporary file,
                removed at the end, if not given.
        """
        port = () if any(flag.startswith("--http-port") for flag in flags) else ("--http-port", "0")
        self._command = [*command, "--kubeconfig", str(kubeconfig), *port, *flags]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "OSMIG_")) and k != "KUBECONFIG"}
        self._env = kept | {"PYTHONUNBUFFERED": "1"} | dict(env or {})
        self._own_folder = Path(tempfile.mkdtemp(prefix="osmig-run-")) if log is None else None
        self.log = log or Path(f"{self._own_folder}/osmig.log")
        self._begin = 0
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start, without waiting for readiness: a standby never gets ready."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """End it, by force if it does not follow SIGTERM."""
        if self._child:
            self.resume()
            self.terminate()
        if self._own_folder:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def start(self) -> Self:
        """Start it (again)."""
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        self._child = Child(self._command, log=self.log, env=self._env)
        return self

    def wait_ready(self, *, timeout_s: float = 90.0) -> Self:
        """Wait until ``/readyz`` says yes.

        Raises:
            NotInTimeError: It did not get ready; a note holds the end of its log.
            RuntimeError: It ended; the message holds the end of its log.
        """

        def is_ready() -> bool:
            if self.returncode is not None:
                raise RuntimeError(f"osmig ended with {self.returncode}:\n{self.output()[-4000:]}")
            return self.http("/readyz")[0] == 200

        try:
            eventually(is_ready, what="osmig ready", timeout_s=timeout_s)
        except NotInTimeError as error:
            error.add_note(self.output()[-4000:])
            raise
        return self

    @property
    def pid(self) -> int:
        """The process id."""
        return self._running.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._running.returncode

    @property
    def port(self) -> int:
        """The port of /metrics, /livez and /readyz, read from the log.

        Raises:
            LookupError: It does not listen yet.
        """
        said = self.logs(LISTENING)
        if not said:
            raise LookupError(f"no event {LISTENING} in the log yet")
        return int(said[-1]["port"])

    def http(self, path: str, *, timeout_s: float = 5.0) -> tuple[int, str]:
        """GET a path such as ``/metrics``; return status and text, whatever the status.

        Raises:
            LookupError: It does not listen yet.
            OSError: There was no answer.
        """
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")

    def terminate(self, *, timeout_s: float = 60.0) -> int:
        """SIGTERM, and SIGKILL if that was not followed in time; return the exit status."""
        return self._running.terminate(timeout_s)

    def kill(self) -> int:
        """SIGKILL; return the exit status."""
        return self._running.kill()

    def wait(self, *, timeout_s: float) -> int:
        """Wait until it ends by itself; return the exit status.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        return self._running.wait(timeout_s)

    def pause(self) -> None:
        """Freeze it (SIGSTOP), and return once all its threads stand still: until one takes the signal, others go on.

        Raises:
            NotInTimeError: They did not.
        """
        self._running.send(signal.SIGSTOP)
        eventually(self._stands_still, what="osmig stands still")

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._running.send(signal.SIGCONT)

    def output(self) -> str:
        """Return everything said since the last start."""
        with self.log.open("rb") as said:
            said.seek(self._begin)
            return said.read().decode(errors="replace")

    def logs(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the log records since the last start, or those of one event; lines that are no JSON are left out."""
        records = []
        for line in self.output().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and event in {None, record.get("event")}:
                records.append(record)
        return records

    def _stands_still(self) -> bool:
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        states = {(thread / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] for thread in threads}
        return states == {"T"}

    @property
    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("osmig was not started; call start() or use it as a context manager")
        return self._child
