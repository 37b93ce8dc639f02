"""Hosts of the real Nova: all that is on them is found, a failure proves nothing, only our own disable is undone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from lab.nova import NovaLab
from lab.waiting import eventually
from nova_support import GRANTED, PATIENT, Told, change_service, connected, idle, record_in
from osmig.domain.errors import Absent, NotPermitted, OutcomeUnknown, Transient
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.servers.nova import compute_hosts
from osmig.drivers.servers.views import Job
from osmig.net.bounds import Timeouts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from osmig.domain.plans.sweeps import HostSweep, ServiceRow
    from osmig.drivers.hosts import HostBackend

MARKER = "osmig/prod/drain-rack1/0a1b2c3d:"
REASON = f"{MARKER} CHG0031337 firmware"


@pytest.fixture(scope="module")
def cloud() -> Iterator[NovaLab]:
    """A Nova that gives at most 2 rows per page, and keeps deleted servers for an hour."""
    options = ("--max-limit", "2", "--reclaim-interval", "3600", "--service-down-time", "60")
    with NovaLab(*options, computes=("full", "empty", "spare", "off")) as lab:
        yield lab


@pytest.fixture(autouse=True)
def no_faults(cloud: NovaLab) -> Iterator[None]:
    """Faults are gone after each test."""
    yield
    cloud.control.clear_faults()


def ask(
    cloud: NovaLab,
    story: Callable[[HostBackend], Awaitable[Any]],
    *,
    user: str = "operator",
    told: Told | None = None,
    timeouts: Timeouts = PATIENT,
) -> Any:  # noqa: ANN401 - whatever the story returns
    """Ask the port as one of the lab's users."""

    async def run() -> Any:  # noqa: ANN401
        async with connected(cloud, user, told=told, timeouts=timeouts) as backend:
            return await story(backend.compute_hosts)

    return asyncio.run(run())


def sweep(cloud: NovaLab, host: str, **options: Any) -> HostSweep:  # noqa: ANN401
    """Look at one host."""
    found: HostSweep = ask(cloud, lambda hosts: hosts.sweep_host(host), **options)
    return found


async def find_server(hosts: HostBackend, server_id: str) -> Any:  # noqa: ANN401
    """Read one server."""
    return await hosts.find_server(server_id)


def service_of(cloud: NovaLab, host: str) -> ServiceRow:
    """Read the one service of a host."""
    (row,) = ask(cloud, lambda hosts: hosts.service(host))
    found: ServiceRow = row
    return found


@pytest.fixture(scope="module")
def crowd(cloud: NovaLab) -> dict[str, str]:
    """Five servers on one host, by name: plain ones, one shut off, one soft-deleted."""
    found = {name: cloud.boot(name, host="full") for name in ("plain-1", "plain-2", "plain-3", "off-1", "deleted-1")}
    cloud.nova.post(f"/servers/{found['off-1']}/action", {"os-stop": None})
    cloud.nova.delete(f"/servers/{found['deleted-1']}")
    eventually(lambda: cloud.nova.server(found["off-1"])["status"] == "SHUTOFF", what="shut off")
    return found


def test_a_sweep_finds_every_server_of_a_host_on_all_pages(cloud: NovaLab, crowd: dict[str, str]) -> None:
    told: Told = []
    seen = sweep(cloud, "full", told=told)

    assert seen.problem == ""
    assert seen.is_complete
    assert {row.name: (row.id, row.status) for row in seen.servers} == {
        name: (server, {"off-1": "SHUTOFF", "deleted-1": "SOFT_DELETED"}.get(name, "ACTIVE"))
        for name, server in crowd.items()
    }
    assert [row.name for row in seen.servers if row.is_soft_deleted] == ["deleted-1"]
    assert {row.host for row in seen.servers} == {"full"}
    assert {row.memory_mib for row in seen.servers} == {512}
    assert {row.is_locked for row in seen.servers} == {False}
    assert all(row.project_id and row.created is not None for row in seen.servers)
    assert seen.service is not None
    assert (seen.service.is_up, seen.service.is_enabled, seen.service.zone) == (True, True, "nova")
    requests = [operation for _, operation, _ in told if operation.startswith("list-")]
    assert requests == ["list-hosts", *3 * ["list-host-servers"], "list-host-migrations"]


