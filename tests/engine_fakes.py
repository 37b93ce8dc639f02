"""An API server, a cloud and a clock in memory, and an engine that runs on them."""

from __future__ import annotations

import asyncio
import copy
import heapq
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from domain_samples import MARK, READY, REQUEST, SERVER_ID, record, server
from osmig.domain.capabilities import Probe, Scope
from osmig.domain.errors import ObjectGone, StaleView
from osmig.domain.upstream import (
    Explanation,
    Finding,
    FindingKind,
    HostView,
    ProgressView,
    Receipt,
    RecordView,
    Survey,
    Sweep,
)
from osmig.engine.keys import RESOURCES, Key, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping

    from osmig.api.migration import PendingCall, PreflightCheck
    from osmig.api.names import Verb
    from osmig.backends.ports import Permit
    from osmig.domain.upstream import Job, ServerView
    from osmig.kube.events import EventType
    from osmig.kube.refs import ObjectRef, Resource

PROVIDER = Key(Kind.PROVIDER, "team-a", "region-one")
MIGRATION = Key(Kind.MIGRATION, "team-a", "db-07")
OTHER = Key(Kind.MIGRATION, "team-a", "db-08")


@dataclass
class ManualClock:
    """Implements ``osmig.domain.clock.Clock``; who sleeps wakes only when ``advance()`` has passed that time."""

    elapsed: float = 0.0
    _sleepers: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def now(self) -> datetime:
        """Return the wall clock."""
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def boottime(self) -> float:
        """Return a clock that did not begin at zero."""
        return 1000.0 + self.elapsed

    async def sleep(self, seconds: float, /) -> None:
        """Wait until told that the time has passed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + seconds, next(self._numbers), future))
        await future

    async def advance(self, seconds: float = 0.0) -> None:
        """Let time pass and everybody run who is due on the way."""
        end = self.elapsed + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            self.elapsed = max(self.elapsed, at)
            if not future.done():
                future.set_result(None)
            await settle()
        self.elapsed = end


async def settle() -> None:
    """Let every task run as far as it can without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait


