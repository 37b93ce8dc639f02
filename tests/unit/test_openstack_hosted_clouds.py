"""The cold life on old and hosted clouds, by the shapes that they were seen to answer with."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from http_upstream import Upstream, answer
from nova_support import GRANTED
from old_clouds import SERVER, ask, speak
from osmig.api.migration import Baseline, PendingCall
from osmig.api.names import Verb
from osmig.domain.calls import Operation
from osmig.domain.errors import OutcomeUnknown, Refused, Transient, Unsupported
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.servers.views import CallLookupKind, Job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from osmig.domain.calls import Receipt
    from osmig.domain.errors import BackendError
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.drivers.servers.views import CallLookup, ServerView

COLD = Job(server_id=SERVER, kind=MoveKind.COLD)
PAGE = SERVER.replace("-", "_")
REQUEST_ID = "req-3045ca9f-5c6d-4ab2-8f1e-2b3c4d5e6f70"

OLD_RECORDS: dict[str, Any] = {
    "migrations": [
        {
            "id": 1234, "instance_uuid": SERVER, "status": "Done", "created_at": "2012-10-29T13:42:02.000000",
            "updated_at": "2012-10-29T13:43:12.000000", "source_compute": "compute1", "source_node": "node1",
            "dest_compute": "compute2", "dest_node": "node2", "dest_host": "1.2.3.4", "old_instance_type_id": 1,
            "new_instance_type_id": 2,
        },
        {
            "id": 5678, "instance_uuid": SERVER, "status": "DONE", "created_at": "2013-10-22T13:42:02.000000",
            "updated_at": None, "source_compute": "compute10", "dest_compute": "compute20", "dest_host": "5.6.7.8",
            "old_instance_type_id": 5, "new_instance_type_id": 5,
        },
        {"id": 5679, "instance_uuid": SERVER, "status": "Finished", "dest_host": "5.6.7.8"},
        {"id": 5680, "instance_uuid": SERVER, "status": "awaiting moonrise", "dest_host": None},
    ]
}  # fmt: skip

HOSTED_SERVER: dict[str, Any] = {
    "id": SERVER, "name": "vm", "status": "RESIZING", "progress": 40, "tenant_id": "661",
    "hostId": "0e1c2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3", "flavor": {"id": "2"},
}  # fmt: skip

PROVIDERS_CONFIRM: dict[str, Any] = {
    "instanceActions": [
        {
            "action": "confirmResize", "instance_uuid": SERVER, "request_id": "req-provider", "user_id": None,
            "project_id": None, "start_time": "2026-11-22T10:00:00.000000", "message": None,
        },
        {
            "action": "migrate", "instance_uuid": SERVER, "request_id": REQUEST_ID, "user_id": "me",
            "project_id": "661", "start_time": "2026-11-21T10:00:00.000000", "message": None,
        },
    ]
}  # fmt: skip

QUESTIONS: dict[Operation, Callable[[ServerBackend], Awaitable[Any]]] = {
    Operation.COLD_MIGRATE: lambda backend: backend.start(COLD, GRANTED),
    Operation.CONFIRM: lambda backend: backend.apply(Verb.CONFIRM, SERVER, "1", GRANTED),
    Operation.REVERT: lambda backend: backend.apply(Verb.REVERT, SERVER, "1", GRANTED),
}
every_operation = pytest.mark.parametrize("operation", list(QUESTIONS))


def sent(upstream: Upstream) -> list[str]:
    return [seen for seen in upstream.seen if not seen.startswith("GET ")]


def fault(name: str, code: int, message: str, **headers: str) -> Any:  # noqa: ANN401 - a responder
    return answer(code, json.dumps({name: {"code": code, "message": message}}).encode(), **headers)


def refusal(upstream: Upstream, operation: Operation, said: object) -> BackendError:
    speak(upstream, "2.1", action=said)
    with pytest.raises((Unsupported, Transient, OutcomeUnknown, Refused)) as caught:
        ask(upstream, QUESTIONS[operation])
    assert sent(upstream) == [f"POST /v2.1/servers/{SERVER}/action"]
    assert caught.value.operation == operation
    return caught.value


@pytest.mark.parametrize("newest", ["2.1", "2.33", "2.55", "2.56", "2.104"])
def test_a_cold_start_without_a_destination_is_an_empty_object_on_every_cloud(upstream: Upstream, newest: str) -> None:
    speak(upstream, newest, action=answer(202, b"", X_Compute_Request_Id=REQUEST_ID))

    receipt: Receipt = ask(upstream, QUESTIONS[Operation.COLD_MIGRATE])

    assert receipt.request_id == REQUEST_ID
    assert sent(upstream) == [f"POST /v2.1/servers/{SERVER}/action"]
    assert json.loads(upstream.bodies[-1]) == {"migrate": {}}


def test_a_cold_start_may_be_accepted_without_a_request_id(upstream: Upstream) -> None:
    speak(upstream, "2.1", action=answer(202, b""))

    receipt: Receipt = ask(upstream, QUESTIONS[Operation.COLD_MIGRATE])

    assert receipt.request_id is None


@pytest.mark.parametrize("newest", ["2.1", "2.55"])
def test_a_destination_that_the_cloud_would_ignore_is_unsupported_and_nothing_is_sent(
    upstream: Upstream, newest: str
) -> None:
    speak(upstream, newest, action=answer(202, b""))
    job = Job(server_id=SERVER, kind=MoveKind.COLD, destination_host="cmp2")

    with pytest.raises(Unsupported, match=r"too old for cold-migrate: it needs 2\.56"):
        ask(upstream, lambda backend: backend.start(job, GRANTED))

    assert sent(upstream) == []


def test_a_destination_is_sent_where_the_cloud_heeds_it(upstream: Upstream) -> None:
    speak(upstream, "2.56", action=answer(202, b""))
    job = Job(server_id=SERVER, kind=MoveKind.COLD, destination_host="cmp2")

    ask(upstream, lambda backend: backend.start(job, GRANTED))

    assert json.loads(upstream.bodies[-1]) == {"migrate": {"host": "cmp2"}}


@pytest.mark.parametrize("kind", [MoveKind.RESIZE, MoveKind.OTHER, MoveKind.UNKNOWN])
def test_no_other_kind_of_move_is_ever_started(upstream: Upstream, kind: MoveKind) -> None:
    speak(upstream, "2.90", action=answer(202, b""))

    with pytest.raises(Unsupported):
        ask(upstream, lambda backend: backend.start(Job(server_id=SERVER, kind=kind), GRANTED))

    assert upstream.seen == []


@pytest.mark.parametrize("code", [202, 204])
def test_a_confirm_is_accepted_by_either_code(upstream: Upstream, code: int) -> None:
    speak(upstream, "2.1", action=answer(code, b""))

    ask(upstream, QUESTIONS[Operation.CONFIRM])

    assert json.loads(upstream.bodies[-1]) == {"confirmResize": None}


@pytest.mark.parametrize(
    ("operation", "code"), [(Operation.CONFIRM, 200), (Operation.REVERT, 204), (Operation.COLD_MIGRATE, 200)]
)
def test_a_success_that_is_not_novas_leaves_the_outcome_open(
    upstream: Upstream, operation: Operation, code: int
) -> None:
    assert isinstance(refusal(upstream, operation, answer(code, b"")), OutcomeUnknown)


@every_operation
def test_a_bad_method_is_unsupported(upstream: Upstream, operation: Operation) -> None:
    error = refusal(upstream, operation, fault("badMethod", 405, "The method is not allowed."))

    assert (type(error), error.message) == (Unsupported, f"The cloud has no {operation}")


@every_operation
def test_an_unknown_action_is_unsupported(upstream: Upstream, operation: Operation) -> None:
    said = fault("badRequest", 400, "There is no such action: migrate")

    assert type(refusal(upstream, operation, said)) is Unsupported


@every_operation
def test_over_limit_did_nothing_and_says_when_to_come_again(upstream: Upstream, operation: Operation) -> None:
    error = refusal(upstream, operation, fault("overLimit", 413, "This request was rate-limited.", Retry_After="42"))

    assert isinstance(error, Transient)
    assert error.retry_after_s == 42.0


@every_operation
def test_service_unavailable_proves_nothing_and_says_when_to_come_again(
    upstream: Upstream, operation: Operation
) -> None:
    error = refusal(upstream, operation, fault("serviceUnavailable", 503, "Try later.", Retry_After="30"))

    assert isinstance(error, OutcomeUnknown)
    assert (error.reason, error.request_id, error.retry_after_s) == ("NoAnswer", None, 30.0)


@pytest.mark.parametrize("code", [413, 503])
def test_a_read_that_is_put_off_is_asked_again_when_the_cloud_says(upstream: Upstream, code: int) -> None:
    speak(upstream, "2.1", **{PAGE: fault("overLimit", code, "later", Retry_After="42")})

    with pytest.raises(Transient) as caught:
        ask(upstream, lambda backend: backend.server(SERVER))

    assert caught.value.retry_after_s == 42.0


@pytest.mark.parametrize(
    ("status", "seen"), [("RESIZING", (True, False)), ("VERIFY_RESIZE", (True, True)), ("ACTIVE", (False, False))]
)
def test_a_hosted_clouds_server_is_followed_by_its_status_alone(
    upstream: Upstream, status: str, seen: tuple[bool, bool]
) -> None:
    speak(upstream, "2.1", **{PAGE: {"server": HOSTED_SERVER | {"status": status}}})

    server: ServerView = ask(upstream, lambda backend: backend.server(SERVER))

    assert (server.status, server.is_busy, server.awaits_confirmation) == (status, *seen)
    assert (server.host, server.task_state) == (None, None)
    assert server.host_id == HOSTED_SERVER["hostId"]


def test_old_records_are_read_without_type_uuid_and_links(upstream: Upstream) -> None:
    speak(upstream, "2.1", os_migrations=OLD_RECORDS)

    records: tuple[RecordView, ...] = ask(upstream, lambda backend: backend.records(SERVER))

    assert [(record.id, record.status, record.stage, record.kind) for record in records] == [
        ("5680", "awaiting moonrise", Stage.UNKNOWN, MoveKind.UNKNOWN),
        ("5679", "Finished", Stage.AWAITING_CONFIRMATION, MoveKind.UNKNOWN),
        ("5678", "DONE", Stage.SUCCEEDED, MoveKind.UNKNOWN),
        ("1234", "Done", Stage.SUCCEEDED, MoveKind.RESIZE),
    ]
    assert [record.destination_host for record in records] == [None, None, "compute20", "compute2"]
    assert all((record.type, record.uuid) == (None, None) for record in records)
    assert "1.2.3.4" not in repr(records)


def call(operation: Operation, *known: str) -> PendingCall:
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    return PendingCall(
        operation=operation,
        attempt=1,
        holder="h",
        time=now,
        sends=1,
        baseline=Baseline(request_ids=known, previous_id="5678"),
    )


def test_the_providers_own_confirm_is_found_as_done(upstream: Upstream) -> None:
    speak(
        upstream,
        "2.1",
        **{PAGE: {"server": HOSTED_SERVER | {"status": "ACTIVE"}}},
        os_instance_actions=PROVIDERS_CONFIRM,
        os_migrations=OLD_RECORDS,
    )

    call_lookup: CallLookup = ask(
        upstream, lambda backend: backend.find_effect(COLD, call(Operation.CONFIRM, REQUEST_ID), ())
    )
    assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, "req-provider")
    call_lookup = ask(upstream, lambda backend: backend.find_effect(COLD, call(Operation.REVERT, REQUEST_ID), ()))
    assert (call_lookup.kind, call_lookup.detail) == (CallLookupKind.CONFLICT, "a confirm that somebody else ordered")


def test_a_cold_start_is_found_on_a_cloud_that_tells_no_types(upstream: Upstream) -> None:
    speak(
        upstream,
        "2.1",
        **{PAGE: {"server": HOSTED_SERVER}},
        os_instance_actions=PROVIDERS_CONFIRM,
        os_migrations={"migrations": OLD_RECORDS["migrations"][:3]},
    )

    call_lookup: CallLookup = ask(
        upstream, lambda backend: backend.find_effect(COLD, call(Operation.COLD_MIGRATE, "req-old"), ())
    )

    assert (call_lookup.kind, call_lookup.request_id) == (CallLookupKind.OURS, REQUEST_ID)
    assert call_lookup.record is not None
    assert call_lookup.record.id == "5679"
