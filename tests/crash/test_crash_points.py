"""SIGKILL at every point of the start's protocol; another process goes on (architecture, "Exactly one start")."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Play, Scene
    from lab.nova import NovaLab

pytestmark = pytest.mark.timeout(180)
"""Scenes side by side take longer than one, on a busy machine."""

KILLED = -9


def kill_at(scene: Scene, *, point: str, sent: int) -> None:
    leader = scene.start(at=point, deed="kill").wait_leading()
    standby = scene.start()
    scene.order()

    assert leader.wait_ended() == KILLED
    assert len(scene.sent()) == sent

    scene.assert_started_once(standby)


def kill_under_way(scene: Scene, *, when: Literal["before", "after"]) -> None:
    leader = scene.start().wait_leading()
    standby = scene.start()
    scene.break_start({"action": "delay", "when": when, "delay": 2})
    scene.order()
    scene.wait_sent()

    leader.run.kill()

    scene.assert_started_once(standby)


def kill_before_late_delivery(scene: Scene) -> None:
    leader = scene.start(at="before-send", deed="kill").wait_leading()
    standby = scene.start(at="after-look", deed="halt")
    scene.order()
    assert leader.wait_ended() == KILLED
    standby.wait_reached()

    # also over at once, so that nothing but the action tells of it
    scene.deliver_late()
    standby.let_go()

    scene.assert_started_once(standby)


def kill_behind_look(scene: Scene, *, point: str) -> None:
    leader = scene.start(at=point, deed="kill").wait_leading()
    second = scene.start(at="after-look", deed="kill")
    scene.order()
    assert leader.wait_ended() == KILLED
    second.wait_leading()
    third = scene.start()

    assert second.wait_ended() == KILLED

    scene.assert_started_once(third)


AT_POINT: Mapping[str, Play] = {
    "before the intent is written": partial(kill_at, point="before-intent", sent=0),
    "after the intent is written": partial(kill_at, point="after-intent", sent=0),
    "before the first byte of the call": partial(kill_at, point="before-send", sent=0),
    "after the answer has come": partial(kill_at, point="after-call", sent=1),
    "before the record is written": partial(kill_at, point="before-record", sent=1),
    "after the record is written": partial(kill_at, point="after-record", sent=1),
}
UNDER_WAY: Mapping[str, Play] = {
    "and has taken effect": partial(kill_under_way, when="after"),
    "and takes effect later": partial(kill_under_way, when="before"),
    "and comes to Nova after the successor's first look": kill_before_late_delivery,
}
BEHIND_LOOK: Mapping[str, Play] = {
    "finds nothing": partial(kill_behind_look, point="after-intent"),
    "finds the start": partial(kill_behind_look, point="after-call"),
}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each row of the tables."""
    return side_by_side.play(shared_nova, {**AT_POINT, **UNDER_WAY, **BEHIND_LOOK})


@pytest.mark.parametrize("row", AT_POINT)
def test_exactly_one_start_is_sent_when_the_process_is_killed(outcomes: Mapping[str, Future[None]], row: str) -> None:
    outcomes[row].result()


@pytest.mark.parametrize("row", UNDER_WAY)
def test_exactly_one_start_is_sent_when_the_process_is_killed_while_it_is_under_way(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


@pytest.mark.parametrize("row", BEHIND_LOOK)
def test_exactly_one_start_is_sent_when_the_successor_is_killed_behind_a_look_that(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()
