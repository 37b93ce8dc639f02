"""While Nova's conductor is down a start is accepted and has no record: its action alone proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash.calls import COLD, LIVE
from crash.moves import Moves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crash.scene import Scene
    from lab.nova_client import Fault

pytestmark = pytest.mark.timeout(600)
"""Several waits in a row take longer, on a busy machine."""

STARTS = {"live-start": LIVE, "cold-start": COLD}


def find_late_records(scene: Scene, faults: Mapping[str, Fault]) -> None:
    """Let starts meet these faults, be without records until the conductor is back, and end as any other."""
    moves = Moves(scene, STARTS)
    before = {name: moves.records(name) for name in STARTS}
    operator = scene.start().wait_leading()
    scene.stop_conductor()
    moves.break_calls(faults)
    moves.order()
    moves.wait_for_reason("AwaitingRecord")
    assert {name: moves.records(name) for name in STARTS} == before

    scene.start_conductor()

    for end in moves.finish(operator).values():
        end.check()


def test_a_start_that_was_accepted_before_its_record_exists_is_awaited(scene: Scene) -> None:
    find_late_records(scene, {})


def test_a_start_without_answer_and_without_record_is_found_by_its_action(scene: Scene) -> None:
    find_late_records(scene, {name: {"when": "after", "action": "cut"} for name in STARTS})
