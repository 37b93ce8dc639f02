"""Migrations that come back without their status: nothing is started where they name the host that was left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from crash.calls import AUTOMATIC, CONFIRM, LIVE
from crash.moves import Moves

if TYPE_CHECKING:
    from crash.scene import Scene

pytestmark = pytest.mark.timeout(600)
"""Several waits in a row take longer, on a busy machine."""

OVER = {"live-start": LIVE, "confirm": CONFIRM, "automatic-confirm": AUTOMATIC}
OPEN = {"live-start": LIVE, "confirm": CONFIRM}
OF_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
"""What a backup leaves out of metadata."""


def test_nothing_is_started_for_moves_that_are_over(scene: Scene) -> None:
    moves = Moves(scene, OVER)
    scene.start()
    moves.name_sources()
    moves.order()
    moves.wait_for("condition=Finished")
    before = moves.requests()
    for manifests in (moves.manifests(), back_up(scene)):
        scene.kubectl("delete", "migration", *OVER)

        scene.cluster.apply(*manifests)

        moves.wait_for("condition=Finished")
        assert outcomes(moves) == [("Succeeded", "NotOnSourceHost")] * len(OVER)
        assert moves.requests() == before


def test_nothing_is_started_for_moves_that_are_under_way(scene: Scene) -> None:
    moves = Moves(scene, OPEN)
    moves.hang()
    scene.start()
    moves.name_sources()
    scene.cluster.apply(*moves.manifests())
    scene.wait_for("jsonpath={.status.phase}=Running", "live-start")
    scene.wait_for("jsonpath={.status.phase}=AwaitingConfirmation", "confirm")
    started = moves.requests()
    backup = back_up(scene)
    scene.kubectl("delete", "migration", *OPEN)

    scene.cluster.apply(*backup)

    moves.wait_for_reason("ServerBusy")
    assert outcomes(moves) == [("Queued", "ServerBusy")] * len(OPEN)
    assert moves.requests() == started
    # what somebody else brings to its end was moved all the same
    moves.act("confirm", {"confirmResize": None})
    moves.finish_hanging()
    moves.wait_for("condition=Finished")
    assert outcomes(moves) == [("Succeeded", "NotOnSourceHost")] * len(OPEN)


def back_up(scene: Scene) -> list[dict[str, Any]]:
    """Return all Migrations as ``kubectl get -o yaml`` shows them, without status and what the API server adds."""
    dump = yaml.safe_load(scene.kubectl("get", "migration", "-o", "yaml"))
    return [
        {
            "apiVersion": found["apiVersion"],
            "kind": found["kind"],
            "metadata": {name: value for name, value in found["metadata"].items() if name not in OF_THE_SERVER},
            "spec": found["spec"],
        }
        for found in dump["items"]
    ]


def outcomes(moves: Moves) -> list[tuple[str, str]]:
    """Return phase and reason of each Migration."""
    return [
        (status["phase"], next(one["reason"] for one in status["conditions"] if one["type"] == "Succeeded"))
        for status in moves.statuses().values()
    ]
