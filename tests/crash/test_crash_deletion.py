"""SIGKILL between deletion and end of a Migration that is to be called off: the move goes, and so does the object."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.calls import ACCEPTED, COLD, LIVE, REVERT, overlaps, words
from crash.moves import Moves
from lab.waiting import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Scene
    from lab.nova import NovaLab

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

FINALIZER = "osmig.dev/abort"
MANUAL = REVERT
"""Waits at its gate for a word that is never given."""
MOVES = {"live": LIVE, "cold": MANUAL}
STARTS = {"live": LIVE.operation, "cold": COLD.operation}
ABORTS = {"live": "abort", "cold": REVERT.operation}
ENDS = {"live": "end", "cold": "end"}

BEFORE_IT_IS_DELETED: Mapping[str, tuple[str, bool]] = {
    "between finalizer and intent": ("before-intent", False),
    "between intent and call": ("after-intent", False),
    "between call and record": ("after-call", True),
}
"""Where the start is killed, and whether there is a move to be called off."""
WHILE_IT_IS_CALLED_OFF: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "before the abort is sent": ("before-send", ABORTS),
    "after the abort was answered": ("after-call", ABORTS),
    "between the end and the release of the object": ("after-end", ENDS),
}
"""Where the abort is killed, and what stands there."""


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each row of the tables."""
    early = {row: partial(kill_early, point=point, is_sent=sent) for row, (point, sent) in BEFORE_IT_IS_DELETED.items()}
    late = {row: partial(kill_late, point=point, at=at) for row, (point, at) in WHILE_IT_IS_CALLED_OFF.items()}
    return side_by_side.play(shared_nova, {**early, **late})


@pytest.mark.parametrize("row", BEFORE_IT_IS_DELETED)
def test_an_object_deleted_after_a_kill_goes_and_its_move_does_not_stay(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


@pytest.mark.parametrize("row", WHILE_IT_IS_CALLED_OFF)
def test_an_object_goes_and_its_move_is_called_off_once_when_the_process_is_killed(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


def kill_early(scene: Scene, *, point: str, is_sent: bool) -> None:
    moves = Moves(scene, MOVES)
    moves.hang()
    leader = scene.start_leader_at(point, moves.points_of(STARTS))
    scene.cluster.apply(*moves.manifests(deletionPolicy="Abort"))
    leader.wait_reached(len(MOVES))
    assert all(found["metadata"]["finalizers"] == [FINALIZER] for found in scene.migrations().values())
    leader.run.kill()
    delete(scene)

    scene.start()

    scene.kubectl("wait", "migration", *MOVES, "--for=delete", f"--timeout={DEADLINE_S:g}s")
    if is_sent:
        check_called_off(moves)
    else:
        assert not any(moves.requests().values())


def kill_late(scene: Scene, *, point: str, at: Mapping[str, str]) -> None:
    moves = Moves(scene, MOVES)
    moves.hang()
    leader = scene.start_leader_at(point, moves.points_of(at))
    standby = scene.start()
    scene.cluster.apply(*moves.manifests(deletionPolicy="Abort"))
    scene.wait_for("jsonpath={.status.phase}=Running", "live")
    scene.wait_for("jsonpath={.status.phase}=AwaitingConfirmation", "cold")
    delete(scene)
    leader.wait_reached(len(MOVES))

    leader.run.kill()

    scene.kubectl("wait", "migration", *MOVES, "--for=delete", f"--timeout={DEADLINE_S:g}s")
    assert standby.count("osmig_duplicate_starts_total") == 0
    check_called_off(moves)


def delete(scene: Scene) -> None:
    """Ask for the objects to be deleted; their finalizers hold them."""
    scene.kubectl("delete", "migration", *MOVES, "--wait=false")


def check_called_off(moves: Moves) -> None:
    """Hold that each move was started once, and is where it began."""
    for name in MOVES:
        moves.wait_server(name, "ACTIVE")
    requests = moves.requests()
    done = {
        name: [word for one in requests[name] if one["nova_status"] in ACCEPTED for word in words(one)]
        for name in MOVES
    }
    assert done == {"live": ["os-migrateLive"], "cold": ["migrate", "revertResize"]}
    assert overlaps(requests["cold"]) == []
    aborts = [one for one in requests["live"] if one["method"] == "DELETE"]
    assert any(one["nova_status"] == 202 for one in aborts), aborts
    ends = {name: [record["status"] for record in moves.records(name)] for name in MOVES}
    assert ends == {"live": ["cancelled"], "cold": ["reverted"]}
