"""Mirrors beside a long history, counted in the log of a real Nova: what the lists cost, and how soon a move shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import is_moving
from e2e_mirrors import LABEL, mirror_all, mirrors, move_by_sdk, until_mirror
from e2e_operator import install, run_operator
from e2e_tenant import tenancy
from lab.cluster import Cluster
from lab.nova import NovaLab
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.nova_client import Request

pytestmark = pytest.mark.timeout(900)
"""Forty servers are booted and moved one by one, on a busy machine."""

RECORDS, RUNNING, PAGE = 2_500, 40, 1_000
HOSTS = ("cmp1", "cmp2", "cmp3", "cmp4")
PERIOD_S, PERIODS, SWEEPS = 5.0, 6, 2
MANY_S = 300.0
SLOW = (
    *("--sweep-period", f"{PERIOD_S:g}"),
    *("--progress-period", "5"),
    *("--record-poll", "2"),
)
"""The paces of an installation, halved: with those of the other tests forty moves take all requests of a Provider."""


@pytest.fixture(scope="module")
def busy() -> Iterator[NovaLab]:
    """A Nova with a history, in which others move forty servers."""
    options = ("--max-concurrent", "64", "--service-down-time", "60", "--threads", "32")
    with NovaLab(*options, computes=HOSTS) as nova:
        nova.control.seed_migrations(RECORDS - RUNNING)

        def occupy(number: int) -> str:
            server = nova.boot(f"busy-{number}", plan="hang", host=HOSTS[number % len(HOSTS)])
            nova.nova.live_migrate(server)
            return server

        with ThreadPoolExecutor(4) as pool:
            servers = set(pool.map(occupy, range(RUNNING)))
        eventually(lambda: {run["server"] for run in nova.control.runs()} >= servers, what="all move", timeout_s=MANY_S)
        yield nova


@pytest.fixture
def watched(busy: NovaLab) -> Iterator[Tenant]:
    """A namespace of a cluster of its own, whose Provider mirrors everything at its default rate."""
    with Cluster() as cluster, run_operator(install(cluster), *SLOW) as operator:
        operator.wait_ready()
        with tenancy(cluster, busy) as tenant:
            tenant.connect(busy, limits={"requestsPerSecond": 10})
            mirror_all(tenant)
            yield tenant
        assert operator.logs("step.crashed") == []


def lists(nova: NovaLab, *, since: int) -> list[Request]:
    """Return the operator's requests for the records of the whole cloud, oldest first."""
    return [
        request
        for request in nova.control.requests(since=since)
        if request["path"].partition("?")[0].endswith("/os-migrations")
        and "instance_uuid" not in request["path"]
        and (request["user_agent"] or "").startswith("osmig")
    ]


def test_of_2500_records_with_40_running_each_period_takes_one_list_and_a_new_move_shows_within_two(
    busy: NovaLab, watched: Tenant
) -> None:
    names = ("get", "osmig", "-l", LABEL, "-o", "jsonpath={.items[*].status.phase}")
    running = ["Running"] * RUNNING
    eventually(lambda: watched.kubectl(*names).split() == running, what="forty mirrors run", timeout_s=MANY_S)
    whole = [request for request in lists(busy, since=0) if "changes-since" not in request["path"]]
    assert len(whole) >= RECORDS // PAGE + 1

    mark = busy.control.request_mark()
    eventually(lambda: len(lists(busy, since=mark)) > PERIODS, what="some periods", timeout_s=MANY_S)
    asked = lists(busy, since=mark)
    assert all("changes-since" in request["path"] for request in asked)

    # a list may leave late, and the next one in time
    assert asked[-1]["t"] - asked[0]["t"] >= (PERIODS - 1) * PERIOD_S

    server = busy.boot("foreign", plan="hang", host="cmp1")
    mark = busy.control.request_mark()
    move_by_sdk(busy, server)
    mirror = until_mirror(watched, busy, server)
    began, made = record_time(busy, server), making_time(watched, mirror.name)
    between = [request for request in lists(busy, since=mark) if began < request["t"] < made]
    # the second one is answered, and the next may have left before the mirror is written
    assert len(between) <= SWEEPS + 1

    mirror.until_upstream("running")
    watched.kubectl("annotate", "osmig", mirror.name, "osmig.dev/force-complete=1")
    mirror.until_finished()
    mirror.edit(ttlSecondsAfterFinished=1)
    eventually(lambda: mirrors(watched, server) == [], what="the mirror is gone")
    assert not is_moving(busy, server)


def record_time(nova: NovaLab, server: str) -> float:
    """Return when Nova had the record of a server's move."""
    return float(next(change["t"] for change in nova.control.transitions(server) if change["kind"] == "migration"))


def making_time(tenant: Tenant, mirror: str) -> float:
    """Return when the API server was told to create a mirror: when a test finds it says how fast the test is."""
    asked = [event for event in tenant.cluster.audit() if event["verb"] == "create" and "requestObject" in event]
    event = next(event for event in asked if event["requestObject"]["metadata"].get("name") == mirror)
    return datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
