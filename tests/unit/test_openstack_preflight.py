"""Each verdict of the checks before a start, by the facts that lead to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from http_upstream import Upstream, answer
from old_clouds import SERVER as SERVER_ID
from old_clouds import ask, speak
from osmig.api.names import CheckResult
from osmig.domain.capabilities import Scope
from osmig.domain.errors import Transient
from osmig.domain.operations import MoveKind, RecordView, Stage
from osmig.drivers.servers.nova.preflight import check
from osmig.drivers.servers.nova.preflight_facts import Facts
from osmig.drivers.servers.views import HostView, Job, ServerView

PASS, WARN, FAIL, SKIPPED = CheckResult.PASS, CheckResult.WARN, CheckResult.FAIL, CheckResult.SKIPPED

SERVER = ServerView(id="s", name="vm", status="ACTIVE", host="cmp1", host_id="h")
FINE = Facts(
    version=(2, 104),
    scope=Scope.CLOUD,
    roles=frozenset({"admin", "manager", "member", "reader"}),
    server=SERVER,
    is_locked=False,
    are_hosts_visible=True,
    hosts={
        "cmp1": HostView(name="cmp1"),
        "cmp2": HostView(name="cmp2"),
        "off": HostView(name="off", is_enabled=False),
        "dead": HostView(name="dead", is_up=False),
    },
    may_read_progress=True,
)
LIVE, COLD = Job(server_id="s"), Job(server_id="s", kind=MoveKind.COLD)
HIDDEN = replace(FINE, server=replace(SERVER, host=None), are_hosts_visible=False, hosts=None)
ID = "a" * 56
ANONYMOUS = replace(SERVER, host=None, host_id=ID)
UNLISTED = replace(FINE, hosts=None)
RUNNING = RecordView(id="41", uuid="u-41", stage=Stage.RUNNING, status="running")


def server(**changes: Any) -> Facts:  # noqa: ANN401 - fields of ServerView
    return replace(FINE, server=replace(SERVER, **changes))


MOVING = server(status="MIGRATING", is_busy=True)


def roles(*names: str) -> Facts:
    return replace(FINE, roles=frozenset(names))


ROWS: list[tuple[str, Job, Facts, CheckResult, str]] = [
    ("ApiVersion", LIVE, FINE, PASS, "2.104"),
    ("ApiVersion", LIVE, replace(FINE, version=(2, 33)), FAIL, "needs 2.34"),
    ("ApiVersion", LIVE, replace(FINE, version=(2, 64)), WARN, "aborted only from 2.65"),
    ("ApiVersion", COLD, replace(FINE, version=(2, 1)), PASS, "enough"),
    ("ApiVersion", replace(COLD, destination_host="cmp2"), replace(FINE, version=(2, 55)), FAIL, "needs 2.56"),
    ("ApiVersion", replace(COLD, destination_host="cmp2"), replace(FINE, version=(2, 56)), PASS, "enough"),
    ("Rights", LIVE, FINE, PASS, "may order a live move"),
    ("Rights", COLD, roles("manager"), PASS, "may order a cold move"),
    ("Rights", LIVE, roles("member", "reader"), FAIL, "member, reader may not order a live move: use manager or admin"),
    ("Rights", LIVE, roles("member", "mover"), WARN, "may not order"),
    ("Rights", LIVE, roles("mover"), SKIPPED, "answer to the start"),
    ("Rights", LIVE, replace(FINE, roles=None), SKIPPED, "answer to the start"),
    ("Rights", LIVE, replace(FINE, version=(2, 1)), PASS, "may order"),
    ("HostVisibility", LIVE, FINE, PASS, "see hosts"),
    ("HostVisibility", LIVE, HIDDEN, WARN, "hostId"),
    ("HostVisibility", replace(LIVE, source_host="cmp1"), HIDDEN, FAIL, "leave hosts out"),
    (
        "HostVisibility",
        replace(LIVE, source_host="cmp1"),
        replace(HIDDEN, server=replace(SERVER, host=None, is_on_no_host=True)),
        WARN,
        "hostId",
    ),
    ("HostVisibility", replace(LIVE, source_host_id=ID), replace(HIDDEN, server=ANONYMOUS), WARN, "hostId alone"),
    (
        "HostVisibility",
        replace(LIVE, source_host_id=ID),
        server(host_id=None),
        FAIL,
        "are not told the server's hostId",
    ),
    ("HostVisibility", replace(LIVE, source_host_id=ID), server(host_id=ID), PASS, "see hosts"),
    ("SourceHost", replace(LIVE, source_host_id=ID), replace(HIDDEN, server=ANONYMOUS), SKIPPED, "see no hosts"),
    (
        "SourceHost",
        replace(LIVE, source_host_id=ID),
        replace(HIDDEN, server=replace(ANONYMOUS, host_id="b" * 56)),
        WARN,
        "not on the host of sourceHostID; this counts as moved",
    ),
    ("HostVisibility", replace(LIVE, destination_host="cmp1"), HIDDEN, FAIL, "leave hosts out"),
    ("Server", LIVE, FINE, PASS, "has the id s"),
    ("Server", LIVE, replace(FINE, server=None, missing="no such server"), FAIL, "no such server"),
    ("Server", LIVE, replace(FINE, server=None, missing="forbidden", is_hidden=True), SKIPPED, "forbidden"),
    ("ServerState", LIVE, FINE, PASS, "ACTIVE"),
    ("ServerState", LIVE, server(status="PAUSED"), PASS, "PAUSED"),
    ("ServerState", COLD, server(status="PAUSED"), FAIL, "must be ACTIVE or SHUTOFF"),
    ("ServerState", COLD, server(status="SHUTOFF"), PASS, "SHUTOFF"),
    ("ServerState", LIVE, server(status="SHUTOFF"), FAIL, "must be ACTIVE or PAUSED"),
    ("ServerState", LIVE, server(status="SHELVED_OFFLOADED"), FAIL, "must be ACTIVE or PAUSED"),
    ("ServerState", LIVE, server(status="ERROR", is_in_error=True), FAIL, "repaired"),
    ("ServerState", LIVE, server(status="REBOOT", task_state="rebooting", is_busy=True), FAIL, "wait until"),
    (
        "ServerState",
        LIVE,
        replace(server(status="MIGRATING", is_busy=True), active=RUNNING),
        FAIL,
        "adopt.id u-41",
    ),
    (
        "ServerState",
        LIVE,
        replace(server(status="VERIFY_RESIZE", is_busy=True, awaits_confirmation=True), active=RUNNING),
        FAIL,
        "adopt.id u-41",
    ),
    ("ServerState", LIVE, replace(FINE, is_locked=True), WARN, "locked"),
    ("ServerState", LIVE, replace(FINE, is_locked=None), PASS, "ACTIVE"),
    ("Migrations", LIVE, FINE, PASS, "no migration"),
    ("Migrations", LIVE, replace(MOVING, active=RUNNING), FAIL, "migration 41 of the server is running"),
    ("Migrations", LIVE, replace(MOVING, active=replace(RUNNING, uuid=None)), FAIL, "adopt.id 41"),
    ("Migrations", LIVE, replace(MOVING, active=replace(RUNNING, kind=MoveKind.RESIZE)), FAIL, "running: wait until"),
    ("Migrations", LIVE, replace(FINE, active=RUNNING), WARN, "41 of the server is running, but the server is idle"),
    ("Migrations", LIVE, replace(FINE, scope=Scope.UNKNOWN), SKIPPED, "may not list"),
    ("SourceHost", LIVE, FINE, PASS, "on cmp1"),
    ("SourceHost", LIVE, HIDDEN, SKIPPED, "see no hosts"),
    ("SourceHost", LIVE, server(host=None), SKIPPED, "on no host"),
    ("SourceHost", replace(LIVE, source_host="cmp1"), FINE, PASS, "on cmp1"),
    ("SourceHost", replace(LIVE, source_host="cmp2"), FINE, WARN, "nothing would be sent"),
    ("SourceHost", replace(LIVE, source_host="cmp9"), FINE, FAIL, "the cloud has no compute host cmp9: correct"),
    ("SourceHost", replace(LIVE, source_host="cmp9"), replace(FINE, past_hosts=frozenset({"cmp9"})), WARN, "moved"),
    ("SourceHost", replace(LIVE, source_host="CMP1"), FINE, FAIL, "but cmp1, which differs by its case"),
    ("SourceHost", replace(LIVE, source_host="cmp1.x.org"), FINE, FAIL, "but cmp1, which differs by its domain"),
    ("SourceHost", replace(LIVE, source_host="CMP1"), UNLISTED, FAIL, "CMP1 differs from it by its case only"),
    ("SourceHost", replace(LIVE, source_host="cmp9"), UNLISTED, WARN, "such a host could not be checked"),
    ("SourceHost", replace(LIVE, source_host="cmp9", destination_host="cmp1"), FINE, WARN, "nothing would be sent"),
    ("SourceHost", replace(LIVE, source_host="off", destination_host="cmp2"), FINE, FAIL, "not on off: correct"),
    ("SourceHost", replace(LIVE, source_host="cmp9", destination_host="cmp2"), FINE, FAIL, "no compute host cmp9"),
    ("SourceService", LIVE, FINE, PASS, "is up"),
    ("SourceService", LIVE, HIDDEN, SKIPPED, "see no hosts"),
    ("SourceService", LIVE, server(host="dead"), FAIL, "dead is down"),
    ("SourceService", LIVE, server(host="gone"), FAIL, "gone is down"),
    ("SourceService", LIVE, server(host="off"), PASS, "disabled"),
    ("SourceService", LIVE, replace(FINE, hosts=None), SKIPPED, "whether hosts are up"),
    ("DestinationHost", LIVE, FINE, PASS, "scheduler"),
    ("DestinationHost", replace(LIVE, destination_host="cmp2"), FINE, PASS, "up and enabled"),
    ("DestinationHost", replace(LIVE, destination_host="cmp1"), FINE, WARN, "already is on cmp1"),
    ("DestinationHost", replace(LIVE, destination_host="cmp9"), FINE, FAIL, "no compute host cmp9"),
    ("DestinationHost", replace(LIVE, destination_host="Cmp2"), FINE, FAIL, "but cmp2, which differs by its case"),
    ("DestinationHost", replace(LIVE, destination_host="off"), FINE, FAIL, "enable it"),
    ("DestinationHost", replace(LIVE, destination_host="dead"), FINE, FAIL, "is down"),
    ("DestinationHost", replace(LIVE, destination_host="cmp2"), HIDDEN, SKIPPED, "see no hosts"),
    ("DestinationHost", replace(LIVE, destination_host="cmp2"), replace(FINE, hosts=None), SKIPPED, "whether hosts"),
    ("Following", LIVE, FINE, PASS, "of the whole cloud"),
    ("Following", LIVE, replace(FINE, scope=Scope.PROJECT), PASS, "of their own project"),
    ("Following", LIVE, replace(FINE, scope=Scope.UNKNOWN), WARN, "server and actions"),
    ("Following", LIVE, replace(FINE, may_read_progress=False), WARN, "percentage"),
    ("Following", COLD, replace(FINE, may_read_progress=False), PASS, "whole cloud"),
]


@pytest.mark.parametrize(
    ("name", "job", "facts", "result", "words"),
    ROWS,
    ids=[f"{number} {row[0]} {row[3]}" for number, row in enumerate(ROWS, 1)],
)
def test_a_check_says_what_it_found(name: str, job: Job, facts: Facts, result: CheckResult, words: str) -> None:
    (found,) = [one for one in check(job, facts) if one.check == name]

    assert found.result is result
    assert words in (found.message or "")


def test_without_a_server_nothing_about_it_passes() -> None:
    found = check(replace(LIVE, destination_host="cmp2"), replace(FINE, server=None, missing="gone", hosts=None))

    assert {one.check for one in found if one.result is PASS} == {"ApiVersion", "Rights", "Following"}


def test_checks_of_a_name_point_at_the_name() -> None:
    found = check(Job(server_id="s", server_name="vm"), FINE)

    assert {one.path for one in found if one.check in ("Server", "ServerState")} == {"spec.server.name"}


def test_a_message_fits_the_status_whatever_the_names() -> None:
    long = "x" * 255
    found = check(replace(LIVE, source_host=long, destination_host=long), server(name=long, host="y" * 255))

    assert all(len(one.message or "") <= 1024 for one in found)


def looked(upstream: Upstream, newest: str, job: Job, **bodies: Any) -> dict[str, CheckResult]:  # noqa: ANN401 - JSON
    """Return what is not ``Pass`` on a scripted cloud."""
    row = {"id": SERVER_ID, "name": "vm", "status": "ACTIVE", "OS-EXT-SRV-ATTR:host": "cmp1"}
    usual: dict[str, Any] = {
        SERVER_ID.replace("-", "_"): {"server": row},
        "detail": {"servers": [row]},
        "os_migrations": {"migrations": []},
        "migrations": {"migrations": []},
        "os_services": {"services": [{"host": "cmp1", "state": "up", "status": "enabled"}]},
    }
    speak(upstream, newest, **usual | bodies)
    found = ask(upstream, lambda backend: backend.preflight(job))
    assert all(seen.startswith("GET ") for seen in upstream.seen)
    return {one.check: one.result for one in found if one.result is not PASS}


LOOKED = {"Server", "ServerState", "Migrations", "HostVisibility", "SourceHost", "SourceService", "Rights"}


def test_a_server_that_may_not_be_read_is_skipped_with_all_that_hangs_on_it(upstream: Upstream) -> None:
    found = looked(upstream, "2.90", Job(server_id=SERVER_ID), **{SERVER_ID.replace("-", "_"): 403})

    assert found == dict.fromkeys(LOOKED, SKIPPED)


def test_a_server_that_is_not_there_fails(upstream: Upstream) -> None:
    gone = answer(404, b'{"itemNotFound": {"code": 404, "message": "Instance could not be found."}}')

    found = looked(upstream, "2.90", Job(server_id=SERVER_ID), **{SERVER_ID.replace("-", "_"): gone})

    assert found == dict.fromkeys(LOOKED, SKIPPED) | {"Server": FAIL}


def test_a_cloud_that_fails_fails_no_check(upstream: Upstream) -> None:
    for word in ("os_services", "os_migrations", "migrations", SERVER_ID.replace("-", "_")):
        with pytest.raises(Transient):
            looked(upstream, "2.90", Job(server_id=SERVER_ID), **{word: 503})


def test_an_old_cloud_is_asked_for_no_more_than_it_has(upstream: Upstream) -> None:
    job = Job(server_name="vm", destination_host="cmp1", kind=MoveKind.COLD)

    assert looked(upstream, "2.1", job) == {"ApiVersion": FAIL, "Rights": SKIPPED, "DestinationHost": WARN}
