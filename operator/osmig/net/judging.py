"""What it means, in our errors, that a request to a stranger's server brought no answer that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import BackendError, EndpointRefused, OutcomeUnknown, Transient
from osmig.net.endpoints import EndpointRefusedError
from osmig.net.failures import ConnectionReplacedError, PermitExpiredError, TooLongError

if TYPE_CHECKING:
    from osmig.net.answers import Answer, Call

OVERLONG_PAUSE_S = 600.0
"""What is too long to be read is asked for again as rarely as a person would mend it."""

_SERVER_ERROR = 500
_NO_PROOF = frozenset({408})
"""4xx that a proxy gives after it has handed the request on."""


def judge_failure(failure: Exception, call: Call, *, server: str) -> BackendError:
    """Say what it means that no answer came.

    Args:
        failure: one of ``osmig.net.failures.FAILURES``.
        call: that failed.
        server: what it was sent to, as status calls it: ``Waldur``.
    """
    operation = call.operation
    match failure:
        case PermitExpiredError():
            text = "The time to send this request ran out before it left"
            return Transient(Reason.RETRYING, text, operation=operation)
        case ConnectionReplacedError():
            text = f"The connection to {server} was replaced"
            return Transient(Reason.PROVIDER_NOT_READY, text, operation=operation)
        case EndpointRefusedError():
            return EndpointRefused(Reason.ENDPOINT_REFUSED, str(failure), operation=operation)
        case _ if call.permit is not None and call.has_left:
            text = f"No answer to {operation} came that could be read"
            return OutcomeUnknown(Reason.NO_ANSWER, text, operation=operation)
        case TooLongError():
            text = f"The answer to {operation} is too long to be read"
            return Transient(Reason.UNREACHABLE, text, operation=operation, retry_after_s=OVERLONG_PAUSE_S)
        case _:
            return Transient(Reason.UNREACHABLE, str(failure), operation=operation)


def judge_overlong(operation: str, bound: str, *, advice: str) -> BackendError:
    """Say that a list is longer than what is read of any: to read it again soon would bring no more of it."""
    text = f"The list has more than {bound}, and no more are read, in {operation}; {advice}"
    return Transient(Reason.RETRYING, text, operation=operation, retry_after_s=OVERLONG_PAUSE_S)


def judge_unreadable(call: Call, *, server: str) -> BackendError:
    """Say what a 2xx means that is not in the server's form."""
    text = f"The endpoint's answer to {call.operation} is not {server}'s"
    if call.permit is not None:
        return OutcomeUnknown(Reason.NO_ANSWER, text, operation=call.operation)
    return Transient(Reason.UNREACHABLE, text, operation=call.operation)


def proves_nothing(answer: Answer) -> bool:
    """Whether the answer to a request that changes something says neither that it was done nor that it was not."""
    return not 400 <= answer.status < _SERVER_ERROR or answer.status in _NO_PROOF  # noqa: PLR2004 - the range says it


def judge_no_proof(answer: Answer, operation: str) -> OutcomeUnknown:
    """Tell apart the server's own failure, which repeats for an order that it cannot digest, from a proxy's."""
    return OutcomeUnknown(
        Reason.SERVER_ERROR if answer.status == _SERVER_ERROR else Reason.NO_ANSWER,
        f"The endpoint answered {answer.status} to {operation}, which proves nothing",
        operation=operation,
        retry_after_s=answer.retry_after_s,
    )
