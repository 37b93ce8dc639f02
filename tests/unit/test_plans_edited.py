"""A plan that is edited, by its users before it begins or in its status by somebody else, is what its spec says."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from osmig.api.names import ConditionStatus, ConditionType
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.api.plan_status import PlanHost
from osmig.domain.conditions import find_condition
from osmig.domain.plans.decisions import CreateChild, DisableService
from plan_samples import plan_body
from plan_world import DISABLE, START, PlanWorld, server

LATER = {"schedule": {"notBeforeTime": "2026-12-05T23:00:00Z"}}
HOSTS = ("cmp1", "cmp2", "cmp9")


def edit(world: PlanWorld, **spec: Any) -> None:  # noqa: ANN401 - any field
    """Edit the plan's spec."""
    world.spec = world.spec | spec
    generation = world.plan.metadata.generation + 1
    edited = parse_plan(plan_body(spec=world.spec, generation=generation))
    world.plan = edited.model_copy(update={"status": world.status})


def write(world: PlanWorld, **status: Any) -> None:  # noqa: ANN401 - any field
    """Let somebody else write into the plan's status."""
    world.plan = world.plan.model_copy(update={"status": world.status.model_copy(update=status)})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"hosts": ["cmp1"]}, {"hosts": ["cmp2"]}),
        ({"aggregate": "rack1"}, {"hosts": ["cmp2"]}),
        ({"hosts": ["cmp1"]}, {"projectID": "78"}),
    ],
    ids=str,
)
def test_targets_that_are_edited_before_the_start_are_those_of_the_plan(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    rows = [server(1), server(2, host="cmp2", project_id="78")]
    world = PlanWorld(spec=LATER | {"targets": before}, servers=rows, hosts=HOSTS)
    world.step()
    edit(world, targets=after)
    world.step()
    assert [host.name for host in world.status.hosts] == after.get("hosts", [])
    world.wait(3 * 3600.0)
    world.step()
    assert [effect.labels["osmig.dev/server-id"] for effect in world.made(CreateChild)] == [rows[1].id]


def approved_world() -> PlanWorld:
    world = PlanWorld(spec=LATER | {"approval": "Manual"}, servers=[server(1), server(2, status="SHUTOFF")])
    world.step()
    world.order(PlanVerb.APPROVE, world.status.preview.hash)
    world.step()
    assert world.status.approved_hash == world.status.preview.hash
    return world


@pytest.mark.parametrize(
    "spec",
    [
        {"rules": [{"name": "stop", "behavior": "Move", "method": "Cold"}]},
        {"targets": {"hosts": ["cmp1", "cmp9"]}},
        {"selector": {"statuses": ["ACTIVE"]}},
    ],
    ids=str,
)
def test_an_approval_is_not_one_of_what_was_edited_afterwards(spec: dict[str, Any]) -> None:
    world = approved_world()
    world.servers.append(server(3, host="cmp9"))
    edit(world, **spec)
    world.wait(3 * 3600.0)
    world.step()
    assert world.phase == PlanPhase.AWAITING_APPROVAL
    assert world.status.approved_hash is None
    assert world.made(CreateChild) == []
    world.order(PlanVerb.APPROVE, world.status.preview.hash)
    world.step()
    assert world.made(CreateChild)


def test_an_approval_stays_when_the_plan_does_the_same() -> None:
    world = approved_world()
    edit(world, limits={"maxInFlight": 1})
    world.wait(3 * 3600.0)
    world.step()
    assert world.phase == PlanPhase.RUNNING
    assert len(world.made(CreateChild)) == 1


def test_servers_that_come_after_the_approval_still_need_none() -> None:
    world = approved_world()
    world.servers.append(server(3))
    world.wait(3 * 3600.0)
    world.step()
    assert world.phase == PlanPhase.RUNNING


def draining_world(**spec: Any) -> PlanWorld:  # noqa: ANN401 - any field
    """Begin to empty two hosts, of which one has two servers."""
    targets = {"targets": {"hosts": ["cmp1", "cmp2"]}}
    world = PlanWorld(spec=DISABLE | targets | spec, servers=[server(1), server(2)], hosts=HOSTS)
    for _ in range(3):
        world.step()
        world.wait(2.0)
    assert world.phase == PlanPhase.RUNNING
    return world


@pytest.mark.parametrize("phase", [PlanPhase.SUCCEEDED, PlanPhase.FAILED, PlanPhase.ABORTED, PlanPhase.EXPIRED])
def test_a_phase_that_somebody_wrote_does_not_end_a_plan(phase: PlanPhase) -> None:
    world = draining_world()
    write(world, phase=phase)
    world.step()
    assert world.phase == PlanPhase.RUNNING
    world.run()
    assert world.phase == PlanPhase.SUCCEEDED
    assert all(host.drained_time is not None for host in world.status.hosts)


def test_a_completion_time_that_somebody_wrote_is_no_end() -> None:
    world = draining_world()
    write(world, completion_time=START)
    world.step()
    assert world.status.completion_time is None
    assert world.phase == PlanPhase.RUNNING


@pytest.mark.parametrize("phase", [PlanPhase.RUNNING, PlanPhase.PENDING, PlanPhase.PAUSED])
def test_a_phase_that_somebody_wrote_does_not_begin_a_plan_again(phase: PlanPhase) -> None:
    world = draining_world()
    world.run()
    made = len(world.done)
    write(world, phase=phase)
    world.servers.append(server(3))
    for _ in range(3):
        world.wait()
        world.step()
    assert world.phase == PlanPhase.SUCCEEDED
    assert len(world.done) == made


def test_a_completion_time_that_somebody_removed_is_put_back() -> None:
    world = draining_world()
    world.run()
    write(world, completion_time=None)
    world.wait()
    world.step()
    assert world.phase == PlanPhase.SUCCEEDED
    assert world.status.completion_time is not None


@pytest.mark.parametrize(
    ("order", "spec", "phase"),
    [
        (PlanVerb.ABORT, {}, PlanPhase.ABORTED),
        (None, {"schedule": {"notAfterTime": "2026-12-05T21:00:30Z"}, "limits": {"maxInFlight": 1}}, PlanPhase.EXPIRED),
        (PlanVerb.PAUSE, {}, PlanPhase.FAILED),
    ],
)
def test_how_a_plan_ended_is_told_by_its_condition(
    order: PlanVerb | None, spec: dict[str, Any], phase: PlanPhase
) -> None:
    world = draining_world(**spec)
    if phase is PlanPhase.FAILED:
        world.servers = [row for row in world.servers if row.id != server(2).id]
        world.servers.append(server(5, status="ERROR"))
    elif order is not None:
        world.order(order, "now")
    world.run()
    assert world.phase == phase
    write(world, phase=PlanPhase.RUNNING)
    world.step()
    assert world.phase == phase


def test_an_end_without_its_condition_is_a_failure() -> None:
    world = draining_world()
    world.run()
    kept = tuple(one for one in world.status.conditions if one.type != ConditionType.SUCCEEDED)
    write(world, phase=PlanPhase.RUNNING, conditions=kept)
    world.step()
    assert world.phase == PlanPhase.FAILED


def test_hosts_that_somebody_wrote_are_not_the_plans() -> None:
    world = draining_world()
    known = {host.name: host for host in world.status.hosts}
    write(world, hosts=(known["cmp1"], PlanHost(name="cmp9")))
    world.servers.append(server(9, host="cmp9"))
    for _ in range(3):
        world.wait()
        world.step()
    assert [host.name for host in world.status.hosts] == ["cmp1", "cmp2"]
    assert world.is_enabled("cmp9")
    assert {effect.host for effect in world.made(DisableService)} == {"cmp1", "cmp2"}


@pytest.mark.parametrize(
    "record",
    [
        {"remaining": 2},
        {"remaining": 0, "soft_deleted": 1},
        {"remaining": 0, "unconfirmed": 1},
        {"remaining": 0, "disabled_time": None},
    ],
    ids=str,
)
def test_a_host_that_somebody_called_drained_is_proven_by_looks_alone(record: dict[str, Any]) -> None:
    world = draining_world()
    hosts = tuple(host.model_copy(update={"drained_time": START, **record}) for host in world.status.hosts)
    write(world, hosts=hosts)
    world.step()
    assert world.status.hosts[0].drained_time is None
    drained = find_condition(world.status.conditions, "Drained")
    assert drained is not None
    assert drained.status is ConditionStatus.FALSE


def test_what_nobody_contradicts_is_left_as_it_is() -> None:
    world = draining_world()
    world.run()
    before = world.status
    assert before.completion_time is not None
    world.now += dt.timedelta(seconds=31)
    world.step()
    assert world.status == before
    succeeded = find_condition(before.conditions, ConditionType.SUCCEEDED)
    assert succeeded is not None
    assert succeeded.reason == PlanReason.SUCCEEDED
