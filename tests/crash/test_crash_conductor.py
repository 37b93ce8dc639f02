"""While Nova's conductor is down a start is accepted and has no record: its action alone proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash.calls import COLD, LIVE
from crash.moves import Moves

if TYPE_CHECKING:
    from crash.scene import Scene

pytestmark = pytest.mark.timeout(400)
"""Several waits in a row take longer, on a busy machine."""

STARTS = {"live-start": LIVE, "cold-start": COLD}


def test_a_start_that_was_accepted_before_its_record_exists_is_awaited(scene: Scene) -> None:
    moves = Moves(scene, STARTS)
    before = {name: moves.records(name) for name in STARTS}
    operator = scene.start().wait_leading()
    scene.stop_conductor()
    moves.order()
    moves.wait_for_reason("AwaitingRecord")
    assert {name: moves.records(name) for name in STARTS} == before

    scene.start_conductor()

    for end in moves.finish(operator).values():
        end.check()


def test_a_start_without_answer_and_without_record_is_found_by_its_action(scene: Scene) -> None:
    moves = Moves(scene, STARTS)
    before = {name: moves.records(name) for name in STARTS}
    operator = scene.start().wait_leading()
    scene.stop_conductor()
    moves.break_calls({name: {"when": "after", "action": "cut"} for name in STARTS})
    moves.order()
    moves.wait_for_reason("AwaitingRecord")
    assert {name: moves.records(name) for name in STARTS} == before

    scene.start_conductor()

    for end in moves.finish(operator).values():
        end.check()
