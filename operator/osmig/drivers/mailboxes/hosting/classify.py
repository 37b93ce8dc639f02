"""What a failure means, in the port's words: the one place where the service's answers are judged.

No text of the service is shown: it may hold the address of a mailbox. Of a validation error the fields are named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from osmig.api.names import Reason
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
from osmig.drivers.mailboxes.hosting.requests import COPY
from osmig.drivers.mailboxes.hosting.wire import ErrorRow
from osmig.net import judging
from osmig.net.bounds import LARGE_BYTES
from osmig.net.json_reading import UnreadableError
from osmig.net.wire import read_row

if TYPE_CHECKING:
    from osmig.domain.errors import BackendError
    from osmig.net.answers import Answer, Call

SERVER = "the hosting service"

_FORBIDDEN = "the token has no right to it, or the customer has no billing profile"
_NO_SERVICE = "There is no such API at the endpoint; it is given without /api/migrations"
_FIELDS = {
    "csv_file_name": "the name of the list's file",
    "csv_file_content": "the list of mailboxes",
    "csv_file_size": "the list of mailboxes",
    "preset": "spec.mailboxes.preset",
    "execute_now": "spec.mailboxes.executeNow",
    "first_execution_date": "spec.mailboxes.firstExecutionTime",
    "second_execution_date": "spec.mailboxes.secondExecutionTime",
    "date_filter_preset": "spec.mailboxes.dateFilter.preset",
    "custom_from_date": "spec.mailboxes.dateFilter.fromDate",
    "customer_code": "spec.mailboxes.customerCode",
}
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def judge_failure(failure: Exception, call: Call) -> BackendError:
    """Say what it means that no answer came; ``failure`` is one of ``osmig.net.failures.FAILURES``."""
    return judging.judge_failure(failure, call, server=SERVER)


def judge_overlong(operation: str, bound: str) -> BackendError:
    """Say that a list is longer than what is read of any."""
    return judging.judge_overlong(operation, bound, advice="have old jobs deleted at the service")


def judge_unreadable(call: Call) -> BackendError:
    """Say what a 2xx means that is not in the service's form."""
    return judging.judge_unreadable(call, server=SERVER)


def judge_read(answer: Answer, operation: str) -> BackendError:
    """Judge an answer to a request that only reads: what cannot be explained is asked again later."""
    match answer.status:
        case 401:
            return _unauthorized(operation)
        case 403:
            return NotPermitted(Reason.NOT_PERMITTED, f"Forbidden is {operation}: {_FORBIDDEN}", operation=operation)
        case 404 if read_error(answer) is not None:
            return Absent(Reason.RECORD_GONE, "The service shows no such job to this token", operation=operation)
        case 404:
            # Transient all the same: a proxy in front of a service that restarts must not end a Migration.
            return NotUnderstood(Reason.UNSUPPORTED, _NO_SERVICE, operation=operation)
        case 400 | 405 | 406 | 422:
            text = f"The service does not understand {operation}"
            return NotUnderstood(Reason.UNSUPPORTED, text, operation=operation)
        case _:
            text = f"The endpoint answered {answer.status} to {operation}"
            return Transient(Reason.UNREACHABLE, text, operation=operation, retry_after_s=answer.retry_after_s)


def judge_change(answer: Answer, operation: str) -> BackendError:
    """Judge an answer to a request that changes something, by what it proves."""
    if judging.proves_nothing(answer):
        return judging.judge_no_proof(answer, operation)
    match answer.status:
        case 401:
            return _unauthorized(operation)
        case 403:
            text = f"The service forbids {operation}: {_FORBIDDEN}"
            return NotPermitted(Reason.NOT_PERMITTED, text, operation=operation)
        case 404 if operation != COPY.operation and read_error(answer) is not None:
            return Absent(Reason.RECORD_GONE, "The service shows no such job to this token", operation=operation)
        case 404 | 405:
            return Unsupported(Reason.UNSUPPORTED, _NO_SERVICE, operation=operation)
        case 413 | 429:
            text = "The service asks to send less, or fewer requests"
            return Transient(Reason.RETRYING, text, operation=operation, retry_after_s=answer.retry_after_s)
        case _:
            return _judge_refusal(answer, operation)


def _judge_refusal(answer: Answer, operation: str) -> BackendError:
    """Judge what the service understood and will not do: a job that it was to make, or something about one."""
    is_order = operation == COPY.operation
    if is_order and answer.status in {400, 422}:
        return Refused(Reason.INVALID_SPEC, _name_fields(answer), operation=operation)
    if not is_order and answer.status in {409, 422}:
        text = f"The service does not take {operation} in the job's present state"
        return NotInThisState(Reason.CONFLICT, text, operation=operation)
    text = f"The service refused {operation} with {answer.status}"
    return Refused(Reason.START_REFUSED, text, operation=operation)


def read_error(answer: Answer) -> ErrorRow | None:
    """Return an error of the service itself; ``None`` of anything else, such as a web server's page.

    It is read on the event loop, and a large one is nobody's.
    """
    if len(answer.content) > LARGE_BYTES:
        return None
    try:
        return read_row(ErrorRow, answer.content)
    except UnreadableError:
        return None


def _unauthorized(operation: str) -> Unauthorized:
    text = "The service does not accept the token; put one that is good into the Secret"
    return Unauthorized(Reason.UNAUTHORIZED, text, operation=operation)


def _name_fields(answer: Answer) -> str:
    error = read_error(answer)
    fields = error.fields if error is not None else ()
    named = dict.fromkeys(_FIELDS.get(name, name) for name in fields if _WORD.fullmatch(name))
    if not named:
        return "The service refused the job and names no field that is known here"
    return f"The service refused the job; it objects to {', '.join(named)}"
