"""The fence before each effect: the Lease is held and the own intent is fresh (architecture.md §5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class FencedPermit:
    """Valid while the Lease is ours and less than ``CALL_BEFORE`` has passed since the intent was written.

    Attributes:
        clock: CLOCK_BOOTTIME, so that a suspended machine's permits expire.
        fence: seconds for which the Lease still lets us act.
        until: boottime after which nothing may be sent under this intent.
    """

    clock: Clock
    fence: Callable[[], float]
    until: float

    def is_valid(self) -> bool:
        """Whether a request may still leave; asked from a worker thread, inside the transport's ``send()``."""
        return self.fence() > 0 and self.clock.boottime() < self.until


class Fence:
    """Makes permits."""

    def __init__(self, clock: Clock, fence: Callable[[], float], *, call_before_s: float) -> None:
        self._clock = clock
        self._fence = fence
        self._call_before_s = call_before_s

    def permit(self, written_at: float) -> FencedPermit:
        """Return the permit that belongs to a write which began at ``written_at`` (boottime)."""
        return FencedPermit(self._clock, self._fence, written_at + self._call_before_s)
