"""A double of Waldur: in this process, or in one of its own for tests that kill."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lab.child import Child
from lab.waiting import NotInTimeError, eventually
from lab.waldur_client import Waldur, WaldurControl
from lab.waldurlab.objects import make_token
from lab.waldurlab.server import WaldurServer, read_clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lab.waldurlab.server import Age, WorldName

TESTS = Path(__file__).parent.parent


class WaldurLab:
    """One Waldur with one tenant worth replicating; a context manager. Its rows are lost at its end.

    The ids of what it has at the start are in ``waldurlab/catalogue.py``, those of the other world in
    ``waldurlab/recorded_catalogue.py``.

    Attributes:
        url: The server, without ``/api``.
        control: Ways and steps of replications, faults, request log.
        api: The API as the user owner.
    """

    def __init__(
        self,
        *,
        age: Age = "current",
        world: WorldName = "small",
        in_child: bool = False,
        now: Callable[[], datetime] = read_clock,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            age: Speak as today's servers do, or as those before 7.7 or 7.6.4.
            world: What is there at the start: one tenant worth replicating, or all odd things of the recording.
            in_child: Run in a process of its own, which a test can also kill.
            now: The clock of the rows; not for a child.
        """
        self._age = age
        self._world = world
        self._in_child = in_child
        self._now = now
        self._server: WaldurServer | None = None
        self._child: Child | None = None
        self._state: Path | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> Self:
        """Start, and return once it answers.

        Raises:
            RuntimeError: The child did not become ready; the message ends with what it said.
        """
        if self._in_child:
            self.url, control = self._start_child()
        else:
            self._server = WaldurServer(self._age, self._world, now=self._now)
            self.url, control = self._server.url, self._server.control
        self.control = WaldurControl(control)
        self.api = self.as_user("owner")
        return self

    def stop(self) -> None:
        """Stop."""
        if self._server:
            self._server.close()
            self._server = None
        if self._child:
            self._child.terminate(timeout_s=10)
            self._child = None
        if self._state:
            shutil.rmtree(self._state, ignore_errors=True)

    @property
    def child(self) -> Child:
        """The process, for tests that stop or kill it.

        Raises:
            RuntimeError: It runs in this one.
        """
        if self._child is None:
            raise RuntimeError("no child: use in_child=True and start it")
        return self._child

    def token(self, user: str = "owner") -> str:
        """Return the first token of a user; ``waldurlab/objects.py`` tells who there is."""
        return make_token(user)

    def as_user(self, user: str) -> Waldur:
        """Return the API as one user."""
        return Waldur(self.url, self.token(user))

    def _start_child(self) -> tuple[str, str]:
        self._state = Path(tempfile.mkdtemp(prefix="osmig-waldur-"))
        ready = self._state / "ready.json"
        ways = (f"--age={self._age}", f"--world={self._world}")
        child = self._child = Child(
            [sys.executable, "-m", "lab.waldurlab", *ways, f"--ready-file={ready}"],
            log=self._state / "output.txt",
            env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONUNBUFFERED": "1"},
        )
        try:
            eventually(lambda: ready.exists() or child.returncode is not None, what="waldurlab")
            told = json.loads(ready.read_text(encoding="utf-8"))
        except (NotInTimeError, OSError) as error:
            said = child.tail()
            self.stop()
            raise RuntimeError(f"waldurlab did not start:\n{said}") from error
        return told["url"], told["control"]
