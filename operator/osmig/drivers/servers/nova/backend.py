"""The port, for Nova: each method is one job in a thread, of which a Provider has no more than its share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from osmig.api.migration import Baseline, BlockMigration
from osmig.api.names import Reason, Verb
from osmig.domain.calls import Receipt
from osmig.domain.errors import Absent, NotPermitted, NotUnderstood, Refused, Unsupported
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.nova import lookup, synthetic_records
from osmig.drivers.servers.nova.blocking_calls import BlockingCalls
from osmig.drivers.servers.nova.compute_hosts import ComputeHosts
from osmig.drivers.servers.nova.explain import UNEXPLAINED, explain, pick_action
from osmig.drivers.servers.nova.host_backend import NovaHosts
from osmig.drivers.servers.nova.hosts import find_named
from osmig.drivers.servers.nova.listing import Listing
from osmig.drivers.servers.nova.lookup import Seen
from osmig.drivers.servers.nova.nova import Nova
from osmig.drivers.servers.nova.preflight import check
from osmig.drivers.servers.nova.preflight_facts import collect_facts
from osmig.drivers.servers.nova.probing import probe
from osmig.drivers.servers.nova.translate import to_trace
from osmig.drivers.servers.views import (
    CallLookup,
    Explanation,
    Job,
    PreStartState,
    ProgressView,
    ServerView,
    StartTrace,
)
from osmig.net.limiting import Priority

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection

    from osmig.api.migration import PendingCall, PreflightCheck
    from osmig.domain.capabilities import Probe
    from osmig.domain.clock import Clock
    from osmig.domain.operations import RecordView, Sweep
    from osmig.drivers.hosts import HostBackend
    from osmig.drivers.servers.nova.session import ComputeSession
    from osmig.drivers.servers.views import HostView, NamedHost
    from osmig.net.limiting import Limiter
    from osmig.net.permits import Permit

BASELINE_ACTIONS = 20
"""As many request ids as a baseline holds."""

_BLOCK_MIGRATION: dict[str, bool | str] = {
    BlockMigration.AUTO: "auto",
    BlockMigration.NEVER: False,
    BlockMigration.ALWAYS: True,
}


class NovaBackend:
    """One Provider of type OpenStack (`osmig.drivers.ports.Backend`).

    Args:
        session: the login and the endpoint; closed with the backend.
        limiter: grants the Provider's requests.
        threads: requests that may be under way at once.
        name: shown in thread names, for stack dumps.
        clock: dates sweeps of hosts.

    Attributes:
        compute_hosts: the port of its hosts.
    """

    def __init__(self, session: ComputeSession, *, limiter: Limiter, threads: int, name: str, clock: Clock) -> None:
        self._session = session
        self._nova = Nova(session)
        self._listing = Listing(session, self._nova)
        self._calls = BlockingCalls(session, limiter=limiter, threads=threads, name=name)
        self._run = self._calls.run
        self.compute_hosts: HostBackend = NovaHosts(self._calls, ComputeHosts(session), clock)

    @property
    def service(self) -> str | None:
        """The Compute endpoint that answers, where TLS proves that."""
        return self._session.service

    async def probe(self) -> Probe:
        """Authenticate, read versions, rights and capabilities. No side effect."""
        return await self._run(lambda: probe(self._session, self._nova, self._listing), Priority.SWEEP, 3)

    async def pre_start_state(self, job: Job) -> PreStartState:
        """Resolve the server and read what must be remembered before a start.

        A name is looked for in the credentials' own project only, also for administrators: elsewhere names belong to
        other people.

        Raises:
            Absent: no such server for these credentials.
            Refused: the name fits several servers.
        """
        return await self._run(lambda: self._pre_start(job), Priority.READ, 3)

    async def preflight(self, job: Job) -> tuple[PreflightCheck, ...]:
        """Check whether the job could be done. No side effect."""

        def read() -> tuple[PreflightCheck, ...]:
            return check(job, collect_facts(job, self._session, self._nova, self._listing, resolve=self._by_name))

        return await self._run(read, Priority.READ, 5)

    async def host(self, name: str) -> HostView:
        """Read one compute host now, which by default only administrators may."""
        return await self._run(lambda: self._host(name), Priority.READ)

    async def named_hosts(self, names: Collection[str]) -> tuple[NamedHost, ...]:
        """Look for compute hosts by name; only where one is missing, all of them are listed for a similar name."""
        return await self._run(lambda: find_named(self._nova, names), Priority.READ, len(names))

    async def start(self, job: Job, permit: Permit) -> Receipt:
        """Send exactly one live or cold migration."""
        return await self._run(lambda: self._start(job, permit), Priority.START)

    async def find_effect(self, job: Job, call: PendingCall, claimed: Collection[str]) -> CallLookup:
        """Look for the effect of an earlier start, confirm or revert among the server's actions."""
        return await self._run(lambda: self._find(_id_of(job), call, claimed), Priority.START, 3)

    async def server(self, server_id: str) -> ServerView:
        """Read the server now."""
        return await self._run(lambda: self._nova.server(server_id), Priority.READ)

    async def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Read all migrations of one server, newest first; synthetic ones where none may be listed."""
        return await self._run(lambda: self._records_if_permitted(server_id), Priority.READ)

    async def start_trace(self, server_id: str, request_id: str) -> StartTrace:
        """Read the action of one request, with its events."""
        return await self._run(lambda: self._trace(server_id, request_id), Priority.READ)

    async def progress(self, server_id: str, record_id: str) -> ProgressView | None:
        """Read one sample; without the right to it, Nova's own percentage of the server."""
        return await self._run(lambda: self._progress(server_id, record_id), Priority.PROGRESS)

    async def explain(self, server_id: str, request_id: str | None) -> Explanation:
        """Read why a move failed; without a request id, the newest one that did."""
        return await self._run(lambda: self._explain(server_id, request_id), Priority.READ, 3)

    async def apply(self, verb: Verb, server_id: str, record_id: str, permit: Permit) -> None:
        """Send one abort, force-complete, confirm or revert; the latter two know their server only."""
        match verb:
            case Verb.ABORT:
                await self._order(lambda: self._nova.abort(server_id, self._number(server_id, record_id, verb), permit))
            case Verb.FORCE_COMPLETE:
                await self._order(
                    lambda: self._nova.force_complete(server_id, self._number(server_id, record_id, verb), permit)
                )
            case Verb.CONFIRM:
                await self._order(lambda: self._nova.confirm(server_id, permit))
            case Verb.REVERT:
                await self._order(lambda: self._nova.revert(server_id, permit))
            case _:
                raise Unsupported(Reason.UNSUPPORTED, f"The cloud has no {verb}", operation=str(verb))

    async def sweep(self, since: dt.datetime | None) -> Sweep:
        """List migrations in bulk, each page in its turn: an order never waits for more than the page before it."""
        reading = await self._run(lambda: self._listing.begin_sweep(since), Priority.SWEEP)
        while reading.has_more:
            await self._run(lambda: self._listing.go_on(reading), Priority.SWEEP)
        return reading.finish()

    async def close(self) -> None:
        """Take no more calls; what is under way ends by itself."""
        self._calls.close()

    async def _order(self, job: Callable[[], None]) -> None:
        await self._run(job, Priority.ORDER)

    def _pre_start(self, job: Job) -> PreStartState:
        server = self._nova.server(job.server_id) if job.server_id else self._by_name(job.server_name or "")
        actions = self._nova.actions(server.id, limit=BASELINE_ACTIONS)
        records = self._records_if_permitted(server.id)
        newest = max((record.number for record in records), default=0)
        baseline = Baseline(
            request_ids=tuple(action.request_id for action in actions),
            previous_id=str(newest) if newest else None,
            host=server.host,
            host_id=server.host_id,
        )
        return PreStartState(
            server=server,
            baseline=baseline,
            active=lookup.newest_active(records),
            past_hosts=lookup.find_past_hosts(records),
        )

    def _by_name(self, name: str) -> ServerView:
        found = [server for server, _ in self._nova.servers(name=f"^{re.escape(name)}$") if server.name == name]
        if not found:
            text = "These credentials see no server of this name"
            raise Absent(Reason.SERVER_NOT_FOUND, text, operation="list-servers")
        if len(found) > 1:
            text = f"{len(found)} servers have this name; use server.id"
            raise Refused(Reason.SERVER_NAME_AMBIGUOUS, text, operation="list-servers")
        return found[0]

    def _start(self, job: Job, permit: Permit) -> Receipt:
        server_id, host = _id_of(job), job.destination_host
        match job.kind:
            case MoveKind.LIVE:
                blocks = _BLOCK_MIGRATION[job.block_migration]
                request_id = self._nova.live_migrate(server_id, host=host, block_migration=blocks, permit=permit)
            case MoveKind.COLD:
                request_id = self._nova.cold_migrate(server_id, host=host, permit=permit)
            case _:
                text = f"The cloud has no start of a {job.kind} move"
                raise Unsupported(Reason.UNSUPPORTED, text, operation="start")
        return Receipt(request_id=request_id)

    def _find(self, server_id: str, call: PendingCall, claimed: Collection[str]) -> CallLookup:
        # The server first: seen busy before, its action must be there after. Nova marks the server busy a moment before
        # it writes the action, so a busy server without an action is read twice.
        server = self._nova.server(server_id)
        actions = self._nova.actions(server_id)
        if server.is_busy and not lookup.new_actions(actions, call.baseline):
            actions = self._nova.actions(server_id)
        own_user_id, _ = self._session.identity()
        seen = Seen(server=server, actions=actions, records=self._records_if_permitted(server_id))
        return lookup.find_effect(seen, call, claimed=claimed, own_user_id=own_user_id)

    def _records_if_permitted(self, server_id: str) -> tuple[RecordView, ...]:
        """List the server's records, or make them up."""
        try:
            return self._listing.of_server(server_id)
        except NotPermitted:
            return synthetic_records.read(self._nova, server_id)

    def _number(self, server_id: str, record_id: str, verb: Verb) -> str:
        if not synthetic_records.is_synthetic(record_id):
            return record_id
        return synthetic_records.find_number(self._nova, server_id, str(verb))

    def _host(self, name: str) -> HostView:
        found = self._nova.hosts(name)
        if not found:
            raise Absent("HostNotFound", "The cloud has no compute host of this name", operation="list-hosts")
        return found[0]

    def _progress(self, server_id: str, record_id: str) -> ProgressView | None:
        try:
            samples = self._nova.samples(server_id)
            if not synthetic_records.is_synthetic(record_id):
                return samples.get(record_id)
            if samples:
                return next(iter(samples.values()))
        except (NotPermitted, NotUnderstood):
            # Nova's own check of its answers refuses the zeros of a move without a disk (a 400).
            pass
        server = self._nova.server(server_id)
        return ProgressView(percent=server.progress_percent) if server.is_busy else None

    def _trace(self, server_id: str, request_id: str) -> StartTrace:
        try:
            return to_trace(self._nova.action(server_id, request_id))
        except (Absent, NotPermitted):
            return StartTrace()

    def _explain(self, server_id: str, request_id: str | None) -> Explanation:
        try:
            told = pick_action(self._nova.actions(server_id, limit=BASELINE_ACTIONS), request_id)
            action = self._nova.action(server_id, told) if told else {}
            return explain(action, fault=self._nova.fault(server_id))
        except Absent:
            return UNEXPLAINED


def _id_of(job: Job) -> str:
    if job.server_id is None:
        message = "the server was not resolved"
        raise ValueError(message)
    return job.server_id
