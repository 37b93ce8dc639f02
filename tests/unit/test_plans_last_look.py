"""A plan ends on looks that began after its last Migration was over, and looks no oftener for that."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from osmig.api.names import Phase
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.operations import RecordView, Stage
from plan_world import DISABLE, PlanWorld, server

SOON_S = 2.0
SOFT_DELETED = {"status": "SOFT_DELETED", "is_soft_deleted": True}
SERIAL = {"limits": {"maxInFlight": 1}}


def moving(*numbers: int, spec: dict[str, Any] | None = None) -> PlanWorld:
    """A plan whose host keeps a server that is deleted softly, with Migrations under way for the others."""
    world = PlanWorld(
        spec=DISABLE | (spec or {}), servers=[server(9, **SOFT_DELETED), *(server(number) for number in numbers)]
    )
    world.step()
    world.wait(SOON_S)
    world.step()
    assert world.children
    return world


def looks(world: PlanWorld) -> int:
    """Count the looks at the host."""
    return len(world.history["cmp1"])


def left(world: PlanWorld) -> tuple[int, int, int]:
    """Return what the status says to be left of the host."""
    host = world.status.hosts[0]
    return host.remaining, host.soft_deleted, host.unconfirmed


def test_servers_left_are_those_after_the_last_move() -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.end(world.find(1).name)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.FAILED, (0, 1, 0))


def test_a_plan_that_is_aborted_tells_what_the_moves_that_ended_have_left() -> None:
    world = moving(1, 2)
    world.order(PlanVerb.ABORT)
    for _ in range(2):
        world.step()
    assert world.phase == PlanPhase.ABORTING
    world.wait(SOON_S)
    world.end(world.find(1).name)
    world.end(world.find(2).name, Phase.ABORTED)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.ABORTED, (1, 1, 0))


def test_a_plan_that_expires_tells_what_the_moves_that_ended_have_left() -> None:
    world = moving(1, 2, spec=SERIAL | {"schedule": {"notAfterTime": "2026-12-05T21:00:06Z"}})
    world.wait(5.0)
    world.end(world.find(1).name)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.EXPIRED, (1, 1, 0))


def test_a_deleted_migration_ends_like_any_other() -> None:
    world = moving(1)
    world.step()
    world.wait(SOON_S)
    world.servers = [server(9, **SOFT_DELETED)]
    world.delete_child(world.find(1).name)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.FAILED, (0, 1, 0))


def test_a_migration_that_ends_again_after_retry_wants_a_look_again() -> None:
    world = moving(1)
    world.end(world.find(1).name, Phase.FAILED)
    world.step()
    assert (world.phase, left(world)) == (PlanPhase.FAILED, (1, 1, 0))
    world.order(PlanVerb.RETRY)
    world.step()
    world.wait(SOON_S)
    world.step()
    assert not world.find(1).is_finished
    world.wait(SOON_S)
    world.end(world.find(1).name)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.FAILED, (0, 1, 0))


def test_the_last_look_is_one() -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.end(world.find(1).name)
    before = looks(world)

    for _ in range(3):
        world.step()

    assert looks(world) == before + 1


def test_what_the_last_look_finds_is_moved_before_the_end() -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.end(world.find(1).name)
    world.servers.append(server(2))

    world.step()

    assert world.phase == PlanPhase.RUNNING
    assert world.find(2).phase is None


def test_a_last_look_that_fails_ends_nothing_and_is_made_again() -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.end(world.find(1).name)
    world.problem = "HTTP 500"
    before = looks(world)

    world.step()
    assert world.status.completion_time is None
    assert looks(world) == before + 1
    world.problem = ""
    world.wait()
    world.step()

    assert (world.phase, left(world)) == (PlanPhase.FAILED, (0, 1, 0))


def test_moves_that_end_one_by_one_cost_no_looks() -> None:
    world = moving(*range(1, 9), spec=SERIAL)
    before, began_s = looks(world), world.clock_s

    for number in range(1, 8):
        world.wait(5.0)
        world.end(world.find(number).name)
        world.step()
        assert not world.find(number + 1).is_finished

    assert looks(world) - before <= (world.clock_s - began_s) // 30


def test_a_new_process_needs_no_second_look() -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.end(world.find(1).name)
    world.restart()
    before = looks(world)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.FAILED, (0, 1, 0))
    assert looks(world) == before + 1


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_wall_clock_that_jumps_changes_nothing(hours: int) -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.end(world.find(1).name)
    world.now += dt.timedelta(hours=hours)
    before = looks(world)

    world.step()

    assert (world.phase, left(world)) == (PlanPhase.FAILED, (0, 1, 0))
    assert looks(world) == before + 1


def test_a_migration_whose_source_is_not_known_wants_no_look() -> None:
    world = moving(1)
    world.wait(SOON_S)
    name = world.find(1).name
    world.end(name, Phase.FAILED)
    world.follow(name, source_host=None)
    before = looks(world)

    world.step()

    assert world.phase == PlanPhase.FAILED
    assert looks(world) == before


def test_what_no_list_shows_is_told_beside_the_server_that_just_left() -> None:
    world = moving(1)
    world.wait(SOON_S)
    world.records = [RecordView(id="7", stage=Stage.AWAITING_CONFIRMATION, source_host="cmp1", destination_host="cmp9")]
    world.end(world.find(1).name)

    world.step()

    reason = next(one.reason for one in world.status.conditions if one.type == "Succeeded")
    assert (world.phase, reason, left(world)) == (PlanPhase.FAILED, PlanReason.SERVERS_LEFT, (0, 1, 1))
