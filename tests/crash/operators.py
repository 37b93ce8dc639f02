"""An operator process as the scenes see it: it leads, its calls come to their point, it ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.osmig_run import OsmigRun


class Operator:
    """One operator process of a scene, and the point at which its calls stand still."""

    def __init__(self, run: OsmigRun, folder: Path) -> None:
        """Watch over ``run``; ``folder`` is where it tells of its point."""
        self.run = run
        self._folder = folder

    def wait_leading(self) -> Self:
        """Wait until it has the Lease."""
        self._wait(lambda: self.run.logs("lease.acquired"), what="the Lease acquired")
        return self

    def wait_reached(self, times: int = 1) -> None:
        """Wait until calls have come to the point this often."""
        self._wait((self._folder / f"reached-{times}").exists, what=f"the point reached ({times})")

    def let_go(self, first: int | None = None) -> None:
        """Let the calls go on that stand at the point, the first so many that came there or all from now on."""
        signs = [f"go-{times}" for times in range(1, first + 1)] if first else ["go"]
        for sign in signs:
            (self._folder / sign).touch()

    def wait_ended(self) -> int:
        """Wait until it ends by itself; return its exit status."""
        return self.run.wait(timeout_s=DEADLINE_S)

    def _wait(self, probe: Callable[[], object], *, what: str) -> None:
        """Wait for ``probe``, no longer than the process lives."""
        eventually(lambda: probe() or self.run.returncode is not None, what=what)
        assert probe(), f"{what}: it ended with {self.run.returncode}\n{self.run.output()[-3000:]}"

    def count(self, metric: str) -> float:
        """Return a metric without labels."""
        _, text = self.run.http("/metrics")
        found = re.search(rf"^{metric} (\S+)$", text, flags=re.MULTILINE)
        assert found, f"{metric} is not in /metrics"
        return float(found[1])
