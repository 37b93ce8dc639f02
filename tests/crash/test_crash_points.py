"""SIGKILL at every point of the protocol of every call; another process goes on (architecture, "Exactly one start")."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from crash.calls import BASIC, EVERY
from crash.moves import Moves

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.calls import Call, End
    from crash.conftest import SideBySide
    from crash.operators import Operator
    from crash.scene import Play, Scene
    from lab.nova import NovaLab

    Ends = dict[str, End]
    Outcomes = Mapping[str, Future[Ends]]

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

KILLED = -9


def stop_at(scene: Scene, point: str, calls: Mapping[str, Call] = BASIC) -> tuple[Moves, Operator]:
    """Return moves yet to be ordered, and the leader whose calls will stand at the point for as long as it takes."""
    moves = Moves(scene, calls)
    return moves, scene.start_leader_at(point, moves.points)


def kill_at(scene: Scene, *, point: str, sent: int) -> Ends:
    moves, leader = stop_at(scene, point, EVERY)
    standby = scene.start()
    moves.order()
    leader.wait_reached(len(EVERY))

    assert leader.run.kill() == KILLED
    assert set(moves.sent().values()) == {sent}

    return moves.finish(standby)


def kill_under_way(scene: Scene, *, when: Literal["before", "after"]) -> Ends:
    moves, leader = stop_at(scene, "before-send")
    standby = scene.start()
    moves.break_calls({name: {"action": "delay", "when": when, "delay": 4} for name in BASIC})
    moves.order()
    leader.wait_reached(len(BASIC))
    leader.let_go()
    moves.wait_sent()

    leader.run.kill()

    return moves.finish(standby)


def kill_before_late_delivery(scene: Scene) -> Ends:
    moves, leader = stop_at(scene, "before-send")
    standby = scene.start(at="after-look", calls=moves.points)
    moves.order()
    leader.wait_reached(len(BASIC))
    leader.run.kill()
    standby.wait_reached(len(BASIC))

    # also over at once, so that nothing but the action tells of it
    moves.deliver_late()
    standby.let_go()

    return moves.finish(standby)


def kill_behind_look(scene: Scene, *, point: str) -> Ends:
    moves, leader = stop_at(scene, point)
    second = scene.start(at="after-look", calls=moves.points)
    moves.order()
    leader.wait_reached(len(BASIC))
    leader.run.kill()
    second.wait_leading()
    third = scene.start()
    second.wait_reached(len(BASIC))

    second.run.kill()

    return moves.finish(third)


AT_POINT: Mapping[str, Play[Ends]] = {
    "before its intent is written": partial(kill_at, point="before-intent", sent=0),
    "after its intent is written": partial(kill_at, point="after-intent", sent=0),
    "before its first byte": partial(kill_at, point="before-send", sent=0),
    "after its answer has come": partial(kill_at, point="after-call", sent=1),
    "before its record is written": partial(kill_at, point="before-record", sent=1),
    "after its record is written": partial(kill_at, point="after-record", sent=1),
}
UNDER_WAY: Mapping[str, Play[Ends]] = {
    "and has taken effect": partial(kill_under_way, when="after"),
    "and takes effect later": partial(kill_under_way, when="before"),
    "and comes to Nova after the successor's first look": kill_before_late_delivery,
}
BEHIND_LOOK: Mapping[str, Play[Ends]] = {
    "finds nothing": partial(kill_behind_look, point="after-intent"),
    "finds the call": partial(kill_behind_look, point="after-call"),
}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Outcomes:
    """What came of each row of the tables."""
    return side_by_side.play(shared_nova, {**AT_POINT, **UNDER_WAY, **BEHIND_LOOK})


@pytest.mark.parametrize("row", AT_POINT)
@pytest.mark.parametrize("name", EVERY)
def test_exactly_one_call_is_sent_when_the_process_is_killed(outcomes: Outcomes, row: str, name: str) -> None:
    outcomes[row].result()[name].check()


@pytest.mark.parametrize("row", UNDER_WAY)
@pytest.mark.parametrize("name", BASIC)
def test_exactly_one_call_is_sent_when_the_process_is_killed_while_it_is_under_way(
    outcomes: Outcomes, row: str, name: str
) -> None:
    outcomes[row].result()[name].check()


@pytest.mark.parametrize("row", BEHIND_LOOK)
@pytest.mark.parametrize("name", BASIC)
def test_exactly_one_call_is_sent_when_the_successor_is_killed_behind_a_look_that(
    outcomes: Outcomes, row: str, name: str
) -> None:
    outcomes[row].result()[name].check()
