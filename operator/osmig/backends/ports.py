"""The port between the engine and every backend: promises in our words, no SDK type crosses it.

Every method may raise the ``BackendError`` family of ``osmig.domain.errors`` and nothing else that is expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from osmig.api.migration import PendingCall, PreflightCheck
    from osmig.api.names import Verb
    from osmig.api.provider import ProviderSpec
    from osmig.domain.calls import Receipt
    from osmig.domain.capabilities import Probe
    from osmig.domain.operations import RecordView, Sweep
    from osmig.domain.replicas import ReplicaJob, ReplicaView, RunView
    from osmig.domain.server_views import Explanation, Finding, HostView, Job, ProgressView, ServerView, Survey


class Permit(Protocol):
    """The right to send one request that changes something, for a few seconds only.

    The transport asks right before the first byte leaves, after token, discovery, DNS, pool queue and limiter
    (architecture.md §5.3): the Lease must still be held and the intent must be fresh.
    """

    def is_valid(self) -> bool:
        """Whether the request may still leave. Called where it is sent, for some backends in a worker thread."""
        ...


class Backend(Protocol):
    """One authenticated connection to one Provider, whatever its type."""

    async def probe(self) -> Probe:
        """Authenticate, read versions, rights and capabilities. No side effect."""
        ...

    async def sweep(self, since: dt.datetime | None) -> Sweep:
        """List upstream operations in bulk: all that are not over, or what changed since a cursor.

        Where a list is too dear or tells nothing, the sweep shows no more than that upstream still answers.
        """
        ...

    async def close(self) -> None:
        """Free connections and threads; running calls may end by themselves."""
        ...


class ServerBackend(Backend, Protocol):
    """What moves servers."""

    async def survey(self, job: Job) -> Survey:
        """Resolve the server exactly and read what must be remembered before a start. No side effect.

        Raises:
            Absent: no such server for these credentials (reason ``ServerNotFound``).
            Refused: the name fits several servers (reason ``ServerNameAmbiguous``).
        """
        ...

    async def preflight(self, job: Job) -> tuple[PreflightCheck, ...]:
        """Check whether the job could be done: server, hosts, rights, versions. No side effect.

        A missing server or host is a failed check, not an error; what may not be looked at is ``Skipped``.
        """
        ...

    async def host(self, name: str) -> HostView:
        """Read one compute host now.

        Raises:
            Absent: there is none of this name.
            NotPermitted: the credentials may not look.
        """
        ...

    async def start(self, job: Job, permit: Permit) -> Receipt:
        """Send exactly one start, live or cold by ``job.kind``: no redirect, no transport retry, no environment.

        Raises:
            Transient: nothing was sent, or upstream said it did nothing (429, permit expired).
            OutcomeUnknown: the answer is lost, or proves nothing (5xx, 3xx, 409 while busy).
            Refused: upstream will not do it, now or ever.
            Unsupported: the cloud's version is too old; nothing was sent.
            NotPermitted: the credentials may not do it.
            Absent: the server is gone.
        """
        ...

    async def find(self, job: Job, call: PendingCall, claimed: Collection[str]) -> Finding:
        """Look for the effect of an earlier start, confirm or revert, by its mark. No side effect.

        Of a confirm or revert, anybody's counts as ours: the server can only be confirmed once, and the same is done.

        Args:
            job: with ``server_id`` set.
            call: the intent: its operation and mark, and the request id and kind of answer where one came.
            claimed: request ids that belong to other Migrations.
        """
        ...

    async def server(self, server_id: str) -> ServerView:
        """Read the server now; ``Absent`` with reason ``ServerNotFound`` when it is gone."""
        ...

    async def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Read all operations on one server, newest first.

        Where the credentials may list none, they are made up from the server and its actions: id = request id,
        number = when it began (µs), and the hosts only as far as they show.
        """
        ...

    async def progress(self, server_id: str, record_id: str) -> ProgressView | None:
        """Read one sample of a running move; ``None`` when upstream does not list it as running (any more)."""
        ...

    async def explain(self, server_id: str, request_id: str | None) -> Explanation:
        """Read why an operation failed, as far as these credentials may know."""
        ...

    async def apply(self, verb: Verb, server_id: str, record_id: str, permit: Permit) -> None:
        """Send one abort, force-complete, confirm or revert; returning means upstream accepted the request.

        Raises:
            Refused: not in this state (ask again, or too late: the caller knows the stage).
            Absent: upstream does not know the operation (any more).
            Unsupported, NotPermitted, Transient, OutcomeUnknown: as in ``start``; a 409 to confirm or revert is
                ``Refused``, for both are guarded against coming late.
        """
        ...


class TenantBackend(Backend, Protocol):
    """What replicates tenants."""

    async def preflight(self, job: ReplicaJob, runs: tuple[RunView, ...] | None = None) -> tuple[PreflightCheck, ...]:
        """Check by reading whether the replication would become what its mappings say. No side effect.

        What upstream would accept silently and do otherwise is a failed check; what may not be looked at is
        ``Skipped``, never ``Pass``.

        Args:
            job: what is to be replicated.
            runs: of the source, as `runs` read them for this start; ``None`` has them read here.
        """
        ...

    async def runs(self, source_resource: str) -> tuple[RunView, ...]:
        """Read every replication of a tenant that these credentials see, over all pages, oldest first."""
        ...

    async def run(self, run_id: str) -> RunView:
        """Read one replication.

        Raises:
            Absent: there is none (any more), or it is another user's (reason ``RecordGone``).
        """
        ...

    async def replica(self, replica_id: str, order_id: str | None) -> ReplicaView:
        """Read what a replication makes; only what may be read is told.

        With an order to terminate it, its parts are not counted. The tenant's own error is read where something went
        wrong: the replica is neither being made nor OK, or the order failed.

        Raises:
            Absent: it may not be seen, or is gone.
        """
        ...

    async def replicate(self, job: ReplicaJob, permit: Permit) -> Receipt[RunView]:
        """Order exactly one replication: no redirect, no transport retry, no environment.

        Returns:
            The run that began; none where the answer did not name it, and it must be looked for.

        Raises:
            Transient: nothing was sent, or upstream said it did nothing (429, permit expired).
            OutcomeUnknown: the answer is lost, or proves nothing (5xx, 3xx, a 2xx that cannot be read).
            Refused: upstream will not do it; reason ``InvalidSpec`` with the field in the message.
            NotPermitted: the credentials may not do it.
            Unsupported: there is no such call at this endpoint.
        """
        ...

    async def terminate(self, replica_id: str, permit: Permit) -> Receipt:
        """Order that a replica be terminated; ``request_id`` is the order's id.

        Raises:
            Refused: not in its present state (reason ``Conflict``).
            Absent: it is gone.
            NotPermitted, Transient, OutcomeUnknown: as in ``replicate``.
        """
        ...


class BackendFactory(Protocol):
    """Makes a Backend from a Provider's spec and its Secret; one per engine."""

    async def __call__(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Backend:
        """Parse the credentials and build a connection; sends nothing yet.

        The first call imports the engine's libraries, in a thread, because the Lease must be renewed meanwhile.

        Args:
            key: namespace and name of the Provider, for metrics.
            spec: the Provider's spec.
            secret: the Secret's values by key; never logged.

        Raises:
            Refused: reason ``InvalidConfiguration`` or ``EndpointRefused``, with the field's name in the message.
        """
        ...
