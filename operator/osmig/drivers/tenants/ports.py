"""What a Waldur that replicates tenants promises: every method may raise the ``BackendError`` family, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from osmig.drivers.ports import Backend

if TYPE_CHECKING:
    from osmig.api.migration import PreflightCheck
    from osmig.domain.calls import Receipt
    from osmig.domain.operations import Sweep
    from osmig.drivers.tenants.views import ReplicaJob, ReplicaView, RunView
    from osmig.net.permits import Permit


class TenantBackend(Backend, Protocol):
    """What replicates tenants."""

    async def list_operations(self) -> Sweep:
        """List what these credentials see and is not over, for who only counts; after everything else that waits.

        Raises:
            Transient: the list is longer than is read for that, among other reasons.
        """
        ...

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
            NotInThisState: it may be possible later.
            Absent: it is gone.
            NotPermitted, Transient, OutcomeUnknown: as in ``replicate``.
        """
        ...

    async def delete_run(self, run_id: str, permit: Permit) -> Receipt:
        """Delete the row of a replication that is over; the replica and all that it has stay.

        Raises:
            NotInThisState: it is not over, and its row is all there is to see of it.
            Absent: it is gone.
            NotPermitted, Transient, OutcomeUnknown: as in ``replicate``.
        """
        ...
