"""What a call costs the process: CPU of the event loop at a stretch, and the peak of its memory."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TICK_S = 0.01
_SELF = Path("/proc/self")


@dataclass(slots=True)
class Cost:
    """What was measured.

    Attributes:
        longest_block_s: CPU time that the loop's thread used between two of its ticks: no callback took longer.
        growth_mib: of the memory, from before to the peak.
    """

    longest_block_s: float = 0.0
    growth_mib: float = 0.0


@asynccontextmanager
async def measuring() -> AsyncIterator[Cost]:
    """Measure until the block ends."""
    cost, loop = Cost(), asyncio.get_running_loop()
    (_SELF / "clear_refs").write_text("5")  # the peak begins anew
    before_mib = _read_mib("VmRSS")
    last, handle = time.thread_time(), None

    def tick() -> None:
        nonlocal last, handle
        now = time.thread_time()
        cost.longest_block_s, last = max(cost.longest_block_s, now - last), now
        handle = loop.call_later(_TICK_S, tick)

    tick()
    try:
        yield cost
    finally:
        tick()
        assert handle is not None
        handle.cancel()
        cost.growth_mib = _read_mib("VmHWM") - before_mib


def _read_mib(field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+) kB", (_SELF / "status").read_text())
    assert found is not None
    return int(found[1]) / 1024
