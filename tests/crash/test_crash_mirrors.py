"""A Provider that mirrors everything never mirrors an own start, wherever the process is killed (ADR 0032)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.calls import EVERY
from crash.moves import Moves
from crash.scene import PROVIDER
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from crash.scene import Play, Scene
    from lab.nova import NovaLab

    Mirrored = dict[str, bool]

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

FOREIGN = "foreign"


def mirrored_servers(scene: Scene) -> list[str]:
    """Return whose moves have a mirror in the scene; they stay for an hour."""
    return [
        body["spec"]["server"]["id"]
        for body in scene.migrations().values()
        if "osmig.dev/discovered" in body["metadata"].get("labels", {})
    ]


def kill_at(scene: Scene, *, point: str) -> Mirrored:
    """Kill the leader at a point of each call; return which servers' moves have a mirror when all is over."""
    mode = json.dumps({"spec": {"discovery": {"mode": "Mirror"}}})
    scene.kubectl("patch", "provider", PROVIDER, "--type=merge", f"--patch={mode}")
    moves = Moves(scene, EVERY)
    leader = scene.start_leader_at(point, moves.points)
    standby = scene.start()
    moves.order()
    leader.wait_reached(len(EVERY))
    leader.run.kill()
    moves.finish(standby)

    # a move of somebody else is seen in two sweeps after that, so what would be mirrored is by then
    foreign = scene.take_server(FOREIGN)
    scene.plan(foreign, "hang")
    scene.nova.nova.live_migrate(foreign)
    eventually(lambda: foreign in mirrored_servers(scene), what="the foreign move has a mirror", every_s=0.5)
    scene.plan(foreign, "finish,duration=0")
    eventually(lambda: end(scene.nova, foreign), what="the foreign move is over", every_s=0.5)
    # as often as there were foreign moves of a server: another scene may have moved this one before
    servers = mirrored_servers(scene)
    return {name: server in servers for name, server in {**moves.servers, FOREIGN: foreign}.items()}


def end(nova: NovaLab, server: str) -> bool:
    """End a live move that hangs; say whether it is over."""
    if any(run["server"] == server for run in nova.control.runs()):
        nova.control.steer(server, "finish")
    return nova.nova.server(server)["OS-EXT-STS:task_state"] is None


POINTS: Mapping[str, Play[Mirrored]] = {
    point: partial(kill_at, point=point) for point in ("after-intent", "after-call", "before-record", "after-record")
}


@pytest.fixture(scope="module")
def outcomes(side_by_side: SideBySide, shared_nova: NovaLab) -> Mapping[str, Future[Mirrored]]:
    """What was mirrored in each scene."""
    return side_by_side.play(shared_nova, POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_an_own_start_has_no_mirror_and_a_foreign_one_has(outcomes: Mapping[str, Future[Mirrored]], point: str) -> None:
    assert outcomes[point].result() == {**dict.fromkeys(EVERY, False), FOREIGN: True}
