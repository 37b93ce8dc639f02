"""A slow Provider and a cloud that hangs, with dozens of Migrations each, beside a tenant whose cloud is well."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import calls
from e2e_operator import CALL_BEFORE_S, CONNECT_S, install, run_operator
from e2e_tenant import Tenant
from lab.cluster import Cluster
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_cloud import Boot
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

COUNT = 30
"""More than there are places for one Provider."""
HANG_S = 90
PATIENT = (
    *("--read-timeout", str(HANG_S)),
    *("--adopt-after", str(CALL_BEFORE_S + CONNECT_S + HANG_S)),
    *("--start-grace", str(CALL_BEFORE_S + CONNECT_S + HANG_S)),
)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """An API server for an operator that waits long for answers."""
    with Cluster() as cluster:
        yield install(cluster)


@pytest.fixture
def hanging(second_nova: NovaLab) -> Iterator[NovaLab]:
    """A cloud that answers until it is told to hang."""
    yield second_nova
    second_nova.control.clear_faults()


def move_in(cluster: Cluster, nova: NovaLab, limits: dict[str, int] | None = None) -> Tenant:
    """Bring a namespace with a Provider."""
    tenant = Tenant(cluster, f"t-{secrets.token_hex(4)}")
    cluster.kubectl("create", "namespace", tenant.namespace)
    tenant.connect(nova, limits=limits)
    return tenant


def crowd(tenant: Tenant) -> None:
    """Apply many Migrations of servers that nobody has."""
    for number in range(COUNT):
        tenant.move(str(uuid.uuid4()), name=f"m{number}")


def count_ended(tenant: Tenant) -> int:
    """Count the neighbour's Migrations that are over."""
    items = tenant.cluster.get("migrations", "--namespace", tenant.namespace)["items"]
    return sum("completionTime" in item.get("status", {}) for item in items)


def count_unanswered(nova: NovaLab, since: int) -> int:
    """Count the requests that hang now."""
    return sum(request["status"] is None for request in nova.control.requests(since=since))


def is_full(operator: OsmigRun) -> bool:
    """Whether some of the neighbours' Migrations wait for places by now."""
    _, text = operator.http("/metrics")
    (depth,) = [line.split()[1] for line in text.splitlines() if line.startswith("osmig_queue_depth ")]
    return float(depth) >= COUNT // 6


def test_a_healthy_tenants_start_and_order_leave_while_its_neighbours_wait(
    own_cluster: Cluster, nova: NovaLab, hanging: NovaLab, boot: Boot
) -> None:
    server = boot(plan="hang", host="cmp1")
    with run_operator(own_cluster, *PATIENT) as operator:
        operator.wait_ready()
        healthy = move_in(own_cluster, nova)
        slow = move_in(own_cluster, nova, limits={"requestsPerSecond": 1})
        hung = move_in(own_cluster, hanging)
        mark = hanging.control.request_mark()
        hanging.control.fault(path="/servers/", method="GET", when="before", action="delay", delay=HANG_S, count=0)
        crowd(hung)
        crowd(slow)
        eventually(lambda: is_full(operator), what="the neighbours wait for places")

        move = healthy.move(server, source="cmp1")
        before = count_ended(slow)
        eventually(lambda: calls(nova, server, "live-migrate"), what="the start is sent", every_s=0.01)
        after = count_ended(slow)
        assert count_unanswered(hanging, mark) > 0, "not one of the cloud that hangs was waited for"
        assert after - before < COUNT // 3, "nor was the end of the slow one's queue"

        move.until_upstream("running")
        move.order("abort")
        eventually(lambda: calls(nova, server, "abort"), what="the order is sent", every_s=0.01)
        assert count_unanswered(hanging, mark) > 0
        move.until_finished()
        assert (operator.http("/livez")[0], operator.http("/readyz")[0]) == (200, 200)
        assert operator.logs("lease.lost") == []
    for tenant in (healthy, slow, hung):
        own_cluster.kubectl("delete", "namespace", tenant.namespace, "--wait=false")
