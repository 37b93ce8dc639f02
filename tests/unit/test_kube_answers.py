"""The table from what the API server answers to our errors; answers are as recorded from kube-apiserver 1.36."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from osmig.domain.errors import (
    InvalidWrite,
    KubeForbidden,
    KubeThrottled,
    KubeUnauthorized,
    KubeUnavailable,
    ListExpired,
    NamespaceTerminating,
    NotInstalled,
    ObjectGone,
    QuotaReached,
    WriteConflict,
)
from osmig.kube.answers import classify, is_sound, parse, read_warnings
from osmig.kube.refs import Call, KubeVerb, Resource

WIDGETS = Resource("test.osmig.dev", "v1", "widgets", "Widget")
PUT = Call(KubeVerb.UPDATE, WIDGETS, "shop", "w", subresource="status")
CREATE = Call(KubeVerb.CREATE, WIDGETS, "shop")


def status(code: int, reason: str, message: str = "", **details: object) -> bytes:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return json.dumps({**body, "details": details, "code": code}).encode()


@pytest.mark.parametrize(
    ("code", "payload", "expected", "reason"),
    [
        (409, status(409, "Conflict"), WriteConflict, "Conflict"),
        (409, status(409, "AlreadyExists"), WriteConflict, "AlreadyExists"),
        (409, b"", WriteConflict, "Conflict"),
        (410, status(410, "Expired"), ListExpired, "Expired"),
        (404, status(404, "NotFound", name="w", kind="widgets"), ObjectGone, "NotFound"),
        (404, status(404, "NotFound"), NotInstalled, "NotInstalled"),
        (404, b"404 page not found\n", NotInstalled, "NotInstalled"),
        (404, b"<html>nginx</html>", NotInstalled, "NotInstalled"),
        (404, b'{"error": "no route"}', NotInstalled, "NotInstalled"),
        (401, status(401, "Unauthorized"), KubeUnauthorized, "Unauthorized"),
        (403, status(403, "Forbidden"), KubeForbidden, "Forbidden"),
        (
            403,
            status(403, "Forbidden", causes=[{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]),
            NamespaceTerminating,
            "NamespaceTerminating",
        ),
        (429, b"Too many requests, please try again later.\n", KubeThrottled, "TooManyRequests"),
        (422, status(422, "Invalid"), InvalidWrite, "Invalid"),
        (400, status(400, "BadRequest"), InvalidWrite, "BadRequest"),
        (413, b"too large", InvalidWrite, "Invalid"),
        (500, status(500, "InternalError"), KubeUnavailable, "ServerError"),
        (503, b"", KubeUnavailable, "ServerError"),
        (302, b"", KubeUnavailable, "ServerError"),
    ],
)
def test_each_refusal_has_one_meaning(code: int, payload: bytes, expected: type[Exception], reason: str) -> None:
    error = classify(PUT, code, retry_after=None, payload=payload)

    assert type(error) is expected
    assert error.reason == reason
    assert error.message.startswith("update widgets/status")


def test_a_missing_namespace_is_named_when_something_was_to_be_created_in_it() -> None:
    payload = status(404, "NotFound", name="shop", kind="namespaces")

    error = classify(CREATE, 404, retry_after=None, payload=payload)

    assert isinstance(error, ObjectGone)
    assert "namespace shop" in error.message


@pytest.mark.parametrize(
    ("header", "payload", "expected"),
    [
        ("7", b"Too many requests", 7.0),
        (None, status(429, "TooManyRequests", retryAfterSeconds=3), 3.0),
        ("2", status(429, "TooManyRequests", retryAfterSeconds=3), 2.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", b"", None),
        ("-1", b"", None),
        ("\u0663", b"", None),
        (None, b'{"details": "none"}', None),
        (None, b"[]", None),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_the_wait_comes_from_the_header_or_from_the_body(
    header: str | None, payload: bytes, expected: float | None, code: int
) -> None:
    error = classify(PUT, code, retry_after=header, payload=payload)

    assert isinstance(error, KubeThrottled if code == HTTPStatus.TOO_MANY_REQUESTS else KubeUnavailable)
    assert error.retry_after_s == expected


def test_an_invalid_write_names_its_fields_and_nothing_else_of_the_answer() -> None:
    causes = [
        {"reason": "FieldValueInvalid", "message": 'Invalid value: "hunter2"', "field": "status.phase"},
        {"reason": "FieldValueTooMany", "message": "hunter2", "field": "status.controls[3].verb"},
        {"reason": "FieldValueInvalid", "message": "again", "field": "status.phase"},
        {"reason": "FieldValueInvalid", "message": "odd", "field": "hunter2 is no field"},
        "hunter2",
    ]

    error = classify(PUT, 422, retry_after=None, payload=status(422, "Invalid", "hunter2", causes=causes))

    assert isinstance(error, InvalidWrite)
    assert error.fields == ("status.phase", "status.controls[3].verb")
    assert "status.phase" in error.message
    assert "hunter2" not in str(error)


def test_a_forbidden_call_names_what_to_grant_and_where() -> None:
    payload = status(403, "Forbidden", 'User "system:serviceaccount:x:y" cannot update')

    error = classify(PUT, 403, retry_after=None, payload=payload)

    assert error.message == (
        "update widgets/status (API group test.osmig.dev) is not allowed in namespace shop; "
        "grant it to the operator's service account"
    )


@pytest.mark.parametrize(
    "message",
    [
        'widgets "w" is forbidden: exceeded quota: few, requested: count/widgets=1, used: count/widgets=5, limited: 5',
        'widgets "w" is forbidden: status unknown for quota: few, resources: count/widgets',
    ],
)
def test_a_quota_that_is_used_up_is_no_missing_right(message: str) -> None:
    error = classify(CREATE, 403, retry_after=None, payload=status(403, "Forbidden", message))

    assert isinstance(error, QuotaReached)
    assert error.message == "create widgets: a ResourceQuota of namespace shop allows no more"


def test_only_what_creates_may_reach_a_quota() -> None:
    error = classify(PUT, 403, retry_after=None, payload=status(403, "Forbidden", "exceeded quota: few"))

    assert isinstance(error, KubeForbidden)


def test_a_forbidden_list_of_core_objects_says_so() -> None:
    nodes = Call(KubeVerb.LIST, Resource("", "v1", "nodes", "Node"))

    error = classify(nodes, 403, retry_after=None, payload=b"")

    assert "list nodes (the core API group) is not allowed in the whole cluster" in error.message


@pytest.mark.parametrize("payload", [b"", b"no", b"[1]", b"null", b"\xff\xfe", b'"x"'])
def test_only_a_json_object_is_an_answer(payload: bytes) -> None:
    assert parse(payload) is None


def test_warnings_are_read_from_several_headers_and_unquoted() -> None:
    headers = ['299 - "unknown field \\"status.x\\"", 299 - "two"', '299 kube "a\\\\b"', "rubbish"]

    assert read_warnings(headers) == ('unknown field "status.x"', "two", "a\\b")


@pytest.mark.parametrize("name", ["name", "uid", "resourceVersion"])
@pytest.mark.parametrize("word", ["", None, 7])
def test_an_object_without_an_identity_is_none(name: str, word: object) -> None:
    """To write with an empty version is to write whatever the version is: so a made-up Lease would be a stolen one."""
    metadata: dict[str, object] = {"name": "w", "uid": "u", "resourceVersion": "1"}
    assert is_sound(PUT, {"kind": "Widget", "metadata": metadata})
    assert not is_sound(PUT, {"kind": "Widget", "metadata": metadata | {name: word}})
