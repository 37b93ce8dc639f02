"""Make the one call that a decision asks for, under its permit, once; every failure is an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.errors import BackendError
from osmig.domain.observation import Answer, Call, ReplicateCall, StartCall, TerminateCall, VerbCall
from osmig.engine.fitting import MovesServers, ReplicatesTenants

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.backends.ports import Permit
    from osmig.domain.upstream import Job
    from osmig.engine.fitting import Fitted


async def perform(call: Call, *, backend: Fitted, describe_job: Callable[[], Job], permit: Permit) -> Answer:
    """Send ``call`` and return what came of it.

    The intent (for a start, confirm or revert: ``status.pendingCall``; for another order: its entry in
    ``status.controls`` or ``status.policyOrders``) is on record before this is called. Nothing that can fail stands
    between the call and the caller's write of the answer.

    Raises:
        TypeError: the backend is not one for such calls; a Provider of another type is never ready, so none is decided.
    """
    try:
        match call, backend:
            case StartCall(), MovesServers(servers):
                return Answer(call=call, receipt=await servers.start(describe_job(), permit))
            case VerbCall(), MovesServers(servers):
                server_id = describe_job().server_id or ""
                await servers.apply(call.verb, server_id, call.record_id, permit)
                return Answer(call=call)
            case ReplicateCall(), ReplicatesTenants(tenants):
                return Answer(call=call, receipt=await tenants.replicate(call.job, permit))
            case TerminateCall(), ReplicatesTenants(tenants):
                return Answer(call=call, receipt=await tenants.terminate(call.replica_id, permit))
            case _:
                message = f"{type(call).__name__} sent to {type(backend).__name__}"
                raise TypeError(message)
    except BackendError as error:
        return Answer(call=call, error=error)
