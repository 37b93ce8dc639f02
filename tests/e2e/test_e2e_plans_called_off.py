"""Where a plan's servers go, and what becomes of its moves when windows close or it is deleted, on the real Nova."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import calls, end_moves, is_moving
from e2e_plan import list_orders, plan_of, read_service, servers_on
from e2e_status import condition
from lab.nova import NovaLab
from lab.waiting import eventually
from nova_support import change_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_plan import Plan
    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(600)

HOSTS = ("deleted", "closing", "source", "target", "again", "spare")
ALWAYS = {"cron": "* * * * *", "durationSeconds": 300}
"""A window that opens each minute, for five."""
TO_SPARE = {"placement": {"destinationHost": "spare"}}
"""Left to itself, Nova puts a server on whatever host is enabled, also on one that a later test counts."""


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud of which each test uses hosts of its own."""
    assert operator.returncode is None
    with NovaLab("--max-concurrent", "8", "--service-down-time", "60", computes=HOSTS) as running:
        yield running


def until_moving(plan: Plan, cloud: NovaLab, server: str) -> None:
    """Wait until Nova has the order to move the server, and its Migration knows."""
    eventually(
        lambda: plan.children()[server]["status"]["phase"] == "Running" and calls(cloud, server, "live-migrate"),
        what="the server moves",
    )


def until_told(plan: Plan, reason: str) -> None:
    """Wait for an Event of the plan."""
    eventually(lambda: reason in plan.events(), what=f"the Event {reason}")


@pytest.mark.parametrize(
    ("policy", "cascade", "aborts"),
    [("Abort", "background", 1), ("Abort", "foreground", 1), ("Detach", "background", 0)],
)
def test_a_plan_is_deleted_with_its_migrations_and_calls_off_what_moves_if_it_says_so(
    empty_tenant: Tenant, cloud: NovaLab, policy: str, cascade: str, aborts: int
) -> None:
    empty_tenant.connect(cloud)
    server = cloud.boot(f"{policy}-{cascade}".lower(), host="deleted", plan="hang")
    selector = {"matchMetadata": [{"key": "lab.plan", "values": ["hang"]}]}
    spec = {
        "maintenance": {"computeService": "Disable"},
        "selector": selector,
        "template": TO_SPARE,
        "deletionPolicy": policy,
    }
    plan = plan_of(empty_tenant, "drain", "deleted", **spec)
    until_moving(plan, cloud, server)

    plan.delete(f"--cascade={cascade}")

    eventually(lambda: plan.children() == {}, what="the Migrations are gone", timeout_s=120)
    assert len(calls(cloud, server, "abort")) == aborts
    assert read_service(cloud, "deleted")[0] == "disabled", "nothing is given back by being deleted"
    assert is_moving(cloud, server) == (policy == "Detach")
    end_moves(cloud, server)
    cloud.nova.post(f"/servers/{server}/action", {"forceDelete": None})
    change_service(cloud, "deleted", status="enabled")


def test_windows_that_close_call_off_what_moves_and_it_begins_again_when_they_open(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    server = cloud.boot("closing-0", host="closing", plan="hang")
    freeze = {"name": "month-end", "kind": "Deny", "reason": "billing", **ALWAYS}
    night = {"name": "night", **ALWAYS}
    spec = {"targets": {"servers": [{"id": server}]}, "template": TO_SPARE}
    plan = plan_of(empty_tenant, "tonight", schedule={"windows": [night]}, **spec)
    until_moving(plan, cloud, server)

    plan.edit(schedule={"windows": [freeze], "onWindowEnd": "Abort"})
    status = plan.until(
        lambda now: plan.children()[server]["status"]["phase"] == "Aborted" and now["counts"]["pending"] == 1,
        what="it is called off",
    )
    found = cloud.nova.server(server)
    assert (found["status"], found["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "closing")
    assert (status["phase"], condition(status, "Succeeded")["reason"]) == ("Waiting", "WindowClosed")
    assert "month-end (billing)" in condition(status, "WindowOpen")["message"]
    assert status["window"]["closedTime"]
    until_told(plan, "PolicyActed")

    cloud.control.plan(server, "finish")
    plan.edit(schedule={"windows": [night]})
    status = plan.until_outcome("Succeeded", "Succeeded")

    assert [call.word for call in calls(cloud, server)] == ["live-migrate", "abort", "live-migrate"]
    assert plan.children()[server]["status"]["attempt"] == 2
    assert status["window"]["state"] == "Open"
    assert servers_on(cloud, "closing") == set()


def test_all_servers_go_to_the_named_host_as_many_at_once_as_the_limit_says_and_none_while_it_is_closed(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    servers = [cloud.boot(f"source-{number}", host="source", plan="finish,duration=2") for number in range(2)]
    change_service(cloud, "target", status="disabled", disabled_reason="not yet")
    mark = cloud.control.request_mark()
    spec = {
        "maintenance": {"computeService": "Disable"},
        "template": {"placement": {"destinationHost": "target"}},
        "limits": {"maxInFlightPerSourceHost": 9, "maxInFlightPerDestinationHost": 1},
    }

    plan = plan_of(empty_tenant, "drain", "source", **spec)
    status = plan.until_outcome("Waiting", "DestinationNotUsable")
    assert "target is disabled" in condition(status, "Stalled")["message"]
    assert list_orders(cloud, since=mark) == [], "nothing has begun"
    change_service(cloud, "target", status="enabled")
    plan.until_outcome("Succeeded", "Succeeded")

    assert servers_on(cloud, "target") == {"source-0", "source-1"}
    found = sorted((cloud.nova.migrations(server) for server in servers), key=lambda rows: rows[0]["id"])
    assert [[row["status"] for row in rows] for rows in found] == [["completed"], ["completed"]]
    assert found[0][0]["updated_at"] <= found[1][0]["created_at"], "the second was ordered before the first had arrived"


def test_a_plan_that_git_brings_back_empties_its_host_again_and_after_its_time_changes_nothing(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud)
    spec: dict[str, object] = {"maintenance": {"computeService": "Disable"}, "template": TO_SPARE}
    moved = []
    for time in range(2):
        moved.append(cloud.boot(f"again-{time}", host="again"))
        plan = plan_of(empty_tenant, "drain", "again", **spec)
        plan.until_outcome("Succeeded", "Succeeded")
        assert [call.word for call in calls(cloud, moved[-1])] == ["live-migrate"]
        until_told(plan, "NoExpiry")
        plan.delete()
        change_service(cloud, "again", status="enabled")
    kept, mark = cloud.boot("again-2", host="again"), cloud.control.request_mark()
    spec["schedule"] = {"notAfterTime": "2026-01-01T00:00:00Z"}

    late = plan_of(empty_tenant, "drain", "again", **spec)
    status = late.until_outcome("Expired", "Expired")
    assert condition(status, "Stalled")["reason"] == "Expired"
    assert "startTime" not in status
    cloud.nova.post(f"/servers/{kept}/action", {"forceDelete": None})
    eventually(lambda: servers_on(cloud, "again") == set(), what="the server is gone")
    plan_of(empty_tenant, "late", "again", **spec).until_outcome("Succeeded", "AlreadyDrained")

    assert list_orders(cloud, since=mark) == []
    assert late.children() == {}
