"""While Nova's conductor is down a start is accepted and has no record: its action alone proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crash.scene import Scene

pytestmark = pytest.mark.timeout(180)
"""Several waits in a row take longer, on a busy machine."""


def test_a_start_that_was_accepted_before_its_record_exists_is_awaited(scene: Scene) -> None:
    operator = scene.start().wait_leading()
    scene.stop_conductor()
    scene.order()
    scene.wait_for_reason("AwaitingRecord")
    assert scene.nova.nova.migrations(scene.server) == []

    scene.start_conductor()

    scene.assert_started_once(operator)


def test_a_start_without_answer_and_without_record_is_found_by_its_action(scene: Scene) -> None:
    operator = scene.start().wait_leading()
    scene.stop_conductor()
    scene.break_start({"when": "after", "action": "cut"})
    scene.order()
    scene.wait_for_reason("AwaitingRecord")
    assert scene.nova.nova.migrations(scene.server) == []

    scene.start_conductor()

    scene.assert_started_once(operator)
