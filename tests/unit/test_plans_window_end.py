"""Windows that close over moves under way: Finish lets them end, Abort calls them off and tries again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from osmig.api.names import Phase, Verb
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.plans.again import MAX_CHILDREN
from osmig.domain.plans.building import QUIET_WAIT_S
from osmig.domain.plans.decisions import CreateChild, OrderChild
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from plan_samples import plan_body
from plan_world import DISABLE, START, PlanWorld, server

P, R = PlanPhase, PlanReason
HOUR_S = 3600
CLOSES = START + dt.timedelta(hours=1)
TOKEN = "plan-window-20261205T220000Z"  # noqa: S105 - an annotation's value
NIGHT = {"name": "night", "cron": "0 21 * * *", "durationSeconds": HOUR_S}
"""Opens as the plan begins, for an hour, each day."""


def schedule(policy: str = "Abort", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the spec
    """Write a schedule of one window."""
    return {"schedule": {"windows": [NIGHT], "onWindowEnd": policy, **changes}}


def moving(policy: str = "Abort", *, servers: int = 3, **more: Any) -> PlanWorld:  # noqa: ANN401 - fields of the spec
    """Return a plan whose first two Migrations are under way."""
    spec = DISABLE | schedule(policy) | more
    world = PlanWorld(spec=spec, servers=[server(number + 1) for number in range(servers)])
    for _ in range(3):
        world.step()
        world.wait(1)
    for name in world.children:
        world.follow(name, phase=Phase.RUNNING, is_sent=True)
    return world


def wait_until(world: PlanWorld, moment: dt.datetime) -> None:
    """Let time pass, and make a step then."""
    world.wait((moment - world.now).total_seconds())
    world.step()


def cut(world: PlanWorld, closes: dt.datetime = CLOSES) -> None:
    """Let the window close, and the moves end as they were ordered to."""
    wait_until(world, closes)
    for name, child in world.children.items():
        if not child.is_finished:
            world.end(name, Phase.ABORTED)


def aborts(world: PlanWorld) -> set[tuple[str, str]]:
    """Return what was called off, with the tokens."""
    return {(one.name, one.token) for one in world.made(OrderChild) if one.verb is Verb.ABORT}


def test_by_default_what_moves_ends_after_the_window() -> None:
    world = moving("Finish")

    wait_until(world, CLOSES)
    for name in world.children:
        world.end(name)
    world.wait()
    world.step()

    assert world.made(OrderChild) == []
    assert (world.phase, world.status.counts.succeeded) == (P.WAITING, 2)
    assert len(world.children) == 2
    assert "PolicyActed" not in world.notes


def test_abort_calls_off_what_moves_once_as_the_window_closes_and_tells_it() -> None:
    world = moving()
    wait_until(world, CLOSES - dt.timedelta(seconds=7))
    assert aborts(world) == set()
    assert world.status.window.closed_time is None
    assert world.due_s == pytest.approx(7), "the plan looks again as the window closes"

    wait_until(world, CLOSES)
    assert world.status.window.closed_time == CLOSES
    assert aborts(world) == {(name, TOKEN) for name in world.children}
    assert world.told["PolicyActed"] == (
        "onWindowEnd: the windows have closed; 2 moves under way are called off until they open again"
    )
    stands = next(one for one in world.status.conditions if one.type == "Reconciling")
    assert (world.phase, stands.reason) == (P.WAITING, R.WINDOW_CLOSED)
    assert stands.message.endswith("; what moves is called off, and begins again when they open")
    assert world.due_s == SWEEP_PERIOD_S, "an order that is lost is given again soon"

    world.wait()
    world.step()
    assert len(world.made(OrderChild)) == 2
    assert world.notes.count("PolicyActed") == 1
    assert world.due_s == QUIET_WAIT_S


def test_an_order_that_got_lost_is_given_again_with_the_same_token() -> None:
    world = moving()
    world.wait((CLOSES - world.now).total_seconds())
    world.step(dies_after_the_write=True)
    assert aborts(world) == set()
    world.restart()

    world.wait()
    world.step()

    assert aborts(world) == {(name, TOKEN) for name in world.children}
    assert world.status.window.closed_time == CLOSES


def test_what_was_called_off_begins_again_in_the_next_window_by_the_same_migration() -> None:
    world = moving()
    cut(world)
    wait_until(world, CLOSES + dt.timedelta(hours=1))
    assert world.status.counts.pending == 3
    assert world.status.counts.aborted == 0
    assert world.status.counts.failed == 0

    wait_until(world, START + dt.timedelta(days=1, seconds=1))
    retries = {(one.name, one.token) for one in world.made(OrderChild) if one.verb is Verb.RETRY}
    assert retries == {(name, TOKEN) for name in world.children}
    assert len(world.children) == 2
    assert world.status.window.closed_time is None
    world.run()

    assert world.phase == P.SUCCEEDED
    assert len(world.made(CreateChild)) == 3
    assert {child.attempt for child in world.children.values()} == {1, 2}


def test_each_end_of_a_window_is_an_order_of_its_own_and_nine_are_enough() -> None:
    world = moving(servers=1)
    for night in range(MAX_CHILDREN):
        cut(world, CLOSES + dt.timedelta(days=night))
        wait_until(world, START + dt.timedelta(days=night + 1, seconds=1))
        for name, child in world.children.items():
            if not child.is_finished:
                world.follow(name, phase=Phase.RUNNING, is_sent=True)
    world.wait()
    world.step()

    assert len({token for _, token in aborts(world)}) == MAX_CHILDREN
    assert (world.phase, world.status.counts.aborted) == (P.FAILED, 1)
    assert len(world.children) == 1


def test_one_that_never_began_is_called_off_too_and_tried_again_each_time() -> None:
    world = moving(servers=1)
    (name,) = world.children
    for night in range(2):
        world.follow(name, phase=Phase.QUEUED, is_sent=False)
        cut(world, CLOSES + dt.timedelta(days=night))
        world.follow(name, is_sent=False)
        wait_until(world, START + dt.timedelta(days=night + 1, seconds=1))

    assert [one.verb for one in world.made(OrderChild)] == [Verb.ABORT, Verb.RETRY] * 2
    assert world.children[name].attempt == 1


def test_what_has_arrived_awaits_its_confirmation_beyond_the_window() -> None:
    world = moving(servers=1)
    (name,) = world.children
    world.follow(name, phase=Phase.AWAITING_CONFIRMATION)

    wait_until(world, CLOSES)

    assert aborts(world) == set()


def test_what_somebody_called_off_is_not_tried_again_by_a_window() -> None:
    world = moving(servers=1)
    (name,) = world.children
    world.follow(name, tokens={Verb.ABORT: "now"})
    world.end(name, Phase.ABORTED)

    world.wait()
    world.step()

    assert (world.phase, world.status.counts.aborted) == (P.FAILED, 1)
    assert world.made(OrderChild) == []


def test_a_zone_that_means_nothing_closes_no_window_over_what_moves() -> None:
    world = moving()
    spec = DISABLE | schedule(timeZone="Mars/Olympus")
    world.plan = parse_plan(plan_body(spec=spec)).model_copy(update={"status": world.status})

    world.wait()
    world.step()

    assert aborts(world) == set()
    assert next(one for one in world.status.conditions if one.type == "Stalled").reason == R.INVALID_SCHEDULE


def test_the_window_ends_for_a_paused_plan_too() -> None:
    world = moving()
    world.order(PlanVerb.PAUSE)
    world.step()
    assert world.due_s == QUIET_WAIT_S

    wait_until(world, CLOSES)

    assert world.phase == P.PAUSED
    assert len(aborts(world)) == 2


def test_an_abort_of_the_plan_is_the_last_word() -> None:
    world = moving()
    cut(world)
    world.order(PlanVerb.ABORT)
    wait_until(world, CLOSES + dt.timedelta(minutes=1))

    wait_until(world, START + dt.timedelta(days=1, seconds=1))

    assert world.phase == P.ABORTED
    assert [one.verb for one in world.made(OrderChild)] == [Verb.ABORT] * 2


def test_a_plan_that_has_not_begun_ends_no_window() -> None:
    world = PlanWorld(spec=schedule() | {"approval": "Manual"}, servers=[server()])
    world.step()

    wait_until(world, CLOSES)

    assert world.status.window.closed_time is None


def test_the_reason_of_a_window_is_told_while_it_decides() -> None:
    freeze = {**NIGHT, "name": "month-end", "kind": "Deny", "reason": "billing"}
    world = PlanWorld(spec={"schedule": {"windows": [freeze]}}, servers=[server()])

    world.step()

    told = next(one for one in world.status.conditions if one.type == "WindowOpen")
    assert told.message == "month-end (billing) until 2026-12-05T22:00:00Z"
