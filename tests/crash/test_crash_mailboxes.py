"""One job at the hosting service, whatever kills the operator while it orders one or begins an execution."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from crash.shops import NAME, Shop, open_shop
from lab.hosting import Fault
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from lab.cluster import Cluster

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

KILLED = -9


def kill_at(shop: Shop, *, point: str, sent: int) -> None:
    leader = shop.place.start_leader_at(point)
    shop.place.start()
    shop.order()
    leader.wait_reached()
    assert leader.run.kill() == KILLED
    assert len(shop.world.lists) == sent
    shop.end()
    assert shop.world.count("POST") == 1


def lose(shop: Shop, *, fault: Fault, posts: int) -> None:
    shop.world.faults["POST"] = [fault]
    shop.place.start().wait_leading()
    shop.order()
    shop.end()
    assert shop.world.count("POST") == posts


def kill_run_now(shop: Shop, *, point: str, sent: int) -> None:
    first = shop.place.start().wait_leading()
    shop.order(executeNow=False, firstExecutionTime="2099-01-01T00:00:00Z")
    shop.job()["status"] = "scheduled"
    eventually(lambda: shop.status().get("upstream"), what="the job on record")
    first.run.kill()
    leader = shop.place.start_leader_at(point)
    shop.place.kubectl("annotate", "migration", NAME, "osmig.dev/run-now=now")
    leader.wait_reached()
    assert (leader.run.kill(), shop.world.count("PUT")) == (KILLED, sent)
    assert _result(shop) == "Accepted"
    shop.place.start()
    eventually(lambda: _result(shop) != "Accepted", what="the order's result")
    assert (_result(shop), shop.world.count("PUT")) == ("Done" if sent else "Rejected", sent)
    shop.end()


def _result(shop: Shop) -> str:
    return str(next(one["result"] for one in shop.status()["controls"] if one["verb"] == "run-now"))


STORIES: Mapping[str, Callable[[Shop], None]] = {
    "killed before the intent is written": partial(kill_at, point="before-intent", sent=0),
    "killed after the intent is written": partial(kill_at, point="after-intent", sent=0),
    "killed before the first byte": partial(kill_at, point="before-send", sent=0),
    "killed after the answer has come": partial(kill_at, point="after-call", sent=1),
    "killed before the record is written": partial(kill_at, point="before-record", sent=1),
    "killed after the record is written": partial(kill_at, point="after-record", sent=1),
    "answered with 500 after the job was made": partial(lose, fault=Fault.ERROR_AFTER, posts=1),
    "cut off before the job was made": partial(lose, fault=Fault.LOST_BEFORE, posts=2),
    "killed before the first byte of run-now": partial(kill_run_now, point="before-send", sent=0),
    "killed after the answer to run-now has come": partial(kill_run_now, point="after-call", sent=1),
}


@pytest.fixture(scope="module")
def outcomes(crds: Cluster, side_by_side: SideBySide) -> Mapping[str, Future[None]]:
    """What came of each story."""
    return side_by_side.play_in(partial(open_shop, crds), STORIES)


@pytest.mark.parametrize("story", STORIES)
def test_there_is_one_job_when_the_operator_is(outcomes: Mapping[str, Future[None]], story: str) -> None:
    outcomes[story].result()
