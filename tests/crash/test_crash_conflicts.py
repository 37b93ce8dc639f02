"""Somebody else acts on the same server at the same moment: theirs is never taken for ours, nor ours sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash.calls import COLD, CONFIRM, LIVE, REVERT
from crash.moves import Moves
from crash.operator_settings import PATIENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.calls import Call, End
    from crash.conftest import SideBySide
    from crash.scene import Scene
    from lab.nova import NovaLab
    from lab.nova_client import Fault

    Ends = dict[str, End]

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

CONFLICT: Fault = {
    "status": 500,
    "headers": {"x-openstack-request-id": "req-00000000-1111-2222-3333-444444444444"},
}
ANSWERS: Mapping[str, Fault | None] = {"a-409": None, "a-500": CONFLICT, "no-answer": {"action": "cut"}}
"""What Nova says to the loser; the 409 is its own, a 500 is what it says in a tight race."""

LONGER = {"call-before": 20, "adopt-after": 25}
"""The rivals come in between all calls that stand at their point; a call without answer is looked for that long."""

LOST = {**{f"live-{answer}": LIVE for answer in ANSWERS}, "cold-no-answer": COLD}
DECIDED: Mapping[str, tuple[Call, str]] = {
    "confirm-after-confirm": (CONFIRM, "confirmResize"),
    "revert-after-revert": (REVERT, "revertResize"),
}
"""By the name of the Migration: our call, and theirs before it."""


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, nova_keystone: NovaLab) -> Mapping[str, Future[Ends]]:
    """What came of the two scenes; only with Keystone does the operator know which user it is."""
    return side_by_side.play(nova_keystone, {"starts": lose_to_rivals, "ends": come_after_rivals})


@pytest.mark.parametrize("row", LOST)
def test_a_start_that_comes_after_a_rivals_goes_back_to_the_queue_on(
    outcomes: Mapping[str, Future[Ends]], row: str
) -> None:
    end = outcomes["starts"].result()[row]
    end.check(sent=2, rivals=["os-migrateLive"])


@pytest.mark.parametrize("row", DECIDED)
def test_a_decision_that_comes_after_a_rivals_ends_as_theirs(outcomes: Mapping[str, Future[Ends]], row: str) -> None:
    outcomes["ends"].result()[row].check(reason=f"{DECIDED[row][0].phase.replace('Succeeded', 'Confirmed')}Upstream")


def lose_to_rivals(scene: Scene) -> Ends:
    rival = scene.nova.as_user("manager")
    moves = Moves(scene, LOST)
    moves.hang()
    scene.adjust(LONGER)
    operator = scene.start(at="before-send", calls=moves.points)
    moves.order()
    operator.wait_reached(len(LOST))
    for server in moves.servers.values():
        rival.live_migrate(server)
    faults = {name: fault for name in LOST for answer, fault in ANSWERS.items() if name.endswith(answer) and fault}
    moves.break_calls(faults)

    operator.let_go()

    moves.wait_for_reason("ServerBusy")
    statuses = moves.statuses().values()
    assert {status["phase"] for status in statuses} == {"Queued"}
    assert all("pendingCall" not in status for status in statuses)
    moves.finish_hanging()
    return moves.finish(operator)


def come_after_rivals(scene: Scene) -> Ends:
    moves = Moves(scene, {name: call for name, (call, _) in DECIDED.items()})
    scene.adjust(PATIENT)
    operator = scene.start(at="before-send", calls=moves.points)
    moves.order()
    operator.wait_reached(len(DECIDED))
    for name, (_, word) in DECIDED.items():
        moves.act(name, {word: None})
    for name in DECIDED:
        moves.wait_server(name, "ACTIVE")

    operator.let_go()

    return moves.finish(operator)
