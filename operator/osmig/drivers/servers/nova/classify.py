"""What a failure means, in the port's words: the one place where exceptions of the SDK are judged.

What decides is not the kind of exception but whether a request that changes something has left (``may_have_acted``,
kept by the transport): a refused connection and a lost answer both come as ``ConnectFailure`` of keystoneauth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from requests import codes

from osmig.api.names import Reason
from osmig.domain.calls import Operation
from osmig.domain.errors import (
    Absent,
    BackendError,
    EndpointRefused,
    InvalidConfiguration,
    NotInThisState,
    NotPermitted,
    NotUnderstood,
    OutcomeUnknown,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.drivers.servers.nova.catalogue import NoComputeError
from osmig.drivers.servers.nova.connect_errors import find_connect_error
from osmig.drivers.servers.nova.texts import (
    is_busy_conflict,
    is_policy,
    is_quota,
    is_unknown_action,
    known_refusal,
    known_state,
)
from osmig.net.bounds import read_retry_after
from osmig.net.cleaning import clean_text, cut_raw
from osmig.net.endpoints import EndpointRefusedError
from osmig.net.failures import NoAnswerError, PermitExpiredError
from osmig.net.json_reading import ODD_VALUE_ERRORS, UnreadableError, parse_json

EXPECTED = (
    sdk.SDKException,
    keystone.ClientException,
    requests.RequestException,
    EndpointRefusedError,
    PermitExpiredError,
    NoComputeError,
    NoAnswerError,
    # keystoneauth takes tokens, catalogues and version documents apart without looking; a service that is not what it
    # claims to be shows as one of these.
    *ODD_VALUE_ERRORS,
)
"""Everything that a call may raise because of what the other side did."""

_SERVER_ERROR = 500
_STARTS = frozenset({Operation.LIVE_MIGRATE, Operation.COLD_MIGRATE})
"""Only for a start a 409 proves nothing: it may come from this very start, sent once before."""
_ENDS = frozenset({Operation.CONFIRM, Operation.REVERT})
_SERVICES = frozenset({"disable-host", "enable-host"})
_CHANGES = _STARTS | _ENDS | _SERVICES | {"abort", "force-complete"}
_NO_PROOF = frozenset({codes.request_timeout})
"""4xx that a proxy gives after it has handed the request on."""

_KEYSTONE_FAULT = "error"
_NOT_NOW = "NotInThisState"
_MIGRATION_NOT_FOUND = re.compile(r"Migration \S+ not found for instance \S+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9][\w.:-]{0,63}")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An HTTP answer of Nova's, as far as it is of use. ``text`` is ``None`` when it is not in Nova's form."""

    code: int
    text: str | None
    fault: str | None
    request_id: str | None
    retry_after_s: float | None


def classify(failure: Exception, *, operation: str, may_have_acted: bool = False) -> BackendError:
    """Say what a failed call means.

    Args:
        failure: one of ``EXPECTED``.
        operation: our word for the call.
        may_have_acted: a request that changes something left, and nothing proved yet that it came to nothing.
    """
    match failure:
        case sdk.HttpException(response=requests.Response() as response):
            answer = _read(response)
            if operation in _CHANGES:
                return _judge_change(answer, operation)
            return _judge_read(answer, operation)
        case PermitExpiredError():
            return Transient(
                Reason.RETRYING, "The time to send this request ran out before it left", operation=operation
            )
        case keystone.Unauthorized():
            return _unauthorized(operation, _retry_after(failure))
        case keystone.NotFound(response=requests.Response() as response) if is_keystone_fault(response):
            return _unauthorized(operation)  # what Keystone says to a token that it does not know
        case keystone.Forbidden():
            text, retry_after_s = "The identity service refused the credentials", _retry_after(failure)
            return Unauthorized(Reason.UNAUTHORIZED, text, operation=operation, retry_after_s=retry_after_s)
        case _ if may_have_acted:
            return OutcomeUnknown(
                Reason.NO_ANSWER, f"No answer to {operation} came that could be read", operation=operation
            )
        case _:
            return _judge_way(failure, operation)


def request_id_of(response: requests.Response) -> str | None:
    """Take Nova's request id from an answer, if it is one."""
    headers = response.headers
    value = headers.get("x-openstack-request-id") or headers.get("x-compute-request-id") or ""
    return value if _REQUEST_ID.fullmatch(value) else None


