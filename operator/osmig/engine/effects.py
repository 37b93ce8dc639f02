"""Make the one call that a decision asks for, under its permit, once; every failure is an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.errors import BackendError
from osmig.domain.observation import Answer, Call, StartCall

if TYPE_CHECKING:
    from osmig.backends.ports import Backend, Permit
    from osmig.domain.upstream import Job


async def perform(call: Call, *, backend: Backend, job: Job, permit: Permit) -> Answer:
    """Send ``call`` and return what came of it.

    The intent (for a start, confirm or revert: ``status.pendingCall``; for another order: its entry in
    ``status.controls`` or ``status.policyOrders``) is on record before this is called. Nothing that can fail stands
    between the call and the caller's write of the answer.
    """
    try:
        match call:
            case StartCall():
                return Answer(call=call, receipt=await backend.start(job, permit))
            case verb_call:
                await backend.apply(verb_call.verb, job.server_id or "", verb_call.record_id, permit)
                return Answer(call=call)
    except BackendError as error:
        return Answer(call=call, error=error)
