"""The port onto a scripted cloud: each call counts as many requests as Nova would see for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from load.scripted_cloud import RUN_S, Movement, ScriptedCloud
from osmig.api.migration import Baseline
from osmig.api.names import Reason, Verb
from osmig.domain.calls import Receipt
from osmig.domain.capabilities import Capability, Probe, Scope
from osmig.domain.errors import Transient, Unsupported
from osmig.domain.operations import RecordView, Sweep
from osmig.drivers.servers.views import (
    BytesView,
    CallLookup,
    CallLookupKind,
    Explanation,
    HostView,
    NamedHost,
    PreStartState,
    ProgressView,
    ServerView,
    StartTrace,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from load.journal import Journal
    from load.scripted_hosts import ScriptedHosts
    from osmig.api.migration import PendingCall, PreflightCheck
    from osmig.api.provider import ProviderSpec
    from osmig.drivers.servers.views import Job
    from osmig.net.permits import Permit

OVERLAP = timedelta(seconds=30)
PAGE_ROWS = 1000
"""Nova's default ``max_limit``."""
MEMORY = 16 * 2**30
SURVEY_REQUESTS, FIND_REQUESTS, PROBE_REQUESTS, PREFLIGHT_REQUESTS, EXPLAIN_REQUESTS = 3, 3, 3, 5, 3


class ScriptedBackend:
    """The port onto a ``ScriptedCloud``."""

    service = None

    def __init__(self, cloud: ScriptedCloud, journal: Journal, compute_hosts: ScriptedHosts) -> None:
        """Note every call in ``journal``; ``compute_hosts`` are what plans empty."""
        self._cloud = cloud
        self._journal = journal
        self.compute_hosts = compute_hosts

    async def probe(self) -> Probe:
        """Say that everything is possible."""
        self._journal.note("probe", PROBE_REQUESTS)
        everything = frozenset(Capability)
        return Probe(
            endpoint="https://nova.example.org/v2.1",
            api_version="2.104",
            capabilities=everything,
            possible=everything,
            scope=Scope.CLOUD,
        )

    async def pre_start_state(self, job: Job) -> PreStartState:
        """Return server, actions and records."""
        server_id = job.server_id or ""
        self._journal.note("pre_start", SURVEY_REQUESTS, server_id)
        records = self._cloud.records(server_id)
        server = self._cloud.server(server_id)
        mark = Baseline(
            request_ids=tuple(f"req-{server_id[:-4]}{number:04x}" for number in range(3)),
            previous_id=records[0].id if records else None,
            host=server.host,
            host_id=server.host_id,
        )
        active = next((record for record in records if not record.is_terminal), None)
        return PreStartState(server=server, baseline=mark, active=active)

    async def preflight(self, job: Job) -> tuple[PreflightCheck, ...]:
        """Find nothing to complain about."""
        self._journal.note("preflight", PREFLIGHT_REQUESTS, job.server_id or "")
        return ()

    async def host(self, name: str) -> HostView:
        """Return a host that is up."""
        self._journal.note("host")
        return HostView(name=name)

    async def named_hosts(self, names: Collection[str]) -> tuple[NamedHost, ...]:
        """Have every host."""
        self._journal.note("named_hosts")
        return tuple(NamedHost(name=name, exists=True) for name in names)

    async def start(self, job: Job, permit: Permit) -> Receipt:
        """Start a move."""
        if not permit.is_valid():
            raise Transient(Reason.RETRYING, "the permit has expired", operation="start")
        server_id = job.server_id or ""
        self._journal.note("start", server_id=server_id)
        return Receipt(request_id=_name_request(self._cloud.start(server_id)))

    async def find_effect(self, job: Job, call: PendingCall, claimed: Collection[str]) -> CallLookup:
        """Look for a start."""
        server_id = job.server_id or ""
        self._journal.note("find", FIND_REQUESTS, server_id)
        server, move = self._cloud.server(server_id), self._cloud.moves.get(server_id)
        if move is None or _name_request(move) in claimed or call.operation != "live-migrate":
            return CallLookup(kind=CallLookupKind.NOTHING, server=server)
        record = self._cloud.records(server_id)[0]
        return CallLookup(kind=CallLookupKind.OURS, server=server, request_id=_name_request(move), record=record)

    async def server(self, server_id: str) -> ServerView:
        """Return a server."""
        self._journal.note("server", server_id=server_id)
        return self._cloud.server(server_id)

    async def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Return the rows of a server."""
        self._journal.note("records", server_id=server_id)
        return self._cloud.records(server_id)

    async def start_trace(self, server_id: str, request_id: str) -> StartTrace:
        """Show nothing of a start."""
        self._journal.note("start_trace", server_id=server_id if request_id else "")
        return StartTrace()

    async def progress(self, server_id: str, record_id: str) -> ProgressView | None:
        """Return one sample: memory falls evenly."""
        self._journal.note("progress", server_id=server_id)
        move, now = self._cloud.moves[server_id], self._cloud.clock.now()
        if move.status(now) != "running" or str(move.number) != record_id:
            return None
        share = min(1.0, ((now - move.began).total_seconds() - RUN_S) / move.duration_s)
        processed = int(MEMORY * share)
        return ProgressView(memory=BytesView(total=MEMORY, processed=processed, remaining=MEMORY - processed))

    async def explain(self, server_id: str, request_id: str | None) -> Explanation:
        """Tell nothing."""
        self._journal.note("explain", EXPLAIN_REQUESTS, f"{server_id}" if request_id else "")
        return Explanation(reason=None, message="")

    async def apply(self, verb: Verb, server_id: str, record_id: str, permit: Permit) -> None:
        """Call a move off; nothing else is ordered here."""
        self._journal.note(str(verb), server_id=server_id)
        move = self._cloud.moves[server_id]
        if verb is not Verb.ABORT or not permit.is_valid() or str(move.number) != record_id:
            raise Unsupported(Reason.UNSUPPORTED, f"the cloud has no {verb}", operation=str(verb))
        move.ended = self._cloud.clock.now()

    async def sweep(self, since: datetime | None) -> Sweep:
        """List rows as Nova does: one in ``accepted`` was never changed, so it is not among the changes."""
        now = self._cloud.clock.now()
        rows = [move.view(now) for move in self._cloud.moves.values()]
        if since is None:
            listed = [row for row in rows if not row.is_terminal]
        else:
            listed = [row for row in rows if row.updated is not None and row.updated >= since]
        self._journal.note("sweep", max(1, ceil((len(rows) if since is None else len(listed)) / PAGE_ROWS)))
        latest = max((row.updated or now for row in listed), default=now)
        cursor = latest - OVERLAP
        return Sweep(records=tuple(listed), cursor=max(cursor, since) if since else cursor, is_full=since is None)

    async def close(self) -> None:
        """Have nothing to close."""


@dataclass(frozen=True, slots=True)
class ScriptedFactory:
    """Makes backends of one cloud, whatever the Provider says."""

    cloud: ScriptedCloud
    journal: Journal
    compute_hosts: ScriptedHosts

    async def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> ScriptedBackend:
        """Make one."""
        assert key
        assert spec.type
        assert secret
        return ScriptedBackend(self.cloud, self.journal, self.compute_hosts)


def _name_request(move: Movement) -> str:
    return f"req-{move.number:08x}-0000-4000-8000-0000000000ff"