def is_keystone_fault(response: requests.Response) -> bool:
    """Whether Keystone itself said no, and nothing in front of it."""
    return _fault(response)[0] == _KEYSTONE_FAULT


def _judge_way(failure: Exception, operation: str) -> Transient:
    """Judge what went wrong before Nova was asked: nothing was sent that changes anything.

    Also what only a person can mend is transient here: it concerns the Provider, and no Migration fails for it.
    """
    match failure:
        case EndpointRefusedError():
            return EndpointRefused(Reason.ENDPOINT_REFUSED, str(failure), operation=operation)
        case keystone.EndpointNotFound() | sdk.EndpointNotFound() | NoComputeError():
            text = "The catalogue has no compute endpoint for the region_name and interface of clouds.yaml"
            return _misconfigured(str(failure) if isinstance(failure, NoComputeError) else text, operation)
        case keystone.BadRequest():
            return _misconfigured("The identity service does not understand the login", operation)
        case keystone.HttpError():
            text = f"The identity service or the version list answered {int(failure.http_status or 0)}"
            retry_after_s = _retry_after(failure)
            return Transient(Reason.UNREACHABLE, text, operation=operation, retry_after_s=retry_after_s)
        case keystone.ConnectionError() | requests.RequestException() | NoAnswerError():
            text = find_connect_error(failure) or "The connection failed"
        case keystone.AuthPluginException() | keystone.AuthorizationFailure():
            return _misconfigured("clouds.yaml does not fit its auth_type", operation)
        case keystone.DiscoveryFailure() | sdk.NotSupported():
            text = find_connect_error(failure) or "The endpoint lists no microversions of the Compute API"
        case _:
            text = "The endpoint answered something that is not OpenStack's"
    return Transient(Reason.UNREACHABLE, text, operation=operation)


def _misconfigured(text: str, operation: str) -> InvalidConfiguration:
    return InvalidConfiguration(Reason.INVALID_CONFIGURATION, text, operation=operation)


def _judge_read(answer: _Answer, operation: str) -> BackendError:
    """Judge an answer to a call that only reads: what cannot be explained is asked again later."""
    match answer.code:
        case 401:
            return _unauthorized(operation)
        case 403:
            return _forbidden(answer, operation)
        case 404 if answer.fault == "itemNotFound":
            return Absent(Reason.SERVER_NOT_FOUND, "These credentials see no such server", operation=operation)
        case 400 | 406:
            # Transient all the same: a cloud in the middle of an upgrade must not end a Migration.
            return NotUnderstood(Reason.UNSUPPORTED, f"The cloud does not understand {operation}", operation=operation)
        case _:
            text = f"The cloud answered {answer.code} to {operation}"
            return Transient(Reason.UNREACHABLE, text, operation=operation, retry_after_s=answer.retry_after_s)


def _judge_change(answer: _Answer, operation: str) -> BackendError:
    """Judge an answer to a request that changes something, by what it proves (architecture.md §5)."""
    if answer.code in _NO_PROOF or not 400 <= answer.code < _SERVER_ERROR:  # noqa: PLR2004 - 4xx
        return _prove_nothing(answer, operation)
    match answer.code:
        case 401:
            return _unauthorized(operation)
        case 403:
            return _forbidden(answer, operation)
        case 404:
            return _judge_not_found(answer, operation)
        case 413 | 429:
            text = "The cloud asks to send fewer requests"
            return Transient(Reason.RETRYING, text, operation=operation, retry_after_s=answer.retry_after_s)
        case 405 | 406:
            return Unsupported(Reason.UNSUPPORTED, f"The cloud has no {operation}", operation=operation)
        case _:
            return _judge_refusal(answer, operation)


def _prove_nothing(answer: _Answer, operation: str) -> OutcomeUnknown:
    """Keep a request id only where Nova itself spoke: a proxy's redirect or timeout says nothing about Nova."""
    is_novas = answer.code >= _SERVER_ERROR and answer.request_id is not None
    return OutcomeUnknown(
        Reason.SERVER_ERROR if is_novas else Reason.NO_ANSWER,
        _quote(answer, operation),
        operation=operation,
        request_id=answer.request_id if is_novas else None,
        retry_after_s=answer.retry_after_s,
    )