def test_a_misspelt_host_has_no_service_and_no_proof(cloud: NovaLab) -> None:
    seen = sweep(cloud, "ful")
    assert (seen.services, seen.service) == ((), None)
    assert seen.servers == ()


def test_a_cold_move_that_awaits_confirmation_shows_at_its_source(cloud: NovaLab) -> None:
    server = cloud.boot("moved", host="spare")

    async def move() -> None:
        async with connected(cloud) as backend:
            await backend.start(Job(server_id=server, kind=MoveKind.COLD, destination_host="empty"), GRANTED)
            await record_in(backend, server, "finished")

    asyncio.run(move())
    source, destination = sweep(cloud, "spare"), sweep(cloud, "empty")
    assert source.servers == ()
    assert [(row.server_id, row.stage, row.source_host) for row in source.moves] == [
        (server, Stage.AWAITING_CONFIRMATION, "spare")
    ]
    assert [row.id for row in destination.servers] == [server]

    cloud.nova.post(f"/servers/{server}/action", {"confirmResize": None})

    async def arrive() -> None:
        async with connected(cloud) as backend:
            await idle(backend, server)

    asyncio.run(arrive())
    assert sweep(cloud, "spare").moves == ()


def test_a_move_under_way_shows_at_both_its_hosts(cloud: NovaLab) -> None:
    server = cloud.boot("moves", host="empty", plan="hang,memory=64")
    cloud.nova.live_migrate(server, host="spare")
    eventually(lambda: any(run["server"] == server for run in cloud.control.runs()), what="the move runs")
    for host in ("empty", "spare"):
        assert [row.server_id for row in sweep(cloud, host).moves if row.server_id == server] == [server], host
    cloud.control.steer(server, "finish")
    eventually(lambda: cloud.nova.server(server)["OS-EXT-SRV-ATTR:host"] == "spare", what="it has moved")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/os-services", {"status": 500}),
        ("/servers/detail", {"status": 503}),
        ("/servers/detail", {"action": "cut", "when": "after"}),
        ("/servers/detail.*marker=", {"status": 500}),
        ("/os-migrations", {"status": 500}),
        ("/os-migrations", {"status": 403}),
        ("/servers/detail", {"status": 200, "body": {"servers": [{"name": "no id"}]}}),
        ("/servers/detail", {"status": 200, "body": {"servers": [{"id": "a"}, {"name": "no id"}]}}),
        ("/servers/detail", {"status": 200, "body": {}}),
        ("/os-migrations", {"status": 200, "body": {"migrations": [{"id": 1}, {}]}}),
        ("/os-migrations", {"status": 200, "body": {"migrations": [{"id": 1}], "migrations_links": [{"rel": "next"}]}}),
    ],
)
def test_an_answer_that_fails_or_is_odd_never_proves_that_a_host_is_empty(
    cloud: NovaLab, crowd: dict[str, str], path: str, fault: dict[str, Any]
) -> None:
    assert crowd
    cloud.control.fault(path=path, count=0, **fault)
    seen = sweep(cloud, "full")
    assert not seen.is_complete
    assert seen.problem


def test_rows_of_a_cell_that_does_not_answer_are_not_trusted(cloud: NovaLab) -> None:
    # as Nova itself says them since 2.69: no more than that they are there
    silent = {"id": str(uuid4()), "status": "UNKNOWN", "tenant_id": "lab", "created": "2026-11-01T00:00:00Z"}
    cloud.control.fault(path="/servers/detail", status=200, body={"servers": [silent]})
    assert "cell" in sweep(cloud, "full").problem
    services = [{"binary": "nova-compute", "host": "full", "status": "UNKNOWN"}]
    cloud.control.fault(path="/os-services", status=200, body={"services": services})
    seen = sweep(cloud, "full")
    assert "cell" in seen.problem
    assert [row.is_up for row in seen.services] == [None]


