"""What a cloud that moves servers promises. Every method may raise the ``BackendError`` family, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from osmig.drivers.ports import Backend

if TYPE_CHECKING:
    from collections.abc import Collection

    from osmig.api.migration import PendingCall, PreflightCheck
    from osmig.api.names import Verb
    from osmig.domain.calls import Receipt
    from osmig.domain.operations import RecordView
    from osmig.drivers.hosts import HostBackend
    from osmig.drivers.servers.views import (
        CallLookup,
        Explanation,
        HostView,
        Job,
        NamedHost,
        PreStartState,
        ProgressView,
        ServerView,
        StartTrace,
    )
    from osmig.net.permits import Permit


class ServerBackend(Backend, Protocol):
    """What moves servers.

    Attributes:
        compute_hosts: what lists the servers of hosts, and takes hosts out of service.
    """

    compute_hosts: HostBackend

    async def pre_start_state(self, job: Job) -> PreStartState:
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

    async def named_hosts(self, names: Collection[str]) -> tuple[NamedHost, ...]:
        """Say of each name whether the cloud has such a compute host; unknown where the credentials may not look."""
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

    async def find_effect(self, job: Job, call: PendingCall, claimed: Collection[str]) -> CallLookup:
        """Look for the effect of an earlier start, confirm or revert, by the baseline. No side effect.

        Of a confirm or revert, anybody's counts as ours: the server can only be confirmed once, and the same is done.

        Args:
            job: with ``server_id`` set.
            call: the intent: its operation and baseline, and the request id and kind of answer where one came.
            claimed: request ids that belong to other Migrations.
        """
        ...

    async def server(self, server_id: str) -> ServerView:
        """Read the server now; ``Absent`` with reason ``ServerNotFound`` when it is gone."""
        ...

    async def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Read all operations on one server, newest first.

        Where the credentials may list none, they are synthetic, built from the server and its actions: id = request id,
        number = when it began (µs), and the hosts only as far as they show.
        """
        ...

    async def start_trace(self, server_id: str, request_id: str) -> StartTrace:
        """Read what the cloud shows of the start with this request id; of one that it does not show, nothing."""
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
            NotInThisState: not now (ask again, or too late: the caller knows the stage).
            Absent: upstream does not know the operation (any more).
            Unsupported, NotPermitted, Transient, OutcomeUnknown: as in ``start``; a 409 to confirm or revert is
                ``Refused``, for both are guarded against coming late.
        """
        ...
