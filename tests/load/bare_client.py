"""What the operator is measured against: a client that watches Migrations and starts each at once.

It uses the same libraries the same way (kopf's watch, our own client for writes), and nothing of the engine. With
``LOAD_WRITES_INTENT`` it writes one status before each start, the least that finds a start again after a crash.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kopf

from load.journal import Journal
from osmig.api.names import Kind
from osmig.clock import SystemClock
from osmig.controllers.keys import RESOURCES
from osmig.handlers import Login, build_registry, build_settings
from osmig.kube.client import connect
from osmig.kube.refs import ObjectRef
from osmig.kube.status import StatusWriter
from osmig.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Mapping

WRITERS = 20
"""As many as the operator has workers."""


class BareClient:
    """Takes the bodies of the watch, as the engine's Intake does."""

    def __init__(self, statuses: StatusWriter | None, journal: Journal) -> None:
        """Start in ``journal``; with ``statuses`` write the intent before."""
        self._statuses = statuses
        self._journal = journal
        self._seen: set[str] = set()
        self._places = asyncio.Semaphore(WRITERS)
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Start what is new."""
        uid = body["metadata"]["uid"]
        if kind is not Kind.MIGRATION or uid in self._seen:
            return
        self._seen.add(uid)
        if self._statuses is None:
            self._start(body)
            return
        task = asyncio.create_task(self._write_and_start(self._statuses, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def remove(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Do nothing about what is gone."""

    async def _write_and_start(self, statuses: StatusWriter, body: Mapping[str, Any]) -> None:
        async with self._places:
            await statuses.put(ObjectRef.of(RESOURCES[Kind.MIGRATION], body), {"phase": "Starting", "attempt": 1})
            self._start(body)

    def _start(self, body: Mapping[str, Any]) -> None:
        self._journal.note("start", server_id=body["spec"]["server"]["id"])


async def run(kubeconfig: str, journal: Path, *, writes_intent: bool) -> None:
    """Watch until ended."""
    clock = SystemClock()
    async with connect(kubeconfig=kubeconfig, clock=clock) as client:
        bare: Any = BareClient(StatusWriter(client) if writes_intent else None, Journal(journal, clock))
        login = Login(client.credentials, clock, timedelta(minutes=10))
        ready = asyncio.Event()
        running = asyncio.create_task(
            kopf.operator(
                registry=build_registry(bare, login),
                settings=build_settings(),
                standalone=True,
                clusterwide=True,
                ready_flag=ready,
            )
        )
        await ready.wait()
        Journal(journal, clock).note("ready", 0)
        await running


if __name__ == "__main__":
    configure_logging(log_format="json", level="info", stream=sys.stderr, environ=os.environ)
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), writes_intent=bool(os.environ.get("LOAD_WRITES_INTENT"))))
