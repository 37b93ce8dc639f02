"""Send the one call that a decision about a job asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.calls import DeleteRecordCall
from osmig.drivers.mailboxes.calls import CopyCall, DeleteCall, RunNowCall

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.domain.calls import Call, Receipt
    from osmig.drivers.mailboxes.ports import MailboxBackend
    from osmig.net.permits import Permit


async def perform(backend: MailboxBackend, call: Call, migration: Migration, permit: Permit) -> Receipt:
    """Send ``call`` once.

    Raises:
        BackendError: what came of it, if it was not accepted.
        TypeError: it is another driver's call.
    """
    del migration
    match call:
        case CopyCall(job=job):
            return await backend.copy(job, permit)
        case RunNowCall(code=code, execution=execution):
            return await backend.run_now(code, execution, permit)
        case DeleteCall(code=code):
            return await backend.delete(code, permit)
        case DeleteRecordCall(record_id=record_id):
            return await backend.delete_record(record_id, permit)
        case _:
            message = f"{type(call).__name__} is no call about mailboxes"
            raise TypeError(message)
