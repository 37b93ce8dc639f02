"""What the double says: statuses, bodies and the error texts that the real server is known for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

REQUIRED = "This field is required."
NOT_NULL = "This field may not be null."
NOT_BLANK = "This field may not be blank."
FORBIDDEN = "You do not have permission to perform this action."
NO_CREDENTIALS = "Authentication credentials were not provided."
INVALID_TOKEN = "Invalid token."  # noqa: S105 - a text, no secret
EXPIRED_TOKEN = "Token has expired."  # noqa: S105 - a text, no secret
INACTIVE_USER = "User inactive or deleted."

_PAGE = '\n<!doctype html>\n<html lang="en">\n<head>\n  <title>{}</title>\n</head>\n<body>\n  <h1>{}</h1><p>{}</p>\n</body>\n</html>\n'  # noqa: E501 - one constant, as it is sent
_CRASHED = _PAGE.format("Server Error (500)", "Server Error (500)", "")
_NO_ROUTE = _PAGE.format("Not Found", "Not Found", "The requested resource was not found on this server.")
_DETAILS = {
    401: INVALID_TOKEN,
    403: FORBIDDEN,
    404: "No Migration matches the given query.",
    429: "Request was throttled. Expected available in 30 seconds.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``content`` is what goes over the wire."""

    status: int
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def answer_json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with a JSON body."""
    return Answer(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})


def answer_page(status: int) -> Answer:
    """Answer with the web server's page: 404 for an unknown route, else the one of a crash."""
    page = _NO_ROUTE if status == 404 else _CRASHED
    return Answer(status, page.encode(), {"content-type": "text/html; charset=utf-8"})


def answer_front_page() -> Answer:
    """Answer with the page that the server has for people."""
    page = _PAGE.format("Waldur - MasterM", "Waldur", "")
    return Answer(200, page.encode(), {"content-type": "text/html; charset=utf-8"})


def answer_moved(path: str) -> Answer:
    """Answer that the path lacks the slash at its end."""
    return Answer(301, b"", {"content-type": "text/html; charset=utf-8", "location": path})


def answer_detail(text: str, status: int) -> Answer:
    """Answer with ``{"detail": text}``."""
    return answer_json({"detail": text}, status)


def answer_missing(kind: str) -> Answer:
    """Answer that no object of this kind is visible to the caller."""
    return answer_detail(f"No {kind} matches the given query.", 404)


def answer_bad_uuid(name: str) -> Answer:
    """Answer that the value of a filter is no UUID."""
    return answer_json({name: ["Enter a valid UUID."]}, 400)


def answer_fault(status: int, body: object, headers: dict[str, str]) -> Answer:
    """Answer for an injected fault: its own body, else what the real server says with that status."""
    if isinstance(body, str):
        return Answer(status, body.encode(), {"content-type": "text/html; charset=utf-8", **headers})
    if body is not None:
        return answer_json(body, status, headers)
    plain = answer_detail(_DETAILS[status], status) if status in _DETAILS else answer_page(status)
    challenge = {"www-authenticate": "Token"} if status == 401 else {}
    return Answer(plain.status, plain.content, plain.headers | challenge | headers)
