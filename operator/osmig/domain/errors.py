"""What can go wrong, in our words; the tree every layer above raises and catches.

One class per cause: who has to tell causes apart catches a class and never compares ``reason``.

::

    OperatorError(reason, message)                never raised itself
    ├ BackendError(operation, retry_after_s)      never raised itself
    │ ├ Transient                    nothing was sent, or nothing happened
    │ │ ├ NotUnderstood              this server or version does not understand what was to be read
    │ │ ├ InvalidConfiguration       the Secret or the spec does not fit; only a person can mend it
    │ │ ├ EndpointRefused            an address that osmig must not contact; only a person can mend it
    │ │ └ TooManyRows                a list is longer than what is kept; only a person can mend it
    │ ├ OutcomeUnknown(request_id)   a call was sent and its answer is lost or proves nothing
    │ ├ Refused                      upstream will not, now or ever
    │ │ └ NotInThisState             upstream will not while the object is in its present state
    │ ├ Unsupported                  the driver or this cloud has no such call
    │ ├ Absent                       the server or the record is gone
    │ └ AccessDenied                 never raised itself
    │   ├ Unauthorized               the credentials are not accepted
    │   └ NotPermitted               the credentials are good, and a policy forbids the call
    ├ StaleView                      what was decided on is not so any more; never raised itself
    │ ├ WriteConflict                our compare-and-swap write met a newer object
    │ ├ ListExpired                  the snapshot of a list expired between two pages
    │ ├ ObjectChanged                the object changed while its start was being decided
    │ ├ SlotTaken                    another Migration took the last slot
    │ ├ ServerTaken                  another Migration took the server
    │ ├ ProviderDisconnected         the Provider has no connection any more
    │ └ AnswerNotRecorded            a call's answer could not be written; its effect is looked for
    ├ KubeFailure(retry_after_s)     the API server did not do what was asked; never raised itself
    │ ├ KubeUnavailable              it did not answer, or with nothing of use
    │ ├ KubeThrottled                it asked us to wait
    │ ├ KubeUnauthorized             it refuses our credentials
    │ ├ KubeForbidden                RBAC does not allow the call
    │ ├ QuotaReached                 a ResourceQuota of the namespace allows no more objects
    │ ├ NamespaceTerminating         the namespace is being deleted and takes nothing new
    │ ├ NotInstalled                 it does not serve this kind
    │ ├ CertificateRefused           its certificate is not the expected one
    │ └ NoCredentials                our own credentials cannot be read
    ├ InvalidWrite(fields)           the API server will never accept what we wrote
    │ └ ApplyConflict(managers)      what was applied belongs to other field managers
    ├ ObjectGone                     the Kubernetes object does not exist any more
    ├ CannotListen                   the port for metrics and probes is taken, or the address is not ours
    ├ CallCut                        a call was cut off because its connection was closed here
    ├ StepOverdue                    a step took too long and was cut off
    └ LeadershipLost                 stop at once

``reason`` is a CamelCase word fit for a condition or a log line; ``message`` is safe to show to a tenant: no traceback,
token, address or upstream body ever goes into it.
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
    """Something that upstream (Nova, Waldur, a hosting provider) answered or failed to answer.

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


class NotUnderstood(Transient):
    """A read that this server or version does not understand. A server amid an upgrade says so, too: ask again."""


class InvalidConfiguration(Transient):
    """The Provider's spec or Secret does not fit; no Migration fails for it, and only a person can mend it."""


class EndpointRefused(Transient):
    """An endpoint's address is one that osmig must not contact; only a person can mend it."""


class TooManyRows(Transient):
    """Upstream lists more than is read or kept of any Provider; only a person can mend it."""


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


class NotInThisState(Refused):
    """Upstream will not do it while the object is in its present state; later it may."""


class Unsupported(BackendError):  # noqa: N818
    """The driver or this cloud's version has no such call; nothing was sent."""


class Absent(BackendError):  # noqa: N818
    """The server or the upstream record does not exist (any more), or is invisible to these credentials."""


