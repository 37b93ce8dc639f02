"""``osmig run`` with one point of the start's protocol at which it kills, freezes or halts itself.

An entry point for tests, run as a process of its own: it builds ``osmig.wiring.Ports`` with ports that are wrapped, and
changes nothing else. The environment names the point, what to do there, and a folder: the n-th time the point is
reached, the file ``reached-n`` appears in it. A halted process goes on when somebody makes ``go-n``, and after ``go``
it does not halt again.

The points, as the protocol goes: ``before-intent``, ``after-intent``, ``before-send`` (the connection stands, the
permit is asked), ``after-call``, ``before-record``, ``after-record``; and ``after-look``, behind ``find()``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osmig.__main__ import build_cli
from osmig.app import run
from osmig.kube.status import StatusWriter
from osmig.wiring import Ports, make_factories

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from osmig.api.migration import PendingCall
    from osmig.api.provider import ProviderSpec
    from osmig.backends.ports import Backend, BackendFactory, Permit
    from osmig.domain.upstream import Finding, Job, Receipt
    from osmig.engine.publishing import Statuses
    from osmig.kube.refs import ObjectRef

PAUSE_S = 0.01


class Deed(StrEnum):
    """What to do at the point."""

    KILL = "kill"
    FREEZE = "freeze"
    HALT = "halt"


@dataclass(slots=True)
class Point:
    """The one point at which something is done, and how often it was reached."""

    name: str
    deed: Deed
    folder: Path
    times: int = field(default=0)

    async def reach(self, name: str) -> None:
        """Do the deed if this is the point; only this task waits when halted."""
        is_halted = self._act(name)
        while is_halted():  # noqa: ASYNC110 - the event is a file that another process makes
            await asyncio.sleep(PAUSE_S)  # noqa: TID251 - of another process, whose clock is the real one

    def reach_in_thread(self, name: str) -> None:
        """Do the same where there is no event loop."""
        is_halted = self._act(name)
        while is_halted():
            time.sleep(PAUSE_S)

    def _act(self, name: str) -> Callable[[], bool]:
        if name != self.name:
            return lambda: False
        self.times += 1
        (self.folder / f"reached-{self.times}").touch()
        match self.deed:
            case Deed.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Deed.FREEZE if self.times == 1:
                # sent to this very thread, so that it runs no further than here
                signal.raise_signal(signal.SIGSTOP)
            case Deed.HALT:
                signs = self.folder / "go", self.folder / f"go-{self.times}"
                return lambda: not any(sign.exists() for sign in signs)
            case _:
                pass
        return lambda: False


@dataclass(frozen=True, slots=True)
class PointedStatuses:
    """Writes statuses, with points round the intent and the record of a Migration."""

    inner: Statuses
    point: Point
    seen: set[str] = field(default_factory=set)

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write, and pass the points."""
        write = self._name(status) if ref.kind == "Migration" else "other"
        await self.point.reach(f"before-{write}")
        stored = await self.inner.put(ref, status)
        await self.point.reach(f"after-{write}")
        return stored

    def _name(self, status: Mapping[str, Any]) -> str:
        """Tell what a status is first to say: an intent, the request id of an accepted start, or something else."""
        intent = status.get("pendingCall") or {}
        request_id = (status.get("upstream") or {}).get("requestID")
        if intent and "answer" not in intent:
            return self._once("intent", f"{intent['holder']} {intent['time']}")
        return self._once("record", request_id) if request_id and not intent else "other"

    def _once(self, write: str, what: str) -> str:
        is_new = what not in self.seen
        self.seen.add(what)
        return write if is_new else "other"


@dataclass(frozen=True, slots=True)
class PointedPermit:
    """A permit with a point right before it is asked: the last line before the first byte leaves."""

    inner: Permit
    point: Point

    def is_valid(self) -> bool:
        """Pass the point, then ask."""
        self.point.reach_in_thread("before-send")
        return self.inner.is_valid()


@dataclass(frozen=True, slots=True)
class PointedBackend:
    """A backend with points round the start and behind the look; everything else is the backend's own."""

    inner: Backend
    point: Point

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the backend has
        """Hand on what has no point."""
        return getattr(self.inner, name)

    async def start(self, job: Job, permit: Permit) -> Receipt:
        """Start, and pass the points before the first byte and after the answer."""
        receipt = await self.inner.start(job, PointedPermit(permit, self.point))
        await self.point.reach("after-call")
        return receipt

    async def find(self, job: Job, call: PendingCall, claimed: Collection[str]) -> Finding:
        """Look, and pass the point behind."""
        finding = await self.inner.find(job, call, claimed)
        await self.point.reach("after-look")
        return finding


@dataclass(frozen=True, slots=True)
class PointedFactory:
    """Makes backends with points."""

    inner: BackendFactory
    point: Point

    def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Backend:
        """Make one."""
        return PointedBackend(self.inner(key, spec, secret), self.point)


def make_ports(point: Point) -> Ports:
    """Wrap the ports of the operator."""
    return Ports(
        factories=lambda settings, metrics: {
            word: PointedFactory(factory, point) for word, factory in make_factories(settings, metrics).items()
        },
        statuses=lambda client: PointedStatuses(StatusWriter(client), point),
    )


def main() -> None:
    """Read the usual command line, and the point from the environment."""
    given = os.environ
    point = Point(given["CRASH_POINT"], Deed(given["CRASH_DEED"]), Path(given["CRASH_FOLDER"]))
    build_cli(run=lambda settings: run(settings, make_ports(point)), render_crds=dict)()


if __name__ == "__main__":
    main()
