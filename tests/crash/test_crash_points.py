"""SIGKILL at every point of the start's protocol; another process goes on (architecture, "Exactly one start")."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Operator, Play, Scene
    from lab.nova import NovaLab

KILLED = -9

POINTS = {
    "before the intent is written": ("before-intent", 0),
    "after the intent is written": ("after-intent", 0),
    "before the first byte of the call": ("before-send", 0),
    "after the answer has come": ("after-call", 1),
    "before the record is written": ("before-record", 1),
    "after the record is written": ("after-record", 1),
}
"""The point, and how many starts were sent when the process died there."""

UNDER_WAY: Mapping[str, tuple[Literal["before", "after"], float]] = {
    "and has taken effect": ("after", 1),
    "and takes effect after the successor's first look": ("before", 6),
}
"""On which side of the effect Nova waits, and for how many seconds."""

LOOKS = {
    "finds nothing": "after-intent",
    "finds the start": "after-call",
}
"""Where the first process died."""


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each row of the tables."""
    plays: dict[str, Play] = {}
    plays |= {row: partial(kill_at, point=point, sent=sent) for row, (point, sent) in POINTS.items()}
    plays |= {row: partial(kill_under_way, when=when, delay_s=delay) for row, (when, delay) in UNDER_WAY.items()}
    plays |= {row: partial(kill_behind_look, point=point) for row, point in LOOKS.items()}
    return side_by_side.play(shared_nova, plays)


@pytest.mark.parametrize("row", POINTS)
def test_exactly_one_start_is_sent_when_the_process_is_killed(outcomes: Mapping[str, Future[None]], row: str) -> None:
    outcomes[row].result()


@pytest.mark.parametrize("row", UNDER_WAY)
def test_exactly_one_start_is_sent_when_the_process_is_killed_while_it_is_under_way(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


@pytest.mark.parametrize("row", LOOKS)
def test_exactly_one_start_is_sent_when_the_successor_is_killed_behind_a_look_that(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


def kill_at(scene: Scene, *, point: str, sent: int) -> None:
    leader, standby = start_leader_and_standby(scene, at=point)
    scene.order()

    assert leader.wait_ended() == KILLED
    assert len(scene.sent()) == sent

    scene.assert_started_once(standby)


def kill_under_way(scene: Scene, *, when: Literal["before", "after"], delay_s: float) -> None:
    leader, standby = start_leader_and_standby(scene)
    scene.break_start({"action": "delay", "when": when, "delay": delay_s})
    scene.order()
    scene.wait_sent()

    leader.run.kill()

    scene.assert_started_once(standby)


def kill_behind_look(scene: Scene, *, point: str) -> None:
    leader = scene.start(at=point, deed="kill").wait_leading()
    second = scene.start(at="after-look", deed="kill")
    scene.order()
    leader.wait_ended()
    second.wait_leading()
    third = scene.start()

    assert second.wait_ended() == KILLED

    scene.assert_started_once(third)


def start_leader_and_standby(scene: Scene, at: str | None = None) -> tuple[Operator, Operator]:
    """Start an operator that leads, with a point at which it kills itself, and one that waits for its place."""
    leader = scene.start(at=at, deed="kill").wait_leading()
    return leader, scene.start()
