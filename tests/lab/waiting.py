"""Waiting with a deadline: poll until something is so, or fail saying what was seen last."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

NOT_YET = (AssertionError, LookupError, OSError)
"""What a probe may raise to say "ask again": a missing key, a refused connection, a failed comparison."""


DEADLINE_S = 1200.0 if os.nice(0) > 0 else 180.0
"""For whatever must come: it costs nothing where it does, and says nothing about how fast.

What takes seconds on a quiet machine takes a minute on one that has other things to do. Who lets others go first gets
what they leave: beside a dozen busy processes, a start of pytest that takes a second took more than sixty. That is
less than ``lanes.plan.GIVING_WAY_TIMEOUT_S``, so that a test says what it waited for.
"""


LONGEST_PAUSE_S = 0.25
GROWTH = 1.25
"""Whoever waited long can wait a quarter of that more: each question costs the server that is asked."""


class NotInTimeError(AssertionError):
    """The deadline passed; the message holds the last value or error of the probe."""


def eventually(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout_s: float = DEADLINE_S,
    every_s: float = 0.05,
) -> T:
    """Return the first truthy answer of ``probe``.

    Args:
        probe: Asked again and again; errors in ``NOT_YET`` count as "no", all others end the wait.
        what: Completes the sentence "… was not so after 90 s".
        timeout_s: Deadline; the probe is asked at least once, and once more after it.
        every_s: Pause after the first question; later ones grow, to ``LONGEST_PAUSE_S`` at most.

    Raises:
        NotInTimeError: The deadline passed.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = every_s
    while True:
        is_last = time.monotonic() >= deadline
        last: object
        try:
            last = value = probe()
            if value:
                return value
        except NOT_YET as error:
            last = error
        if is_last:
            raise _not_in_time(what, timeout_s, last)
        time.sleep(pause_s)
        pause_s = _lengthen(pause_s)


@overload
async def eventually_async(
    probe: Callable[[], Awaitable[T | None]], *, what: str, timeout_s: float = ..., every_s: float = ...
) -> T: ...
@overload
async def eventually_async(
    probe: Callable[[], T | None], *, what: str, timeout_s: float = ..., every_s: float = ...
) -> T: ...
async def eventually_async(
    probe: Callable[[], object],
    *,
    what: str,
    timeout_s: float = DEADLINE_S,
    every_s: float = 0.02,
) -> object:
    """Do what ``eventually`` does without blocking the event loop; the probe may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    pause_s = every_s
    while True:
        is_last = time.monotonic() >= deadline
        last: object
        try:
            last = probe()
            if inspect.isawaitable(last):
                last = await last
            if last:
                return last
        except NOT_YET as error:
            last = error
        if is_last:
            raise _not_in_time(what, timeout_s, last)
        await asyncio.sleep(pause_s)  # noqa: TID251 - the lab watches real servers, whose clock is the real one
        pause_s = _lengthen(pause_s)


def _lengthen(pause_s: float) -> float:
    return max(pause_s, min(pause_s * GROWTH, LONGEST_PAUSE_S))


def _not_in_time(what: str, timeout_s: float, last: object) -> NotInTimeError:
    seen = f"{type(last).__name__}: {last}" if isinstance(last, BaseException) else repr(last)
    return NotInTimeError(f"{what} was not so after {timeout_s:g} s; last seen: {seen[:2000]}")