def test_rows_of_another_host_make_a_sweep_worth_nothing(cloud: NovaLab, crowd: dict[str, str]) -> None:
    rows = cloud.nova.get("/servers/detail?all_tenants=1&host=full&limit=1")["servers"]
    assert crowd
    for host in ("empty", None):
        cloud.control.fault(
            path="/servers/detail", status=200, body={"servers": [rows[0] | {"OS-EXT-SRV-ATTR:host": host}]}
        )
        assert not sweep(cloud, "full").is_complete, host


def test_a_look_at_a_project_finds_its_servers_on_all_hosts_and_pages_and_no_others(
    cloud: NovaLab, crowd: dict[str, str]
) -> None:
    foreign, mine = cloud.boot("foreign", user="other"), cloud.nova.server(crowd["plain-1"])["tenant_id"]
    sweep = ask(cloud, lambda hosts: hosts.sweep_project(mine))
    assert (sweep.problem, sweep.is_complete) == ("", True)
    found = {row.id: row for row in sweep.servers}
    assert set(crowd.values()) <= set(found)
    assert foreign not in found
    assert found[crowd["deleted-1"]].is_soft_deleted
    assert {row.host for row in sweep.servers} >= {"full"}
    other = ask(cloud, lambda hosts: hosts.sweep_project(cloud.nova.server(foreign)["tenant_id"]))
    assert [row.id for row in other.servers] == [foreign]
    assert ask(cloud, lambda hosts: hosts.sweep_project("00" * 16)).servers == ()
    cloud.nova.post(f"/servers/{foreign}/action", {"forceDelete": None})


@pytest.mark.parametrize("user", ["manager", "reader"])
def test_who_may_not_list_all_projects_gets_no_look_at_one(cloud: NovaLab, crowd: dict[str, str], user: str) -> None:
    project_id = cloud.nova.server(crowd["plain-1"])["tenant_id"]
    sweep = ask(cloud, lambda hosts: hosts.sweep_project(project_id), user=user)
    assert (sweep.servers, sweep.is_complete) == ((), False)
    assert "forbids" in sweep.problem


def test_a_manager_gets_the_servers_of_the_own_project_with_anonymous_hosts(
    cloud: NovaLab, crowd: dict[str, str]
) -> None:
    foreign, mine = cloud.boot("foreign-2", user="other"), cloud.nova.server(crowd["plain-1"])["tenant_id"]
    sweep = ask(cloud, lambda hosts: hosts.sweep_project(mine, is_own=True), user="manager")
    seen = {row.id: row for row in sweep.servers}
    assert (sweep.problem, sweep.is_complete) == ("", True)
    assert set(crowd.values()) - {crowd["deleted-1"]} <= set(seen)
    assert foreign not in seen
    assert crowd["deleted-1"] not in seen, "only an administrator is shown what is deleted softly"
    assert {row.host for row in seen.values()} == {None}
    assert seen[crowd["plain-1"]].host_id == cloud.nova.server(crowd["plain-1"])["hostId"] != ""
    # another project's is none of it: whose list this is shows in its rows
    theirs = cloud.nova.server(foreign)["tenant_id"]
    assert not ask(cloud, lambda hosts: hosts.sweep_project(theirs, is_own=True), user="manager").is_complete
    assert ask(cloud, lambda hosts: hosts.list_groups(), user="manager") is not None
    cloud.nova.post(f"/servers/{foreign}/action", {"forceDelete": None})


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 200, "body": {"servers": [{"id": "a", "status": "UNKNOWN"}]}}]
)
def test_a_look_at_a_project_that_fails_proves_nothing(
    cloud: NovaLab, crowd: dict[str, str], fault: dict[str, Any]
) -> None:
    project_id = cloud.nova.server(crowd["plain-1"])["tenant_id"]
    cloud.control.fault(path="/servers/detail", count=0, **fault)
    sweep = ask(cloud, lambda hosts: hosts.sweep_project(project_id))
    assert not sweep.is_complete
    assert sweep.problem


