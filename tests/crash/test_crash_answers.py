"""Answers to a start that are lost, or prove nothing: the operator looks for the effect before anything else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.scene import SHORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Scene
    from lab.nova import NovaLab
    from lab.nova_client import Fault

pytestmark = pytest.mark.timeout(180)
"""Scenes side by side take longer than one, on a busy machine."""

NOVAS_OWN_ID = {"x-openstack-request-id": "{request_id}"}
"""As in the answer that Nova meant to give."""

UNUSED_ID = {"x-openstack-request-id": "req-00000000-1111-2222-3333-444444444444"}
"""As Nova gives it to a request that fails: no action bears it."""

AFTER: Mapping[str, Fault] = {
    "is cut": {"action": "cut"},
    "is a 500 of Nova": {"status": 500, "headers": NOVAS_OWN_ID},
    "is a 500 of a proxy": {"status": 500},
    "is a 307 to the same place": {"status": 307, "headers": {"Location": "{action}"}},
    "comes after the read timeout": {"action": "delay", "delay": 3},
}
BEFORE: Mapping[str, Fault] = {
    "is cut": {"action": "cut"},
    "is a 500 of Nova": {"status": 500, "headers": UNUSED_ID},
    "is a 500 of a proxy": {"status": 500},
}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[tuple[str, str], Future[None]]:
    """What came of each row of the tables."""
    after = {("after", row): partial(lose_effect, fault=fault) for row, fault in AFTER.items()}
    before = {("before", row): partial(lose_request, fault=fault) for row, fault in BEFORE.items()}
    return side_by_side.play(shared_nova, after | before)


@pytest.mark.parametrize("row", AFTER)
def test_nothing_is_sent_again_when_the_answer_to_a_start_that_took_effect(
    outcomes: Mapping[tuple[str, str], Future[None]], row: str
) -> None:
    outcomes["after", row].result()


@pytest.mark.parametrize("row", BEFORE)
def test_one_more_start_is_sent_when_the_answer_to_a_start_without_effect(
    outcomes: Mapping[tuple[str, str], Future[None]], row: str
) -> None:
    outcomes["before", row].result()


def lose_effect(scene: Scene, *, fault: Fault) -> None:
    operator = scene.start()
    scene.break_start({"when": "after", **fault})

    scene.order()

    scene.assert_started_once(operator)


def lose_request(scene: Scene, *, fault: Fault) -> None:
    operator = scene.start()
    scene.break_start({"when": "before", **fault})

    scene.order()

    scene.assert_started_once(operator, sent=2)
    first, second = scene.sent()
    is_known = fault.get("headers") == UNUSED_ID
    assert is_known or second["t"] - first["t"] >= SHORT["start-grace"], "sent again before the effect could have shown"
