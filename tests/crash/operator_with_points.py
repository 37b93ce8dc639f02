"""``osmig run`` with one point of a call's protocol at which calls stand still: to be killed, frozen or let go there.

An entry point for tests, run as a process of its own: it builds ``osmig.wiring.Ports`` with ports that are wrapped, and
changes nothing else. The environment names the point and a folder: the n-th time the point is reached, the file
``reached-n`` appears in it. That call goes on when somebody makes ``go-n``, and after ``go`` none stands still.
The point may be one of certain calls only: of one operation for each server, the others pass.

The points, as the protocol goes: ``before-intent``, ``after-intent``, ``before-send`` (the connection stands, the
permit is asked), ``after-call``, ``before-record``, ``after-record``; and ``after-look``, behind ``find()``. Round the
write that adopts a move of the cloud: ``before-adoption``, ``after-adoption``; round the one that ends a Migration:
``before-end``, ``after-end``. What a plan does has points of its own, in ``plan_points``.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crash.plan_points import PointedHosts, make_resources
from osmig.__main__ import build_cli
from osmig.app import run
from osmig.domain.calls import Operation
from osmig.domain.operations import MoveKind
from osmig.kube.status import StatusWriter
from osmig.wiring import Ports

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from osmig.api.migration import PendingCall
    from osmig.api.names import Verb
    from osmig.api.provider import ProviderSpec
    from osmig.controllers.publishing import Statuses
    from osmig.domain.calls import Receipt
    from osmig.drivers.mailboxes.views import Execution, MailboxJob
    from osmig.drivers.ports import Backend, BackendFactory
    from osmig.drivers.servers.views import CallLookup, Job
    from osmig.drivers.tenants.views import ReplicaJob
    from osmig.kube.refs import ObjectRef
    from osmig.net.permits import Permit

PAUSE_S = 0.05
START_OPERATIONS = {MoveKind.LIVE: Operation.LIVE_MIGRATE, MoveKind.COLD: Operation.COLD_MIGRATE}


@dataclass(slots=True)
class Point:
    """The one point at which calls stand still, and how often it was reached."""

    name: str
    folder: Path
    calls: Mapping[str, str] = field(default_factory=dict)
    """The operation for each server's id; empty for every call."""
    times: int = field(default=0)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def reach(self, name: str, server_id: str, operation: str) -> None:
        """Wait if this is the point; other tasks go on."""
        signs = self._mark(name, server_id, operation)
        while signs and not any(sign.exists() for sign in signs):  # noqa: ASYNC110 - another process makes the file
            await asyncio.sleep(PAUSE_S)  # noqa: TID251 - of another process, whose clock is the real one

    def reach_in_thread(self, name: str, server_id: str, operation: str) -> None:
        """Do the same where there is no event loop."""
        signs = self._mark(name, server_id, operation)
        while signs and not any(sign.exists() for sign in signs):
            time.sleep(PAUSE_S)

    def _mark(self, name: str, server_id: str, operation: str) -> Collection[Path]:
        """Tell that the point is reached; return the signs to wait for, none at other points."""
        if name != self.name or (self.calls and self.calls.get(server_id) != operation):
            return ()
        with self.lock:
            self.times += 1
            times = self.times
        (self.folder / f"reached-{times}").touch()
        return self.folder / "go", self.folder / f"go-{times}"


