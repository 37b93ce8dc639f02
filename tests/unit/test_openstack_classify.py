"""What each answer of Nova's means for a start, a verb and a read: docs/openstack.md, row by row."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import pytest
import requests
from openstack import exceptions as sdk

from nova_support import ENDS, STARTS
from osmig.domain.calls import Operation
from osmig.domain.errors import (
    Absent,
    BackendError,
    NotInThisState,
    NotPermitted,
    NotUnderstood,
    OutcomeUnknown,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.drivers.servers.nova.classify import classify

REQUEST_ID = "req-11111111-2222-4333-8444-555555555555"
FAULTS = {
    400: "badRequest", 403: "forbidden", 404: "itemNotFound", 409: "conflictingRequest", 413: "overLimit",
    429: "overLimit", 500: "computeFault", 503: "serviceUnavailable",
}  # fmt: skip


@dataclass
class Answer:
    """An HTTP answer as Nova gives it, unless ``body`` says otherwise."""

    code: int
    message: str = ""
    request_id: str | None = REQUEST_ID
    retry_after: str | None = None
    body: bytes | None = None

    def failure(self) -> sdk.HttpException:
        """Make what the session raises for it."""
        response = requests.Response()
        response.status_code = self.code
        fault = {FAULTS.get(self.code, "fault"): {"code": self.code, "message": self.message}}
        response.raw = io.BytesIO(json.dumps(fault).encode() if self.body is None else self.body)
        if self.request_id is not None:
            response.headers["X-Openstack-Request-Id"] = self.request_id
        if self.retry_after is not None:
            response.headers["Retry-After"] = self.retry_after
        return sdk.HttpException(response=response)


def judge(answer: Answer, operation: str) -> BackendError:
    error = classify(answer.failure(), operation=operation, may_have_acted=operation in {*STARTS, *ENDS})
    assert error.operation == operation
    return error


BUSY = "Cannot 'os-migrateLive' instance X while it is in task_state migrating"
START_ANSWERS: list[tuple[Answer, type[BackendError], str]] = [
    (Answer(404, "Instance X could not be found."), Absent, "ServerNotFound"),
    (Answer(400, "Compute host nope could not be found."), Refused, "StartRefused"),
    (Answer(400, "No valid host was found. There are not enough hosts available."), Refused, "NoValidHost"),
    (Answer(400, "Migration pre-check error: CPU doesn't have compatibility."), Refused, "PreCheckFailed"),
    (Answer(400, "Unable to migrate instance (X) to current host (cmp1)."), Refused, "StartRefused"),
    (Answer(400, "Compute service of cmp1 is unavailable at this time."), Refused, "StartRefused"),
    (Answer(400, "Additional properties are not allowed ('force' was unexpected)"), Refused, "StartRefused"),
    (Answer(400, body=b"<html>no</html>"), Refused, "StartRefused"),
    (Answer(409, BUSY), OutcomeUnknown, "Conflict"),
    (Answer(409, "something nobody has seen yet"), OutcomeUnknown, "StartRefused"),
    (Answer(409, body=b"<html>conflict</html>"), OutcomeUnknown, "StartRefused"),
    (Answer(409, "something nobody has seen yet", request_id=None), OutcomeUnknown, "Conflict"),
    (Answer(409, "Cannot 'os-migrateLive' instance X while it is in vm_state stopped"), Refused, "StartRefused"),
    (Answer(409, "Cannot 'os-migrateLive' instance X while it is in vm_state error"), Refused, "ServerInError"),
    (Answer(409, "Instance X is locked"), Refused, "StartRefused"),
    (Answer(409, "Service is unavailable at this time."), Refused, "StartRefused"),
    (Answer(500, "Unexpected API Error. nova.exception.UnexpectedTaskStateError"), OutcomeUnknown, "ServerError"),
    (Answer(503, "later"), OutcomeUnknown, "ServerError"),
    (Answer(502, body=b"<html>bad gateway</html>", request_id=None), OutcomeUnknown, "NoAnswer"),
    (Answer(504, body=b"", request_id=None), OutcomeUnknown, "NoAnswer"),
    (Answer(307, body=b""), OutcomeUnknown, "NoAnswer"),
    (Answer(302, body=b"", request_id=None), OutcomeUnknown, "NoAnswer"),
    (Answer(408, body=b"", request_id=None), OutcomeUnknown, "NoAnswer"),
    (Answer(401, "The request you have made requires authentication."), Unauthorized, "Unauthorized"),
    (Answer(403, "Policy doesn't allow os_compute_api:os-migrate-server"), NotPermitted, "NotPermitted"),
    (Answer(403, "Quota exceeded for cores: Requested 4, but already used 8 of 10 cores"), Refused, "QuotaExceeded"),
    (Answer(403, "Nobody may move on a Sunday"), NotPermitted, "NotPermitted"),
    (Answer(403, body=b"<html>no</html>"), NotPermitted, "NotPermitted"),
    (Answer(404, body=b"<html>not here</html>"), Transient, "Unreachable"),
    (Answer(404, "The resource could not be found."), Unsupported, "Unsupported"),
    (Answer(405, "bad method"), Unsupported, "Unsupported"),
    (Answer(406, "Version 2.999 is not supported by the API."), Unsupported, "Unsupported"),
    (Answer(413, "over limit", retry_after="7"), Transient, "Retrying"),
    (Answer(429, "over limit"), Transient, "Retrying"),
    (Answer(422, "what"), Refused, "StartRefused"),
    # of cold moves
    (Answer(400, "Cannot migrate to the host where the server exists."), Refused, "StartRefused"),
    (Answer(409, "Cannot 'migrate' instance X while it is in vm_state paused"), Refused, "StartRefused"),
    (Answer(409, "Cannot 'migrate' instance X while it is in task_state resize_prep"), OutcomeUnknown, "Conflict"),
    (Answer(409, "Feature not supported with instances that have shares."), Refused, "StartRefused"),
    (Answer(409, "Operation 'migrate' not supported for vTPM-enabled instance (X)."), Refused, "StartRefused"),
    (Answer(400, "There is no such action: migrate"), Unsupported, "Unsupported"),
    (Answer(503, "later", retry_after="30"), OutcomeUnknown, "ServerError"),
]


@pytest.mark.parametrize(("answer", "kind", "reason"), START_ANSWERS)
@pytest.mark.parametrize("operation", STARTS)
def test_an_answer_to_a_start_means(
    answer: Answer, kind: type[BackendError], reason: str, operation: Operation
) -> None:
    error = judge(answer, operation)

    assert (type(error), error.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(500, "Unexpected API Error. Please"), "The cloud answered 500 to live-migrate: Unexpected API Error."),
        (Answer(500, body=b"<html>secret</html>"), "The cloud answered 500 to live-migrate"),
        (Answer(409, "nobody has seen this yet"), "The cloud answered 409 to live-migrate: nobody has seen this yet"),
        (Answer(409, BUSY), "The cloud answered 409 to live-migrate: Cannot 'os-migrateLive' instance X while it is"),
        (Answer(403, "Quota exceeded for cores"), "The cloud answered 403 to live-migrate: Quota exceeded for cores"),
        (Answer(403, "Nobody may move on a Sunday"), "answered 403 to live-migrate: Nobody may move on a Sunday"),
        (Answer(403, "Policy doesn't allow x"), "The cloud's policy forbids live-migrate"),
        (Answer(403, body=b"<html>secret</html>"), "The cloud's policy forbids live-migrate"),
    ],
)
def test_what_turns_a_start_down_is_told_with_its_code_and_novas_words(answer: Answer, words: str) -> None:
    message = judge(answer, Operation.LIVE_MIGRATE).message
    assert words in message
    assert "secret" not in message


REFUSALS: list[tuple[Answer, str]] = [
    (Answer(400, "Cannot migrate to the host where the server exists."), "The server already is on the destination"),
    (Answer(409, "Service is unavailable at this time."), "The compute service of a host that takes part is down"),
    (Answer(400, "Compute host nope could not be found."), "The cloud has no compute host of the name given as"),
    (Answer(409, "Cannot 'migrate' instance X while it is in vm_state paused"), "while its state is paused"),
    (Answer(409, "Cannot 'migrate' instance X while it is in vm_state error"), "The server is in ERROR"),
    (Answer(409, "Instance X is locked"), "The server is locked"),
    (Answer(409, "Feature not supported with instances that have shares."), "devices, shares or protection"),
]


@pytest.mark.parametrize(("answer", "words"), REFUSALS)
def test_a_refused_cold_move_is_told_in_our_own_sentence(answer: Answer, words: str) -> None:
    assert words in judge(answer, Operation.COLD_MIGRATE).message


NOT_WAITING = "Not possible now: the server does not wait for a confirmation"
END_ANSWERS: list[tuple[Answer, type[BackendError], str]] = [
    (Answer(409, "Cannot 'confirmResize' instance X while it is in vm_state active"), NotInThisState, NOT_WAITING),
    (Answer(400, "Instance has not been resized."), NotInThisState, NOT_WAITING),
    (
        Answer(409, "Cannot 'revertResize' instance X while it is in task_state resize_reverting"),
        NotInThisState,
        "Not possible now: the server's task state is resize_reverting",
    ),
    (
        Answer(409, "Cannot 'confirmResize' instance X while it is in vm_state error"),
        NotInThisState,
        "Not possible now: the server is in ERROR",
    ),
    (
        Answer(409, "Service is unavailable at this time."),
        NotInThisState,
        "Not possible now: the compute service of a host that takes part is down",
    ),
    (Answer(409, "Instance X is locked"), NotInThisState, "Not possible now: the server is locked"),
    (Answer(409, "nobody has seen this yet"), NotInThisState, "Not possible now: nobody has seen this yet"),
    (Answer(409, body=b"<html>secret</html>"), NotInThisState, "Not possible now: the cloud answered 409 to "),
    (Answer(404, "Instance X could not be found."), Absent, "These credentials see no such server"),
    (Answer(404, "No such server."), Absent, "These credentials see no such server"),
    (Answer(404, body=b"<html>not here</html>"), Transient, "in a form that is not Nova's"),
    (Answer(401, "no"), Unauthorized, "does not accept the credentials"),
    (Answer(403, "Policy doesn't allow os_compute_api:servers:x"), NotPermitted, "policy forbids "),
    (Answer(400, "There is no such action: confirmResize"), Unsupported, "The cloud has no "),
    (Answer(405, "bad method"), Unsupported, "The cloud has no "),
    (Answer(413, "over limit", retry_after="7"), Transient, "fewer requests"),
    (Answer(429, "over limit"), Transient, "fewer requests"),
    (Answer(500, "Unexpected API Error. nova.exception.UnexpectedTaskStateError"), OutcomeUnknown, "answered 500"),
    (Answer(503, "later", retry_after="30"), OutcomeUnknown, "answered 503"),
    (Answer(504, body=b"", request_id=None), OutcomeUnknown, "answered 504"),
    (Answer(408, body=b"", request_id=None), OutcomeUnknown, "answered 408"),
    (Answer(307, body=b""), OutcomeUnknown, "answered 307"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), END_ANSWERS)
@pytest.mark.parametrize("operation", ENDS)
def test_an_answer_to_a_confirm_or_revert_means(
    answer: Answer, kind: type[BackendError], words: str, operation: Operation
) -> None:
    error = judge(answer, operation)

    assert type(error) is kind
    assert words in error.message
    assert "secret" not in error.message


STATE = "Migration 7 state of instance X is queued. Cannot force complete while the migration is in this state."
VERBS: list[tuple[str, Answer, type[BackendError]]] = [
    ("force-complete", Answer(400, STATE), NotInThisState),
    ("abort", Answer(400, "Cannot abort live migration while the migration is in this state."), NotInThisState),
    ("abort", Answer(409, "Instance X is in an invalid state for 'abort live migration'"), NotInThisState),
    (
        "force-complete",
        Answer(409, "Cannot 'force_complete' instance X while it is in task_state resize_prep"),
        NotInThisState,
    ),
    ("force-complete", Answer(400, "Migration 7 not found for instance X"), Absent),
    ("abort", Answer(404, "Migration 7 not found for instance X"), Absent),
    ("abort", Answer(404, "Instance X could not be found."), Absent),
    ("abort", Answer(500, "oops"), OutcomeUnknown),
    ("abort", Answer(403, "no"), NotPermitted),
    ("abort", Answer(429, "no", retry_after="3"), Transient),
    ("abort", Answer(404, "The resource could not be found."), Unsupported),
]


@pytest.mark.parametrize(("operation", "answer", "kind"), VERBS)
def test_an_answer_to_a_verb_means(operation: str, answer: Answer, kind: type[BackendError]) -> None:
    assert type(judge(answer, operation)) is kind


READS: list[tuple[Answer, type[BackendError], str]] = [
    (Answer(404, "Instance X could not be found."), Absent, "ServerNotFound"),
    (Answer(404, body=b"<html>not here</html>"), Transient, "Unreachable"),
    (Answer(401, "no"), Unauthorized, "Unauthorized"),
    (Answer(403, "no"), NotPermitted, "NotPermitted"),
    (Answer(400, "Marker 1 could not be found"), NotUnderstood, "Unsupported"),
    (Answer(406, "Version"), NotUnderstood, "Unsupported"),
    (Answer(409, "?"), Transient, "Unreachable"),
    (Answer(429, "slow", retry_after="7"), Transient, "Unreachable"),
    (Answer(500, "oops"), Transient, "Unreachable"),
    (Answer(503, "later", retry_after="Sat, 21 Nov 2026 10:00:00 GMT"), Transient, "Unreachable"),
    (Answer(302, body=b""), Transient, "Unreachable"),
]


@pytest.mark.parametrize(("answer", "kind", "reason"), READS)
def test_an_answer_to_a_read_means(answer: Answer, kind: type[BackendError], reason: str) -> None:
    error = judge(answer, "read-server")

    assert (type(error), error.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("answer", "request_id"),
    [
        (Answer(409, BUSY), REQUEST_ID),
        (Answer(500, "oops"), REQUEST_ID),
        (Answer(307, body=b""), None),
        (Answer(502, body=b"", request_id=None), None),
        (Answer(500, "oops", request_id="x" * 65), None),
        (Answer(500, "oops", request_id="<script>"), None),
    ],
)
def test_an_unknown_outcome_keeps_the_request_id_only_where_nova_spoke(answer: Answer, request_id: str | None) -> None:
    error = judge(answer, Operation.LIVE_MIGRATE)

    assert isinstance(error, OutcomeUnknown)
    assert error.request_id == request_id


@pytest.mark.parametrize(("header", "seconds"), [("30", 30.0), ("Sat, 21 Nov 2026", None), (None, None)])
@pytest.mark.parametrize("operation", [*STARTS, *ENDS])
def test_a_503_proves_nothing_even_when_it_says_when_to_come_again(
    operation: Operation, header: str | None, seconds: float | None
) -> None:
    error = judge(Answer(503, "later", retry_after=header), operation)

    assert isinstance(error, OutcomeUnknown)
    assert (error.request_id, error.retry_after_s) == (REQUEST_ID, seconds)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("99999", 3600.0), ("Sat, 21 Nov 2026", None), ("-1", None), ("", None)]
)
@pytest.mark.parametrize("operation", [*STARTS, *ENDS, "sweep"])
def test_retry_after_is_taken_in_seconds_and_bounded(operation: str, header: str, seconds: float | None) -> None:
    error = judge(Answer(429, "slow", retry_after=header), operation)

    assert isinstance(error, Transient)
    assert error.retry_after_s == seconds


def test_no_text_of_an_answer_is_shown_that_is_not_in_novas_form() -> None:
    for body in (b"<html>secret</html>", b'{"secret": "x"}', b'"secret"', b"[" * 100_000, b'{"a": {"message": 1}}'):
        for operation in (*STARTS, *ENDS, "abort", "sweep"):
            assert "secret" not in str(judge(Answer(400, body=body), operation))
