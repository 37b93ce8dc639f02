"""What a cloud or the API server refuses a plan for ever is asked ever more rarely, and people are told."""

from __future__ import annotations

import pytest

from osmig.api.names import ConditionStatus, ConditionType
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.conditions import find_condition
from osmig.domain.plans import choosing
from osmig.domain.plans.decisions import CreateChild, DisableService, EnableService
from osmig.domain.plans.services import IN_VAIN, MAX_PAUSE_S
from plan_world import DISABLE, PlanWorld, server

DAY_S = 24 * 3600.0
REFUSED = "no Migration can be made: exceeded quota: osmig"


def pass_time(world: PlanWorld, seconds: float) -> None:
    """Step as often as the plan wants to be."""
    end_s = world.clock_s + seconds
    while world.clock_s < end_s:
        world.step()
        world.wait(max(1.0, 60.0 if world.due_s is None else world.due_s))


def is_stalled(world: PlanWorld) -> bool:
    found = find_condition(world.status.conditions, ConditionType.STALLED)
    return found is not None and found.status is ConditionStatus.TRUE


def test_a_service_that_is_never_disabled_is_ordered_ever_more_rarely_and_people_are_told() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)], is_deaf=True)
    pass_time(world, 60.0)
    assert not is_stalled(world)
    pass_time(world, DAY_S)

    assert IN_VAIN < len(world.made(DisableService)) < DAY_S / MAX_PAUSE_S + 6
    assert is_stalled(world)
    assert "times in vain: the cloud shows no effect" in world.status.hosts[0].message
    assert world.made(CreateChild) == []


def test_a_service_that_the_cloud_refuses_to_disable_says_why() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)], is_deaf=True, problems={"cmp1": "may not (403)"})
    pass_time(world, 3600.0)

    assert "times in vain: may not (403)" in world.status.hosts[0].message
    ready = find_condition(world.status.conditions, ConditionType.READY)
    assert ready is not None
    assert "may not (403)" in ready.message


@pytest.mark.parametrize("verb", [PlanVerb.RECONCILE, PlanVerb.RESUME, PlanVerb.PAUSE])
def test_who_asks_for_something_has_the_service_ordered_at_once(verb: PlanVerb) -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)], is_deaf=True)
    pass_time(world, 3600.0)
    count = len(world.made(DisableService))
    world.order(verb, "now")
    world.step()
    world.order(PlanVerb.RESUME, "again")
    world.step()
    assert len(world.made(DisableService)) >= count + 1

    world.is_deaf = False
    world.order(PlanVerb.RECONCILE, "again")
    pass_time(world, 60.0)
    assert not world.is_enabled("cmp1")
    assert not is_stalled(world)


def test_a_service_that_is_never_enabled_is_ordered_ever_more_rarely_and_people_are_told() -> None:
    spec = {"maintenance": {"computeService": "Disable", "onFinish": "Enable"}}
    world = PlanWorld(spec=spec, servers=[server(1)])
    for _ in range(60):
        world.step()
        if world.status.completion_time is not None:
            break
        world.wait()
        for name in list(world.children):
            if not world.children[name].is_finished:
                world.end(name)
    assert world.phase == PlanPhase.SUCCEEDED
    before = len(world.made(EnableService))
    looks = len(world.history["cmp1"])
    world.is_deaf = True
    pass_time(world, DAY_S)

    orders = len(world.made(EnableService)) - before
    assert IN_VAIN < orders < DAY_S / MAX_PAUSE_S + 6
    assert len(world.history["cmp1"]) - looks <= 2 * orders + 2, "nor is it looked at more often"
    assert "ordered to enable" in world.status.hosts[0].message


def test_a_plan_whose_migrations_are_refused_says_so_and_is_stalled() -> None:
    world = PlanWorld(spec={"targets": {"projectID": "77"}}, servers=[server(1)], refusal=REFUSED)
    world.step()

    assert is_stalled(world)
    succeeded = find_condition(world.status.conditions, ConditionType.SUCCEEDED)
    assert succeeded is not None
    assert (succeeded.reason, succeeded.message) == (PlanReason.MIGRATIONS_REFUSED, REFUSED)


def test_while_others_move_a_refusal_is_told_and_nothing_is_stalled() -> None:
    world = PlanWorld(spec={"targets": {"projectID": "77"}}, servers=[server(1), server(2)])
    world.step()
    world.refusal = REFUSED
    world.wait()
    world.step()

    assert not is_stalled(world)
    ready = find_condition(world.status.conditions, ConditionType.READY)
    assert ready is not None
    assert ready.message == REFUSED


def test_what_was_refused_lets_others_pass() -> None:
    world = PlanWorld(
        spec={"targets": {"projectID": "77"}, "limits": {"maxInFlight": 1}}, servers=[server(1), server(2)]
    )
    world.step(dies_after_the_write=True)
    (first,) = choose_names(world)
    world.names_refused = frozenset({first})
    world.wait()
    world.step()

    assert [child.name for child in world.made(CreateChild)] == [choose_names(world)[0]]
    assert world.made(CreateChild)[0].name != first


def choose_names(world: PlanWorld) -> list[str]:
    """Return the names that a step would make, or has made."""
    decision = world.step(dies_after_the_write=True) if not world.children else None
    if decision is None:
        return list(world.children)
    return [effect.name for effect in decision.effects if isinstance(effect, CreateChild)]  # type: ignore[union-attr]


def test_a_plan_makes_no_more_migrations_than_one_plan_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MAX_MADE", 3)
    world = PlanWorld(spec={"targets": {"projectID": "77"}}, servers=[server(number) for number in range(5)])
    for number in range(6):
        world.step()
        world.wait()
        for name in list(world.children):
            if not world.children[name].is_finished:
                world.end(name)
        world.servers.append(server(10 + number))

    assert len(world.children) >= 3
    made = len(world.children)
    world.step()
    assert len(world.children) == made
    assert is_stalled(world)
    succeeded = find_condition(world.status.conditions, ConditionType.SUCCEEDED)
    assert succeeded is not None
    assert succeeded.reason == PlanReason.TOO_MANY_MIGRATIONS
