"""The adapter over HTTP: what is asked, how it connects, and what each answer means."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hosting_support import spec_for
from http_upstream import Upstream, answer, serving
from lab.hosting import TOKEN, Fault, HostingWorld
from lab.hosting_server import serve
from nova_support import LOOPBACK, PATIENT, telling
from osmig.api.provider import ProviderSpec
from osmig.clock import SystemClock
from osmig.domain.capabilities import Capability
from osmig.domain.errors import (
    Absent,
    BackendError,
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
from osmig.drivers.mailboxes import DRIVER
from osmig.drivers.mailboxes.hosting.backend import HostingBackend
from osmig.drivers.mailboxes.hosting.requests import TEMPLATES, of_customer
from osmig.drivers.mailboxes.hosting.session import MAX_PAGES
from osmig.drivers.mailboxes.performing import perform
from osmig.drivers.mailboxes.views import Execution, JobStage, MailboxJob
from osmig.drivers.ports import Net
from osmig.drivers.tenants.calls import TerminateCall
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard
from waldur_support import EXPIRED, GRANTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from osmig.drivers.mailboxes.ports import MailboxBackend

CONTENT = "ann@example.org;ann;hunter2;imap.example.net\n"
JOB = MailboxJob(file_name="wave-1-0123456789ab-1.csv", content=CONTENT, preset="Gmail")
ERROR = json.dumps({"message": "no", "errors": []}).encode()


@asynccontextmanager
async def connected(endpoint: str, *, token: bytes = TOKEN.encode(), **hosting: Any) -> AsyncIterator[MailboxBackend]:  # noqa: ANN401
    guard = EndpointGuard(LOOPBACK, None)
    net = Net(guard=guard, clock=SystemClock(), timeouts=PATIENT, threads=1, observer_of=telling([]))
    backend = await DRIVER.connect(net, ("team-a", "hosting"), spec_for(endpoint, **hosting), {"token": token})
    try:
        yield backend
    finally:
        await backend.close()


async def test_a_job_is_ordered_read_listed_run_and_deleted() -> None:
    world = HostingWorld()
    with serve(world) as url:
        async with connected(url) as backend:
            probe = await backend.probe()
            assert (probe.endpoint, probe.capabilities) == (url, frozenset({Capability.MAILBOX_MIGRATION}))
            assert not (await backend.sweep(None)).is_full, "what it does not list has not vanished"
            made = (await backend.copy(JOB, GRANTED)).made
            assert made is not None
            job = await backend.job(made.code)
            assert (job.stage, job.file_names) == (JobStage.VALIDATING, (JOB.file_name, JOB.file_name))
            assert [one.code for one in (await backend.jobs(None)).jobs] == [made.code]
            counts = await backend.mailboxes(made.code)
            assert (counts.total, counts.done) == (1, 0)
            await backend.run_now(made.code, Execution.FIRST, GRANTED)
            assert (await backend.job(made.code)).overridden == {Execution.FIRST}
            await backend.delete(made.code, GRANTED)
            await backend.delete(made.code, GRANTED)
            with pytest.raises(Absent):
                await backend.job(made.code)
            assert isinstance(backend, HostingBackend)
            backend._pinged_at = None  # noqa: SLF001 - as after a minute
            await backend.sweep(None)
    assert world.lists[made.code] == CONTENT
    assert world.count("GET") == 7, "a sweep soon after another asks nothing"


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE])
async def test_a_cut_answer_to_an_order_proves_nothing(fault: Fault) -> None:
    world = HostingWorld(faults={"POST": [fault]})
    with serve(world) as url:
        async with connected(url) as backend:
            with pytest.raises(OutcomeUnknown):
                await backend.copy(JOB, GRANTED)
    assert world.count("POST") == 1


async def test_without_a_valid_permit_nothing_leaves() -> None:
    world = HostingWorld()
    with serve(world) as url:
        async with connected(url) as backend:
            for call in (
                backend.copy(JOB, EXPIRED),
                backend.run_now("MG1", Execution.FIRST, EXPIRED),
                backend.delete("MG1", EXPIRED),
            ):
                with pytest.raises(Transient):
                    await call
    assert world.requests == []


async def test_an_administrator_asks_for_one_customer() -> None:
    upstream = Upstream()
    upstream.respond = answer(body=b'{"resources": []}')
    with serving(upstream):
        async with connected(upstream.url, customerCode="acme") as backend:
            await backend.probe()
            await backend.jobs(None)
            await backend.jobs("other")
    asked = [seen.partition("?")[2] for seen in upstream.seen]
    assert ["customer_code=acme" in query for query in asked] == [True, True, False]
    assert "customer_code=other" in asked[2]
    assert upstream.headers[0]["x-api-token"] == TOKEN


def test_every_request_stands_in_the_table_and_leads_below_migrations() -> None:
    assert [(one.operation, one.method, one.path) for one in TEMPLATES] == [
        ("ping", "GET", "/api/migrations"),
        ("list-jobs", "GET", "/api/migrations"),
        ("read-job", "GET", "/api/migrations/{code}"),
        ("list-mailboxes", "GET", "/api/migrations/{code}/resources"),
        ("copy-mailboxes", "POST", "/api/migrations"),
        ("run-now", "PUT", "/api/migrations/{code}"),
        ("delete-job", "DELETE", "/api/migrations/{code}"),
    ]
    for code in ("", "..", "a/b", "a?b", "x" * 65):
        with pytest.raises(ValueError, match="not a job's code"):
            TEMPLATES[2].about(code)
    assert of_customer(TEMPLATES[0].about(), None) == TEMPLATES[0].about()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, ERROR, Unauthorized),
        (403, ERROR, NotPermitted),
        (404, ERROR, Absent),
        (404, b"<html>", NotUnderstood),
        (422, ERROR, NotUnderstood),
        (405, b"", NotUnderstood),
        (429, b"", Transient),
        (503, b"", Transient),
        (302, b"", Transient),
        (200, b"<html>", Transient),
        (200, b"[]", Transient),
        (200, b'{"resources": []}', Absent),
        (200, b'{"resources": [{"code": "MG1"}, {"code": "MG2"}]}', Transient),
        (200, b'{"resources": [{"status": "running"}]}', Transient),
    ],
)
async def test_what_an_answer_to_a_read_means(status: int, body: bytes, expected: type[BackendError]) -> None:
    upstream = Upstream()
    upstream.respond = answer(status, body)
    with serving(upstream):
        async with connected(upstream.url) as backend:
            with pytest.raises(BackendError) as caught:
                await backend.job("MG1")
    assert type(caught.value) is expected


async def test_a_job_that_is_not_wrapped_is_read_too() -> None:
    upstream = Upstream()
    upstream.respond = answer(body=b'{"code": "MG1", "status": "running", "resources": 4}')
    with serving(upstream):
        async with connected(upstream.url) as backend:
            job = await backend.job("MG1")
    assert (job.stage, job.resources) == (JobStage.RUNNING, 4)


@pytest.mark.parametrize(
    ("status", "body", "of_order", "of_change"),
    [
        (401, ERROR, Unauthorized, Unauthorized),
        (403, ERROR, NotPermitted, NotPermitted),
        (404, ERROR, Unsupported, Absent),
        (404, b"<html>", Unsupported, Unsupported),
        (405, b"", Unsupported, Unsupported),
        (408, b"", OutcomeUnknown, OutcomeUnknown),
        (409, ERROR, Refused, NotInThisState),
        (413, b"", Transient, Transient),
        (418, b"", Refused, Refused),
        (422, b"<html>", Refused, NotInThisState),
        (429, b"", Transient, Transient),
        (500, ERROR, OutcomeUnknown, OutcomeUnknown),
        (302, b"", OutcomeUnknown, OutcomeUnknown),
    ],
)
async def test_what_an_answer_to_a_change_means(
    status: int, body: bytes, of_order: type[BackendError], of_change: type[BackendError]
) -> None:
    upstream = Upstream()
    upstream.respond = answer(status, body)

    def run_put(backend: MailboxBackend) -> Awaitable[object]:
        return backend.run_now("MG1", Execution.SECOND, GRANTED)

    def copy(backend: MailboxBackend) -> Awaitable[object]:
        return backend.copy(JOB, GRANTED)

    found: list[type[BackendError]] = []
    calls: list[Callable[[MailboxBackend], Awaitable[object]]] = [copy, run_put]
    with serving(upstream):
        async with connected(upstream.url) as backend:
            for call in calls:
                with pytest.raises(BackendError) as caught:
                    await call(backend)
                found.append(type(caught.value))
                assert "hunter2" not in f"{caught.value!r}{caught.value}"
    assert found == [of_order, of_change]


async def test_a_validation_error_names_known_and_plain_fields_only() -> None:
    errors = [{"field": name, "description": CONTENT} for name in ("preset", "odd_one", "ann@example.org", "preset")]
    body = json.dumps({"message": CONTENT, "errors": errors}).encode()
    upstream = Upstream()
    upstream.respond = answer(422, body)
    with serving(upstream):
        async with connected(upstream.url) as backend:
            with pytest.raises(Refused) as caught:
                await backend.copy(JOB, GRANTED)
    assert caught.value.message == "The service refused the job; it objects to spec.mailboxes.preset, odd_one"


async def test_codes_that_could_lead_elsewhere_are_of_no_job() -> None:
    upstream = Upstream()
    with serving(upstream):
        async with connected(upstream.url) as backend:
            for call in (
                backend.job("../x"),
                backend.mailboxes("../x"),
                backend.run_now("../x", Execution.FIRST, GRANTED),
                backend.delete("../x", GRANTED),
            ):
                with pytest.raises(Absent):
                    await call
    assert upstream.seen == []


async def test_a_list_without_an_end_is_not_read_for_ever() -> None:
    upstream = Upstream()

    def endless(handler: Any) -> None:  # noqa: ANN401 - of http.server
        page = len(upstream.seen)
        rows = json.dumps({"resources": [{"code": f"MG{page}"}], "pagination": {"total_records": 10**6}})
        answer(body=rows.encode())(handler)

    upstream.respond = endless
    with serving(upstream):
        async with connected(upstream.url) as backend:
            with pytest.raises(Transient) as caught:
                await backend.jobs(None)
    assert f"{MAX_PAGES} pages" in caught.value.message
    assert len(upstream.seen) == 1, "the count tells it at once"


async def test_a_list_that_never_stands_still_is_given_up_for_the_moment() -> None:
    upstream = Upstream()

    def moving(handler: Any) -> None:  # noqa: ANN401 - of http.server
        total = 50 + len(upstream.seen)
        rows = json.dumps(
            {"resources": [{"code": f"MG{total}"}], "pagination": {"total_records": total}, "more": "ignored"}
        )
        answer(body=rows.encode())(handler)

    upstream.respond = moving
    with serving(upstream):
        async with connected(upstream.url) as backend:
            with pytest.raises(Transient) as caught:
                await backend.jobs(None)
    assert caught.value.message == "The list changed while it was read, in list-jobs"


@pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>"])
async def test_something_else_at_the_endpoint_is_no_service(body: bytes) -> None:
    upstream = Upstream()
    upstream.respond = answer(body=body)
    with serving(upstream):
        async with connected(upstream.url) as backend:
            with pytest.raises(Transient):
                await backend.probe()
            with pytest.raises(Transient):
                await backend.jobs(None)


@pytest.mark.parametrize(
    ("endpoint", "token", "told"),
    [
        ("https://user:pw@example.org", b"x", "spec.hosting.endpoint"),
        ("https://api.example.org", b"", "the Secret's key token is empty"),
        ("https://api.example.org", b"two words", "holds no token"),
    ],
)
async def test_a_configuration_that_does_not_fit_is_told_by_field(endpoint: str, token: bytes, told: str) -> None:
    spec = spec_for("https://api.example.org")
    assert spec.hosting is not None
    spec = spec.model_copy(update={"hosting": spec.hosting.model_copy(update={"endpoint": endpoint})})
    net = Net(
        guard=EndpointGuard(LOOPBACK, None),
        clock=SystemClock(),
        timeouts=Timeouts(),
        threads=1,
        observer_of=telling([]),
    )
    with pytest.raises(InvalidConfiguration) as caught:
        await DRIVER.connect(net, ("team-a", "hosting"), spec, {"token": token})
    assert told in caught.value.message


def test_the_pace_and_the_places_are_the_smaller_ones() -> None:
    spec = spec_for("https://api.example.org", requestsPerSecond=1, maxJobs=5)
    assert (spec.effective_limits.requests_per_second, spec.effective_limits.max_in_flight) == (1, 5)
    narrow = ProviderSpec.model_validate(spec.model_dump() | {"limits": {"max_in_flight": 2}})
    assert (narrow.effective_limits.requests_per_second, narrow.effective_limits.max_in_flight) == (1, 2)
    assert spec.secret_name == spec_for("https://other.example.org").secret_name != ""


async def test_another_drivers_call_is_a_programming_error() -> None:
    world = HostingWorld()
    with serve(world) as url:
        async with connected(url) as backend:
            with pytest.raises(TypeError, match="TerminateCall is no call about mailboxes"):
                await perform(backend, TerminateCall(replica_id="x"), None, GRANTED)  # type: ignore[arg-type]