def test_a_server_is_read_as_the_lists_show_it_and_one_that_is_not_there_is_none(
    cloud: NovaLab, crowd: dict[str, str]
) -> None:
    listed = {row.id: row for row in sweep(cloud, "full").servers}
    for name in ("plain-1", "off-1", "deleted-1"):
        assert ask(cloud, partial(find_server, server_id=crowd[name])) == listed[crowd[name]]
    assert ask(cloud, lambda hosts: hosts.find_server("00000000-0000-4000-8000-000000000000")) is None


@pytest.mark.parametrize(
    "body",
    [
        {"server": {"id": "00000000-0000-4000-8000-000000000000", "status": "ACTIVE"}},
        {"server": {"id": "another", "status": "ACTIVE"}},
        {"server": {"status": "ACTIVE"}},
        {"server": {"id": "{id}", "status": "UNKNOWN"}},
        {},
    ],
    ids=["another", "no uuid", "no id", "a silent cell", "nothing"],
)
def test_an_odd_answer_about_a_server_is_neither_it_nor_its_absence(
    cloud: NovaLab, crowd: dict[str, str], body: dict[str, Any]
) -> None:
    server_id = crowd["plain-1"]
    if body.get("server", {}).get("id") == "{id}":
        body = {"server": body["server"] | {"id": server_id}}
    cloud.control.fault(path=f"/servers/{server_id}", status=200, body=body)
    with pytest.raises(Transient):
        ask(cloud, lambda hosts: hosts.find_server(server_id))


@pytest.mark.parametrize("user", ["manager", "member", "reader"])
def test_who_may_not_see_hosts_gets_no_sweep_of_one(cloud: NovaLab, user: str) -> None:
    seen = sweep(cloud, "full", user=user)
    assert "forbids" in seen.problem
    with pytest.raises(NotPermitted):
        ask(cloud, lambda hosts: hosts.list_hosts(), user=user)


def test_a_host_is_disabled_with_our_marker_and_enabled_only_while_that_is_there(cloud: NovaLab) -> None:
    before = service_of(cloud, "off")
    mark = cloud.control.request_mark()

    disabled = ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED))
    assert (disabled.is_enabled, disabled.disabled_reason) == (False, REASON)
    assert disabled == service_of(cloud, "off")

    again = ask(cloud, lambda hosts: hosts.disable(before, f"{MARKER} another text", GRANTED))
    assert again.disabled_reason == REASON
    others = ask(cloud, lambda hosts: hosts.enable(before, "osmig/prod/other/11111111:", GRANTED))
    assert (others.is_enabled, others.disabled_reason) == (False, REASON)

    enabled = ask(cloud, lambda hosts: hosts.enable(before, MARKER, GRANTED))
    assert (enabled.is_enabled, enabled.disabled_reason) == (True, "")
    ask(cloud, lambda hosts: hosts.enable(before, MARKER, GRANTED))

    puts = [request for request in cloud.control.requests(since=mark) if request["method"] == "PUT"]
    assert len(puts) == 2


def test_a_host_that_somebody_else_disabled_is_left_alone(cloud: NovaLab) -> None:
    before = service_of(cloud, "off")
    change_service(cloud, "off", status="disabled", disabled_reason="watcher_maintaining")
    mark = cloud.control.request_mark()
    seen = ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED))
    assert (seen.is_enabled, seen.disabled_reason) == (False, "watcher_maintaining")
    seen = ask(cloud, lambda hosts: hosts.enable(before, MARKER, GRANTED))
    assert not seen.is_enabled
    assert [request for request in cloud.control.requests(since=mark) if request["method"] == "PUT"] == []
    change_service(cloud, "off", status="enabled")