@dataclass(frozen=True, slots=True)
class Write:
    """What a status is first to say, and of which call.

    Attributes:
        subject: tells it from others of its name; one that met a conflict is made again with the same.
    """

    name: str
    server_id: str
    operation: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class PointedStatuses:
    """Writes statuses, with points round the writes of a Migration that matter."""

    inner: Statuses
    point: Point
    tried: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    intents: dict[str, Write] = field(default_factory=dict)
    """Each intent that was written and has no record yet, by the name of the Migration."""

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write, and pass the points: before the first try, and after the one that was not refused."""
        if ref.kind != "Migration":
            return await self.inner.put(ref, status)
        write = self._name(ref.name, status)
        if write.subject not in self.tried:
            self.tried.add(write.subject)
            await self.point.reach(f"before-{write.name}", write.server_id, write.operation)
        stored = await self.inner.put(ref, status)
        self.stored.add(write.subject)
        if write.name == "intent":
            self.intents[ref.name] = write
        elif write.name == "record":
            del self.intents[ref.name]
        await self.point.reach(f"after-{write.name}", write.server_id, write.operation)
        return stored

    def _name(self, migration: str, status: Mapping[str, Any]) -> Write:
        """Tell an intent, the record of what it came to, an adoption and the end from everything else."""
        server_id, intent = (status.get("server") or {}).get("id", ""), status.get("pendingCall")
        upstream = status.get("upstream") or {}
        if intent:
            write = Write("intent", server_id, intent["operation"], f"{intent['holder']} {intent['time']}")
            return write if "answer" not in intent and write.subject not in self.stored else Write("other", "", "")
        if (sent := self.intents.get(migration)) is not None:
            return Write("record", server_id, sent.operation, f"record of {sent.subject}")
        if upstream and "requestID" not in upstream:
            write = Write("adoption", server_id, "adopt", f"{migration} adopts {upstream['id']}")
            if write.subject not in self.stored:
                return write
        if "completionTime" in status:
            write = Write("end", server_id, "end", f"{migration} ends {status['completionTime']}")
            if write.subject not in self.stored:
                return write
        return Write("other", "", "")


@dataclass(frozen=True, slots=True)
class PointedPermit:
    """A permit with a point right before it is asked: the last line before the first byte leaves."""

    inner: Permit
    point: Point
    server_id: str
    operation: str

    def is_valid(self) -> bool:
        """Pass the point, then ask."""
        self.point.reach_in_thread("before-send", self.server_id, self.operation)
        return self.inner.is_valid()


@dataclass(frozen=True, slots=True)
class PointedBackend:
    """A backend with points round every call and behind the look; everything else is the backend's own."""

    inner: Any
    point: Point

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the backend has
        """Hand on what has no point."""
        return getattr(self.inner, name)

    @property
    def compute_hosts(self) -> PointedHosts:
        """Its hosts, with points of their own."""
        return PointedHosts(self.inner.compute_hosts, self.point)

    async def start(self, job: Job, permit: Permit) -> Receipt:
        """Start, and pass the points before the first byte and after the answer."""
        server_id, operation = job.server_id or "", START_OPERATIONS[job.kind]
        receipt: Receipt = await self.inner.start(job, PointedPermit(permit, self.point, server_id, operation))
        await self.point.reach("after-call", server_id, operation)
        return receipt

    async def apply(self, verb: Verb, server_id: str, record_id: str, permit: Permit) -> None:
        """Send an order, and pass the same points."""
        await self.inner.apply(verb, server_id, record_id, PointedPermit(permit, self.point, server_id, verb))
        await self.point.reach("after-call", server_id, verb)

    async def replicate(self, job: ReplicaJob, permit: Permit) -> Receipt:
        """Order a replication, and pass the same points."""
        receipt: Receipt = await self.inner.replicate(job, PointedPermit(permit, self.point, "", Operation.REPLICATE))
        await self.point.reach("after-call", "", Operation.REPLICATE)
        return receipt

    async def terminate(self, replica_id: str, permit: Permit) -> Receipt:
        """Order that a replica be terminated, and pass the same points."""
        pointed = PointedPermit(permit, self.point, "", Operation.TERMINATE)
        receipt: Receipt = await self.inner.terminate(replica_id, pointed)
        await self.point.reach("after-call", "", Operation.TERMINATE)
        return receipt

    async def copy(self, job: MailboxJob, permit: Permit) -> Receipt:
        """Order a job that copies mailboxes, and pass the same points."""
        pointed = PointedPermit(permit, self.point, "", Operation.COPY_MAILBOXES)
        receipt: Receipt = await self.inner.copy(job, pointed)
        await self.point.reach("after-call", "", Operation.COPY_MAILBOXES)
        return receipt

    async def run_now(self, code: str, execution: Execution, permit: Permit) -> Receipt:
        """Begin an execution, and pass the same points."""
        pointed = PointedPermit(permit, self.point, "", Operation.RUN_NOW)
        receipt: Receipt = await self.inner.run_now(code, execution, pointed)
        await self.point.reach("after-call", "", Operation.RUN_NOW)
        return receipt

    async def find_effect(self, job: Job, call: PendingCall, claimed: Collection[str]) -> CallLookup:
        """Look, and pass the point behind."""
        call_lookup: CallLookup = await self.inner.find_effect(job, call, claimed)
        await self.point.reach("after-look", job.server_id or "", call.operation)
        return call_lookup


@dataclass(frozen=True, slots=True)
class PointedFactory:
    """Makes backends with points."""

    inner: BackendFactory
    point: Point

    async def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Backend:
        """Make one."""
        return PointedBackend(await self.inner(key, spec, secret), self.point)


def make_ports(point: Point) -> Ports:
    """Wrap the ports of the operator."""
    return Ports(
        factories=lambda drivers, net: {
            word: PointedFactory(factory, point) for word, factory in drivers.factories(net).items()
        },
        statuses=lambda client: PointedStatuses(StatusWriter(client), point),
        resources=lambda client: make_resources(client, point),
    )


def main() -> None:
    """Read the usual command line, and the point from the environment."""
    given = os.environ
    calls = json.loads(given["CRASH_CALLS"])
    point = Point(given["CRASH_POINT"], Path(given["CRASH_FOLDER"]), calls)
    build_cli(run=lambda settings: run(settings, make_ports(point)), render_crds=dict)()


if __name__ == "__main__":
    main()
