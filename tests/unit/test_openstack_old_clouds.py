"""Clouds that speak less than the lab's, and endpoints that are no clouds at all."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fake_clock import FakeClock
from http_upstream import answer
from nova_support import GRANTED, clouds_yaml, make_backend
from old_clouds import SERVER, ask, speak
from osmig.api.names import Verb
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.errors import BackendError, Transient, Unauthorized, Unsupported
from osmig.domain.operations import Stage
from osmig.drivers.servers.nova.listing import read_date
from osmig.drivers.servers.views import Job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from http.server import BaseHTTPRequestHandler

    from http_upstream import Upstream
    from osmig.domain.capabilities import Probe
    from osmig.domain.operations import Sweep
    from osmig.drivers.servers.ports import ServerBackend

AT_TEN = dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
ROWS = [
    {"id": 1, "instance_uuid": SERVER, "status": "Done", "created_at": "2026-11-21T10:00:00"},
    {"id": 2, "instance_uuid": SERVER, "status": "running", "created_at": "2026-11-21T11:00:00"},
    {"id": 3, "instance_uuid": "other", "status": "error"},
]


def test_what_a_cloud_is_too_old_for_is_unsupported_and_not_sent(upstream: Upstream) -> None:
    speak(upstream, "2.21")
    questions: list[Callable[[ServerBackend], Awaitable[Any]]] = [
        lambda backend: backend.start(Job(server_id=SERVER), GRANTED),
        lambda backend: backend.apply(Verb.ABORT, SERVER, "2", GRANTED),
        lambda backend: backend.apply(Verb.FORCE_COMPLETE, SERVER, "2", GRANTED),
    ]
    for question in questions:
        with pytest.raises(Unsupported, match="too old"):
            ask(upstream, question)

    assert not [seen for seen in upstream.seen if not seen.startswith("GET ")]


def test_an_old_cloud_is_swept_whole_each_time(upstream: Upstream) -> None:
    speak(upstream, "2.58", os_migrations={"migrations": ROWS})

    sweep: Sweep = ask(upstream, lambda backend: backend.sweep(dt.datetime(2026, 11, 21, tzinfo=dt.UTC)))

    assert sweep.is_full
    assert [record.id for record in sweep.records] == ["2"]
    assert all("?" not in seen for seen in upstream.seen)


def test_rows_of_other_servers_are_left_out_where_the_cloud_does_not_filter(upstream: Upstream) -> None:
    speak(upstream, "2.1", os_migrations={"migrations": ROWS})

    records = ask(upstream, lambda backend: backend.records(SERVER))

    assert [(record.id, record.stage) for record in records] == [("2", Stage.RUNNING), ("1", Stage.SUCCEEDED)]


def test_a_probe_tells_what_an_old_cloud_can_do(upstream: Upstream) -> None:
    speak(upstream, "2.34", os_migrations={"migrations": []}, detail={"servers": []})

    found: Probe = ask(upstream, lambda backend: backend.probe())

    assert found.api_version == "2.34"
    assert found.scope is Scope.CLOUD
    assert Capability.LIVE_MIGRATION in found.capabilities
    assert Capability.ABORT in found.capabilities
    assert Capability.ABORT_QUEUED not in found.capabilities
    assert found.project_id is None


def test_a_right_that_is_lost_while_probing_is_told(upstream: Upstream) -> None:
    speak(upstream, "2.90", os_migrations=401)

    with pytest.raises(Unauthorized) as caught:
        ask(upstream, lambda backend: backend.probe())

    assert caught.value.reason == "Unauthorized"


@pytest.mark.parametrize(
    "body", [b"<html>login</html>", b"[]", b"null", b'"x"', b"{}", b'{"server": 1}', b'{"server": {}}', b"[" * 9]
)
def test_an_answer_that_is_not_novas_is_transient(upstream: Upstream, body: bytes) -> None:
    speak(upstream, "2.90", **{SERVER.replace("-", "_"): body})

    with pytest.raises(Transient) as caught:
        ask(upstream, lambda backend: backend.server(SERVER))

    assert caught.value.message == "The endpoint answered something that is not OpenStack's"


@pytest.mark.parametrize("body", [{}, {"migrations": 1}, {"migrations": [1]}, {"migrations": [{"status": "running"}]}])
def test_a_list_that_is_not_novas_is_transient(upstream: Upstream, body: dict[str, object]) -> None:
    speak(upstream, "2.90", os_migrations=body)

    with pytest.raises(Transient):
        ask(upstream, lambda backend: backend.sweep(None))


@pytest.mark.parametrize("root", [b"<html>welcome</html>", b"[]", b"{}", 404, 302, 500, 503])
def test_an_endpoint_that_is_no_compute_api_never_gets_a_start(upstream: Upstream, root: object) -> None:
    speak(upstream, "2.90", v2_1=root)

    with pytest.raises(BackendError) as caught:
        ask(upstream, lambda backend: backend.start(Job(server_id=SERVER), GRANTED))

    assert type(caught.value) is Transient
    assert not [seen for seen in upstream.seen if seen.startswith("POST ")]


def test_a_version_list_that_failed_once_is_asked_for_again(upstream: Upstream) -> None:
    async def question(backend: ServerBackend) -> str:
        speak(upstream, "2.90", v2_1=503)
        with pytest.raises(Transient):
            await backend.probe()
        speak(upstream, "2.90", os_migrations={"migrations": []}, detail={"servers": []})
        return (await backend.probe()).api_version

    assert ask(upstream, question) == "2.90"


def test_a_row_that_is_dated_ahead_of_its_answer_hides_no_later_change(upstream: Upstream) -> None:
    rows = [
        {"id": n, "uuid": f"u{n}", "status": "running", "updated_at": f"{2100 - n}-01-01T00:00:00"} for n in (0, 90)
    ]
    speak(upstream, "2.90", os_migrations={"migrations": rows})

    sweep: Sweep = ask(upstream, lambda backend: backend.sweep(None))

    assert sweep.cursor is not None
    assert 2010 < sweep.cursor.year < 2090


def test_a_sweep_after_an_answer_that_was_dated_ahead_begins_no_later_than_its_own(upstream: Upstream) -> None:
    """The API servers behind one address have clocks of their own."""
    row = {"id": 1, "uuid": "u", "status": "running", "updated_at": "2010-01-01T00:00:00"}
    speak(upstream, "2.90", os_migrations={"migrations": [row]})
    ahead = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)

    sweep: Sweep = ask(upstream, lambda backend: backend.sweep(ahead))

    assert sweep.cursor is not None
    assert sweep.asked is not None
    assert sweep.cursor < sweep.asked < ahead


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Sat, 21 Nov 2026 10:00:00 GMT", AT_TEN),
        ("Sat, 21 Nov 2026 10:00:00 -0000", AT_TEN),
        ("Sat, 21 Nov 2026 12:00:00 +0200", AT_TEN),
        ("", None),
        ("soon", None),
        ("Sat, 21 Nov 999999999 10:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_the_date_of_an_answer_is_read_or_left(header: str, told: dt.datetime | None) -> None:
    assert read_date(header) == told


def test_a_page_that_repeats_itself_ends_the_sweep(upstream: Upstream) -> None:
    page = {"migrations": [{"id": 1, "uuid": "u", "status": "running"}], "migrations_links": [{"rel": "next"}]}
    speak(upstream, "2.90", os_migrations=page)

    sweep: Sweep = ask(upstream, lambda backend: backend.sweep(None))

    assert len(sweep.records) == 1
    assert len([seen for seen in upstream.seen if "os-migrations" in seen]) == 3


def test_a_server_that_was_not_resolved_is_a_programming_error(upstream: Upstream) -> None:
    speak(upstream, "2.90")

    with pytest.raises(ValueError, match="not resolved"):
        ask(upstream, lambda backend: backend.start(Job(server_name="vm"), GRANTED))


def speak_only(upstream: Upstream, newest: str) -> None:
    """Answer like a Nova that refuses what is newer than it."""

    def refuse_or(body: dict[str, Any]) -> Callable[[BaseHTTPRequestHandler], None]:
        def respond(handler: BaseHTTPRequestHandler) -> None:
            asked = (handler.headers["OpenStack-API-Version"] or "compute 2.1").rpartition(".")[2]
            is_known = int(asked) <= int(newest.rpartition(".")[2])
            text = {"computeFault": {"code": 406, "message": f"Version 2.{asked} is not supported by the API."}}
            answer(200 if is_known else 406, json.dumps(body if is_known else text).encode())(handler)

        return respond

    speak(
        upstream,
        newest,
        os_migrations=refuse_or({"migrations": []}),
        detail=refuse_or({"servers": []}),
        action=refuse_or({}),
    )


def test_a_cloud_that_was_rolled_back_is_asked_in_its_older_version_after_one_refusal(upstream: Upstream) -> None:
    async def story(backend: ServerBackend) -> tuple[str, str]:
        speak_only(upstream, "2.104")
        await backend.sweep(None)
        speak_only(upstream, "2.58")
        with pytest.raises(Transient, match=r"is now 2\.58") as caught:
            await backend.sweep(None)
        assert (await backend.sweep(None)).is_full
        return caught.value.reason, (await backend.probe()).api_version

    assert ask(upstream, story) == ("Retrying", "2.58")


def test_a_start_that_a_rolled_back_cloud_refused_was_not_done_and_may_be_sent_in_its_version(
    upstream: Upstream,
) -> None:
    async def story(backend: ServerBackend) -> None:
        speak_only(upstream, "2.104")
        await backend.sweep(None)
        speak_only(upstream, "2.50")
        with pytest.raises(Transient, match="nothing was done"):
            await backend.start(Job(server_id=SERVER), GRANTED)

    ask(upstream, story)

    assert len([seen for seen in upstream.seen if seen.startswith("POST ")]) == 1


def test_a_version_that_is_refused_by_a_cloud_that_still_lists_it_is_told_as_before(upstream: Upstream) -> None:
    async def story(backend: ServerBackend) -> None:
        speak(upstream, "2.90", action=406)
        with pytest.raises(Unsupported):
            await backend.start(Job(server_id=SERVER), GRANTED)
        speak(upstream, "2.90", action=406, v2_1=500)
        with pytest.raises(Unsupported):
            await backend.start(Job(server_id=SERVER), GRANTED)

    ask(upstream, story)


def test_a_probe_notices_an_upgrade(upstream: Upstream) -> None:
    async def story(backend: ServerBackend) -> list[str]:
        speak_only(upstream, "2.90")
        before = await backend.probe()
        speak_only(upstream, "2.104")
        return [before.api_version, (await backend.probe()).api_version]

    assert ask(upstream, story) == ["2.90", "2.104"]


PAGES = 40


def test_an_order_after_a_long_list_does_not_pay_for_it(upstream: Upstream) -> None:
    def list_page(handler: BaseHTTPRequestHandler) -> None:
        marker = int(parse_qs(urlsplit(handler.path).query).get("marker", ["0"])[0])
        rows = [ROWS[0] | {"id": marker + 1, "uuid": str(marker + 1)}]
        links = [{"rel": "next", "href": "x"}] if marker + 1 < PAGES else []
        answer(200, json.dumps({"migrations": rows, "migrations_links": links}).encode())(handler)

    speak(upstream, "2.96", os_migrations=list_page, **{"1": 202})
    secret = clouds_yaml(auth_type="admin_token", endpoint=f"{upstream.url}/v2.1", token="t")  # noqa: S106
    clock = FakeClock()

    async def story() -> float:
        backend = make_backend(secret, clock=clock, requests_per_second=10)
        try:
            await backend.sweep(None)
            asked = clock.boottime()
            await backend.apply(Verb.ABORT, SERVER, "1", GRANTED)
            return clock.boottime() - asked
        finally:
            await backend.close()

    waited_s = asyncio.run(story())
    assert len([seen for seen in upstream.seen if "marker=" in seen]) == PAGES - 1
    assert waited_s <= 1.0
