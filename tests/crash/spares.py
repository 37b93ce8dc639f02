"""Servers that cold moves have left as they were: a boot takes longer than anything that is tried on them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.nova import NovaLab


@dataclass(frozen=True, slots=True)
class SpareServers:
    """Idle servers of any Nova, taken and given back by several scenes at once."""

    _idle: dict[str, list[str]] = field(default_factory=dict)
    _boots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(2))

    def take(self, nova: NovaLab, name: str) -> str:
        """Return the id of an idle server, booted under ``name`` if there is none."""
        with self._boots:
            try:
                return self._idle.get(nova.compute, []).pop()
            except IndexError:
                return nova.boot(name)

    def give_back(self, nova: NovaLab, server: str) -> None:
        """Keep a server for the next scene if it is idle, and Nova is done with it."""
        found = nova.nova.server(server)
        if (found["status"], found["OS-EXT-STS:task_state"]) == ("ACTIVE", None) and nova.nova.is_done(server):
            self._idle.setdefault(nova.compute, []).append(server)