class AccessDenied(BackendError):  # noqa: N818
    """Base of both ways in which upstream turns the credentials away."""


class Unauthorized(AccessDenied):
    """The credentials are not accepted: nothing at all can be done with them."""


class NotPermitted(AccessDenied):
    """The credentials are accepted and a policy forbids this call; others may go well."""


class StaleView(OperatorError):  # noqa: N818
    """Base of whatever makes a decision's ground out of date: read again, decide again."""


class WriteConflict(StaleView):
    """The object changed since it was read (409 on our own write)."""


class ListExpired(StaleView):
    """The snapshot behind a list expired between two pages (410): begin the list again."""


class ObjectChanged(StaleView):
    """The object changed while its start was being decided; nothing was written or sent."""


class SlotTaken(StaleView):
    """Another Migration took the last slot of a limit since it was counted."""


class ServerTaken(StaleView):
    """Another Migration took the server since it was looked at."""


class ProviderDisconnected(StaleView):
    """The Provider was deleted, lost its Secret or became another engine's since the decision was made."""


class AnswerNotRecorded(StaleView):
    """A call was sent and its answer could not be written; the intent on record makes the next step look for it."""


class KubeFailure(OperatorError):  # noqa: N818
    """Base of what keeps the API server from doing what was asked, for no fault of the object: try later.

    Attributes:
        retry_after_s: seconds the API server asked us to wait, else ``None``.
    """

    def __init__(self, reason: str, message: str, *, retry_after_s: float | None = None) -> None:
        """Keep when to try again."""
        super().__init__(reason, message)
        self.retry_after_s = retry_after_s


class KubeUnavailable(KubeFailure):
    """The API server did not answer, answered 5xx, or something in front of it answered: a write may have happened."""


class KubeThrottled(KubeFailure):
    """The API server asked us to wait (429)."""


class KubeUnauthorized(KubeFailure):
    """The API server refuses our credentials (401)."""


class KubeForbidden(KubeFailure):
    """RBAC does not allow the call (403)."""


class QuotaReached(KubeFailure):
    """A ResourceQuota of the namespace allows no more objects (403)."""


class NamespaceTerminating(KubeFailure):
    """The namespace is being deleted and takes nothing new (403)."""


class NotInstalled(KubeFailure):
    """The API server does not serve this kind (a 404 that names no object)."""


class CertificateRefused(KubeFailure):
    """The API server's certificate is not the expected one."""


class NoCredentials(KubeFailure):
    """Our own credentials for the API server cannot be read; nothing was sent."""


class InvalidWrite(OperatorError):  # noqa: N818
    """The API server refuses what we wrote (4xx): sending it again cannot help.

    Attributes:
        fields: paths of the fields that it refuses, such as ``status.phase``; empty when it names none.
    """

    def __init__(self, reason: str, message: str, *, fields: tuple[str, ...] = ()) -> None:
        """Keep which ``fields`` are refused."""
        super().__init__(reason, message)
        self.fields = fields


class ApplyConflict(InvalidWrite):
    """Fields of an apply belong to other field managers: applying them again cannot help, unless by force.

    Attributes:
        managers: the others' names, as managedFields have them; empty when the server names none.
    """

    def __init__(self, message: str, *, fields: tuple[str, ...], managers: tuple[str, ...]) -> None:
        """Keep whose ``fields`` they are."""
        super().__init__("ApplyConflict", message, fields=fields)
        self.managers = managers


class ObjectGone(OperatorError):  # noqa: N818
    """The Kubernetes object was deleted (404): forget it."""


class CannotListen(OperatorError):  # noqa: N818
    """The port for metrics and probes is taken, or the address is not one of this host."""


class CallCut(OperatorError):  # noqa: N818
    """A call was cut off, because its Provider's connection was closed here meanwhile."""


class StepOverdue(OperatorError):  # noqa: N818
    """A step took too long and was cut off, where that is safe; it is made again."""


class LeadershipLost(OperatorError):  # noqa: N818
    """The Lease is not ours any more: the process must end at once."""
