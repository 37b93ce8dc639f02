"""Make the one call that a decision asks for, under its permit, once; every failure is an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, cast

from osmig.domain.errors import BackendError
from osmig.domain.observation import Answer, Call, ReplicateCall, StartCall, TerminateCall, VerbCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.backends.ports import Backend, Permit, ServerBackend, TenantBackend
    from osmig.domain.upstream import Job


async def perform(call: Call, *, backend: Backend, describe_job: Callable[[], Job], permit: Permit) -> Answer:
    """Send ``call`` and return what came of it.

    The intent (for a start, confirm or revert: ``status.pendingCall``; for another order: its entry in
    ``status.controls`` or ``status.policyOrders``) is on record before this is called. Nothing that can fail stands
    between the call and the caller's write of the answer.
    """
    try:
        match call:
            case StartCall():
                return Answer(call=call, receipt=await _servers(backend).start(describe_job(), permit))
            case VerbCall():
                server_id = describe_job().server_id or ""
                await _servers(backend).apply(call.verb, server_id, call.record_id, permit)
                return Answer(call=call)
            case ReplicateCall():
                return Answer(call=call, receipt=await _tenants(backend).replicate(call.job, permit))
            case TerminateCall():
                return Answer(call=call, receipt=await _tenants(backend).terminate(call.replica_id, permit))
            case never:
                assert_never(never)
    except BackendError as error:
        return Answer(call=call, error=error)


def _servers(backend: Backend) -> ServerBackend:
    # what the call is was decided by the Migration's type, and a Provider of another type is never ready for it
    return cast("ServerBackend", backend)


def _tenants(backend: Backend) -> TenantBackend:
    return cast("TenantBackend", backend)
