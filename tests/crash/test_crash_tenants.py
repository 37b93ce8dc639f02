"""One record in Waldur, whatever kills the operator while it orders a replication or terminates its replica."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from crash.tenants import NAME, Tenancy, open_tenancy
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from crash.conftest import SideBySide
    from lab.cluster import Cluster

pytestmark = pytest.mark.timeout(600)
"""Scenes side by side take longer than one, on a busy machine."""

KILLED = -9
RUNS = "/api/openstack-migrations/"
TERMINATE = "/terminate/"


def kill_at(tenancy: Tenancy, *, point: str, sent: int) -> None:
    leader = tenancy.place.start_leader_at(point)
    tenancy.place.start()
    tenancy.order()
    leader.wait_reached()
    assert leader.run.kill() == KILLED
    assert len(tenancy.waldur.control.rows()) == sent

    assert tenancy.finish() == "Succeeded"

    assert tenancy.posts(RUNS) == 1
    assert len(tenancy.waldur.control.rows()) == 1


def kill_under_way(tenancy: Tenancy, *, when: Literal["before", "after"]) -> None:
    leader = tenancy.place.start().wait_leading()
    tenancy.place.start()
    tenancy.waldur.control.fault(path=f"{RUNS}$", method="POST", when=when, action="pass", hold=True)
    tenancy.order()
    eventually(lambda: tenancy.posts(RUNS), what="the order sent")
    leader.run.kill()
    tenancy.waldur.control.release()

    assert tenancy.finish() == "Succeeded"

    assert tenancy.posts(RUNS) == 1
    assert len(tenancy.waldur.control.rows()) == 1


def lose_lease(tenancy: Tenancy) -> None:
    leader = tenancy.place.start_leader_at("before-send")
    tenancy.place.start()
    tenancy.order()
    leader.wait_reached()
    tenancy.place.take_lease()
    leader.let_go()
    leader.wait_ended()

    assert tenancy.finish() == "Succeeded"

    assert tenancy.posts(RUNS) == 1


def freeze(tenancy: Tenancy) -> None:
    """A leader that stands still past its Lease and wakes with its permit in hand sends nothing."""
    leader = tenancy.place.start_leader_at("before-send")
    tenancy.place.start()
    tenancy.order()
    leader.wait_reached()
    leader.run.pause()
    row = tenancy.row()
    leader.run.resume()
    leader.let_go()
    leader.wait_ended()
    tenancy.waldur.control.advance(row, 3)

    assert tenancy.end() == "Succeeded"

    assert tenancy.posts(RUNS) == 1


def kill_cleaner(tenancy: Tenancy, *, point: str) -> None:
    tenancy.order({"cleanup": "DestinationOnAbort"})
    first = tenancy.place.start()
    row = tenancy.row()
    tenancy.until(lambda status: status.get("upstream"), what="the run on record")
    tenancy.place.kubectl("annotate", "migration", NAME, "osmig.dev/abort=now")
    tenancy.until(lambda status: status["phase"] == "Aborting", what="Aborting")
    first.run.kill()
    leader = tenancy.place.start_leader_at(point)
    tenancy.place.start()
    tenancy.waldur.control.advance(row, 3)
    leader.wait_reached()
    leader.run.kill()
    eventually(lambda: tenancy.posts(TERMINATE), what="the order to terminate")
    replica = tenancy.status()["tenant"]["destinationResource"]
    tenancy.waldur.control.end_termination(replica)

    assert tenancy.end() == "Aborted"

    assert tenancy.posts(TERMINATE) == 1
    assert tenancy.posts(RUNS) == 1


STORIES: Mapping[str, Callable[[Tenancy], None]] = {
    "killed before the intent is written": partial(kill_at, point="before-intent", sent=0),
    "killed after the intent is written": partial(kill_at, point="after-intent", sent=0),
    "killed before the first byte": partial(kill_at, point="before-send", sent=0),
    "killed after the answer has come": partial(kill_at, point="after-call", sent=1),
    "killed before the record is written": partial(kill_at, point="before-record", sent=1),
    "killed after the record is written": partial(kill_at, point="after-record", sent=1),
    "killed while the order is under way, before it takes effect": partial(kill_under_way, when="before"),
    "killed while the answer is under way": partial(kill_under_way, when="after"),
    "the Lease lost before the first byte": lose_lease,
    "frozen past the Lease before the first byte": freeze,
    "killed after the intent to terminate": partial(kill_cleaner, point="after-intent"),
    "killed after the termination was accepted": partial(kill_cleaner, point="after-call"),
}


@pytest.fixture(scope="module")
def outcomes(crds: Cluster, side_by_side: SideBySide) -> Mapping[str, Future[None]]:
    """What came of each story."""
    return side_by_side.play_in(partial(open_tenancy, crds), STORIES)


@pytest.mark.parametrize("story", STORIES)
def test_there_is_one_record_when_the_operator_is(outcomes: Mapping[str, Future[None]], story: str) -> None:
    outcomes[story].result()
