"""The port, for Waldur."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from osmig.api.mappings import canonical_id
from osmig.api.names import Reason
from osmig.domain.calls import Operation, Receipt
from osmig.domain.errors import Absent, NotInThisState, Transient
from osmig.domain.operations import Sweep
from osmig.drivers.tenants.views import OrderStage, ReplicaStage, ReplicaView, RunStage
from osmig.drivers.tenants.waldur.classify import judge_unreadable
from osmig.drivers.tenants.waldur.preflight import check
from osmig.drivers.tenants.waldur.preflight_facts import collect_facts
from osmig.drivers.tenants.waldur.probing import probe
from osmig.drivers.tenants.waldur.reading import read_runs, unless_hidden
from osmig.drivers.tenants.waldur.requests import (
    DELETE_RUN,
    LIST_ALL_RUNS,
    LIST_NETWORKS,
    LIST_SUBNETS,
    READ_ORDER,
    READ_REPLICA,
    READ_RUN,
    READ_TENANT,
    order_replica,
    order_termination,
)
from osmig.drivers.tenants.waldur.translate import (
    count_items,
    cut_word,
    is_settled,
    read_order_stage,
    read_replica_stage,
    view_operation,
    view_run,
)
from osmig.drivers.tenants.waldur.wire import (
    NetworkRow,
    OrderedRow,
    ResourceRow,
    RunRow,
    StateRow,
    SubnetRow,
    parse_id,
    read_created,
)
from osmig.net.answers import Call
from osmig.net.bounds import MAX_COUNTED_PAGES
from osmig.net.cleaning import clean_text
from osmig.net.json_reading import UnreadableError
from osmig.net.limiting import Priority
from osmig.net.wire import read_row

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable

    from osmig.api.migration import PreflightCheck
    from osmig.api.tenant_facts import Items
    from osmig.domain.capabilities import Probe
    from osmig.domain.clock import Clock
    from osmig.drivers.tenants.views import ReplicaJob, RunView
    from osmig.drivers.tenants.waldur.session import WaldurSession
    from osmig.net.permits import Permit

T = TypeVar("T")

_WELL = frozenset({ReplicaStage.CREATING, ReplicaStage.OK})
"""While its resource is in one of these, the tenant behind it has nothing to say."""


class WaldurBackend:
    """One Provider of type Waldur (`osmig.drivers.ports.TenantBackend`)."""

    service = None  # no replication locks anything that another one's could take

    def __init__(self, session: WaldurSession, *, clock: Clock) -> None:
        """Work over ``session``; sends nothing yet.

        Args:
            session: the connection; closed with the backend.
            clock: tells when a sweep began.
        """
        self._session = session
        self._clock = clock

    async def probe(self) -> Probe:
        """Read whose token it is, the server's version, and whether it replicates tenants. No side effect."""
        return await probe(self._session)

    async def sweep(self, since: dt.datetime | None) -> Sweep:
        """See that Waldur answers and takes the token; its list would be dear, and tells less than each run itself."""
        del since
        now = self._clock.now()
        await self._session.ping(Priority.SWEEP)
        return Sweep(records=(), cursor=now, is_full=False)

    async def list_operations(self) -> Sweep:
        """List all replications that the token's user sees."""
        request, now = LIST_ALL_RUNS.about(), self._clock.now()
        rows = await self._session.rows(RunRow, request, Priority.PROGRESS, max_pages=MAX_COUNTED_PAGES)
        return Sweep(records=tuple(map(view_operation, rows)), cursor=now, is_full=True)

    async def preflight(self, job: ReplicaJob, runs: tuple[RunView, ...] | None = None) -> tuple[PreflightCheck, ...]:
        """Check by reading whether the replication would become what its mappings say. No side effect."""
        return check(job, await collect_facts(job, self._session, runs))

    async def runs(self, source_resource: str) -> tuple[RunView, ...]:
        """Read every replication of a tenant that the token's user sees, over all pages, oldest first."""
        return await read_runs(self._session, _check_id(source_resource, "list-runs"), Priority.START)

    async def run(self, run_id: str) -> RunView:
        """Read one replication; ``Absent`` when there is none, or it is another user's."""
        uuid = _check_id(run_id, "read-run")
        row = await self._session.row(RunRow, READ_RUN.about(uuid), Priority.READ)
        return view_run(row)

    async def replica(self, replica_id: str, order_id: str | None) -> ReplicaView:
        """Read what a replication makes, or an order about it; what was made is not counted while it goes away."""
        uuid = _check_id(replica_id, "read-replica")
        resource = await self._session.row(ResourceRow, READ_REPLICA.about(uuid), Priority.READ)
        stage, tenant_id = read_replica_stage(resource.state), resource.tenant_id
        # before the tenant, which has the words of an order that failed
        order_stage, order_error = await self._read_order(order_id) if order_id else (OrderStage.UNKNOWN, "")
        items = await _optional(self._read_items(tenant_id)) if tenant_id and not order_id else None
        tenant = StateRow()
        if tenant_id and (order_id or stage not in _WELL):
            tenant = await _optional(self._read_tenant(tenant_id)) or tenant
        return ReplicaView(
            id=uuid,
            stage=stage,
            status=cut_word(resource.state or ""),
            tenant_status=cut_word(tenant.state or ""),
            is_tenant_settled=is_settled(tenant.state),
            error=clean_text(tenant.error_message or ""),
            items=items,
            order_stage=order_stage,
            order_error=order_error,
        )

    async def replicate(self, job: ReplicaJob, permit: Permit) -> Receipt[RunView]:
        """Order exactly one replication."""
        operation = Operation.REPLICATE
        content = await self._session.change(order_replica(job), Priority.START, permit)
        try:
            row = read_created(content)
        except UnreadableError:
            raise judge_unreadable(Call(operation, permit)) from None
        return Receipt(request_id=None, made=view_run(row) if row is not None else None)

    async def terminate(self, replica_id: str, permit: Permit) -> Receipt:
        """Order that a replica be terminated."""
        operation = Operation.TERMINATE
        uuid = _check_id(replica_id, operation)
        content = await self._session.change(order_termination(uuid), Priority.ORDER, permit)
        try:
            return Receipt(request_id=read_row(OrderedRow, content).order_uuid)
        except UnreadableError:
            raise judge_unreadable(Call(operation, permit)) from None

    async def delete_run(self, run_id: str, permit: Permit) -> Receipt:
        """Delete the row of a replication that is over: Waldur would delete any, and lose sight of what it makes."""
        operation = Operation.DELETE_RECORD
        uuid = _check_id(run_id, operation)
        run = view_run(await self._session.row(RunRow, READ_RUN.about(uuid), Priority.ORDER))
        if run.stage not in {RunStage.OK, RunStage.ERRED}:
            text = f"The replication is {run.status or 'in no state that is told'} in Waldur, so it is not over"
            raise NotInThisState(Reason.CONFLICT, text, operation=operation)
        await self._session.change(DELETE_RUN.about(uuid), Priority.ORDER, permit)
        return Receipt(request_id=None)

    async def close(self) -> None:
        """Free connections and threads."""
        await self._session.close()

    async def _read_tenant(self, tenant_id: str) -> StateRow:
        return await self._session.row(StateRow, READ_TENANT.about(tenant_id), Priority.READ)

    async def _read_items(self, tenant_id: str) -> Items | None:
        networks = await self._session.rows(NetworkRow, LIST_NETWORKS.about(tenant_id), Priority.PROGRESS)
        subnets = await self._session.rows(SubnetRow, LIST_SUBNETS.about(tenant_id), Priority.PROGRESS)
        states = [row.state for row in networks if row.tenant_uuid in (None, tenant_id)]
        states += [row.state for row in subnets]
        return count_items(states) if states else None

    async def _read_order(self, order_id: str) -> tuple[OrderStage, str]:
        uuid = _check_id(order_id, "read-order")
        order = await unless_hidden(self._session.row(StateRow, READ_ORDER.about(uuid), Priority.READ))
        if order is None:
            return OrderStage.UNKNOWN, ""
        return read_order_stage(order.state), clean_text(order.error_message or "")


async def _optional(read: Awaitable[T]) -> T | None:
    """Leave out what is only shown: its failing must not keep a replication from being followed to its end."""
    try:
        return await unless_hidden(read)
    except Transient:
        return None


def _check_id(text: str, operation: str) -> str:
    """Return an id as Waldur prints it.

    Raises:
        Absent: nothing of Waldur's has such an id.
    """
    try:
        return parse_id(canonical_id(text))
    except ValueError:
        message = "Waldur's ids are UUIDs; there is nothing of this id"
        raise Absent(Reason.RECORD_GONE, message, operation=operation) from None
