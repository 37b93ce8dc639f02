"""The right to send a request that changes something; every transport asks here, so that all ask the same."""

from __future__ import annotations

from typing import Protocol

from osmig.net.failures import PermitExpiredError, UnpermittedRequestError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Change nothing by the standard of HTTP, and need no permit."""


class Permit(Protocol):
    """The right to send one request that changes something, for a few seconds only.

    The transport asks right before the first byte leaves, after token, discovery, DNS, pool queue and limiter
    (architecture.md §5.3): the Lease must still be held and the intent must be fresh.
    """

    def is_valid(self) -> bool:
        """Whether the request may still leave. Called where it is sent, for some backends in a worker thread."""
        ...


def require_permit(method: str, permit: Permit | None) -> None:
    """See that a request that changes something brought a permit, valid or not.

    Raises:
        UnpermittedRequestError: it brought none.
    """
    if method not in SAFE_METHODS and permit is None:
        message = f"{method} without a permit"
        raise UnpermittedRequestError(message)


def check_permit(method: str, permit: Permit | None) -> None:
    """Let a request leave, or not; for the moment before its first byte.

    Raises:
        PermitExpiredError: the permit is not valid any more.
        UnpermittedRequestError: it changes something and brought none.
    """
    require_permit(method, permit)
    if permit is not None and not permit.is_valid():
        raise PermitExpiredError
