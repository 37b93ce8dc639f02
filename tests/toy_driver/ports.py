"""What an upstream of boxes promises: every method may raise the ``BackendError`` family, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from osmig.drivers.ports import Backend

if TYPE_CHECKING:
    from osmig.domain.calls import Receipt
    from osmig.net.permits import Permit
    from toy_driver.views import CopyView


class BoxBackend(Backend, Protocol):
    """What copies boxes."""

    async def copies(self) -> tuple[CopyView, ...]:
        """Read every copy."""
        ...

    async def copy(self, copy_id: str) -> CopyView:
        """Read one copy; ``Absent`` if there is none."""
        ...

    async def begin_copy(self, name: str, permit: Permit) -> Receipt[CopyView]:
        """Begin exactly one copy."""
        ...

    async def empty_source(self, copy_id: str, permit: Permit) -> Receipt[CopyView]:
        """Empty the box that was copied, exactly once."""
        ...
