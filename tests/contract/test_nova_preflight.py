"""The checks before a start, on the real Nova: what they find, for whom, and that they only read."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lab.nova import NovaLab
from lab.waiting import eventually
from nova_cold_support import moved
from nova_support import GRANTED, change_service, connected, record_in
from osmig.api.names import CheckResult
from osmig.domain.errors import Absent, NotPermitted
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.views import HostView, Job, NamedHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.api.migration import PreflightCheck

HANG = "hang,memory=64"
PASS, WARN, FAIL, SKIPPED = CheckResult.PASS, CheckResult.WARN, CheckResult.FAIL, CheckResult.SKIPPED
UNKNOWN_SERVER = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def troubled() -> Iterator[NovaLab]:
    """A Nova whose host ``off`` is disabled and whose host ``dead`` is down."""
    with NovaLab(computes=("up", "other", "off", "dead")) as lab:
        lab.boot("on-dead", host="dead")
        change_service(lab, "off", status="disabled")
        change_service(lab, "dead", forced_down=True)
        yield lab


def has_status(lab: NovaLab, server: str, status: str) -> bool:
    """Tell whether a server has this status."""
    return bool(lab.nova.server(server)["status"] == status)


def checked(lab: NovaLab, job: Job, *, role: str = "operator") -> dict[str, PreflightCheck]:
    """Return the checks by name, after making sure that nothing but reads reached the clouds."""

    async def story() -> tuple[PreflightCheck, ...]:
        async with connected(lab, role) as backend:
            return await backend.preflight(job)

    mark = lab.control.request_mark()
    found = asyncio.run(story())
    assert {request["method"] for request in lab.control.requests(since=mark)} == {"GET"}
    assert len({one.check for one in found}) == len(found)
    assert all(one.message and one.path for one in found)
    return {one.check: one for one in found}


def results(checks: dict[str, PreflightCheck]) -> dict[str, CheckResult]:
    """Return what is not ``Pass``."""
    return {name: one.result for name, one in checks.items() if one.result is not PASS}


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.COLD])
def test_a_move_that_can_be_done_passes_every_check(nova_keystone: NovaLab, kind: MoveKind) -> None:
    server = nova_keystone.boot(f"preflight-{kind}", host="cmp1")

    by_id = checked(
        nova_keystone, Job(server_id=server, source_host="cmp1", destination_host="cmp2", kind=kind), role="operator"
    )
    by_name = checked(nova_keystone, Job(server_name=f"preflight-{kind}", kind=kind), role="operator")

    assert results(by_id) == results(by_name) == {}
    assert (by_id["Server"].path, by_name["Server"].path) == ("spec.server.id", "spec.server.name")
    assert set(by_id) == {
        "ApiVersion",
        "Rights",
        "HostVisibility",
        "Server",
        "ServerState",
        "Migrations",
        "SourceHost",
        "SourceService",
        "DestinationHost",
        "Following",
    }


def test_each_role_is_told_what_it_may_not(nova_keystone: NovaLab) -> None:
    server = nova_keystone.boot("preflight-roles", host="cmp1")
    job = Job(server_id=server)
    hidden = {"HostVisibility": WARN, "SourceHost": SKIPPED, "SourceService": SKIPPED}
    unlisted = hidden | {"Rights": FAIL, "Migrations": SKIPPED, "Following": WARN}

    found = {role: checked(nova_keystone, job, role=role) for role in ("manager", "member", "reader")}

    assert {role: results(checks) for role, checks in found.items()} == {
        "manager": hidden,
        "member": unlisted,
        "reader": unlisted,
    }
    assert "member, reader may not order a live move" in (found["member"]["Rights"].message or "")


def test_hosts_that_are_named_and_not_visible_fail(nova_keystone: NovaLab) -> None:
    server = nova_keystone.boot("preflight-hidden", host="cmp1")
    job = Job(server_id=server, source_host="cmp1", destination_host="cmp2")

    found = checked(nova_keystone, job, role="manager")

    assert results(found) == {
        "HostVisibility": FAIL,
        "SourceHost": SKIPPED,
        "SourceService": SKIPPED,
        "DestinationHost": SKIPPED,
    }


def test_a_fixed_token_names_no_role(nova: NovaLab) -> None:
    assert results(checked(nova, Job(server_id=nova.servers["vm-1"]))) == {"Rights": SKIPPED}


def test_a_server_that_is_not_there_or_not_unambiguous_fails_and_the_rest_is_skipped(nova: NovaLab) -> None:
    nova.boot("preflight-twin")
    nova.boot("preflight-twin")
    jobs = (Job(server_id=UNKNOWN_SERVER), Job(server_name="preflight-nobody"), Job(server_name="preflight-twin"))

    found = [checked(nova, job) for job in jobs]

    skipped = ("HostVisibility", "ServerState", "Migrations", "SourceHost", "SourceService", "Rights")
    assert [results(checks) for checks in found] == [{"Server": FAIL} | dict.fromkeys(skipped, SKIPPED)] * 3
    assert "2 servers have this name" in (found[2]["Server"].message or "")


def test_the_state_of_the_server_is_judged_by_the_kind_of_move(nova: NovaLab) -> None:
    stopped, paused, locked = (nova.boot(f"preflight-{word}") for word in ("stopped", "paused", "locked"))
    for server, action in ((stopped, "os-stop"), (paused, "pause"), (locked, "lock")):
        nova.nova.post(f"/servers/{server}/action", {action: None})
    for server, status in ((stopped, "SHUTOFF"), (paused, "PAUSED")):
        eventually(partial(has_status, nova, server, status), what=status)

    found = {
        (word, kind): checked(nova, Job(server_id=server, kind=kind))["ServerState"].result
        for word, server in (("stopped", stopped), ("paused", paused), ("locked", locked))
        for kind in (MoveKind.LIVE, MoveKind.COLD)
    }

    assert found == {
        ("stopped", MoveKind.LIVE): FAIL,
        ("stopped", MoveKind.COLD): PASS,
        ("paused", MoveKind.LIVE): PASS,
        ("paused", MoveKind.COLD): FAIL,
        ("locked", MoveKind.LIVE): WARN,
        ("locked", MoveKind.COLD): WARN,
    }


def test_a_move_under_way_fails_and_says_how_to_adopt_it(nova: NovaLab) -> None:
    live, cold = nova.boot("preflight-live", plan=HANG), nova.boot("preflight-cold")

    async def story() -> list[str | None]:
        async with connected(nova) as backend:
            await backend.start(Job(server_id=live), GRANTED)
            await backend.start(Job(server_id=cold, kind=MoveKind.COLD), GRANTED)
            records = [await record_in(backend, live, "running"), await record_in(backend, cold, "finished")]
            await moved(backend, cold)
            return [record.uuid for record in records]

    uuids = asyncio.run(story())
    for server, uuid in zip((live, cold), uuids, strict=True):
        found = checked(nova, Job(server_id=server))
        assert results(found) == {"ServerState": FAIL, "Migrations": FAIL, "Rights": SKIPPED}
        assert uuid
        for check in ("ServerState", "Migrations"):
            assert f"adopt.id {uuid}" in (found[check].message or "")
    nova.control.steer(live, "cancel")


def test_a_server_in_error_fails(nova: NovaLab) -> None:
    server = nova.boot("preflight-error", plan="crash,memory=64")
    nova.nova.live_migrate(server)
    eventually(lambda: nova.nova.server(server)["status"] == "ERROR", what="ERROR")

    assert results(checked(nova, Job(server_id=server)))["ServerState"] is FAIL


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        ("up", "other", {}),
        ("other", None, {"SourceHost": WARN}),
        ("other", "up", {"SourceHost": WARN, "DestinationHost": WARN}),
        ("other", "off", {"SourceHost": FAIL, "DestinationHost": FAIL}),
        (None, "up", {"DestinationHost": WARN}),
        (None, "off", {"DestinationHost": FAIL}),
        (None, "dead", {"DestinationHost": FAIL}),
        (None, "nowhere", {"DestinationHost": FAIL}),
    ],
)
def test_hosts_are_compared_and_looked_at(
    troubled: NovaLab, source: str | None, destination: str | None, expected: dict[str, CheckResult]
) -> None:
    name = "preflight-hosts"
    server = troubled.servers.get(name) or troubled.boot(name, host="up")

    found = checked(troubled, Job(server_id=server, source_host=source, destination_host=destination))

    assert results(found) == expected | {"Rights": SKIPPED}


def test_a_source_that_is_down_fails_and_one_that_is_disabled_does_not(troubled: NovaLab) -> None:
    assert results(checked(troubled, Job(server_id=troubled.servers["on-dead"]))) == {
        "SourceService": FAIL,
        "Rights": SKIPPED,
    }
    server = troubled.boot("drained", host="other")
    change_service(troubled, "other", status="disabled")

    found = checked(troubled, Job(server_id=server))

    change_service(troubled, "other", status="enabled")
    assert found["SourceService"].result is PASS
    assert "disabled" in (found["SourceService"].message or "")


@pytest.mark.parametrize("kind", [MoveKind.LIVE, MoveKind.COLD])
def test_nova_indeed_refuses_a_disabled_destination(troubled: NovaLab, kind: MoveKind) -> None:
    server = troubled.boot(f"refused-{kind}", host="up")

    async def story() -> None:
        async with connected(troubled) as backend:
            await backend.start(Job(server_id=server, destination_host="off", kind=kind), GRANTED)
            await record_in(backend, server, "error")

    asyncio.run(story())


def test_one_host_is_read_by_its_exact_name(troubled: NovaLab) -> None:
    async def story() -> list[HostView]:
        async with connected(troubled) as backend:
            for name in ("nowhere", "UP", ""):
                with pytest.raises(Absent) as caught:
                    await backend.host(name)
                assert caught.value.reason == "HostNotFound"
            return [await backend.host(name) for name in ("up", "off", "dead")]

    assert asyncio.run(story()) == [
        HostView(name="up"),
        HostView(name="off", is_enabled=False),
        HostView(name="dead", is_up=False),
    ]


def test_hosts_that_a_policy_hides_are_skipped_not_passed(troubled: NovaLab) -> None:
    server = troubled.boot("preflight-no-services", host="up")
    body = {"forbidden": {"code": 403, "message": "Policy doesn't allow os_compute_api:os-services:list"}}
    troubled.control.fault(path="/os-services", when="before", status=403, body=body, count=0)
    try:
        found = checked(troubled, Job(server_id=server, destination_host="other"))

        async def story() -> None:
            async with connected(troubled) as backend:
                with pytest.raises(NotPermitted):
                    await backend.host("up")

        asyncio.run(story())
    finally:
        troubled.control.clear_faults()

    assert results(found) == {"SourceService": SKIPPED, "DestinationHost": SKIPPED, "Rights": SKIPPED}


def test_hosts_are_looked_up_by_their_exact_names_and_similar_ones_are_told(nova_keystone: NovaLab) -> None:
    async def story(role: str, *names: str) -> tuple[NamedHost, ...]:
        async with connected(nova_keystone, role) as backend:
            return await backend.named_hosts(names)

    assert asyncio.run(story("operator", "cmp1", "CMP2", "cmp3.example.org", "cmp9")) == (
        NamedHost(name="cmp1", exists=True),
        NamedHost(name="CMP2", exists=False, similar="cmp2"),
        NamedHost(name="cmp3.example.org", exists=False, similar="cmp3"),
        NamedHost(name="cmp9", exists=False),
    )
    assert asyncio.run(story("manager", "cmp1")) == (NamedHost(name="cmp1"),)


def test_a_host_that_the_server_left_is_known_from_its_records(nova: NovaLab) -> None:
    server = nova.boot("preflight-left", host="cmp1", plan="finish")
    nova.nova.live_migrate(server, host="cmp2")

    async def story() -> frozenset[str]:
        async with connected(nova) as backend:
            await record_in(backend, server, "completed")
            return (await backend.pre_start_state(Job(server_id=server))).past_hosts

    assert asyncio.run(story()) == {"cmp1"}
