"""What every backend's requests are bound by and observed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_MAX_RETRY_AFTER_S = 3600.0


class RequestObserver(Protocol):
    """Told of every request that was answered or failed; called from worker threads."""

    def __call__(self, service: str, operation: str, code: str, seconds: float, /) -> None:
        """Note one request.

        Args:
            service: ``compute``, ``identity`` or ``waldur``.
            operation: in our words, such as ``live-migrate`` or ``authenticate``.
            code: the HTTP status, or ``timeout`` or ``connection_error`` when no answer came.
            seconds: from handing the request over to its whole answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect_s: for a connection.
        read_s: for an answer.
        list_s: for a page of a list, where ``read_s`` is less: a busy Waldur was seen to take 7 s for 40 rows, and
            a page has 100.
    """

    connect_s: float = 5.0
    read_s: float = 60.0
    list_s: float = 60.0


def read_retry_after(value: str | None) -> float | None:
    """Read the header Retry-After in seconds, at most an hour.

    Its other form, a date, would need a clock both sides agree on.
    """
    return min(float(value), _MAX_RETRY_AFTER_S) if value and value.isascii() and value.isdigit() else None


ObserverOf = Callable[[tuple[str, str]], RequestObserver]
"""Makes the observer of one Provider's requests from its namespace and name."""
