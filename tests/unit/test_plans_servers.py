"""Servers that a plan names, by their ids or their project, are moved once each, wherever they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from osmig.api.meta import to_wire
from osmig.api.names import MigrationType, Phase
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.capabilities import Capability
from osmig.domain.observation import ProviderView
from osmig.domain.plans import target_sweeps
from osmig.domain.plans.decisions import CreateChild, DisableService, OrderChild
from osmig.domain.plans.sweeps import GroupRow
from plan_world import START, PlanWorld, server, server_id

PROJECT = {"targets": {"projectID": "77"}}
HOSTS = ("cmp1", "cmp2", "cmp9")


def listed(*numbers: int) -> dict[str, Any]:
    """Name servers by their ids."""
    return {"targets": {"servers": [{"id": server_id(number)} for number in numbers]}}


def told(world: PlanWorld) -> tuple[str, str]:
    """Return phase and reason."""
    return world.phase, str(next(one.reason for one in world.status.conditions if one.type == "Succeeded"))


def targets_of(world: PlanWorld) -> dict[str, str | None]:
    """Return the source host of each Migration by the id of its server."""
    return {child.server_id: child.source_host for child in world.children.values()}


def two_hosts(**more: Any) -> list[Any]:  # noqa: ANN401 - fields of servers
    """Make two servers of project 77 on two hosts, and one of somebody else."""
    return [server(1, **more), server(2, host="cmp2", **more), server(3, project_id="88")]


@pytest.mark.parametrize("spec", [PROJECT, listed(1, 2)], ids=["project", "ids"])
def test_servers_are_moved_wherever_they_are_and_nothing_else_is(spec: dict[str, Any]) -> None:
    world = PlanWorld(spec=spec, servers=two_hosts(), hosts=HOSTS)

    world.run()

    assert told(world) == (PlanPhase.SUCCEEDED, PlanReason.SUCCEEDED)
    assert targets_of(world) == {server_id(1): "cmp1", server_id(2): "cmp2"}
    assert world.status.progress_text == "2/2"
    assert (world.status.hosts, world.status.hosts_text) == ((), None)
    assert world.made(DisableService) == []
    assert "Drained" not in {one.type for one in world.status.conditions}


def test_a_server_that_was_moved_is_not_moved_again_though_it_is_still_there() -> None:
    world = PlanWorld(spec=PROJECT, servers=two_hosts(), hosts=HOSTS)
    world.step()
    world.end(world.find(1).name)
    for _ in range(3):
        world.wait()
        world.step()
        world.restart()
    assert len(world.made(CreateChild)) == 2
    assert world.status.counts.succeeded == 1


def test_a_server_that_is_off_is_moved_cold() -> None:
    world = PlanWorld(spec=PROJECT, servers=[server(1, status="SHUTOFF")])
    world.step()
    assert world.find(1).type is MigrationType.COLD_MIGRATION


def test_an_id_that_is_no_servers_is_blocked_and_holds_nothing_up() -> None:
    world = PlanWorld(spec=listed(1, 5), servers=[server(1)])

    world.run()

    assert told(world) == (PlanPhase.FAILED, PlanReason.SERVERS_LEFT)
    assert world.status.progress_text == "1/2"
    (row,) = world.status.preview.not_plain
    assert (row.server_id, row.verdict, row.reason, row.host) == (server_id(5), "Blocked", "ServerNotFound", None)
    assert "1 blocked" in next(one.message for one in world.status.conditions if one.type == "Succeeded")


@pytest.mark.parametrize(
    "world",
    [
        PlanWorld(spec=listed(5)),
        PlanWorld(spec=listed(1), servers=[server(1, status="ERROR")]),
        PlanWorld(spec={}, servers=[server(1, status="ERROR")]),
    ],
    ids=["no server", "server in ERROR", "host with a server in ERROR"],
)
def test_a_plan_that_can_move_nothing_ends_at_once(world: PlanWorld) -> None:
    world.step()
    assert told(world) == (PlanPhase.FAILED, PlanReason.SERVERS_LEFT)
    assert world.notes == ["PlanStarted", "NoExpiry", "PlanFinished"]


@pytest.mark.parametrize("how", ["exclude", "skip"])
def test_an_id_that_is_no_servers_may_be_left_out(how: str) -> None:
    exclude = {"exclude": [{"serverID": server_id(5), "reason": "gone"}]} if how == "exclude" else {}
    world = PlanWorld(spec=listed(1, 5) | exclude, servers=[server(1)])
    if how == "skip":
        world.order(PlanVerb.SKIP, server_id(5))

    world.run()

    assert told(world) == (PlanPhase.SUCCEEDED, PlanReason.MOVED_ALL_SELECTED)
    assert world.status.counts.skipped == 1


@pytest.mark.parametrize("mode", ["Execute", "Validate"])
def test_a_project_without_servers_may_be_misspelt_and_does_not_succeed(mode: str) -> None:
    world = PlanWorld(spec={"targets": {"projectID": "7"}, "mode": mode}, servers=two_hosts())
    world.step()
    assert told(world) == (PlanPhase.FAILED, PlanReason.SERVER_NOT_FOUND)
    assert "startTime" not in world.status.model_dump(by_alias=True, exclude_none=True)


def test_only_a_complete_look_begins_or_ends_a_plan() -> None:
    world = PlanWorld(spec=PROJECT, servers=two_hosts(), hosts=HOSTS, problem="a cell of the cloud did not answer")
    world.step()
    assert told(world) == (PlanPhase.WAITING, PlanReason.INCOMPLETE_SWEEP)
    world.problem = ""
    world.wait()
    world.step()
    assert len(world.children) == 2
    world.problem = "the cloud answered 503"
    for child in list(world.children):
        world.end(child)
    world.wait()
    world.step()
    assert told(world) == (PlanPhase.VERIFYING, PlanReason.VERIFYING)
    assert "503" in next(one.message for one in world.status.conditions if one.type == "Succeeded")
    world.problem = ""
    world.wait()
    world.step()
    assert told(world) == (PlanPhase.SUCCEEDED, PlanReason.SUCCEEDED)


def test_nothing_is_begun_from_a_look_that_failed() -> None:
    world = PlanWorld(spec=PROJECT | {"limits": {"maxInFlight": 1}}, servers=two_hosts(), hosts=HOSTS)
    world.step()
    world.end(next(iter(world.children)))
    world.problem = "the cloud answered 503"
    world.wait()
    world.step()
    assert len(world.children) == 1
    # nor from one that shows servers of another project
    world.problem = ""
    world.wait()
    world.servers[0] = replace(world.servers[0], project_id="77")
    world.target_sweep = replace(
        world.look_at_servers(), servers=(server(3, project_id="88"),), started_s=world.clock_s
    )
    world.step()
    assert len(world.children) == 1
    assert "other projects" in next(one.message for one in world.status.conditions if one.type == "Reconciling")


def test_a_server_that_comes_to_the_project_joins() -> None:
    world = PlanWorld(spec=PROJECT, servers=[server(1)])
    world.step()
    world.servers.append(server(2))
    world.run()
    assert told(world) == (PlanPhase.SUCCEEDED, PlanReason.SUCCEEDED)
    assert world.status.counts.joined == 1


@pytest.mark.parametrize(
    ("limits", "begun"),
    [
        ({"maxInFlight": 1}, 1),
        ({"maxInFlightPerSourceHost": 1}, 2),
        ({"maxInFlightPerProject": 1}, 2),
        ({}, 3),
    ],
    ids=["all", "source", "project", "group"],
)
def test_limits_hold_wherever_servers_are(limits: dict[str, int], begun: int) -> None:
    servers = [server(1), server(2), server(3, host="cmp2", project_id="88"), server(4, host="cmp2", project_id="88")]
    group = GroupRow(id="g", name="g", policy="anti-affinity", members=frozenset({server_id(1), server_id(3)}))
    world = PlanWorld(
        spec=listed(1, 2, 3, 4) | {"limits": limits},
        servers=servers,
        hosts=HOSTS,
        groups=[] if limits else [group],
    )
    world.step()
    assert len(world.children) == begun


def test_members_of_a_group_need_a_host_that_is_not_their_own() -> None:
    apart = frozenset({server_id(1), server_id(2)})
    group = GroupRow(id="g", name="g", policy="anti-affinity", members=apart)
    servers = [server(1), server(2, host="cmp9")]
    world = PlanWorld(spec=PROJECT, servers=servers, groups=[group])
    world.step()
    reasons = {row.server_id: row.reason for row in world.status.preview.not_plain}
    assert reasons == dict.fromkeys(apart, "AntiAffinityGroupFull")


def test_a_host_that_does_not_report_is_waited_for() -> None:
    world = PlanWorld(spec=PROJECT, servers=two_hosts(), hosts=HOSTS)
    world.services["cmp2"] = replace(world.services["cmp2"], is_up=False)
    world.step()
    assert targets_of(world) == {server_id(1): "cmp1"}
    assert next(row.reason for row in world.status.preview.not_plain) == PlanReason.HOST_DOWN


def test_a_server_whose_host_is_hidden_is_blocked() -> None:
    world = PlanWorld(spec=PROJECT, servers=[server(1, host=None)])
    world.run()
    assert told(world) == (PlanPhase.FAILED, PlanReason.SERVERS_LEFT)
    assert world.status.preview.not_plain[0].reason == PlanReason.HOSTS_NOT_VISIBLE


MANAGER = ProviderView(is_ready=True, capabilities=frozenset({Capability.LIVE_MIGRATION}), project_id="77")


@pytest.mark.parametrize(
    ("spec", "provider"),
    [
        (PROJECT, replace(MANAGER, capabilities=frozenset())),
        (PROJECT, replace(MANAGER, project_id="88")),
        (PROJECT, replace(MANAGER, project_id=None)),
        (listed(1), replace(MANAGER, capabilities=frozenset())),
        (PROJECT | {"template": {"placement": {"destinationHost": "cmp9"}}}, MANAGER),
    ],
    ids=["no right to move", "another project", "an unknown project", "no right to move what is listed", "a host"],
)
def test_credentials_that_see_no_hosts_begin_nothing_and_say_why(spec: dict[str, Any], provider: ProviderView) -> None:
    world = PlanWorld(spec=spec, servers=two_hosts(), provider=provider)
    world.step()
    assert told(world) == (PlanPhase.WAITING, PlanReason.HOSTS_NOT_VISIBLE)
    text = next(one.message for one in world.status.conditions if one.type == "Stalled")
    assert "where servers are" in text
    assert "for servers of their own project a manager's" in text


def hidden(number: int, host: int = 1, **more: Any) -> Any:  # noqa: ANN401 - fields of servers
    """Make a server as a manager sees it: its host has no name."""
    return server(number, host=None, host_id=f"{host:056x}", **more)


@pytest.mark.parametrize("spec", [PROJECT, listed(1, 2)], ids=["project", "ids"])
@pytest.mark.parametrize("capability", [Capability.LIVE_MIGRATION, Capability.COLD_MIGRATION])
def test_a_manager_moves_the_servers_of_the_own_project_each_away_from_where_it_was(
    spec: dict[str, Any], capability: Capability
) -> None:
    provider = replace(MANAGER, capabilities=frozenset({capability}))
    world = PlanWorld(spec=spec, servers=[hidden(1), hidden(2, host=2)], provider=provider)

    world.run()

    assert told(world) == (PlanPhase.SUCCEEDED, PlanReason.SUCCEEDED)
    placements = {order.spec.server_id: to_wire(order.spec)["placement"] for order in world.made(CreateChild)}
    assert placements == {server_id(n): {"sourceHostID": f"{n:056x}"} for n in (1, 2)}
    assert world.status.progress_text == "2/2"
    assert world.cloud_hosts is None, "hosts are not asked for"
    assert world.status.preview.free_memory_mib is None


def test_servers_on_one_hidden_host_leave_it_no_more_at_once_than_the_limit_says() -> None:
    servers = [hidden(1), hidden(2), hidden(3), hidden(4, host=2)]
    world = PlanWorld(spec=PROJECT, servers=servers, provider=MANAGER)
    world.step()
    assert targets_of(world) == {server_id(n): f"{host:056x}" for n, host in ((1, 1), (2, 1), (4, 2))}


def test_a_preview_is_another_one_when_a_server_is_on_another_hidden_host() -> None:
    world = PlanWorld(spec=PROJECT | {"approval": "Manual"}, servers=[hidden(1)], provider=MANAGER)
    world.step()
    before = world.status.preview.hash
    world.servers = [hidden(1, host=2)]
    world.wait()
    world.step()
    assert world.status.preview.hash != before


def test_what_a_manager_may_not_move_is_blocked() -> None:
    servers = [hidden(1, is_locked=True), server(2, host=None), hidden(3)]
    world = PlanWorld(spec=PROJECT, servers=servers, provider=MANAGER)
    world.run()
    reasons = {row.server_id: row.reason for row in world.status.left}
    assert reasons == {server_id(1): PlanReason.LOCKED, server_id(2): PlanReason.HOSTS_NOT_VISIBLE}


def test_retry_looks_anew_and_moves_what_was_blocked_or_failed() -> None:
    world = PlanWorld(spec=listed(1, 2, 3), servers=[server(1), server(2), server(3, status="ERROR")], hosts=HOSTS)
    world.step()
    world.end(world.find(1).name)
    world.end(world.find(2).name, Phase.FAILED, reason="NoValidHost")
    world.wait()
    world.step()
    assert told(world) == (PlanPhase.FAILED, PlanReason.SERVERS_LEFT)
    world.servers[2] = server(3)
    world.order(PlanVerb.RETRY)
    world.step()
    assert len(world.made(CreateChild)) == 3
    assert [order.name for order in world.made(OrderChild)] == [world.find(2).name]
    world.run()
    assert told(world) == (PlanPhase.SUCCEEDED, PlanReason.SUCCEEDED)


def test_a_plan_that_comes_back_too_late_moves_nothing() -> None:
    schedule = {"schedule": {"notAfterTime": "2026-12-05T20:00:00Z"}}
    world = PlanWorld(spec=PROJECT | schedule, servers=two_hosts())
    world.step()
    assert told(world) == (PlanPhase.EXPIRED, PlanReason.EXPIRED)
    assert world.children == {}


def test_ids_are_read_again_more_seldom_the_more_there_are() -> None:
    world = PlanWorld(spec=listed(*range(100)), servers=[server(number) for number in range(100)])
    assert target_sweeps.period_s(world.plan.spec.targets) == 100.0
    for _ in range(4):
        world.step()
        world.wait()
    assert world.looks == 1
    world.step()
    assert world.looks == 2
    world.order(PlanVerb.RECONCILE)
    world.step()
    assert world.looks == 3


def test_a_look_that_failed_is_made_again_soon() -> None:
    world = PlanWorld(spec=listed(*range(100)), servers=[server(number) for number in range(100)], problem="503")
    world.step()
    assert world.looks == 1
    world.problem = ""
    world.wait()
    world.step()
    assert world.looks == 2
    assert world.status.start_time == world.now > START


def test_a_server_whose_migration_somebody_deleted_after_success_is_not_moved_again() -> None:
    world = PlanWorld(spec=PROJECT | {"limits": {"maxInFlight": 1}}, servers=two_hosts(), hosts=HOSTS)
    world.step()
    world.end(world.find(1).name)
    world.step()
    del world.children[world.find(1).name]
    world.run()
    assert [order.spec.server.id for order in world.made(CreateChild)] == [server_id(1), server_id(2)]
    assert world.status.counts.succeeded == 2
