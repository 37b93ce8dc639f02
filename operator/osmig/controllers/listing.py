"""The list of what goes on at a Provider whose sweeps list nothing: read beside the steps, for it may take minutes."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.domain.errors import AccessDenied, BackendError, NotUnderstood, TooManyRows, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.controllers.keys import Key
    from osmig.controllers.sessions import Session
    from osmig.domain.clock import Clock
    from osmig.domain.operations import Sweep
    from osmig.drivers.driver import Driver

_logger = logging.getLogger(__name__)

LIST_PERIOD_S = 60.0
LIST_REST = 20.0
"""Times as long as the last list took, no other one begins: they get rarer as the history grows."""
MAX_FAILED_LISTS = 3
_LASTING = (AccessDenied, NotUnderstood, TooManyRows)
"""Failures that the next try meets again."""


@dataclass(slots=True)
class Listing:
    """How far the list of one connection has come; all times are boottimes.

    Attributes:
        task: reads the list.
        due_at: when the next one may begin.
        is_read: what was listed last is known.
        why_not: why nothing is known, fit for status; empty while it is, and before the first list.
    """

    task: asyncio.Task[Sweep] | None = None
    began_at: float = -math.inf
    due_at: float = -math.inf
    is_read: bool = False
    why_not: str = ""
    failed: int = 0

    def cancel(self) -> None:
        """Read no further; what ended meanwhile is of no use."""
        if self.task is None:
            return
        self.task.cancel()
        if self.task.done() and not self.task.cancelled():
            self.task.exception()  # else asyncio reports it as never looked at
        self.task = None


class ListReader:
    """Lists every Provider of the drivers that have a list, at a pace of its own.

    Nothing is decided on such a list: one that fails makes no Provider unready, unless its credentials are refused.
    """

    def __init__(self, clock: Clock, wake: Callable[[Key], None]) -> None:
        self._clock = clock
        self._wake = wake

    def advance(self, key: Key, session: Session, driver: Driver[Any, Any], *, is_ours: Callable[[str], bool]) -> bool:
        """Take in a list that was read, and begin one that is due; return whether something is known anew.

        Raises:
            Unauthorized: the credentials are refused.
        """
        listing = session.listing
        is_taken = listing.task is not None and listing.task.done() and self._take(session, is_ours)
        if listing.task is None and self._clock.boottime() >= listing.due_at and driver.list_operations is not None:
            listing.began_at = self._clock.boottime()
            listing.task = asyncio.create_task(driver.list_operations(session.backend), name=f"list {key.text}")
            listing.task.add_done_callback(lambda _: self._wake(key))
        return is_taken

    def _take(self, session: Session, is_ours: Callable[[str], bool]) -> bool:
        listing, now = session.listing, self._clock.boottime()
        task, listing.task = listing.task, None
        took_s = now - listing.began_at
        listing.due_at = max(listing.began_at + LIST_PERIOD_S, now + LIST_REST * took_s)
        if task is None or task.cancelled():
            return False
        try:
            session.rows.merge(task.result(), is_ours=is_ours)
        except Unauthorized:
            raise
        except BackendError as error:
            listing.due_at = max(listing.due_at, now + (error.retry_after_s or 0.0))
            return self._note_failure(session, error)
        listing.is_read, listing.why_not, listing.failed = True, "", 0
        return True

    def _note_failure(self, session: Session, error: BackendError) -> bool:
        """Let what was listed last stand for a while; return whether nothing is known any more, or yet."""
        listing = session.listing
        listing.failed += 1
        _logger.warning("list.failed", extra={"reason": error.reason, "why": error.message})
        if listing.is_read and not isinstance(error, _LASTING) and listing.failed < MAX_FAILED_LISTS:
            return False
        session.rows.clear()
        listing.is_read, listing.why_not = False, error.message
        return True
