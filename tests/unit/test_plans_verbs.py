"""Orders to a plan: which value is one, when it is legal, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from osmig.api.names import Phase, Verb
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.plans.decisions import CommitPlan, CreateChild, OrderChild
from osmig.domain.plans.machine import decide_plan
from plan_world import DISABLE, PlanWorld, server, server_id

if TYPE_CHECKING:
    from collections.abc import Callable

MANUAL = {"approval": "Manual"}


def running(number: int = 3, **spec: object) -> PlanWorld:
    """Make a plan that has ordered its first Migrations."""
    world = PlanWorld(spec=DISABLE | spec, servers=[server(one) for one in range(1, number + 1)])
    world.step()
    world.wait(2.0)
    world.step()
    assert world.phase == PlanPhase.RUNNING
    return world


def finished(ends: Phase = Phase.SUCCEEDED, **spec: object) -> PlanWorld:
    """Make a plan that is over."""
    world = PlanWorld(spec=DISABLE | spec, servers=[server()])
    world.run(ends=ends)
    assert world.status.completion_time is not None
    return world


def waiting() -> PlanWorld:
    """Make a plan that awaits its approval."""
    world = PlanWorld(spec=DISABLE | MANUAL, servers=[server()])
    world.step()
    assert world.phase == PlanPhase.AWAITING_APPROVAL
    return world


def new() -> PlanWorld:
    """Make a plan that no step was made for."""
    return PlanWorld(spec=DISABLE)


def aborting() -> PlanWorld:
    """Make a plan that is being aborted."""
    return after(running(), PlanVerb.ABORT)


def last_round() -> PlanWorld:
    """Make a failed plan that was tried as often as it can be."""
    world = finished(Phase.FAILED)
    world.plan = world.plan.model_copy(update={"status": world.status.model_copy(update={"round": 999})})
    return world


def expired() -> PlanWorld:
    """Make a plan that came too late."""
    world = PlanWorld(spec=DISABLE | {"schedule": {"notAfterTime": "2026-12-05T20:00:00Z"}}, servers=[server()])
    world.step()
    assert world.phase == PlanPhase.EXPIRED
    return world


def full_of_skips() -> PlanWorld:
    """Make a plan that skips as many servers as can be named."""
    world = running()
    skips = tuple(server_id(number) for number in range(1000, 2000))
    world.plan = world.plan.model_copy(update={"status": world.status.model_copy(update={"skips": skips})})
    return world


def after(world: PlanWorld, verb: PlanVerb, token: str = "go") -> PlanWorld:  # noqa: S107 - an annotation's value
    """Give an order and make a step."""
    world.order(verb, token)
    world.step()
    return world


def control(world: PlanWorld, verb: PlanVerb) -> Any:  # noqa: ANN401 - the model, or None
    """Return what became of an order."""
    return next((one for one in world.status.controls if one.verb is verb), None)


V = PlanVerb
LEGAL: dict[str, tuple[Callable[[], PlanWorld], PlanVerb, str, str, str]] = {
    "abort before the first step": (new, V.ABORT, "go", "Done", "aborted"),
    "abort while running": (running, V.ABORT, "go", "Accepted", "called off"),
    "abort after the end": (finished, V.ABORT, "go", "Rejected", "is over (Succeeded)"),
    "release while running": (running, V.RELEASE, "go", "Rejected", "abort it first"),
    "release of nothing": (expired, V.RELEASE, "go", "Rejected", "disabled no compute service"),
    "release after the end": (finished, V.RELEASE, "go", "Accepted", "enabled"),
    "retry while running": (running, V.RETRY, "go", "Done", "round 2 begins"),
    "retry after success": (finished, V.RETRY, "go", "Rejected", "nothing to try again"),
    "retry after it expired": (expired, V.RETRY, "go", "Rejected", "Expired"),
    "retry while aborting": (aborting, V.RETRY, "go", "Rejected", "being aborted"),
    "retry after all rounds": (last_round, V.RETRY, "go", "Rejected", "999 rounds"),
    "approve too early": (new, V.APPROVE, "00", "Rejected", "no preview yet"),
    "approve another preview": (waiting, V.APPROVE, "00", "Superseded", "its hash is"),
    "approve too late": (running, V.APPROVE, "00", "Rejected", "no approval any more"),
    "pause": (running, V.PAUSE, "go", "Done", "those under way go on"),
    "pause after the end": (finished, V.PAUSE, "go", "Rejected", "is over"),
    "resume": (running, V.RESUME, "go", "Done", "same failure budget"),
    "resume after the end": (finished, V.RESUME, "go", "Rejected", "retry begins it anew"),
    "skip": (running, V.SKIP, f"{server_id(1)}, {server_id(2)}", "Done", "left where they are"),
    "skip of a name": (running, V.SKIP, "web-1", "Rejected", "ids of servers"),
    "skip of too many": (full_of_skips, V.SKIP, server_id(1), "Rejected", "more than 1000"),
    "skip after the end": (finished, V.SKIP, server_id(1), "Rejected", "is over"),
    "confirm before the start": (waiting, V.CONFIRM, "go", "Rejected", "has not started"),
    "confirm after the end": (finished, V.CONFIRM, "go", "Rejected", "under way"),
    "reconcile": (running, V.RECONCILE, "go", "Done", "read again"),
    "an empty token": (running, V.ABORT, "", "Rejected", "the token is empty"),
    "a token that is too long": (running, V.ABORT, "x" * 64, "Rejected", "longer than 63"),
    "a token of another round": (running, V.ABORT, "2", "Rejected", "bound to round 2, the current round is 1"),
    "a token of this round": (running, V.ABORT, "1/now", "Accepted", "called off"),
}


@pytest.mark.parametrize("case", LEGAL)
def test_an_order_gets_the_result_of_the_table(case: str) -> None:
    make, verb, token, result, words = LEGAL[case]
    world = make()

    world.order(verb, token)
    world.step()

    assert control(world, verb).result == result
    assert words in control(world, verb).message


def test_the_same_token_is_one_order_and_another_one_is_another() -> None:
    world = after(running(), PlanVerb.PAUSE)
    paused = world.status.paused_time
    world.wait()
    after(world, PlanVerb.RESUME)
    world.wait()

    after(world, PlanVerb.PAUSE)
    assert world.status.paused_time is None
    after(world, PlanVerb.PAUSE, "again")
    assert world.status.paused_time > paused


def test_a_mistyped_token_does_not_lose_the_order_in_force() -> None:
    world = aborting()

    after(world, PlanVerb.ABORT, "7")

    assert control(world, PlanVerb.ABORT).result == "Accepted"
    assert "stays in force" in control(world, PlanVerb.ABORT).message


def test_abort_begins_no_more_calls_off_what_moves_and_leaves_the_host_disabled() -> None:
    world = running(6)
    after(world, PlanVerb.ABORT)
    world.wait()
    world.step()

    aborts = world.made(OrderChild)
    assert [one.verb for one in aborts] == [Verb.ABORT, Verb.ABORT]
    assert {one.token for one in aborts} == {"plan-abort-1"}
    assert len(world.made(CreateChild)) == 2
    for child in list(world.children.values()):
        world.end(child.name, Phase.ABORTED)
    world.step()
    assert world.phase == PlanPhase.ABORTED
    assert control(world, PlanVerb.ABORT).result == "Done"
    assert not world.is_enabled("cmp1")


def test_retry_after_an_abort_goes_on() -> None:
    world = aborting()
    for child in list(world.children.values()):
        world.end(child.name, Phase.ABORTED)
    world.wait()
    world.step()

    world.order(PlanVerb.RETRY)
    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert world.status.counts.succeeded == 3


def test_an_approval_by_the_hash_begins_and_the_preview_stays() -> None:
    world = waiting()
    hash_ = world.status.preview.hash
    world.wait()
    world.step()
    assert world.made(CreateChild) == []

    world.order(PlanVerb.APPROVE, hash_)
    world.servers.append(server(2))
    world.run()

    assert world.status.approved_hash == world.status.preview.hash == hash_
    assert world.phase == PlanPhase.SUCCEEDED
    assert world.status.counts.succeeded == 2


def test_the_hash_is_another_one_when_a_server_came_or_its_verdict_changed() -> None:
    world = waiting()
    hashes = [world.status.preview.hash]
    for change in (server(1, status="ERROR"), server(1), server(1, name="other")):
        world.servers = [change]
        world.wait()
        world.step()
        hashes.append(world.status.preview.hash)
    world.servers.append(server(2))
    world.wait()
    world.step()

    first, broken, same, renamed = hashes
    assert first == same == renamed
    assert len({first, broken, world.status.preview.hash}) == 3


def test_pause_lets_what_moves_go_on_and_begins_no_more() -> None:
    world = after(running(6), PlanVerb.PAUSE)
    for child in list(world.children.values()):
        world.end(child.name)
    world.wait()
    world.step()

    assert world.phase == PlanPhase.PAUSED
    assert len(world.children) == 2
    world.order(PlanVerb.RESUME)
    world.run()
    assert world.status.counts.succeeded == 6


def test_a_skipped_server_stays() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1), server(2)])
    world.order(PlanVerb.SKIP, server_id(2))

    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert [child.server_id for child in world.children.values()] == [server_id(1)]
    assert world.status.skips == (server_id(2),)


@pytest.mark.parametrize(("verb", "child_verb"), [(PlanVerb.CONFIRM, Verb.CONFIRM), (PlanVerb.REVERT, Verb.REVERT)])
def test_confirm_and_revert_go_to_every_migration_that_awaits(verb: PlanVerb, child_verb: Verb) -> None:
    world = running(2)
    first, second = world.children
    world.follow(first, phase=Phase.AWAITING_CONFIRMATION, is_sent=True)

    after(world, verb)
    (order,) = world.made(OrderChild)
    assert (order.name, order.verb) == (first, child_verb)
    assert control(world, verb).result == "Accepted"
    world.step()

    assert len(world.made(OrderChild)) == 1
    assert control(world, verb).result == "Done"
    assert second in world.children


def test_force_complete_goes_to_what_is_stalled_only() -> None:
    world = running(2)
    first, second = world.children
    world.follow(first, phase=Phase.RUNNING, is_sent=True, is_stalled=True)
    world.follow(second, phase=Phase.RUNNING, is_sent=True)

    after(world, PlanVerb.FORCE_COMPLETE)

    assert [(one.name, one.verb) for one in world.made(OrderChild)] == [(first, Verb.FORCE_COMPLETE)]


def test_confirm_and_revert_together_contradict_each_other() -> None:
    world = running(2)
    world.follow(next(iter(world.children)), phase=Phase.AWAITING_CONFIRMATION)
    world.order(PlanVerb.CONFIRM)
    after(world, PlanVerb.REVERT)

    assert world.made(OrderChild) == []
    assert {control(world, verb).result for verb in (PlanVerb.CONFIRM, PlanVerb.REVERT)} == {"Rejected"}


def test_abort_outranks_what_is_ordered_of_single_moves() -> None:
    world = running(2)
    world.follow(next(iter(world.children)), phase=Phase.AWAITING_CONFIRMATION)
    world.order(PlanVerb.CONFIRM)
    after(world, PlanVerb.ABORT)

    assert control(world, PlanVerb.CONFIRM).result == "Superseded"


def test_an_order_that_is_still_open_at_the_end_came_too_late() -> None:
    world = running(1)
    (child,) = world.children
    world.follow(child, phase=Phase.AWAITING_CONFIRMATION, tokens={})
    decided = world.observe()
    world.order(PlanVerb.CONFIRM)
    world.step()
    world.end(child, Phase.FAILED)
    world.children[child] = world.children[child]
    world.wait()
    world.step()

    assert decided.status.phase is PlanPhase.RUNNING
    assert control(world, PlanVerb.CONFIRM).result in {"Done", "TooLate"}


def test_resume_bears_the_same_number_of_failures_again() -> None:
    world = PlanWorld(
        spec=DISABLE | {"failureBudget": {"maxFailures": 0}, "limits": {"maxInFlight": 1}},
        servers=[server(number) for number in range(1, 4)],
    )
    for _ in range(3):
        world.step()
        world.wait(2.0)
    (first,) = world.children
    world.end(first, Phase.FAILED, reason="NoValidHost")
    world.step()
    assert world.phase == PlanPhase.PAUSED
    assert world.status.conditions[0].reason == PlanReason.BUDGET_EXCEEDED
    world.wait()
    world.step()
    assert len(world.children) == 1

    after(world, PlanVerb.RESUME)
    assert len(world.children) == 2
    world.end(world.find(2).name, Phase.FAILED)
    world.wait()
    world.step()
    assert world.phase == PlanPhase.PAUSED


def test_an_abort_reaches_the_migrations_before_anything_is_read() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1), server(2)])
    for _ in range(2):
        world.step()
        world.wait(2.0)
    assert len(world.children) == 2
    world.wait(600.0)
    world.order(PlanVerb.ABORT, "now")
    decision = decide_plan(world.observe())
    assert isinstance(decision, CommitPlan)
    assert {(effect.name, effect.verb) for effect in decision.effects if isinstance(effect, OrderChild)} == {
        (name, Verb.ABORT) for name in world.children
    }
    world.step()
    assert len(world.made(OrderChild)) == 2, "each once"
