"""What a failure means, in the port's words: the one place where Waldur's answers are judged.

What decides about a request that changes something is whether it has left, and what its answer proves: an order that
Waldur answered with 500 was seen to be carried out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.calls import Operation
from osmig.domain.errors import (
    Absent,
    NotInThisState,
    NotPermitted,
    NotUnderstood,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.drivers.tenants.waldur.texts import describe, is_forbidden, list_objections
from osmig.drivers.tenants.waldur.wire import DetailRow
from osmig.net import judging
from osmig.net.bounds import LARGE_BYTES
from osmig.net.cleaning import clean_text, cut_text
from osmig.net.json_reading import UnreadableError, parse_json

if TYPE_CHECKING:
    from osmig.domain.errors import BackendError
    from osmig.net.answers import Answer, Call

NO_WALDUR = "There is no Waldur that replicates tenants at the endpoint"

_WALDUR = "Waldur"
_NOT_FOUND = 404
_TOKENS = (
    ("expired", "The token has expired; put a new one of the same user into the Secret"),
    ("inactive or deleted", "The token's user is switched off or deleted in Waldur"),
    ("invalid token", "Waldur does not know the token; put one of the same user into the Secret that is good"),
    ("not provided", "Waldur got no token; something in front of it keeps the header Authorization back"),
)
"""What Waldur's text has in it, and our words; what it says of a personal access token is not known yet."""
_NEEDED_RIGHTS = {
    Operation.REPLICATE: "APPROVE_ORDER, or APPROVE_PRIVATE_ORDER for a private offering",
    Operation.TERMINATE: "TERMINATE_RESOURCE",
    Operation.DELETE_RECORD: "to be the owner of what was replicated",
}


def judge_failure(failure: Exception, call: Call) -> BackendError:
    """Say what it means that no answer came; ``failure`` is one of ``osmig.net.failures.FAILURES``."""
    return judging.judge_failure(failure, call, server=_WALDUR)


def judge_overlong(operation: str, bound: str) -> BackendError:
    """Say that a list is longer than what is read of any."""
    advice = "let the service account see fewer of them, or have old ones removed from Waldur"
    return judging.judge_overlong(operation, bound, advice=advice)


def judge_unreadable(call: Call) -> BackendError:
    """Say what a 2xx means that is not in Waldur's form."""
    return judging.judge_unreadable(call, server=_WALDUR)


def judge_read(answer: Answer, operation: str) -> BackendError:
    """Judge an answer to a request that only reads: what cannot be explained is asked again later."""
    match answer.status:
        case 401:
            return _unauthorized(answer, operation)
        case 403:
            return NotPermitted(Reason.NOT_PERMITTED, f"Waldur forbids {operation}", operation=operation)
        case 404 if _detail(answer) is not None:
            text = "The service account sees no such object in Waldur"
            return Absent(Reason.RECORD_GONE, text, operation=operation)
        case 404:
            # Transient all the same: a proxy in front of a Waldur that restarts must not end a Migration.
            return NotUnderstood(Reason.UNSUPPORTED, NO_WALDUR, operation=operation)
        case 400 | 405 | 406:
            return NotUnderstood(Reason.UNSUPPORTED, f"Waldur does not understand {operation}", operation=operation)
        case _:
            text = f"The endpoint answered {answer.status} to {operation}"
            return Transient(Reason.UNREACHABLE, text, operation=operation, retry_after_s=answer.retry_after_s)


def judge_change(answer: Answer, operation: str) -> BackendError:
    """Judge an answer to a request that changes something, by what it proves."""
    if judging.proves_nothing(answer):
        return judging.judge_no_proof(answer, operation)
    match answer.status:
        case 400:
            return _judge_objections(answer, operation)
        case 401:
            return _unauthorized(answer, operation)
        case 403:
            return _forbidden(operation)
        case 404 | 405:
            return _judge_not_found(answer, operation)
        case 409:
            return NotInThisState(Reason.CONFLICT, f"Not possible now: {_message(answer)}", operation=operation)
        case 413 | 429:
            text = "Waldur asks to send fewer requests"
            return Transient(Reason.RETRYING, text, operation=operation, retry_after_s=answer.retry_after_s)
        case _:
            return Refused(Reason.START_REFUSED, f"Waldur refused {operation}: {_message(answer)}", operation=operation)


def _judge_not_found(answer: Answer, operation: str) -> BackendError:
    if (
        operation in {Operation.TERMINATE, Operation.DELETE_RECORD}
        and answer.status == _NOT_FOUND
        and _detail(answer) is not None
    ):
        text = "The service account sees no such resource in Waldur"
        return Absent(Reason.RECORD_GONE, text, operation=operation)
    return Unsupported(Reason.UNSUPPORTED, NO_WALDUR, operation=operation)


def _judge_objections(answer: Answer, operation: str) -> BackendError:
    try:
        found = list_objections(_parse_error(answer))
    except UnreadableError:
        found = ()
    if any(is_forbidden(text) for _, text in found):
        return _forbidden(operation)
    told = "; ".join(dict.fromkeys(describe(path, text) for path, text in found))
    if not told:
        return Refused(Reason.START_REFUSED, f"Waldur refused {operation} and does not say why", operation=operation)
    return Refused(Reason.INVALID_SPEC, cut_text(told), operation=operation)


def _unauthorized(answer: Answer, operation: str) -> Unauthorized:
    said = (_detail(answer) or "").lower()
    text = next((words for part, words in _TOKENS if part in said), "Waldur does not accept the token")
    return Unauthorized(Reason.UNAUTHORIZED, text, operation=operation)


def _forbidden(operation: str) -> NotPermitted:
    needed = _NEEDED_RIGHTS[Operation(operation)]
    text = f"The service account may not {operation}; it needs {needed}"
    return NotPermitted(Reason.NOT_PERMITTED, text, operation=operation)


def _detail(answer: Answer) -> str | None:
    """Return what Waldur itself says; ``None`` of anything else, such as a web server's page."""
    try:
        return DetailRow.model_validate(_parse_error(answer)).detail
    except ValueError:
        return None


def _parse_error(answer: Answer) -> object:
    """Read what an error says; it is read on the event loop, and a large one is nobody's.

    Raises:
        UnreadableError: it is no JSON, or large.
    """
    if len(answer.content) > LARGE_BYTES:
        raise UnreadableError
    return parse_json(answer.content)


def _message(answer: Answer) -> str:
    return clean_text(_detail(answer) or "") or f"it answered {answer.status}"
