"""The Waldur adapter when the order's answer is late, lost, wrong or never comes: one order at most, no claims."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Literal

import pytest

from lab.waiting import eventually_async
from lab.waldurlab.catalogue import SOURCE
from osmig.domain.errors import (
    BackendError,
    EndpointRefused,
    NotInThisState,
    NotPermitted,
    OutcomeUnknown,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.net.endpoints import EndpointPolicy
from waldur_support import EXPIRED, GRANTED, MARKER, SHORT, connected, job_for, make_backend

if TYPE_CHECKING:
    from lab.waldur import WaldurLab


def posts(waldur: WaldurLab) -> int:
    """Count the orders that arrived."""
    return sum(request["method"] == "POST" for request in waldur.control.requests())


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="500"),
        pytest.param({"status": 502}, id="502"),
        pytest.param({"status": 504}, id="504"),
        pytest.param({"status": 408}, id="408"),
        pytest.param({"action": "cut"}, id="cut"),
        pytest.param({"status": 201, "body": "<html>welcome</html>"}, id="201 with a page"),
        pytest.param({"status": 200, "body": [1]}, id="200 with a list"),
        pytest.param({"status": 302, "headers": {"location": "/api/openstack-migrations/"}}, id="302"),
        pytest.param({"status": 307, "headers": {"location": "/api/openstack-migrations/"}}, id="307"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_answer_that_proves_nothing_is_an_unknown_outcome_after_one_order(
    waldur: WaldurLab, fault: dict[str, Any], when: Literal["before", "after"]
) -> None:
    waldur.control.fault(method="POST", when=when, **fault)

    async with connected(waldur) as backend:
        with pytest.raises(OutcomeUnknown):
            await backend.replicate(job_for(), GRANTED)
        found = await backend.runs(SOURCE)

    assert [run.replica_name for run in found] == ([MARKER] if when == "after" else [])
    assert posts(waldur) == 1


async def test_an_order_that_commits_late_is_found_later(waldur: WaldurLab) -> None:
    waldur.control.fault(method="POST", action="pass", hold=True)

    async with connected(waldur, timeouts=SHORT) as backend:
        with pytest.raises(OutcomeUnknown):
            await backend.replicate(job_for(), GRANTED)
        assert await backend.runs(SOURCE) == ()
        waldur.control.release()
        await eventually_async(waldur.control.rows, what="the late commit")
        [found] = await backend.runs(SOURCE)

    assert found.replica_name == MARKER
    assert posts(waldur) == 1


async def test_a_hang_ends_in_time(waldur: WaldurLab) -> None:
    waldur.control.fault(hold=True, count=9)

    async with connected(waldur, timeouts=SHORT) as backend:
        with pytest.raises(Transient):
            await backend.runs(SOURCE)
        with pytest.raises(OutcomeUnknown):
            await backend.replicate(job_for(), GRANTED)


async def test_an_expired_permit_sends_nothing(waldur: WaldurLab) -> None:
    async with connected(waldur) as backend:
        with pytest.raises(Transient):
            await backend.replicate(job_for(), EXPIRED)
        with pytest.raises(Transient):
            await backend.terminate(SOURCE, EXPIRED)

    assert waldur.control.requests() == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthorized), (403, NotPermitted), (404, Unsupported), (409, NotInThisState), (429, Transient)],
)
async def test_an_answer_that_proves_that_nothing_was_made_is_told_so(
    waldur: WaldurLab, status: int, kind: type[BackendError]
) -> None:
    body = "<html>not found</html>" if status == 404 else None
    waldur.control.fault(method="POST", status=status, body=body, headers={"retry-after": "30"})

    async with connected(waldur) as backend:
        with pytest.raises(BackendError) as caught:
            await backend.replicate(job_for(), GRANTED)

    assert type(caught.value) is kind
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after_s == 30.0


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 404, "body": "<html>"}, {"status": 200, "body": "<html>"}, {"action": "cut"}],
    ids=["500", "404 of a proxy", "a page", "cut"],
)
async def test_a_read_that_fails_is_never_an_absence(waldur: WaldurLab, fault: dict[str, Any]) -> None:
    waldur.control.fault(count=99, **fault)

    async with connected(waldur) as backend:
        for read in (
            backend.run(SOURCE),
            backend.runs(SOURCE),
            backend.replica(SOURCE, None),
            backend.probe(),
            backend.sweep(None),
        ):
            with pytest.raises(Transient):
                await read


async def test_a_list_that_always_changes_is_read_later_and_nothing_is_concluded(waldur: WaldurLab) -> None:
    waldur.control.seed(count=12)
    waldur.control.page_rows(10)
    wrong = {"x-result-count": "13"}
    waldur.control.fault(path="page=2", status=200, body=[], headers=wrong, count=9)

    async with connected(waldur) as backend:
        with pytest.raises(Transient, match="changed while it was read"):
            await backend.runs(SOURCE)


async def test_a_list_whose_page_is_gone_is_read_anew(waldur: WaldurLab) -> None:
    waldur.control.seed(count=12)
    waldur.control.page_rows(10)
    waldur.control.fault(path="page=2", status=404, body={"detail": "Invalid page."})

    async with connected(waldur) as backend:
        assert len(await backend.runs(SOURCE)) == 12


async def test_two_tasks_open_the_connection_once_and_one_that_is_cancelled_harms_nobody(waldur: WaldurLab) -> None:
    async with connected(waldur) as backend:
        hasty = asyncio.create_task(backend.probe())
        await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait
        hasty.cancel()
        probes = await asyncio.gather(backend.probe(), backend.probe())

    assert len({probe.user_id for probe in probes}) == 1


async def test_a_backend_that_was_closed_sends_nothing_more(waldur: WaldurLab) -> None:
    backend = make_backend(waldur.url, token=waldur.token())
    await backend.close()
    with pytest.raises(Transient) as caught:
        await backend.replicate(job_for(), GRANTED)

    async with connected(waldur) as opened:
        await opened.probe()
    with pytest.raises(Transient):
        await opened.replicate(job_for(), GRANTED)

    assert caught.value.reason == "ProviderNotReady"
    assert posts(waldur) == 0


async def test_an_order_under_way_when_its_backend_is_replaced_is_answered(waldur: WaldurLab) -> None:
    waldur.control.fault(method="POST", action="pass", hold=True)
    backend = make_backend(waldur.url, token=waldur.token())

    ordering = asyncio.create_task(backend.replicate(job_for(), GRANTED))
    await eventually_async(waldur.control.requests, what="the order")
    await backend.close()
    waldur.control.release()
    receipt = await ordering

    assert receipt.made is not None
    assert receipt.made.replica_name == MARKER


async def test_an_order_that_has_no_connection_yet_when_its_backend_is_replaced_is_not_sent(waldur: WaldurLab) -> None:
    port = waldur.url.rpartition(":")[2]
    released = threading.Event()
    asked = threading.Event()

    def resolve_late(_host: str, _port: int) -> tuple[str, ...]:
        asked.set()
        released.wait(10)
        return ("127.0.0.1",)

    backend = make_backend(f"http://waldur.example:{port}", token=waldur.token(), resolve=resolve_late)
    calls = [asyncio.create_task(backend.replicate(job_for(), permit)) for permit in (EXPIRED, EXPIRED, EXPIRED)]
    await eventually_async(asked.is_set, what="a look at the name")
    await backend.close()
    released.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Transient] * 3
    assert posts(waldur) == 0


async def test_an_endpoint_that_is_not_allowed_is_refused_before_any_byte(waldur: WaldurLab) -> None:
    backend = make_backend(waldur.url, policy=EndpointPolicy())
    with pytest.raises(EndpointRefused) as caught:
        await backend.probe()
    await backend.close()

    assert caught.value.reason == "EndpointRefused"
    assert waldur.control.requests() == []


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 422, 429, 500])
async def test_no_error_and_no_log_tells_the_token_an_address_or_a_traceback(
    waldur: WaldurLab, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    secret = waldur.token()
    inside = f"Token {secret} at http://10.0.0.7:5000/v3\nTraceback (most recent call last):\n  File '/opt/waldur/x.py'"
    body = {"detail": inside, "src_resource": [inside]} if status != 200 else inside
    waldur.control.fault(status=status, body=body, count=99)
    told = []
    with caplog.at_level(logging.INFO):
        async with connected(waldur) as backend:
            for call in (
                backend.probe(),
                backend.run(SOURCE),
                backend.runs(SOURCE),
                backend.replica(SOURCE, SOURCE),
                backend.preflight(job_for()),
                backend.replicate(job_for(), GRANTED),
                backend.terminate(SOURCE, GRANTED),
            ):
                try:
                    told.append(repr(await call))
                except BackendError as error:
                    told.append(f"{error} {error.message}")

    ours = [record.getMessage() + json.dumps(record.__dict__, default=str) for record in caplog.records]
    quiet = [line for line in ours if "httpcore" not in line]
    for line in (*told, *quiet):
        for word in (secret, "10.0.0.7", "Traceback", "/opt/waldur"):
            assert word not in line
