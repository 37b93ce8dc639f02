"""Pauses that grow: each is twice as long as the one before, up to a bound."""

from __future__ import annotations

_DOUBLED_AT_MOST = 30
"""Beyond which every bound is reached, and a power would only grow."""


def grow_pause_s(first_s: float, max_s: float, times: int) -> float:
    """Return the pause that was doubled so many times, in seconds.

    Args:
        first_s: the first one.
        max_s: no pause is longer.
        times: 0 for the first one.
    """
    return min(max_s, first_s * 2.0 ** min(times, _DOUBLED_AT_MOST))
