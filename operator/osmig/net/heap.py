"""How the C library keeps the process's memory: large blocks are given back to the system as soon as they are free.

glibc raises the size from which it does so to that of the largest block that was ever freed, and keeps a heap for each
thread. Answers of 2 MiB, read by forty threads, so left 300 MiB behind of which nothing was in use.
"""

from __future__ import annotations

import ctypes

LARGE_BLOCK_BYTES, TRIM_BYTES, HEAPS = 512 * 1024, 2 * 2**20, 2
"""What asyncio takes for each read of a TLS connection, 256 KiB, stays in the heaps: from the system it costs more."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Of malloc.h."""


def give_memory_back() -> bool:
    """Set the sizes and the number of heaps, for this process; false where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES), (_M_TRIM_THRESHOLD, TRIM_BYTES), (_M_ARENA_MAX, HEAPS))
    return all(mallopt(option, value) == 1 for option, value in wanted)
