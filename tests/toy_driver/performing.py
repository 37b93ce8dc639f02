"""Send the one call that a decision about a box asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toy_driver.calls import CopyCall, EmptyCall

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.domain.calls import Call, Receipt
    from osmig.net.permits import Permit
    from toy_driver.ports import BoxBackend


async def perform(backend: BoxBackend, call: Call, migration: Migration, permit: Permit) -> Receipt:
    """Send ``call`` once; a ``TypeError`` if it is another driver's."""
    del migration
    match call:
        case CopyCall(name=name):
            return await backend.begin_copy(name, permit)
        case EmptyCall(copy_id=copy_id):
            return await backend.empty_source(copy_id, permit)
        case _:
            message = f"{type(call).__name__} is no call about a box"
            raise TypeError(message)
