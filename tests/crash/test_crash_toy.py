"""A driver that `operator/` does not know: each of its calls takes effect once, whatever kills the operator."""

from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crash.scene import SECRET, Place
from crash.tenants import QUICK
from lab.waiting import eventually
from toy_driver.upstream import COPY, EMPTY, Boxes, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.cluster import Cluster

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

TOY = (sys.executable, Path(__file__).parent.parent / "toy_operator.py", "run")
NAME, KILLED = "box", -9
LOST = "is lost"
KILL = "was awaited by a process that is killed"
KILL_UNHEARD = "was awaited by a process that is killed before the call did anything"
STORIES = tuple(product((COPY, EMPTY), (LOST, KILL, KILL_UNHEARD)))
IDS = {"sourceResource": "a" * 32, "destinationOffering": "b" * 32, "destinationPlan": "c" * 32}


def order(place: Place, url: str) -> None:
    """Make a Provider of boxes, and the Migration of one."""
    waldur = {"endpoint": url, "tokenRef": {"secretName": SECRET, "key": "token"}}
    place.make_provider({"token": "none", "endpoint": url}, {"type": "Waldur", "waldur": waldur})
    place.cluster.apply(place.describe(NAME, {"type": "TenantReplication", "tenant": IDS}))


def status_of(place: Place) -> dict[str, Any]:
    """Return what the Migration says of itself."""
    status: dict[str, Any] = place.migrations()[NAME]["status"]
    return status


def play(cluster: Cluster, folder: Path, *, call: str, fate: str) -> None:
    """Lose the answer to one call, with or without the process that waits for it, or the call itself."""
    boxes = Boxes()
    troubled = {LOST: boxes.lost, KILL: boxes.held, KILL_UNHEARD: boxes.unheard}[fate]
    with ExitStack() as stack:
        url = stack.enter_context(serve(boxes))
        place = Place(cluster, folder=folder, stack=stack)
        place.adjust(QUICK)
        troubled.add(call)
        order(place, url)
        leader = place.start(command=TOY).wait_leading()
        if fate != LOST:
            eventually(lambda: call in (boxes.calls if fate == KILL else boxes.arrived), what=f"the call to {call}")
            assert "answer" not in status_of(place)["pendingCall"], "nothing is known of the call yet"
            assert leader.run.kill() == KILLED
            troubled.clear()
            boxes.released.set()
            place.start(command=TOY).wait_leading()
        place.wait_for("condition=Finished", NAME)

        status = status_of(place)
        assert (status["phase"], boxes.calls) == ("Succeeded", [COPY, EMPTY])
        assert [row.id for row in boxes.list()] == [status["upstream"]["id"]]
        assert boxes.lost == set(), "the answer that was to be lost was never given"
        assert "pendingCall" not in status


@pytest.fixture(scope="module")
def outcomes(
    crds: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[str, str], Future[None]]]:
    """What came of each story; they are played side by side."""
    pool = ThreadPoolExecutor(len(STORIES))
    folders = {story: tmp_path_factory.mktemp("toy") for story in STORIES}
    yield {(call, fate): pool.submit(play, crds, folders[call, fate], call=call, fate=fate) for call, fate in STORIES}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("call", "fate"), STORIES)
def test_a_call_takes_effect_once_when_its_answer(
    outcomes: Mapping[tuple[str, str], Future[None]], call: str, fate: str
) -> None:
    outcomes[call, fate].result()
