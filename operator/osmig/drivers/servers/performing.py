"""Send the one call that a decision about a server asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.jobs import describe_job

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.domain.calls import Call, Receipt
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.net.permits import Permit


async def perform(backend: ServerBackend, call: Call, migration: Migration, permit: Permit) -> Receipt | None:
    """Send ``call`` once.

    Raises:
        BackendError: what came of it, if it was not accepted.
        TypeError: it is another driver's call.
    """
    match call:
        case StartCall():
            return await backend.start(describe_job(migration), permit)
        case VerbCall(verb=verb, record_id=record_id):
            await backend.apply(verb, describe_job(migration).server_id or "", record_id, permit)
            return None
        case _:
            message = f"{type(call).__name__} is no call about a server"
            raise TypeError(message)
