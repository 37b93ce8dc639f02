"""What an answer of the API server means to us: one function from the answer to our errors; no I/O.

Texts of the server never reach a message: a 422 may hold the whole object, a 403 names users.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from osmig.domain.errors import (
    ApplyConflict,
    InvalidWrite,
    KubeForbidden,
    KubeThrottled,
    KubeUnauthorized,
    KubeUnavailable,
    ListExpired,
    NamespaceTerminating,
    NotInstalled,
    ObjectGone,
    OperatorError,
    QuotaReached,
    WriteConflict,
)
from osmig.kube.refs import KubeVerb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from osmig.kube.refs import Call

_FIELD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")
# A manager may have any printable name; one of odd signs is not repeated.
_MANAGER = re.compile(r'conflict with "([A-Za-z0-9_.:/@ -]{1,128})"')
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
# The admission plugin for quotas answers as RBAC does, and tells itself by these words alone.
_QUOTA = re.compile(r"(exceeded|status unknown for) quota:")
_MAX_FIELDS = 5
LONGEST_WAIT_S = 30.0
"""A step that waits longer because an answer says so would be deaf to everything else."""
_IDENTITY = ("name", "uid", "resourceVersion")


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer.

    Attributes:
        body: the object or list; empty when the server sent none.
        warnings: texts of ``Warning`` headers, such as ``unknown field "status.x"``.
    """

    body: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def parse(payload: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object in ``payload``; ``None`` when it is none, as in a 429 or from a proxy."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def is_sound(call: Call, body: Mapping[str, Any]) -> bool:
    """Whether an answer is what the call asks for: what a proxy or a cut leaves of one is not taken for an object."""
    if "kind" not in body:
        return False
    if call.verb is KubeVerb.LIST:
        items = body.get("items")
        return isinstance(body.get("metadata"), dict) and isinstance(items, list) and all(map(_is_object, items))
    return call.verb is KubeVerb.DELETE or _is_object(body)


def _is_object(body: object) -> bool:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    # an empty version would let a write through whatever the object's is
    return isinstance(metadata, dict) and all(
        isinstance(word := metadata.get(name), str) and word for name in _IDENTITY
    )


def read_warnings(headers: Iterable[str]) -> tuple[str, ...]:
    """Return the texts of all ``Warning`` headers."""
    return tuple(
        text.replace('\\"', '"').replace("\\\\", "\\") for header in headers for text in _WARNING.findall(header)
    )


def classify(call: Call, status: int, *, retry_after: str | None, payload: bytes) -> OperatorError:
    """Turn a refusal (anything but 2xx) into one of our errors.

    Args:
        call: what was asked.
        status: HTTP status.
        retry_after: the ``Retry-After`` header, in seconds; a date is ignored, the API server never sends one.
        payload: the answer's bytes.

    Returns:
        ``ApplyConflict`` for a 409 over fields that others manage, ``WriteConflict`` for any other 409, ``ListExpired``
        for 410, ``ObjectGone`` when the server says that this object does not exist, ``InvalidWrite`` for what it will
        never accept, one of ``KubeFailure`` for the rest.
    """
    said = parse(payload) or {}
    error: OperatorError
    match status:
        case HTTPStatus.CONFLICT:
            error = _conflict(call, said)
        case HTTPStatus.GONE:
            error = ListExpired("Expired", f"{call.operation}: the list has expired since it was begun; begin again")
        case HTTPStatus.NOT_FOUND:
            error = _not_found(call, said)
        case HTTPStatus.UNAUTHORIZED:
            error = KubeUnauthorized("Unauthorized", f"{call.operation}: the API server refuses our credentials")
        case HTTPStatus.FORBIDDEN:
            error = _forbidden(call, said)
        case HTTPStatus.TOO_MANY_REQUESTS:
            message = f"{call.operation}: the API server asks us to slow down"
            error = KubeThrottled("TooManyRequests", message, retry_after_s=_wait_s(retry_after, said))
        case _ if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            error = _invalid(call, status, said)
        case _:
            message = f"{call.operation}: the API server answered {status}"
            error = KubeUnavailable("ServerError", message, retry_after_s=_wait_s(retry_after, said))
    return error


def _reason(said: Mapping[str, Any], default: str) -> str:
    reason = said.get("reason")
    return reason if isinstance(reason, str) and reason.isalnum() else default


def _details(said: Mapping[str, Any]) -> Mapping[str, Any]:
    details = said.get("details")
    return details if isinstance(details, dict) else {}


def _causes(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    causes = _details(said).get("causes")
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []


def _not_found(call: Call, said: Mapping[str, Any]) -> OperatorError:
    if said.get("kind") == "Status" and _details(said).get("name"):
        if call.name is None:
            return ObjectGone("NotFound", f"{call.operation}: namespace {call.namespace} does not exist")
        return ObjectGone("NotFound", f"{call.operation}: the object does not exist")
    # "404 page not found" in plain text, from a server without this kind or from a proxy, says nothing about the
    # object; taking it for a deletion would make us forget a migration.
    message = f"{call.operation}: the API server does not serve this kind; install the CustomResourceDefinitions"
    return NotInstalled("NotInstalled", message)


def _forbidden(call: Call, said: Mapping[str, Any]) -> OperatorError:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(said)):
        message = f"{call.operation}: the namespace is being deleted and takes nothing new"
        return NamespaceTerminating("NamespaceTerminating", message)
    if call.verb is KubeVerb.CREATE and _QUOTA.search(str(said.get("message", ""))):
        message = f"{call.operation}: a ResourceQuota of namespace {call.namespace} allows no more"
        return QuotaReached("QuotaReached", message)
    where = f"in namespace {call.namespace}" if call.namespace is not None else "in the whole cluster"
    group = f"API group {call.resource.group}" if call.resource.group else "the core API group"
    message = f"{call.operation} ({group}) is not allowed {where}; grant it to the operator's service account"
    return KubeForbidden("Forbidden", message)


def _conflict(call: Call, said: Mapping[str, Any]) -> OperatorError:
    causes = [cause for cause in _causes(said) if cause.get("reason") == "FieldManagerConflict"]
    if not causes:
        return WriteConflict(_reason(said, "Conflict"), f"{call.operation}: the object is not as we last read it")
    found = [_MANAGER.search(str(cause.get("message", ""))) for cause in causes]
    managers = tuple(dict.fromkeys(match[1] for match in found if match))[:_MAX_FIELDS]
    fields = _fields(causes)
    who = f"field manager {', '.join(managers)}" if managers else "another field manager"
    what = ", ".join(fields) or "fields that we apply"
    message = f"{call.operation}: {who} owns {what}; let it give them up, or apply by force"
    return ApplyConflict(message, fields=fields, managers=managers)


def _fields(causes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    # an apply names fields with a leading dot, a refusal does not
    named = [str(cause.get("field", "")).removeprefix(".") for cause in causes]
    return tuple(dict.fromkeys(field for field in named if _FIELD.fullmatch(field)))[:_MAX_FIELDS]


def _invalid(call: Call, status: int, said: Mapping[str, Any]) -> OperatorError:
    fields = _fields(_causes(said))
    which = f"; see {', '.join(fields)}" if fields else ""
    return InvalidWrite(
        _reason(said, "Invalid"), f"{call.operation}: the API server refuses it ({status}){which}", fields=fields
    )


def _wait_s(header: str | None, said: Mapping[str, Any]) -> float | None:
    for value in (header, _details(said).get("retryAfterSeconds")):
        text = "" if value is None else str(value).strip()
        if text.isascii() and text.isdecimal():
            return min(float(text), LONGEST_WAIT_S)
    return None
