"""SIGKILL at every point of the start's protocol; a second process goes on (architecture, "Exactly one start")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crash.scene import Operator, Scene


def start_leader_and_standby(scene: Scene, at: str | None = None) -> tuple[Operator, Operator]:
    """Start an operator that leads, with a point at which it kills itself, and one that waits for its place."""
    leader = scene.start(at=at, deed="kill").wait_leading()
    return leader, scene.start()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("before-intent", id="before the intent is written"),
        pytest.param("after-intent", id="after the intent is written"),
        pytest.param("before-send", id="before the first byte of the call"),
        pytest.param("after-call", id="after the answer has come"),
        pytest.param("before-record", id="before the record is written"),
        pytest.param("after-record", id="after the record is written"),
    ],
)
def test_a_process_killed_at_this_point_leaves_a_successor_that_starts_exactly_once(scene: Scene, point: str) -> None:
    leader, standby = start_leader_and_standby(scene, at=point)
    scene.order()

    assert leader.wait_ended() == -9

    scene.assert_started_once(standby)


def test_a_start_under_way_at_the_kill_is_found_by_its_effect(scene: Scene) -> None:
    leader, standby = start_leader_and_standby(scene)
    scene.break_start(action="delay", when="after", delay=1)
    scene.order()
    scene.wait_sent()

    leader.run.kill()

    scene.assert_started_once(standby)


def test_a_start_that_takes_effect_only_after_the_successor_looked_is_not_sent_again(scene: Scene) -> None:
    leader, standby = start_leader_and_standby(scene)
    scene.break_start(action="delay", when="before", delay=6)
    scene.order()
    scene.wait_sent()

    leader.run.kill()

    scene.assert_started_once(standby)


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("after-intent", id="that found nothing"),
        pytest.param("after-call", id="that found the start"),
    ],
)
def test_a_successor_killed_behind_its_look_is_succeeded_in_turn(scene: Scene, point: str) -> None:
    leader = scene.start(at=point, deed="kill").wait_leading()
    second = scene.start(at="after-look", deed="kill")
    scene.order()
    leader.wait_ended()
    second.wait_leading()
    third = scene.start()

    assert second.wait_ended() == -9

    scene.assert_started_once(third)
