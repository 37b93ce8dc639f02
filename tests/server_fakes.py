"""A cloud behind the port, for tests of the engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from domain_samples import MARK, READY, REQUEST, SERVER_ID, record, server
from host_fakes import FakeHosts
from osmig.domain.calls import Receipt
from osmig.domain.capabilities import Probe, Scope
from osmig.domain.operations import RecordView, Sweep
from osmig.drivers.servers.views import (
    CallLookup,
    CallLookupKind,
    Explanation,
    HostView,
    NamedHost,
    PreStartState,
    ProgressView,
    StartTrace,
)
from osmig.net.limiting import Priority, raise_priority

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from osmig.api.migration import PendingCall, PreflightCheck
    from osmig.api.names import Verb
    from osmig.drivers.hosts import HostBackend
    from osmig.drivers.servers.views import Job, ServerView
    from osmig.net.permits import Permit


@dataclass
class FakeBackend:
    """A cloud that answers from fields, and records every call; ``fail[method]`` holds what the next calls raise.

    Attributes:
        view: the server of every test that has one.
        views: further ones, by id.
        hurried: the calls that go as an order's.
        compute_hosts: its hosts, for plans.
    """

    view: ServerView = field(default_factory=server)
    views: dict[str, ServerView] = field(default_factory=dict)
    checks: tuple[PreflightCheck, ...] = ()
    hosts: dict[str, HostView] = field(default_factory=dict)
    named: dict[str, NamedHost] = field(default_factory=dict)
    rows: tuple[RecordView, ...] = ()
    found: CallLookup | None = None
    trace: StartTrace = field(default_factory=StartTrace)
    sample: ProgressView | None = None
    why: Explanation = field(default_factory=lambda: Explanation(reason=None, message=""))
    calls: list[str] = field(default_factory=list)
    hurried: list[str] = field(default_factory=list)
    permits: list[bool] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    scope: Scope = Scope.CLOUD
    fail: dict[str, list[BaseException]] = field(default_factory=dict)
    on_start: Callable[[], object] | None = None
    on_survey: Callable[[], object] = lambda: None
    gate: asyncio.Event | None = None
    swept: list[datetime | None] = field(default_factory=list)
    is_full: bool = True
    asked: datetime | None = None
    capabilities: frozenset[Any] = READY.capabilities
    is_closed: bool = False
    service: str | None = None
    endpoint: str = "https://nova.example.org/v2.1"
    project_id: str | None = None
    on_probe: Callable[[], object] = lambda: None
    compute_hosts: HostBackend = field(default_factory=FakeHosts)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if raise_priority(Priority.READ) is Priority.ORDER:
            self.hurried.append(name)
        if self.fail.get(name):
            raise self.fail[name].pop(0)

    async def probe(self) -> Probe:
        """Say what this cloud is."""
        self._call("probe")
        self.on_probe()
        return Probe(
            endpoint=self.endpoint,
            project_id=self.project_id,
            api_version="2.104",
            capabilities=self.capabilities,
            possible=self.capabilities,
            scope=self.scope,
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

    async def named_hosts(self, names: Collection[str]) -> tuple[NamedHost, ...]:
        """Show that the cloud has every host but those that were set up as missing."""
        self._call("named_hosts")
        return tuple(self.named.get(name, NamedHost(name=name, exists=True)) for name in names)

    async def pre_start_state(self, job: Job) -> PreStartState:
        """Show the server before a start."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        self._call("pre_start")
        self.on_survey()
        assert job.server_id or job.server_name
        return PreStartState(server=self._view(job.server_id or SERVER_ID), baseline=MARK)

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

    async def find_effect(self, job: Job, call: PendingCall, claimed: Collection[str]) -> CallLookup:
        """Show what was set up to be found."""
        self._call("find")
        assert job.server_id
        assert call.operation
        assert REQUEST not in claimed
        return self.found or CallLookup(kind=CallLookupKind.NOTHING, server=self._view(job.server_id))

    async def server(self, server_id: str) -> ServerView:
        """Show the server."""
        self._call("server")
        return self._view(server_id)

    async def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Show its rows."""
        self._call("records")
        return tuple(row for row in self.rows if row.server_id == self._view(server_id).id)

    async def start_trace(self, server_id: str, request_id: str) -> StartTrace:
        """Show what was set up of our start."""
        self._call("start_trace")
        assert (server_id, request_id) == (SERVER_ID, REQUEST)
        return self.trace

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
        cursor, is_full = datetime(2030, 1, 1, tzinfo=UTC), self.is_full and since is None
        return Sweep(records=self.rows, cursor=cursor, is_full=is_full, asked=self.asked)

    async def close(self) -> None:
        """Note that nobody needs this any more."""
        self.is_closed = True

    def run(self, word: str) -> None:
        """Show our move in a state of Nova."""
        over = word in {"completed", "cancelled", "failed"}
        self.view = server("cmp2" if word == "completed" else "cmp1", busy=not over)
        self.rows = (record(word),)
