"""The API server fails or refuses: no call without an intent on record, and no second one for want of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash.calls import BASIC, LIVE
from crash.moves import Moves
from crash.operator_settings import PATIENT_LEASE

if TYPE_CHECKING:
    from crash.operators import Operator
    from crash.scene import Scene

pytestmark = pytest.mark.timeout(600)
"""Several waits in a row take longer, on a busy machine."""

FAILED = 1
ALL = len(BASIC)
NOTHING = dict.fromkeys(BASIC, 0)


def stand_at(scene: Scene, point: str) -> tuple[Moves, Operator]:
    """Return moves whose calls all stand at the point, and the operator that makes them."""
    moves = Moves(scene)
    operator = scene.start(at=point, calls=moves.points).wait_leading()
    moves.order()
    operator.wait_reached(ALL)
    return moves, operator


def check(moves: Moves, survivor: Operator) -> None:
    """Hold all moves against the promise."""
    for end in moves.finish(survivor).values():
        end.check()


def test_a_conflict_on_the_intent_means_no_call(scene: Scene) -> None:
    moves, operator = stand_at(scene, "before-intent")
    moves.touch()

    operator.let_go(ALL)

    operator.wait_reached(2 * ALL)
    assert moves.sent() == NOTHING
    assert all("pendingCall" not in status for status in moves.statuses().values())
    operator.let_go()
    check(moves, operator)


def test_a_conflict_on_the_record_is_merged(scene: Scene) -> None:
    moves, operator = stand_at(scene, "before-record")
    moves.touch()

    operator.let_go()

    check(moves, operator)
    assert all(found["metadata"]["labels"] == {"touched": "yes"} for found in scene.migrations().values())
    # merged, not found again by a look
    scene.wait_for_event("MigrationSucceeded")
    assert "MigrationAdopted" not in scene.events()


def test_an_intent_that_cannot_be_written_means_no_call(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    moves, operator = stand_at(scene, "before-intent")
    scene.stop_apiserver()

    operator.let_go(ALL)

    operator.wait_reached(2 * ALL)
    assert moves.sent() == NOTHING
    operator.let_go()
    scene.start_apiserver()
    check(moves, operator)


def test_an_api_server_restarted_between_intent_and_record_costs_no_second_call(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    moves, operator = stand_at(scene, "after-call")
    scene.stop_apiserver()

    operator.let_go()

    scene.start_apiserver()
    check(moves, operator)


def test_an_api_server_restarted_in_mid_flight_costs_no_second_start(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    moves = Moves(scene, {"live-start": LIVE})
    moves.hang()
    operator = scene.start()
    moves.order()
    moves.wait_for("jsonpath={.status.phase}=Running")

    scene.stop_apiserver()
    scene.start_apiserver()

    moves.finish_hanging()
    check(moves, operator)


def test_an_api_server_gone_for_longer_than_the_renew_deadline_ends_the_process_and_the_next_goes_on(
    scene: Scene,
) -> None:
    moves, operator = stand_at(scene, "after-call")
    scene.stop_apiserver()

    operator.let_go()

    assert operator.wait_ended() == FAILED
    scene.start_apiserver()
    check(moves, scene.start())
