"""Answers to a call that are lost, or prove nothing: the operator looks for the effect before anything else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.calls import BASIC
from crash.moves import Moves
from crash.operator_settings import SHORT
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from concurrent.futures import Future

    from crash.calls import End
    from crash.conftest import SideBySide
    from crash.scene import Scene
    from lab.nova import NovaLab
    from lab.nova_client import Fault

    Outcomes = Mapping[str, Future[dict[str, End]]]

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

NOVAS_OWN_ID = {"x-openstack-request-id": "{request_id}"}
"""As in the answer that Nova meant to give."""

UNUSED_ID = {"x-openstack-request-id": "req-00000000-1111-2222-3333-444444444444"}
"""As Nova gives it to a request that fails: no action bears it."""

FAULTS: Mapping[str, Fault] = {
    "cut-after": {"when": "after", "action": "cut"},
    "500-of-nova-after": {"when": "after", "status": 500, "headers": NOVAS_OWN_ID},
    "500-of-a-proxy-after": {"when": "after", "status": 500},
    "307-to-the-same-place-after": {"when": "after", "status": 307, "headers": {"Location": "{action}"}},
    "too-late-after": {"when": "after", "action": "delay", "delay": SHORT["read-timeout"] + 1},
    "cut-before": {"when": "before", "action": "cut"},
    "500-of-nova-before": {"when": "before", "status": 500, "headers": UNUSED_ID},
    "500-of-a-proxy-before": {"when": "before", "status": 500},
}
AFTER = [fault for fault in FAULTS if fault.endswith("after")]
BEFORE = [fault for fault in FAULTS if fault.endswith("before")]

SELDOM = {"cold-start": {"cut-after", "500-of-a-proxy-after", "cut-before"}, "revert": {"307-to-the-same-place-after"}}
"""A cold start is found as a live one is, a revert as a confirm is: the rest would be the same again."""


def rows(faults: Collection[str]) -> list[tuple[str, str]]:
    """Return which call meets which fault."""
    return [(fault, call) for fault in faults for call in BASIC if fault in SELDOM.get(call, faults)]


def name(fault: str, call: str) -> str:
    """Name the Migration."""
    return f"{call}-{fault}"


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Outcomes:
    """What came of all rows with one call."""
    return side_by_side.play(shared_nova, {call: partial(meet_faults, call=call) for call in BASIC})


@pytest.mark.parametrize(("fault", "call"), rows(AFTER))
def test_nothing_is_sent_again_when_the_answer_to_a_call_that_took_effect_is(
    outcomes: Outcomes, fault: str, call: str
) -> None:
    outcomes[call].result()[name(fault, call)].check()


@pytest.mark.parametrize(("fault", "call"), rows(BEFORE))
def test_one_more_call_is_sent_when_the_answer_to_a_call_without_effect_is(
    outcomes: Outcomes, fault: str, call: str
) -> None:
    end = outcomes[call].result()[name(fault, call)]
    end.check(sent=2)
    first, second = end.sent
    is_known = FAULTS[fault].get("headers") == UNUSED_ID
    assert is_known or second["t"] - first["t"] >= SHORT["start-grace"], "sent again before the effect could have shown"


def test_what_processes_that_die_have_waited_counts_for_those_after_them(scene: Scene) -> None:
    """Each leads for a part of the wait only; one that led for all of it would not be needed."""
    moves = Moves(scene, {"live-start": BASIC["live-start"]})
    moves.break_calls({"live-start": FAULTS["cut-before"]})
    operator = scene.start()
    moves.order()
    for _ in range(2):
        wait_for_part(moves)
        operator.run.kill()
        operator = scene.start()

    end = moves.finish(operator)["live-start"]

    end.check(sent=2)
    first, second = end.sent
    assert second["t"] - first["t"] >= SHORT["adopt-after"], "sent again before the effect could have shown"


def wait_for_part(moves: Moves) -> None:
    """Wait until another part of the wait is on record."""

    def read() -> int:
        seconds: int = moves.statuses()["live-start"].get("pendingCall", {}).get("waitedSeconds", 0)
        return seconds

    before = read()
    eventually(lambda: read() > before, what="another part of the wait on record")


def meet_faults(scene: Scene, *, call: str) -> dict[str, End]:
    met = {name(fault, call): FAULTS[fault] for fault, one in rows(FAULTS) if one == call}
    moves = Moves(scene, dict.fromkeys(met, BASIC[call]))
    moves.break_calls(met)
    operator = scene.start()

    moves.order()

    return moves.finish(operator)
