"""Waves: hosts are emptied one group after the other, each after its approval and its delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from osmig.api.meta import InvalidManifest
from osmig.api.names import Phase
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.observation import ProviderView
from osmig.domain.plans.decisions import CreateChild, DisableService
from plan_samples import plan_body
from plan_world import PlanWorld, server

if TYPE_CHECKING:
    from osmig.api.plan_status import PlanControl

CANARY, REST = {"name": "canary", "hosts": ["cmp1"]}, {"name": "rest", "hosts": ["cmp2"]}
TWO_HOSTS = {"targets": {"hosts": ["cmp1", "cmp2"]}}


def play(*waves: dict[str, Any], **spec: Any) -> PlanWorld:  # noqa: ANN401 - any field of the spec
    """Play a plan with two servers on cmp1 and one on cmp2."""
    servers = [server(1), server(2), server(3, host="cmp2")]
    maintenance = {"computeService": "Disable", **spec.pop("maintenance", {})}
    whole = {**TWO_HOSTS, "waves": list(waves), "maintenance": maintenance, **spec}
    return PlanWorld(spec=whole, servers=servers, hosts=("cmp1", "cmp2", "cmp9"))


def moved(world: PlanWorld) -> list[str]:
    """List the hosts that servers were ordered to leave, in that order."""
    return [order.spec.placement.source_host for order in world.made(CreateChild)]


def step_until(world: PlanWorld, phase: PlanPhase, *, ends: Phase = Phase.SUCCEEDED) -> None:
    """Step, while Migrations end with the next step, until the plan has a phase."""
    for _ in range(40):
        world.step()
        if world.phase == phase:
            return
        world.wait()
        for child in list(world.children.values()):
            if not child.is_finished:
                world.end(child.name, ends)
    raise AssertionError(f"still {world.phase}: {world.status.conditions}")


def control(world: PlanWorld, verb: PlanVerb) -> PlanControl:
    """Return what became of the last order of a verb."""
    (found,) = (one for one in world.plan.status.controls if one.verb is verb)
    return found


def test_the_second_wave_begins_when_the_first_is_over() -> None:
    world = play(CANARY, REST)
    while "cmp2" not in moved(world):
        world.step()
        assert world.status.wave is None or (world.status.wave.name == "canary") == ("cmp2" not in moved(world))
        assert "cmp2" not in moved(world) or not any(row.host == "cmp1" for row in world.servers)
        world.wait()
        for child in list(world.children.values()):
            if not child.is_finished:
                world.end(child.name)
    assert moved(world) == ["cmp1", "cmp1", "cmp2"]
    assert (world.status.wave.name, world.status.wave.index, world.status.wave.count) == ("rest", 2, 2)

    world.run()

    assert (world.phase, world.status.progress_text) == ("Succeeded", "3/3")


def test_the_migrations_of_a_wave_have_its_name() -> None:
    world = play(CANARY, REST)
    world.run()
    waves = {order.labels["osmig.dev/wave"]: order.spec.placement.source_host for order in world.made(CreateChild)}
    assert waves == {"canary": "cmp1", "rest": "cmp2"}


def test_a_wave_waits_for_its_approval() -> None:
    world = play(CANARY, {**REST, "approval": "Manual"})
    step_until(world, PlanPhase.AWAITING_APPROVAL)
    hash_ = world.status.preview.hash
    approved = next(one for one in world.status.conditions if one.type == "Approved")
    assert (approved.status, f"rest/{hash_}" in approved.message) == ("False", True)
    assert moved(world) == ["cmp1", "cmp1"]

    for token, result in ((f"rest/{hash_[::-1]}", "Superseded"), (f"canary/{hash_}", "Rejected")):
        world.order(PlanVerb.APPROVE, token)
        world.step()
        assert control(world, PlanVerb.APPROVE).result == result
        assert world.phase == PlanPhase.AWAITING_APPROVAL
    world.order(PlanVerb.APPROVE, f"rest/{hash_}")
    world.step()

    assert control(world, PlanVerb.APPROVE).result == "Done"
    assert world.status.wave.start_time == world.status.wave.approved_time == world.now
    world.run()
    assert world.phase == "Succeeded"
    world.order(PlanVerb.APPROVE, f"rest/{hash_}2")
    world.step()
    assert control(world, PlanVerb.APPROVE).result == "Rejected"


def test_a_wave_is_approved_at_its_turn_and_once() -> None:
    world = play({**CANARY, "approval": "Manual"}, REST)
    world.order(PlanVerb.APPROVE, "canary/none")
    world.step()
    assert "no wave is at its turn" in (control(world, PlanVerb.APPROVE).message or "")

    step_until(world, PlanPhase.AWAITING_APPROVAL)
    assert moved(world) == []
    assert {order.host for order in world.made(DisableService)} == {"cmp1", "cmp2"}, "all first"
    for again in ("", "1"):
        world.order(PlanVerb.APPROVE, f"canary/{world.status.preview.hash}{again}")
        world.step()
    assert moved(world) == ["cmp1", "cmp1"]
    assert control(world, PlanVerb.APPROVE).message == "wave canary has begun"


def test_a_wave_begins_no_earlier_than_its_delay_after_the_end_of_the_one_before() -> None:
    world = play(CANARY, {**REST, "delaySeconds": 200})
    step_until(world, PlanPhase.WAITING)
    reason = next(one.reason for one in world.status.conditions if one.type == "Succeeded")
    assert reason == PlanReason.WAVE_DELAY
    over = world.now
    assert world.due_s == 200.0
    world.restart()
    world.wait(199.0)
    world.step()
    assert "cmp2" not in moved(world)
    world.wait(1.0)
    world.step()
    assert "cmp2" in moved(world)
    assert (world.status.wave.ready_time, world.status.wave.start_time) == (over, world.now)


@pytest.mark.parametrize(("disable", "first"), [("AllFirst", {"cmp1", "cmp2"}), ("PerWave", {"cmp1"})])
def test_hosts_are_disabled_all_first_or_with_their_wave(disable: str, first: set[str]) -> None:
    world = play(CANARY, {**REST, "approval": "Manual"}, maintenance={"disable": disable})
    step_until(world, PlanPhase.AWAITING_APPROVAL)
    assert {host for host in ("cmp1", "cmp2") if not world.is_enabled(host)} == first
    assert moved(world) == ["cmp1", "cmp1"]

    world.order(PlanVerb.APPROVE, f"rest/{world.status.preview.hash}")
    world.run()

    assert world.phase == "Succeeded"
    assert not world.is_enabled("cmp2")


def test_what_stays_on_a_host_holds_no_later_wave_up_and_is_in_the_outcome() -> None:
    world = play(CANARY, REST)
    world.servers[0] = server(1, status="ERROR")
    world.run()
    assert moved(world) == ["cmp1", "cmp2"]
    reason = next(one.reason for one in world.status.conditions if one.type == "Succeeded")
    assert (world.phase, reason) == ("Failed", PlanReason.SERVERS_LEFT)


def test_a_budget_that_is_used_up_keeps_the_next_wave_from_beginning() -> None:
    world = play(CANARY, REST, failureBudget={"maxFailures": 0})
    step_until(world, PlanPhase.PAUSED, ends=Phase.FAILED)
    for _ in range(3):
        world.wait()
        world.step()
    assert "cmp2" not in moved(world)


def test_a_move_that_is_under_way_keeps_its_wave_going() -> None:
    world = play(CANARY, REST)
    while len(moved(world)) < 2:
        world.step()
        world.wait()
    world.servers = [row for row in world.servers if row.host != "cmp1"]
    for _ in range(4):
        world.wait()
        world.step()
    assert moved(world) == ["cmp1", "cmp1"]
    assert world.status.wave.name == "canary"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"targets": {"aggregate": "rack1"}, "waves": [CANARY]}, "only with targets.hosts"),
        ({**TWO_HOSTS, "waves": [CANARY]}, "exactly one wave"),
        ({**TWO_HOSTS, "waves": [CANARY, {**REST, "hosts": ["cmp1", "cmp2"]}]}, "exactly one wave"),
        ({"waves": [CANARY, REST]}, "no other hosts"),
    ],
)
def test_waves_that_do_not_fit_the_hosts_are_refused(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidManifest, match=words):
        parse_plan(plan_body(spec=spec))


def test_a_plan_that_cannot_be_looked_at_is_not_approved() -> None:
    world = PlanWorld(spec={"approval": "Manual"}, provider=ProviderView(is_ready=False))
    world.step()
    approved = next(one for one in world.status.conditions if one.type == "Approved")
    assert (world.phase, approved.status, approved.reason) == ("Waiting", "False", "AwaitingApproval")