@dataclass
class ApiServer:
    """Objects with real compare-and-swap; implements ``Statuses``, ``ResourceClient`` and ``SecretReader``.

    Attributes:
        before_put: called with each status before it is judged; may raise, or change the object first.
        after_put: called after it was stored; raising loses the answer.
    """

    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    version: int = 100
    puts: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    before_put: list[Callable[[Mapping[str, Any]], object]] = field(default_factory=list)
    after_put: list[Callable[[Mapping[str, Any]], object]] = field(default_factory=list)
    secret_error: Exception | None = None
    get_error: Exception | None = None
    list_errors: list[Exception] = field(default_factory=list)

    def add(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or replace an object; return it as stored."""
        stored = copy.deepcopy(dict(body))
        self.version += 1
        stored["metadata"] = {"generation": 1, **stored["metadata"], "resourceVersion": str(self.version)}
        key = Key(kind, stored["metadata"]["namespace"], stored["metadata"]["name"])
        self.objects[key] = stored
        return copy.deepcopy(stored)

    def change(self, key: Key, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
        """Change metadata as somebody else would; return the object."""
        body = self.objects[key]
        body["metadata"] |= metadata
        return self.add(key.kind, body)

    def status(self, key: Key) -> Mapping[str, Any]:
        """What is stored."""
        return self.objects[key].get("status") or {}

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace a status if nobody changed the object."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        if self.before_put:
            self.before_put.pop(0)(status)
        key, body = self._compare(ref)
        stored = self.add(key.kind, body | {"status": copy.deepcopy(dict(status))})
        self.puts.append((ref.name, status))
        if self.after_put:
            self.after_put.pop(0)(status)
        return stored

    def _compare(self, ref: ObjectRef) -> tuple[Key, dict[str, Any]]:
        key = Key(Kind(ref.kind), ref.namespace or "", ref.name)
        body = self.objects.get(key)
        if body is None:
            raise ObjectGone("NotFound", "gone")
        if (ref.uid, ref.resource_version) != (body["metadata"]["uid"], body["metadata"]["resourceVersion"]):
            raise StaleView("Conflict", "not as last read")
        return key, body

    async def set_finalizers(self, ref: ObjectRef, finalizers: tuple[str, ...]) -> Mapping[str, Any]:
        """Replace the finalizers if nobody changed the object; without any, one that is being deleted goes away."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        key, _ = self._compare(ref)
        stored = self.change(key, finalizers=list(finalizers))
        self.changes.append(f"finalizers of {ref.name}: {','.join(finalizers)}")
        if not finalizers and stored["metadata"].get("deletionTimestamp"):
            del self.objects[key]
        return stored

    async def delete(self, ref: ObjectRef) -> None:
        """Delete an object if nobody changed it."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        key, _ = self._compare(ref)
        self.changes.append(f"delete {ref.name}")
        del self.objects[key]

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Mapping[str, Any]:
        """Return one object."""
        if self.get_error is not None:
            raise self.get_error
        body = self.objects.get(Key(Kind(resource.kind), namespace or "", name))
        if body is None:
            raise ObjectGone("NotFound", "gone")
        return copy.deepcopy(body)

    async def list_all(
        self, resource: Resource, namespace: str | None = None, *, chunk_size: int = 500
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield all objects of a kind."""
        assert chunk_size
        if self.list_errors:
            raise self.list_errors.pop(0)
        for key, body in list(self.objects.items()):
            if RESOURCES[key.kind] == resource and namespace in {None, key.namespace}:
                yield copy.deepcopy(body)

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """Return a Secret."""
        if self.secret_error is not None:
            raise self.secret_error
        if (namespace, name) not in self.secrets:
            raise ObjectGone("NotFound", "gone")
        return self.secrets[namespace, name]


@dataclass
class FakeEvents:
    """Keeps the Events that were recorded."""

    notes: list[tuple[str, str]] = field(default_factory=list)

    def record(self, regarding: ObjectRef, *, reason: str, action: str, type: EventType, note: str) -> None:  # noqa: A002
        """Keep an Event."""
        assert action
        assert type
        assert regarding.uid
        self.notes.append((str(reason), note))

    @property
    def reasons(self) -> list[str]:
        """Keep an Event."""
        return [reason for reason, _ in self.notes]


@dataclass
class FakeBackend:
    """A cloud that answers from fields, and records every call; ``fail[method]`` holds what the next calls raise.

    Attributes:
        view: the server of every test that has one.
        views: further ones, by id.
    """

    view: ServerView = field(default_factory=server)
    views: dict[str, ServerView] = field(default_factory=dict)
    checks: tuple[PreflightCheck, ...] = ()
    hosts: dict[str, HostView] = field(default_factory=dict)
    rows: tuple[RecordView, ...] = ()
    found: Finding | None = None
    sample: ProgressView | None = None
    why: Explanation = field(default_factory=lambda: Explanation(reason=None, message=""))
    calls: list[str] = field(default_factory=list)
    permits: list[bool] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    fail: dict[str, list[BaseException]] = field(default_factory=dict)
    on_start: Callable[[], object] | None = None
    on_survey: Callable[[], object] = lambda: None
    gate: asyncio.Event | None = None
    swept: list[datetime | None] = field(default_factory=list)
    is_full: bool = True
    capabilities: frozenset[Any] = READY.capabilities
    is_closed: bool = False

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fail.get(name):
            raise self.fail[name].pop(0)

    async def probe(self) -> Probe:
        """Say what this cloud is."""
        self._call("probe")
        return Probe(
            endpoint="https://nova.example.org/v2.1",
            api_version="2.104",
            capabilities=self.capabilities,
            possible=self.capabilities,
            scope=Scope.CLOUD,
        )

    def _view(self, server_id: str) -> ServerView:
        assert server_id in {SERVER_ID, *self.views}
        return self.views.get(server_id, self.view)

    async def preflight(self, job: Job) -> tuple[PreflightCheck, ...]:
        """Show the checks that were set up."""
        self._call("preflight")
        self.jobs.append(job)
        return self.checks

    async def host(self, name: str) -> HostView:
        """Show a host."""
        self._call(f"host {name}")
        return self.hosts.get(name, HostView(name=name))

    async def survey(self, job: Job) -> Survey:
        """Show the server before a start."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        self._call("survey")
        self.on_survey()
        assert job.server_id or job.server_name
        return Survey(server=self._view(job.server_id or SERVER_ID), mark=MARK)

    async def start(self, job: Job, permit: Permit) -> Receipt:
        """Take a start."""
        self.jobs.append(job)
        self.permits.append(permit.is_valid())
        if self.gate is not None:
            await self.gate.wait()
        if self.on_start is not None:
            self.on_start()
        self._call("start")
        return Receipt(request_id=REQUEST)

    async def find(self, job: Job, call: PendingCall, claimed: Collection[str]) -> Finding:
        """Show what was set up to be found."""
        self._call("find")
        assert job.server_id
        assert call.operation
        assert REQUEST not in claimed
        return self.found or Finding(kind=FindingKind.NOTHING, server=self.view)

    async def server(self, server_id: str) -> ServerView:
        """Show the server."""
        self._call("server")
        return self._view(server_id)

    async def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Show its rows."""
        self._call("records")
        return tuple(row for row in self.rows if row.server_id == self._view(server_id).id)

    async def progress(self, server_id: str, record_id: str) -> ProgressView | None:
        """Show the sample."""
        self._call("progress")
        assert (server_id, record_id) == (SERVER_ID, "7")
        return self.sample

    async def explain(self, server_id: str, request_id: str | None) -> Explanation:
        """Tell why."""
        self._call("explain")
        assert server_id == SERVER_ID
        assert request_id in {None, REQUEST}
        return self.why

    async def apply(self, verb: Verb, server_id: str, record_id: str, permit: Permit) -> None:
        """Take an order."""
        self.permits.append(permit.is_valid())
        assert server_id == SERVER_ID
        self._call(f"{verb} {record_id}")

    async def sweep(self, since: datetime | None) -> Sweep:
        """List all rows."""
        self._call("sweep")
        self.swept.append(since)
        return Sweep(records=self.rows, cursor=datetime(2030, 1, 1, tzinfo=UTC), is_full=self.is_full and since is None)

    async def close(self) -> None:
        """Note that nobody needs this any more."""
        self.is_closed = True

    def run(self, word: str) -> None:
        """Show our move in a state of Nova."""
        over = word in {"completed", "cancelled", "failed"}
        self.view = server("cmp2" if word == "completed" else "cmp1", busy=not over)
        self.rows = (record(word),)