def _judge_not_found(answer: _Answer, operation: str) -> BackendError:
    if answer.fault != "itemNotFound":
        text = f"The cloud answered 404 to {operation} in a form that is not Nova's"
        return Transient(Reason.UNREACHABLE, text, operation=operation)
    if answer.text == "The resource could not be found.":
        return Unsupported(Reason.UNSUPPORTED, f"The cloud has no {operation}", operation=operation)
    if operation in _SERVICES:
        return Absent("HostNotFound", "The cloud has no such compute service", operation=operation)
    if operation in _STARTS | _ENDS or (answer.text or "").startswith("Instance "):
        return Absent(Reason.SERVER_NOT_FOUND, "These credentials see no such server", operation=operation)
    return Absent("MigrationNotFound", "The cloud knows no such migration under way", operation=operation)


def _judge_refusal(answer: _Answer, operation: str) -> BackendError:
    if is_unknown_action(answer.text or ""):
        return Unsupported(Reason.UNSUPPORTED, f"The cloud has no {operation}", operation=operation)
    if operation in _STARTS:
        return _judge_refused_start(answer, operation)
    if operation in _ENDS:
        sentence = known_state(answer.text or "") or _message(answer, operation)
        return NotInThisState(_NOT_NOW, f"Not possible now: {sentence}", operation=operation)
    # force-complete says 400 where abort says 404
    if _MIGRATION_NOT_FOUND.fullmatch(answer.text or ""):
        return Absent("MigrationNotFound", "The cloud knows no such migration under way", operation=operation)
    return NotInThisState(_NOT_NOW, f"Not possible now: {_message(answer, operation)}", operation=operation)


def _judge_refused_start(answer: _Answer, operation: str) -> BackendError:
    known, is_busy = known_refusal(answer.text or ""), is_busy_conflict(answer.text or "")
    if answer.code == codes.conflict and (known is None or is_busy):
        # A proxy may have sent the start twice: only an idle server proves that an unknown conflict is a refusal.
        reason = Reason.CONFLICT if is_busy or answer.request_id is None else Reason.START_REFUSED
        text = _quote(answer, operation)
        return OutcomeUnknown(reason, text, operation=operation, request_id=answer.request_id)
    reason, sentence = known or (Reason.START_REFUSED, _message(answer, operation))
    return Refused(reason, sentence, operation=operation)


def _unauthorized(operation: str, retry_after_s: float | None = None) -> BackendError:
    text = "The cloud does not accept the credentials"
    return Unauthorized(Reason.UNAUTHORIZED, text, operation=operation, retry_after_s=retry_after_s)


def _retry_after(failure: keystone.HttpError) -> float | None:
    """Read when the identity service wants to be asked again; ``None`` where it does not say."""
    response = failure.response
    return read_retry_after(response.headers.get("Retry-After")) if response is not None else None


def _forbidden(answer: _Answer, operation: str) -> BackendError:
    """Tell a policy from a quota, and both from whatever else Nova forbids."""
    text = answer.text or ""
    if is_quota(text):
        return Refused(Reason.QUOTA_EXCEEDED, _quote(answer, operation), operation=operation)
    sentence = f"The cloud's policy forbids {operation}" if is_policy(text) else _quote(answer, operation)
    return NotPermitted(Reason.NOT_PERMITTED, sentence, operation=operation)


def _read(response: requests.Response) -> _Answer:
    fault, text = _fault(response)
    retry_after_s = read_retry_after(response.headers.get("Retry-After"))
    return _Answer(response.status_code, text, fault, request_id_of(response), retry_after_s)


def _fault(response: requests.Response) -> tuple[str | None, str | None]:
    """Take the fault's name and text from Nova's ``{"badRequest": {"code": 400, "message": "…"}}``."""
    try:
        body: Any = parse_json(response.content)
    except UnreadableError:
        return None, None
    if isinstance(body, dict):
        for name, fault in body.items():
            if isinstance(fault, dict) and isinstance(fault.get("message"), str):
                return name, cut_raw(fault["message"])
    return None, None


def _quote(answer: _Answer, operation: str) -> str:
    """Return the code and, where they are in Nova's form, the cleaned words."""
    words = clean_text(answer.text or "")
    return f"The cloud answered {answer.code} to {operation}" + (f": {words}" if words else "")


def _message(answer: _Answer, operation: str) -> str:
    return clean_text(answer.text or "") or f"the cloud answered {answer.code} to {operation}"
