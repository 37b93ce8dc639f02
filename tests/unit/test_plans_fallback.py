"""A live move that failed for a reason of ``fallback`` is followed by a cold one; without it no server is stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from osmig.api.meta import InvalidManifest
from osmig.api.names import MigrationType, Phase, Reason
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanVerb
from osmig.domain.plans.decisions import CreateChild, OrderChild
from plan_samples import plan_body
from plan_world import PlanWorld, server

COLD = {"fallback": {"method": "Cold"}}
BUDGET = {"failureBudget": {"maxFailures": 0}}


def fail(spec: dict[str, Any], reason: Reason, *, phase: Phase = Phase.FAILED) -> PlanWorld:
    """Play a plan whose one live move ends badly."""
    world = PlanWorld(spec={**spec, **BUDGET}, servers=[server()])
    world.step()
    world.end(world.find(1).name, phase, reason=reason)
    world.wait()
    world.step()
    return world


def types(world: PlanWorld) -> list[MigrationType]:
    """List the types of the Migrations that were made."""
    return [order.spec.type for order in world.made(CreateChild)]


LIVE_THEN_COLD = [MigrationType.LIVE_MIGRATION, MigrationType.COLD_MIGRATION]
DEFAULTS = (Reason.PRE_CHECK_FAILED, Reason.START_REFUSED, Reason.STALLED)


@pytest.mark.parametrize("reason", [*DEFAULTS, Reason.HYPERVISOR_FAILED, Reason.NO_VALID_HOST, Reason.ABORTED])
def test_by_itself_a_cold_move_follows_three_reasons(reason: Reason) -> None:
    phase = Phase.ABORTED if reason in {Reason.STALLED, Reason.ABORTED} else Phase.FAILED
    world = fail(COLD, reason, phase=phase)
    assert types(world) == (LIVE_THEN_COLD if reason in DEFAULTS else LIVE_THEN_COLD[:1])


def test_on_reasons_says_which() -> None:
    spec = {"fallback": {"method": "Cold", "onReasons": ["HypervisorFailed"]}}
    assert types(fail(spec, Reason.HYPERVISOR_FAILED)) == LIVE_THEN_COLD
    assert types(fail(spec, Reason.STALLED)) == LIVE_THEN_COLD[:1]


@pytest.mark.parametrize("spec", [{}, {"fallback": {"method": "None"}}])
def test_without_it_no_server_is_stopped(spec: dict[str, Any]) -> None:
    world = fail(spec, Reason.PRE_CHECK_FAILED)
    assert types(world) == LIVE_THEN_COLD[:1]
    assert world.phase == "Failed"


def test_the_cold_move_is_the_second_of_its_server_and_the_first_is_no_failure() -> None:
    world = fail(COLD, Reason.PRE_CHECK_FAILED)
    first, second = (order.labels["osmig.dev/index"] for order in world.made(CreateChild))
    assert (first, second) == ("1", "2")
    world.run()
    assert (world.phase, world.status.counts.failed, world.status.failures) == ("Succeeded", 0, ())


def test_a_cold_move_that_fails_too_is_a_failure_and_the_last_one() -> None:
    world = fail(COLD, Reason.PRE_CHECK_FAILED)
    world.end(world.find(1).name, Phase.FAILED, reason=Reason.PRE_CHECK_FAILED)
    for _ in range(4):
        world.wait()
        world.step()
    assert types(world) == LIVE_THEN_COLD
    assert world.status.counts.failed == 1


def test_a_server_that_the_cloud_is_busy_with_is_waited_for() -> None:
    world = PlanWorld(spec={**COLD, **BUDGET}, servers=[server()])
    world.step()
    world.end(world.find(1).name, Phase.FAILED, reason=Reason.STALLED)
    world.servers = [replace(world.servers[0], task_state="migrating")]
    world.wait()
    world.step()
    assert (types(world), world.status.counts.pending, world.status.counts.failed) == (LIVE_THEN_COLD[:1], 1, 0)

    world.servers = [replace(world.servers[0], task_state=None)]
    world.wait()
    world.step()

    assert types(world) == LIVE_THEN_COLD


def test_a_server_that_its_live_move_broke_is_a_failure_and_not_touched_again() -> None:
    world = PlanWorld(spec={**COLD, **BUDGET}, servers=[server()])
    world.step()
    world.end(world.find(1).name, Phase.FAILED, reason=Reason.PRE_CHECK_FAILED)
    world.servers = [replace(world.servers[0], status="ERROR")]
    world.wait()
    world.step()
    assert types(world) == LIVE_THEN_COLD[:1]
    assert (world.status.counts.failed, world.status.counts.blocked) == (1, 0)


def test_retry_tries_the_cold_move_again() -> None:
    world = fail(COLD, Reason.PRE_CHECK_FAILED)
    world.end(world.find(1).name, Phase.FAILED, reason=Reason.NO_VALID_HOST)
    world.wait()
    world.step()
    world.order(PlanVerb.RETRY)
    world.wait()
    world.step()
    assert [order.name for order in world.made(OrderChild)] == [world.find(1).name]
    assert world.find(1).type is MigrationType.COLD_MIGRATION


def test_reasons_of_a_fallback_that_is_none_are_refused() -> None:
    fallback = {"method": "None", "onReasons": ["Stalled"]}
    with pytest.raises(InvalidManifest, match="allowed only if method is Cold"):
        parse_plan(plan_body(spec={"fallback": fallback}))
