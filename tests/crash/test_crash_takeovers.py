"""Several processes and one Lease: whoever has lost the right to call sends nothing, whenever it wakes up."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.calls import BASIC, LIVE
from crash.moves import Moves
from crash.operator_settings import PATIENT, PATIENT_LEASE, SHORT
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.calls import End
    from crash.conftest import SideBySide
    from crash.operators import Operator
    from crash.scene import Play, Scene
    from lab.nova import NovaLab

    Ends = dict[str, End]
    Outcomes = Mapping[str, Future[Ends]]

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

FAILED = 1
STALE_S = SHORT["call-before"]
NOTHING = dict.fromkeys(BASIC, 0)


def freeze(operator: Operator) -> None:
    """Freeze a process whose calls stand at their point; they go on from there as soon as it resumes."""
    operator.wait_reached(len(BASIC))
    operator.run.pause()
    operator.let_go()


def resume_beside_successor(scene: Scene) -> Ends:
    moves = Moves(scene)
    frozen = scene.start(at="before-send", calls=moves.points).wait_leading()
    successor = scene.start(at="before-send", calls=moves.points)
    moves.order()
    freeze(frozen)
    # the worst moment: the successor's intents are on record, and its own calls have not left yet
    successor.wait_reached(len(BASIC))

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    assert moves.sent() == NOTHING
    successor.let_go()
    return moves.finish(successor)


def resume_after_the_end(scene: Scene, *, at: str) -> Ends:
    moves = Moves(scene)
    frozen = scene.start(at=at, calls=moves.points).wait_leading()
    successor = scene.start()
    moves.order()
    freeze(frozen)
    moves.wait_for("condition=Finished")

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    return moves.finish(successor)


def resume_without_lease(scene: Scene) -> Ends:
    moves = Moves(scene)
    frozen = scene.start_leader_at("before-send", moves.points)
    moves.order()
    freeze(frozen)
    # its own calls stand still: else it depends on the machine whether one has left before the other has ended
    successor = scene.start(at="before-send", calls=moves.points).wait_leading()

    frozen.run.resume()

    assert frozen.wait_ended() == FAILED
    assert moves.sent() == NOTHING
    successor.let_go()
    return moves.finish(successor)


def go_on_with_stale_intent(scene: Scene) -> Ends:
    moves = Moves(scene)
    scene.adjust(PATIENT_LEASE)
    operator = scene.start(at="before-send", calls=moves.points).wait_leading()
    moves.order()
    operator.wait_reached(len(BASIC))
    reached = time.monotonic()
    eventually(lambda: time.monotonic() > reached + STALE_S, what="the intents stale")

    operator.let_go()

    ends = moves.finish(operator)
    # the next try may follow at once, so what was recorded in between is asked of the audit log
    assert "Retrying" in scene.recorded_reasons()
    return ends


def lose_lease_before_call(scene: Scene) -> Ends:
    moves = Moves(scene)
    scene.adjust(PATIENT | PATIENT_LEASE)
    loser = scene.start(at="before-send", calls=moves.points).wait_leading()
    moves.order()
    loser.wait_reached(len(BASIC))

    scene.take_lease()

    assert loser.wait_ended() == FAILED
    assert moves.sent() == NOTHING
    scene.adjust(SHORT)
    return moves.finish(scene.start())


def lose_lease_in_mid_flight(scene: Scene) -> Ends:
    moves = Moves(scene, {"live-start": LIVE})
    moves.hang()
    scene.adjust(PATIENT_LEASE)
    loser = scene.start().wait_leading()
    moves.order()
    moves.wait_for("jsonpath={.status.phase}=Running")

    scene.take_lease()

    assert loser.wait_ended() == FAILED
    scene.adjust(SHORT)
    successor = scene.start().wait_leading()
    moves.finish_hanging()
    return moves.finish(successor)


def start_two_at_once(scene: Scene) -> Ends:
    moves = Moves(scene)
    both = scene.start(), scene.start()
    moves.order()
    moves.wait_for("condition=Finished")

    leading = [operator for operator in both if operator.count("osmig_leader")]

    assert len(leading) == 1
    return moves.finish(leading[0])


WITHOUT_RIGHT: Mapping[str, Play[Ends]] = {
    "was frozen before its calls and resumes while its successor calls": resume_beside_successor,
    "was frozen before its calls and resumes after its successor has finished": partial(
        resume_after_the_end, at="before-send"
    ),
    "was frozen before its calls and resumes without Lease while its intents are fresh": resume_without_lease,
    "was held up before its calls and goes on with the Lease when its intents are stale": go_on_with_stale_intent,
    "finds its Lease overwritten before its calls": lose_lease_before_call,
    "finds its Lease overwritten in mid-flight": lose_lease_in_mid_flight,
}
BESIDE_OTHERS: Mapping[str, Play[Ends]] = {
    "one resumes whose calls were found by its successor": partial(resume_after_the_end, at="after-call"),
    "two begin at once, of which one leads": start_two_at_once,
}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Outcomes:
    """What came of each row of the tables."""
    return side_by_side.play(shared_nova, {**WITHOUT_RIGHT, **BESIDE_OTHERS})


@pytest.mark.parametrize("row", WITHOUT_RIGHT)
def test_nothing_is_sent_by_a_process_that(outcomes: Outcomes, row: str) -> None:
    for end in outcomes[row].result().values():
        end.check()


@pytest.mark.parametrize("row", BESIDE_OTHERS)
def test_one_call_of_each_kind_is_sent_by_processes_of_which(outcomes: Outcomes, row: str) -> None:
    for end in outcomes[row].result().values():
        end.check()