@pytest.mark.parametrize("fault", [{"action": "cut"}, {"action": "delay", "delay": 25}, {"status": 504}])
def test_an_order_whose_answer_is_lost_is_read_back(cloud: NovaLab, fault: dict[str, Any]) -> None:
    before = service_of(cloud, "off")
    cloud.control.fault(path="/os-services/", method="PUT", when="after", **fault)
    short = Timeouts(connect_s=5, read_s=10)
    seen = ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED), timeouts=short)
    assert (seen.is_enabled, seen.disabled_reason) == (False, REASON)
    ask(cloud, lambda hosts: hosts.enable(before, MARKER, GRANTED))


def test_an_order_to_a_compute_that_died_is_waited_for_no_longer_than_its_own_time(
    cloud: NovaLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compute_hosts.CHANGE_S == 30.0
    monkeypatch.setattr(compute_hosts, "CHANGE_S", 1.0)
    before = service_of(cloud, "off")
    cloud.control.fault(path="/os-services/", method="PUT", when="after", action="delay", delay=12)
    mark = cloud.control.request_mark()
    seen = ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED))
    (put,) = (request for request in cloud.control.requests(since=mark) if request["method"] == "PUT")
    assert put["status"] is None, "nobody waited for its answer"
    assert seen.disabled_reason == REASON
    ask(cloud, lambda hosts: hosts.enable(before, MARKER, GRANTED))


def test_an_order_of_which_nothing_can_be_learned_is_of_unknown_outcome(cloud: NovaLab) -> None:
    before = service_of(cloud, "off")
    cloud.control.fault(path="/os-services/", method="PUT", when="after", action="cut")
    cloud.control.fault(path=r"/os-services\?", skip=1, count=0, status=503)
    with pytest.raises(OutcomeUnknown):
        ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED))
    cloud.control.clear_faults()
    assert not ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED)).is_enabled
    assert ask(cloud, lambda hosts: hosts.enable(before, MARKER, GRANTED)).is_enabled


def test_a_service_that_was_made_anew_is_not_the_one_that_was_meant(cloud: NovaLab) -> None:
    before = replace(service_of(cloud, "off"), id="00000000-0000-0000-0000-000000000000")
    with pytest.raises(Absent):
        ask(cloud, lambda hosts: hosts.disable(before, REASON, GRANTED))


def test_server_groups_come_with_policy_and_members_on_all_pages(cloud: NovaLab, crowd: dict[str, str]) -> None:
    assert crowd
    wanted = {}
    for number, policy in enumerate(("affinity", "anti-affinity", "soft-affinity")):
        body = {"server_group": {"name": f"group-{number}", "policy": policy}}
        group = cloud.nova.post("/os-server-groups", body)["server_group"]["id"]
        wanted[group] = (f"group-{number}", policy, {cloud.boot(f"member-{number}", host="empty", group=group)})
    found = ask(cloud, lambda hosts: hosts.list_groups())
    assert {row.id: (row.name, row.policy, set(row.members)) for row in found} == wanted
    for _, _, members in wanted.values():
        for server in members:
            cloud.nova.delete(f"/servers/{server}")


def test_hosts_come_with_zone_aggregates_and_free_memory(cloud: NovaLab) -> None:
    aggregate = cloud.nova.post("/os-aggregates", {"aggregate": {"name": "rack1", "availability_zone": "az1"}})
    path = f"/os-aggregates/{aggregate['aggregate']['id']}/action"
    cloud.nova.post(path, {"add_host": {"host": "off"}})
    found = {row.name: row for row in ask(cloud, lambda hosts: hosts.list_hosts())}
    assert set(found) == {"full", "empty", "spare", "off"}
    assert (found["off"].zone, found["off"].aggregates) == ("az1", ("rack1",))
    assert (found["spare"].zone, found["spare"].aggregates) == ("nova", ())
    assert all(row.is_up and row.is_enabled and (row.free_memory_mib or 0) > 0 for row in found.values())
    cloud.nova.post(path, {"remove_host": {"host": "off"}})


def test_a_compute_that_is_down_shows_so(cloud: NovaLab) -> None:
    change_service(cloud, "off", forced_down=True)
    row = service_of(cloud, "off")
    assert (row.is_up, row.is_forced_down) == (False, True)
    change_service(cloud, "off", forced_down=False)
