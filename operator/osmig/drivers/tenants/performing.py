"""Send the one call that a decision about a replication asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.calls import DeleteRecordCall
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.domain.calls import Call, Receipt
    from osmig.drivers.tenants.ports import TenantBackend
    from osmig.net.permits import Permit


async def perform(backend: TenantBackend, call: Call, migration: Migration, permit: Permit) -> Receipt:
    """Send ``call`` once.

    Raises:
        BackendError: what came of it, if it was not accepted.
        TypeError: it is another driver's call.
    """
    del migration
    match call:
        case ReplicateCall(job=job):
            return await backend.replicate(job, permit)
        case TerminateCall(replica_id=replica_id):
            return await backend.terminate(replica_id, permit)
        case DeleteRecordCall(record_id=record_id):
            return await backend.delete_run(record_id, permit)
        case _:
            message = f"{type(call).__name__} is no call about a replication"
            raise TypeError(message)
