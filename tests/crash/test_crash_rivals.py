"""Somebody else moves the same server at the same moment: their move is never taken for ours, nor ours sent twice."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Scene
    from lab.nova import NovaLab
    from lab.nova_client import Fault

pytestmark = pytest.mark.timeout(180)
"""Scenes side by side take longer than one, on a busy machine."""

LONGER = {"call-before": 4, "read-timeout": 4, "adopt-after": 9}
"""Keystone must answer and the rival come in between, also on a slow machine."""

ANSWERS: Mapping[str, Fault | None] = {
    "a 409": None,
    "a 500, as the loser of a race": {
        "status": 500,
        "headers": {"x-openstack-request-id": "req-00000000-1111-2222-3333-444444444444"},
    },
    "no answer": {"action": "cut"},
}
"""What Nova says to the loser; the 409 is its own."""


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, nova_keystone: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each row; only with Keystone does the operator know which user it is."""
    plays = {row: partial(lose_to_rival, answer=answer) for row, answer in ANSWERS.items()}
    return side_by_side.play(nova_keystone, plays)


@pytest.mark.parametrize("row", ANSWERS)
def test_a_start_that_comes_after_a_rivals_goes_back_to_the_queue_on(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


def lose_to_rival(scene: Scene, *, answer: Fault | None) -> None:
    manager = scene.nova.as_user("manager")
    scene.nova.control.plan(scene.server, "hang")
    scene.adjust(LONGER)
    operator = scene.start(at="before-send")
    scene.order()
    operator.wait_reached()

    rival = manager.live_migrate(scene.server)
    if answer is not None:
        scene.break_start(answer)
    operator.let_go()

    scene.wait_for_reason("ServerBusy")
    status = scene.migration()["status"]
    assert status["phase"] == "Queued"
    assert "pendingCall" not in status
    scene.finish_move()
    scene.assert_started_once(operator, sent=2, rivals=1)
    assert scene.migration()["status"]["upstream"]["requestID"] != rival
