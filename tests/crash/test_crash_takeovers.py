"""Several processes and one Lease: whoever has lost the right to call sends nothing, whenever it wakes up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from crash.scene import PATIENT_LEASE, SHORT
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Play, Scene
    from lab.nova import NovaLab

pytestmark = pytest.mark.timeout(180)
"""Scenes side by side take longer than one, on a busy machine."""

FAILED = 1
AT_ONCE_S = 5
"""Ten renewal periods."""
STALE_S = SHORT["call-before"]


def resume_beside_successor(scene: Scene) -> None:
    frozen = scene.start(at="before-send", deed="freeze").wait_leading()
    successor = scene.start(at="before-send", deed="halt")
    scene.order()
    frozen.wait_frozen()
    # the worst moment: the successor's intent is on record, and its own call has not left yet
    successor.wait_reached()

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    assert scene.sent() == []
    successor.let_go()
    scene.assert_started_once(successor)


def resume_after_the_end(scene: Scene) -> None:
    frozen = scene.start(at="before-send", deed="freeze").wait_leading()
    successor = scene.start()
    scene.order()
    frozen.wait_frozen()
    scene.wait_for("condition=Finished")

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    scene.assert_started_once(successor)


def resume_without_lease(scene: Scene) -> None:
    scene.adjust({"call-before": 60, "adopt-after": 70})
    frozen = scene.start(at="before-send", deed="freeze").wait_leading()
    scene.order()
    frozen.wait_frozen()
    scene.adjust(SHORT)
    successor = scene.start().wait_leading()

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    assert scene.sent() == []
    scene.assert_started_once(successor)


def go_on_with_stale_intent(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    operator = scene.start(at="before-send", deed="halt")
    scene.order()
    operator.wait_reached()
    reached = time.monotonic()
    eventually(lambda: time.monotonic() > reached + STALE_S, what="the intent stale")

    operator.let_go()

    scene.assert_started_once(operator)
    # the next try may follow at once, so what was recorded in between is asked of the audit log
    assert "Retrying" in scene.recorded_reasons()


def lose_lease_before_call(scene: Scene) -> None:
    loser = scene.start(at="before-send", deed="halt").wait_leading()
    scene.order()
    loser.wait_reached()

    scene.take_lease()

    assert loser.wait_ended(timeout_s=AT_ONCE_S) == FAILED
    assert scene.sent() == []
    scene.assert_started_once(scene.start())


def lose_lease_in_mid_flight(scene: Scene) -> None:
    scene.nova.control.plan(scene.server, "hang")
    loser = scene.start().wait_leading()
    scene.order()
    scene.wait_for("jsonpath={.status.phase}=Running")

    scene.take_lease()

    assert loser.wait_ended(timeout_s=AT_ONCE_S) == FAILED
    successor = scene.start().wait_leading()
    scene.finish_move()
    scene.assert_started_once(successor)


def resume_after_adoption(scene: Scene) -> None:
    frozen = scene.start(at="after-call", deed="freeze").wait_leading()
    successor = scene.start()
    scene.order()
    frozen.wait_frozen()
    scene.wait_for("condition=Finished")

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    scene.assert_started_once(successor)


def start_two_at_once(scene: Scene) -> None:
    both = scene.start(), scene.start()
    scene.order()
    scene.wait_for("condition=Finished")

    leading = [operator for operator in both if operator.count("osmig_leader")]

    assert len(leading) == 1
    scene.assert_started_once(leading[0])


WITHOUT_RIGHT: Mapping[str, Play] = {
    "was frozen before its call and resumes while its successor calls": resume_beside_successor,
    "was frozen before its call and resumes after its successor has finished": resume_after_the_end,
    "was frozen before its call and resumes without Lease while its intent is fresh": resume_without_lease,
    "was held up before its call and goes on with the Lease when its intent is stale": go_on_with_stale_intent,
    "finds its Lease overwritten before its call": lose_lease_before_call,
    "finds its Lease overwritten in mid-flight": lose_lease_in_mid_flight,
}
BESIDE_OTHERS: Mapping[str, Play] = {
    "one resumes whose start was adopted by its successor": resume_after_adoption,
    "two begin at once, of which one leads": start_two_at_once,
}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each row of the tables."""
    return side_by_side.play(shared_nova, {**WITHOUT_RIGHT, **BESIDE_OTHERS})


@pytest.mark.parametrize("row", WITHOUT_RIGHT)
def test_nothing_is_sent_by_a_process_that(outcomes: Mapping[str, Future[None]], row: str) -> None:
    outcomes[row].result()


@pytest.mark.parametrize("row", BESIDE_OTHERS)
def test_one_start_is_sent_by_processes_of_which(outcomes: Mapping[str, Future[None]], row: str) -> None:
    outcomes[row].result()
