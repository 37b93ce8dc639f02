"""What a plan tells while it runs, and what it proves when it is over, on the real Nova."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_plan import plan_of, servers_on
from lab.nova import NovaLab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud that, as Nova does by default, runs one live move of a host at a time."""
    assert operator.returncode is None
    with NovaLab("--max-concurrent", "1", computes=("rack1", "rack2", "rack3", "spare")) as running:
        yield running


def test_moves_that_nova_holds_back_are_counted_apart(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    servers = [cloud.boot(f"held-{number}", host="rack1", plan="hang") for number in range(2)]

    plan = plan_of(empty_tenant, "drain", "rack1", limits={"maxInFlightPerSourceHost": 2})
    status = plan.until(lambda now: now["counts"]["queuedUpstream"], what="one is held back")

    assert (status["counts"]["running"], status["counts"]["queuedUpstream"]) == (2, 1)
    assert status["counts"]["queued"] == 0
    records = [record["status"] for server in servers for record in cloud.nova.migrations(server)]
    assert sorted(records) == ["queued", "running"], "Nova itself says the same"
    (moving,) = {run["server"] for run in cloud.control.runs()} & set(servers)
    for server in servers:
        cloud.control.plan(server, "finish")
    cloud.control.steer(moving, "finish")
    plan.until(lambda now: not now["counts"]["queuedUpstream"], what="none is held back any more")
    assert plan.until_outcome("Succeeded", "MovedAllSelected")["counts"]["succeeded"] == len(servers)
    assert servers_on(cloud, "rack1") == set()
