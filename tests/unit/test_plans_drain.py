"""A host is emptied and proven empty: from the first look to the end, with all that may come between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from osmig.api.names import Phase, Verb
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.operations import RecordView, Stage
from osmig.domain.plans.decisions import CreateChild, DisableService, EnableService, OrderChild
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.sweeps import ServiceRow
from plan_world import DISABLE, PlanWorld, server, server_id

OTHER = "rack is being moved"


def reason_of(world: PlanWorld, kind: str = "Succeeded") -> str:
    """Return the reason of a condition."""
    return str(next(one.reason for one in world.status.conditions if one.type == kind))


def value_of(world: PlanWorld, kind: str) -> str:
    """Return the status of a condition; empty where there is none."""
    return next((str(one.status) for one in world.status.conditions if one.type == kind), "")


def test_a_host_is_disabled_emptied_and_proven_empty() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(number) for number in range(1, 7)])

    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert value_of(world, "Drained") == "True"
    assert world.status.progress_text == "6/6"
    assert world.status.hosts_text == "1/1"
    assert len(world.made(CreateChild)) == 6
    assert len(world.made(DisableService)) == 1
    assert world.services["cmp1"].disabled_reason.startswith("osmig/moves/drain/6f1d2c7b:")
    assert {"PlanStarted", "NoExpiry", "ServiceDisabled", "HostDrained", "PlanFinished"} <= set(world.notes)


def test_nothing_moves_before_every_host_was_read_back_disabled() -> None:
    hosts = {"targets": {"hosts": ["cmp1", "cmp2"]}}
    world = PlanWorld(spec=DISABLE | hosts, servers=[server()], hosts=("cmp1", "cmp2", "cmp9"), is_deaf=True)

    for _ in range(3):
        world.step()
        world.wait(1.0)

    assert world.made(CreateChild) == []
    assert reason_of(world) == PlanReason.DISABLING
    world.is_deaf = False
    world.run()
    assert world.phase == PlanPhase.SUCCEEDED


def test_what_the_service_was_is_written_before_the_order() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.step()

    assert world.status.hosts[0].before.state == "Enabled"
    assert world.status.hosts[0].order_time == world.now
    assert world.status.hosts[0].disabled_by is None


def test_a_server_that_lands_late_joins_and_is_moved() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    world.step()
    world.wait()
    world.servers.append(server(2))

    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert world.status.counts.joined == 1
    assert len(world.children) == 2


def test_a_server_that_lands_between_the_two_sweeps_breaks_the_proof() -> None:
    world = PlanWorld(spec=DISABLE)
    world.step()
    world.wait(1.0)
    world.step()
    assert world.status.hosts[0].quiet_sweeps == 1
    world.wait()
    world.servers.append(server(1))

    world.step()

    assert world.status.hosts[0].quiet_sweeps == 0
    assert world.status.hosts[0].drained_time is None


def test_two_sweeps_less_than_30_s_apart_prove_nothing() -> None:
    world = PlanWorld(spec=DISABLE)
    for _ in range(10):
        world.step()
        world.wait(2.0)
        world.sweeps["cmp1"] = world.sweep("cmp1")

    assert world.status.hosts[0].drained_time is None
    world.wait(30.0)
    world.step()
    assert world.phase == PlanPhase.SUCCEEDED
    assert reason_of(world) == PlanReason.ALREADY_DRAINED


def test_a_partial_sweep_is_never_an_empty_host() -> None:
    world = PlanWorld(spec=DISABLE, problem="cell 2 did not answer")

    for _ in range(8):
        world.step()
        world.wait()

    assert world.phase == PlanPhase.WAITING
    assert reason_of(world) == PlanReason.INCOMPLETE_SWEEP
    assert world.due_s == SWEEP_PERIOD_S, "an answer that came too late may come the next time"
    assert world.done == []


def test_a_partial_sweep_of_a_plan_under_way_makes_and_ends_nothing() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.step()
    world.wait()
    world.problem = "HTTP 500"

    for _ in range(5):
        world.step()
        world.wait()

    assert world.phase == PlanPhase.RUNNING
    assert world.made(CreateChild) == []
    assert "cmp1: HTTP 500" in next(one.message for one in world.status.conditions if one.type == "Ready")


def test_rows_of_another_host_are_no_rows_of_this_one() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1, host=None)])
    stray = world.sweep("cmp1")
    world.step()
    world.wait()
    world.sweeps["cmp1"] = replace(stray, started_s=world.clock_s, servers=(server(1, host=None), server(2, host="x")))

    world.step()

    assert world.made(CreateChild) == []
    assert "servers of other hosts" in world.status.hosts[0].message


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (
            RecordView(id="7", stage=Stage.AWAITING_CONFIRMATION, source_host="cmp1", destination_host="cmp9"),
            "unconfirmed",
        ),
        (RecordView(id="7", stage=Stage.RUNNING, source_host="cmp9", destination_host="cmp1"), "inbound"),
        (RecordView(id="7", stage=Stage.RUNNING, source_host="cmp1", destination_host="cmp9"), ""),
    ],
    ids=["unconfirmed", "inbound", "outbound"],
)
def test_a_host_that_moves_still_touch_is_not_drained(record: RecordView, field: str) -> None:
    world = PlanWorld(spec=DISABLE, records=[record])
    for _ in range(6):
        world.step()
        world.wait()

    host = world.status.hosts[0]
    assert host.drained_time is None
    assert not field or getattr(host, field) == 1
    assert world.phase == PlanPhase.VERIFYING

    world.records = [replace(record, stage=Stage.SUCCEEDED)]
    world.run()
    assert world.phase == PlanPhase.SUCCEEDED


def test_a_soft_deleted_server_keeps_the_host_from_being_drained() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1, status="SOFT_DELETED", is_soft_deleted=True)])

    world.run()

    assert world.phase == PlanPhase.FAILED
    assert reason_of(world) == PlanReason.SERVERS_LEFT
    assert world.status.hosts[0].soft_deleted == 1
    assert world.status.hosts[0].remaining == 0
    assert world.status.counts.failed == 0


def test_a_host_is_proven_empty_though_servers_stay_on_another() -> None:
    spec = DISABLE | {"targets": {"hosts": ["cmp1", "cmp2"]}}
    servers = [server(1), server(2, host="cmp2", status="ERROR")]
    world = PlanWorld(spec=spec, servers=servers, hosts=("cmp1", "cmp2", "cmp9"))

    world.run()

    assert (world.phase, reason_of(world)) == (PlanPhase.FAILED, PlanReason.SERVERS_LEFT)
    empty, other = world.status.hosts
    assert (empty.drained_time is not None, empty.quiet_sweeps, other.drained_time) == (True, 2, None)


def test_a_server_that_comes_back_is_moved_again_and_not_for_ever() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    for _ in range(40):
        world.step()
        world.wait()
        for child in list(world.children.values()):
            if not child.is_finished:
                world.end(child.name)
        world.servers = [server(1)]
        world.wait()
        if world.status.completion_time is not None:
            break

    assert len(world.children) == 9
    assert len({child.name for child in world.children.values()}) == 9
    assert world.phase == PlanPhase.FAILED
    (failure,) = world.status.failures
    assert (failure.server_id, failure.reason) == (server_id(1), PlanReason.CAME_BACK)
    assert failure.message == "it was moved 9 times, and is on the host again"


def test_a_service_that_somebody_else_disabled_is_never_enabled() -> None:
    world = PlanWorld(spec={"maintenance": {"computeService": "Disable", "onFinish": "Enable"}}, servers=[server()])
    world.services["cmp1"] = replace(world.services["cmp1"], is_enabled=False, disabled_reason=OTHER)

    world.run()
    for _ in range(5):
        world.wait()
        world.step()

    assert world.phase == PlanPhase.SUCCEEDED
    assert world.services["cmp1"].disabled_reason == OTHER
    assert world.made(DisableService) == []
    assert world.made(EnableService) == []
    assert world.status.hosts[0].disabled_by == "Other"
    assert "ServiceNotOurs" in world.notes


def test_on_finish_enable_gives_back_what_the_plan_disabled() -> None:
    world = PlanWorld(spec={"maintenance": {"computeService": "Disable", "onFinish": "Enable"}}, servers=[server()])
    world.run()
    for _ in range(4):
        world.step()
        world.wait(2.0)

    assert world.is_enabled("cmp1")
    assert world.status.hosts[0].released_time is not None
    assert "ServiceEnabled" in world.notes
    assert "ServiceLeftDisabled" not in world.notes


def test_without_on_finish_the_host_stays_disabled_until_it_is_released() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.run()
    assert "ServiceLeftDisabled" in world.notes
    world.wait()
    world.step()
    assert not world.is_enabled("cmp1")

    world.order(PlanVerb.RELEASE)
    for _ in range(5):
        world.step()
        world.wait(2.0)

    assert world.is_enabled("cmp1")
    assert next(one.result for one in world.status.controls if one.verb == "release") == "Done"


@pytest.mark.parametrize("seconds", [0.0, 31.0], ids=["seen by the driver", "seen by a sweep"])
def test_a_service_whose_marker_is_gone_is_not_released(seconds: float) -> None:
    world = PlanWorld(spec=DISABLE)
    world.run()
    world.wait(seconds)
    world.services["cmp1"] = replace(world.services["cmp1"], disabled_reason=OTHER)

    world.order(PlanVerb.RELEASE)
    for _ in range(4):
        world.step()
        world.wait(2.0)

    assert not world.is_enabled("cmp1")
    assert len(world.made(EnableService)) == (seconds == 0.0)
    assert "ServiceNotOurs" in world.notes


def test_a_service_that_somebody_enabled_is_not_disabled_again_without_resume() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.step()
    world.wait(2.0)
    world.step()
    world.services["cmp1"] = ServiceRow(id="service-cmp1", host="cmp1", is_up=True, is_enabled=True)
    world.wait()
    world.step()
    assert world.phase == PlanPhase.PAUSED
    assert value_of(world, "Stalled") == "True"

    world.order(PlanVerb.RESUME)
    world.step()

    assert len(world.made(DisableService)) == 2


def test_a_crash_between_the_order_and_its_record_is_found_by_the_marker() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.step()
    world.restart()
    world.wait()
    world.step()

    assert world.status.hosts[0].disabled_by == "Plan"
    assert len(world.made(DisableService)) == 1


def test_a_misspelt_host_is_not_an_empty_one() -> None:
    world = PlanWorld(spec=DISABLE | {"targets": {"hosts": ["typo"]}})

    world.step()

    assert reason_of(world) == PlanReason.HOST_NOT_FOUND
    assert value_of(world, "Stalled") == "True"
    assert world.status.start_time is None


def test_a_host_whose_service_is_down_is_waited_for() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.services["cmp1"] = replace(world.services["cmp1"], is_up=False)

    for _ in range(4):
        world.step()
        world.wait()

    assert reason_of(world) == PlanReason.HOST_DOWN
    assert world.made(CreateChild) == []
    world.services["cmp1"] = replace(world.services["cmp1"], is_up=True)
    world.run()
    assert world.phase == PlanPhase.SUCCEEDED


def test_without_maintenance_no_host_is_called_drained() -> None:
    world = PlanWorld(servers=[server()])

    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert reason_of(world) == PlanReason.MOVED_ALL_SELECTED
    assert reason_of(world, "Drained") == PlanReason.NOT_DISABLED
    assert world.is_enabled("cmp1")


def test_what_is_excluded_stays_and_the_host_is_not_drained() -> None:
    exclude = {"exclude": [{"serverID": server_id(1), "reason": "owner asked"}]}
    world = PlanWorld(spec=DISABLE | exclude, servers=[server(1), server(2)])

    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert reason_of(world) == PlanReason.MOVED_ALL_SELECTED
    assert reason_of(world, "Drained") == PlanReason.EXCLUDED_SERVERS_LEFT
    assert world.status.counts.skipped == 1
    assert len(world.children) == 1


def test_a_child_that_somebody_deleted_is_not_made_again_before_retry() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    for _ in range(2):
        world.step()
        world.wait()
    world.step()
    world.children.clear()
    world.wait()
    world.step()
    assert world.phase == PlanPhase.FAILED
    assert world.status.counts.aborted == 1

    world.order(PlanVerb.RETRY)
    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert world.status.round == 2


def test_retry_tries_each_failed_migration_once_more() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1), server(2)])
    world.run(ends=Phase.FAILED)
    assert world.phase == PlanPhase.FAILED
    assert len(world.status.failures) == 2

    world.order(PlanVerb.RETRY)
    world.run(ends=Phase.FAILED)

    orders = [effect for effect in world.made(OrderChild) if effect.verb is Verb.RETRY]
    assert [order.token for order in orders] == ["plan-round-2", "plan-round-2"]
    assert len(world.children) == 2
    assert world.phase == PlanPhase.FAILED
