"""SIGKILL round the write that adopts a move of the cloud: it has one owner in the end, never two and never none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.calls import ACCEPTED, AUTOMATIC, LIVE, words
from crash.moves import POLL_S, Moves
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Scene
    from lab.nova import NovaLab

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

FOREIGN = {"live": LIVE, "cold": AUTOMATIC}
RIVALS = ("first", "second")
STARTS = {"live": LIVE.body, "cold": {"migrate": {}}}
STANDS = {"live": "running", "cold": "finished"}
ENDS = {"live": ["os-migrateLive"], "cold": ["migrate", "confirmResize"]}
"""What Nova accepts for each move, from anybody: the starts are somebody else's."""
POINTS = {"before its write": "before-adoption", "after its write": "after-adoption"}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[str, Future[None]]:
    """What came of each point."""
    return side_by_side.play(shared_nova, {row: partial(kill_at, point=point) for row, point in POINTS.items()})


@pytest.mark.parametrize("row", POINTS)
def test_a_move_has_one_owner_when_the_process_that_adopts_it_is_killed(
    outcomes: Mapping[str, Future[None]], row: str
) -> None:
    outcomes[row].result()


def kill_at(scene: Scene, *, point: str) -> None:
    moves = Moves(scene, FOREIGN)
    moves.hang()
    for name, body in STARTS.items():
        moves.act(name, body)
    eventually(
        lambda: all([record["status"] for record in moves.records(name)] == [STANDS[name]] for name in FOREIGN),
        what="both moves under way",
        every_s=POLL_S,
    )
    ids = {name: str(moves.records(name)[0]["id"]) for name in FOREIGN}
    leader = scene.start(at=point, calls=moves.points_of(dict.fromkeys(FOREIGN, "adopt"))).wait_leading()
    standby = scene.start()
    scene.cluster.apply(
        *(
            scene.describe(f"{name}-{rival}", {**moves.spec(name), "adopt": {"id": ids[name]}})
            for name in FOREIGN
            for rival in RIVALS
        )
    )
    leader.wait_reached(len(FOREIGN))

    leader.run.kill()

    everybody = [f"{name}-{rival}" for name in FOREIGN for rival in RIVALS]
    eventually(lambda: find_owned(scene) == set(FOREIGN), what="an owner of each", every_s=POLL_S)
    moves.finish_hanging()
    scene.wait_for("condition=Finished", *everybody)
    migrations, requests = scene.migrations(), moves.requests()
    for name in FOREIGN:
        statuses = [found["status"] for migration, found in migrations.items() if migration.startswith(name)]
        assert sorted(status["phase"] for status in statuses) == ["Failed", "Succeeded"], statuses
        assert [status["upstream"]["id"] for status in statuses if "upstream" in status] == [ids[name]]
        refused = next(status for status in statuses if status["phase"] == "Failed")
        assert refused["failure"]["reason"] == "AdoptRefused"
        accepted = [one for one in requests[name] if one["nova_status"] in ACCEPTED]
        assert [word for one in accepted for word in words(one)] == ENDS[name]
    assert standby.count("osmig_duplicate_starts_total") == 0


def find_owned(scene: Scene) -> set[str]:
    """Return which moves somebody follows."""
    return {
        name.partition("-")[0] for name, found in scene.migrations().items() if "upstream" in found.get("status", {})
    }
