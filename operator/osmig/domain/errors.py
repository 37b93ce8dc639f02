"""What can go wrong, in our words; the tree every layer above raises and catches.

::

    OperatorError(reason, message)
    ├ BackendError(operation, retry_after_s)
    │ ├ Transient                  nothing was sent, or nothing happened
    │ ├ OutcomeUnknown(request_id) a call was sent and its answer is lost or proves nothing
    │ ├ Refused                    upstream will not, now or ever
    │ ├ Unsupported                the engine or this cloud has no such call
    │ ├ Absent                     the server or the record is gone
    │ └ NotPermitted               credentials or policy
    ├ StaleView                    our compare-and-swap write met a newer object
    ├ ObjectGone                   the Kubernetes object does not exist any more
    ├ KubeUnavailable              the API server did not answer, or asked us to wait
    └ LeadershipLost               stop at once

``reason`` is a CamelCase word fit for a condition; ``message`` is safe to show to a tenant: no traceback, token,
address or upstream body ever goes into it.
"""

from __future__ import annotations


class OperatorError(Exception):
    """Base of every expected failure.

    Attributes:
        reason: CamelCase, stable, fit for a condition's ``reason``.
        message: one sentence that is safe to show to a tenant.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class BackendError(OperatorError):
    """Something that an engine (Nova, Waldur, a hosting provider) answered or failed to answer.

    Attributes:
        operation: the call in our words, for metrics and logs, such as ``live-migrate``.
        retry_after_s: seconds that upstream asked us to wait before the next call; ``None`` when it asked for nothing.
    """

    def __init__(self, reason: str, message: str, *, operation: str, retry_after_s: float | None = None) -> None:
        """Keep which ``operation`` failed, and when to try again."""
        super().__init__(reason, message)
        self.operation = operation
        self.retry_after_s = retry_after_s


class Transient(BackendError):  # noqa: N818 - the taxonomy's word, see docs/architecture.md
    """Nothing was sent, or it is certain that nothing happened: the same step later."""


class OutcomeUnknown(BackendError):  # noqa: N818
    """A call that changes something was sent and its answer is lost or proves nothing: look before anything.

    Attributes:
        request_id: upstream's id of the request when an answer carried one, else ``None``.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        operation: str,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep the request id, which decides whether the call had an effect."""
        super().__init__(reason, message, operation=operation, retry_after_s=retry_after_s)
        self.request_id = request_id


class Refused(BackendError):  # noqa: N818
    """Upstream understood the call and will not do it, now or ever."""


class Unsupported(BackendError):  # noqa: N818
    """The engine or this cloud's version has no such call; nothing was sent."""


class Absent(BackendError):  # noqa: N818
    """The server or the upstream record does not exist (any more), or is invisible to these credentials."""


class NotPermitted(BackendError):  # noqa: N818
    """Credentials are wrong or a policy forbids the call."""


class StaleView(OperatorError):  # noqa: N818
    """The object changed since it was read (409 on our own write): read again, decide again."""


class ObjectGone(OperatorError):  # noqa: N818
    """The Kubernetes object was deleted (404): forget it."""


class KubeUnavailable(OperatorError):  # noqa: N818
    """The API server did not answer, answered 5xx, or asked us to wait.

    Attributes:
        retry_after_s: seconds the API server asked us to wait, else ``None``.
    """

    def __init__(self, reason: str, message: str, *, retry_after_s: float | None = None) -> None:
        """Keep when to try again."""
        super().__init__(reason, message)
        self.retry_after_s = retry_after_s


class LeadershipLost(OperatorError):  # noqa: N818
    """The Lease is not ours any more: the process must end at once."""
