"""A plan that takes too long: what counts, what does not, and what happens then."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from osmig.api.meta import InvalidManifest
from osmig.api.names import ConditionStatus, Phase, Verb
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.observation import ProviderView
from osmig.domain.plans.decisions import OrderChild
from osmig.domain.plans.waves import list_begun
from plan_samples import plan_body
from plan_world import DISABLE, READY, START, PlanWorld, server

HOUR_S = 3600
P, R = PlanPhase, PlanReason


def deadline(policy: str = "Alert", seconds: int = HOUR_S) -> dict[str, Any]:
    """Write a deadline."""
    return {"deadlineSeconds": seconds, "onDeadline": policy}


def moving(policy: str = "Alert", **more: Any) -> PlanWorld:  # noqa: ANN401 - fields of the spec
    """Make a plan with two of four moves under way, begun when the clock was at its start."""
    world = PlanWorld(spec=DISABLE | deadline(policy) | more, servers=[server(number) for number in range(1, 5)])
    world.step()
    world.wait(2.0)
    world.step()
    assert len(world.children) == 2
    return world


def condition(world: PlanWorld, kind: str) -> tuple[str, str]:
    """Return status and reason of a condition; empty where there is none."""
    found = [one for one in world.status.conditions if one.type == kind]
    return (str(found[0].status), found[0].reason) if found else ("", "")


def edit(world: PlanWorld, **spec: Any) -> None:  # noqa: ANN401 - fields of the spec
    """Apply another manifest."""
    generation = world.plan.metadata.generation + 1
    anew = parse_plan(plan_body(spec={**DISABLE, **spec}, generation=generation))
    world.plan = anew.model_copy(update={"status": world.status})


def pass_until(world: PlanWorld, seconds: float) -> None:
    """Let the time come that is so many seconds after the start, and make a step."""
    world.wait((START - world.now).total_seconds() + seconds)
    world.step()


def test_alert_tells_once_and_goes_on() -> None:
    world = moving()
    assert world.status.deadline_time == START + dt.timedelta(hours=1)
    assert condition(world, "WithinDeadline") == ("True", R.WITHIN_DEADLINE)
    pass_until(world, HOUR_S - 1)
    assert "PolicyActed" not in world.notes

    pass_until(world, HOUR_S)
    world.end(world.find(1).name)
    pass_until(world, HOUR_S + 31)

    assert world.notes.count("PolicyActed") == 1
    assert world.told["PolicyActed"] == "onDeadline: the plan takes longer than 3600 s; the plan goes on"
    assert condition(world, "WithinDeadline") == ("False", R.DEADLINE_EXCEEDED)
    assert world.phase == P.RUNNING
    assert len(world.children) == 3


def test_pause_begins_no_more_lets_what_moves_go_on_and_resume_grants_the_same_again() -> None:
    world = moving("Pause")
    pass_until(world, HOUR_S)
    assert (world.phase, condition(world, "Stalled")) == (P.PAUSED, ("True", R.DEADLINE_EXCEEDED))
    assert "no more moves begin until osmig.dev/resume" in world.told["PolicyActed"]
    world.end(world.find(1).name)
    pass_until(world, 3 * HOUR_S)
    assert world.phase == P.PAUSED
    assert len(world.children) == 2
    assert world.made(OrderChild) == []

    world.order(PlanVerb.RESUME)
    world.step()

    assert world.phase == P.RUNNING
    assert len(world.children) == 3
    assert world.status.deadline_time == world.now + dt.timedelta(hours=1)
    assert world.status.controls[0].message.endswith("and the same deadline")
    assert condition(world, "WithinDeadline") == ("True", R.WITHIN_DEADLINE)
    pass_until(world, 4 * HOUR_S)
    assert world.phase == P.PAUSED
    assert world.notes.count("PolicyActed") == 2


def test_more_seconds_let_a_paused_plan_go_on() -> None:
    world = moving("Pause")
    pass_until(world, HOUR_S)
    pass_until(world, 5 * HOUR_S)

    edit(world, **deadline("Pause", 2 * HOUR_S))
    world.step()

    assert world.phase == P.RUNNING
    assert world.status.deadline_time == world.now + dt.timedelta(hours=1), "the hours of the pause do not count"


def test_abort_calls_off_what_moves_and_says_why() -> None:
    world = moving("Abort")
    pass_until(world, HOUR_S)
    assert world.phase == P.ABORTING
    assert {(one.name, one.verb) for one in world.made(OrderChild)} == {(name, Verb.ABORT) for name in world.children}
    for name in world.children:
        world.end(name, Phase.ABORTED)

    pass_until(world, HOUR_S + 31)

    assert (world.phase, condition(world, "Succeeded")) == (P.ABORTED, ("False", R.DEADLINE_EXCEEDED))
    assert world.notes.count("PolicyActed") == 1
    assert world.told["PlanFinished"].startswith("Aborted: DeadlineExceeded: ")
    assert world.status.deadline_time is None
    assert not world.is_enabled("cmp1")


def test_abort_reaches_the_migrations_while_the_provider_is_away() -> None:
    world = moving("Abort")
    world.provider = ProviderView(is_ready=False, reason="Unreachable", message="no route")

    pass_until(world, HOUR_S)

    assert {one.verb for one in world.made(OrderChild)} == {Verb.ABORT}
    assert "PolicyActed" in world.notes


def test_an_outage_of_the_provider_counts() -> None:
    world = moving("Pause")
    world.provider = ProviderView(is_ready=False, reason="Unreachable", message="no route")
    pass_until(world, HOUR_S)
    world.provider = READY

    world.step()

    assert (world.phase, condition(world, "Stalled")[1]) == (P.PAUSED, R.DEADLINE_EXCEEDED)


@pytest.mark.parametrize("how", ["pause", "suspend", "window"])
def test_the_time_in_which_the_plan_is_held_does_not_count(how: str) -> None:
    night = {"schedule": {"windows": [{"name": "night", "cron": "0 21 * * *", "durationSeconds": 1800}]}}
    world = moving("Pause", **(night if how == "window" else {}))
    pass_until(world, 1000)
    if how == "pause":
        world.order(PlanVerb.PAUSE)
    elif how == "suspend":
        edit(world, **deadline("Pause"), suspend=True)
    pass_until(world, 1800)
    assert world.phase == (P.WAITING if how == "window" else P.PAUSED)
    assert world.status.held_time == world.now
    assert world.status.deadline_time is None
    held = world.now
    for hours in (2, 10, 24):
        pass_until(world, hours * HOUR_S - 1)
        assert world.status.held_time == held
        assert condition(world, "WithinDeadline")[0] == "True"

    if how == "pause":
        world.order(PlanVerb.RESUME)
    elif how == "suspend":
        edit(world, **deadline("Pause"))
    pass_until(world, 24 * HOUR_S)

    assert world.phase == P.RUNNING
    assert world.status.held_time is None
    assert world.status.paused_seconds == 24 * HOUR_S - 1800
    assert world.status.deadline_time == world.now + dt.timedelta(seconds=1800)


def test_the_wait_for_the_approval_of_a_wave_does_not_count() -> None:
    waves = [{"name": "canary", "hosts": ["cmp1"], "approval": "Manual"}]
    world = PlanWorld(spec=DISABLE | deadline("Abort") | {"waves": waves}, servers=[server()])
    world.step()
    pass_until(world, 5.0)
    assert world.phase == P.AWAITING_APPROVAL
    pass_until(world, 9 * HOUR_S)
    assert world.phase == P.AWAITING_APPROVAL
    assert list_begun(world.plan.spec, world.status) == frozenset()


def test_a_process_that_begins_anew_goes_on_counting() -> None:
    world = moving("Pause")
    pass_until(world, 1800)
    world.restart()
    pass_until(world, HOUR_S)
    assert world.phase == P.PAUSED


def test_a_plan_that_has_not_begun_has_no_deadline_yet() -> None:
    world = PlanWorld(spec=DISABLE | deadline("Abort") | {"approval": "Manual"}, servers=[server()])
    world.step()
    pass_until(world, 9 * HOUR_S)
    assert world.phase == P.AWAITING_APPROVAL
    assert (world.status.deadline_time, world.status.held_time) == (None, None)
    world.order(PlanVerb.RETRY)

    world.step()

    assert (world.status.paused_seconds, world.phase) == (0, P.AWAITING_APPROVAL)


def test_retry_counts_from_now() -> None:
    world = moving("Abort")
    pass_until(world, HOUR_S)
    for name in world.children:
        world.end(name, Phase.ABORTED)
    pass_until(world, HOUR_S + 31)
    assert world.phase == P.ABORTED
    pass_until(world, 7 * HOUR_S)

    world.order(PlanVerb.RETRY)
    world.step()

    assert world.phase == P.RUNNING
    assert world.status.deadline_time == world.now + dt.timedelta(hours=1)


def test_a_plan_that_ends_late_by_itself_tells_its_end_alone() -> None:
    world = moving()
    for name in list(world.children):
        world.end(name, Phase.FAILED)
    world.servers = [row for row in world.servers if row.id in {world.find(1).server_id, world.find(2).server_id}]

    pass_until(world, HOUR_S)

    assert (world.phase, condition(world, "Succeeded")[1]) == (P.FAILED, R.SERVERS_LEFT)
    assert condition(world, "WithinDeadline") == ("False", R.DEADLINE_EXCEEDED)
    assert "PolicyActed" not in world.notes


def test_a_plan_looks_at_its_deadline_when_it_passes() -> None:
    world = moving()
    pass_until(world, HOUR_S - 7)
    assert world.due_s == 7.0
    pass_until(world, HOUR_S)
    assert world.due_s == 30.0


def test_without_a_deadline_nothing_is_told_of_one_and_one_that_is_set_later_counts_from_the_start() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.step()
    world.order(PlanVerb.PAUSE)
    pass_until(world, 100.0)
    world.order(PlanVerb.RESUME)
    pass_until(world, 200.0)
    assert condition(world, "WithinDeadline") == ("", "")
    assert world.status.deadline_time is None

    edit(world, deadlineSeconds=300)
    world.step()

    assert world.status.deadline_time == START + dt.timedelta(seconds=400)


@pytest.mark.parametrize("days", [-3, -1])
def test_a_clock_that_was_set_back_grants_no_time_twice(days: int) -> None:
    world = moving("Pause")
    world.order(PlanVerb.PAUSE)
    pass_until(world, 10.0)
    world.now += dt.timedelta(days=days)
    world.order(PlanVerb.RESUME)

    world.step()

    assert world.status.paused_seconds == 0
    assert world.status.deadline_time == START + dt.timedelta(hours=1)


def test_a_policy_without_a_deadline_is_refused() -> None:
    with pytest.raises(InvalidManifest, match="onDeadline other than Alert needs deadlineSeconds"):
        parse_plan(plan_body(spec={"onDeadline": "Pause"}))
    assert condition(moving(), "WithinDeadline")[0] == ConditionStatus.TRUE
