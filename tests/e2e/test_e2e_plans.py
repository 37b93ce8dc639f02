"""A host is emptied, proven empty and given back, with kubectl, on the real Nova."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import end_moves
from e2e_plan import host_of, list_orders, plan_of, read_service, servers_on
from e2e_status import condition
from lab.nova import NovaLab
from lab.waiting import eventually
from nova_support import change_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from e2e_status import Json
    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(900)
"""A proof takes two sweeps that are 30 s apart."""

DISABLE = {"computeService": "Disable", "reason": "CHG0031337 firmware"}
PER_WAVE = {**DISABLE, "disable": "PerWave"}
STUCK = "hang,memory=64"
"""What only one server has in its metadata."""
SLOW = "hang,memory=65"
"""The same, of another server."""
MEMORY_MIB = "512"
"""Of the flavor that the lab's servers have."""
CONFIRM = {"cold": {"confirm": "Automatic"}}


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud of racks that moves four servers at a time, and keeps deleted servers for an hour."""
    assert operator.returncode is None
    options = ("--max-concurrent", "4", "--reclaim-interval", "3600", "--service-down-time", "60")
    with NovaLab(*options, computes=("rack1", "rack2", "rack3", "rack4")) as running:
        yield running


def measure_s(start: str, end: str) -> float:
    """Return the seconds between two times of a status."""
    return (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()


def fill(cloud: NovaLab, host: str) -> tuple[str, str]:
    """Boot five servers on a host; return the ids of one that is shut off and of one in a hard affinity group."""
    for number in range(3):
        cloud.boot(f"web-{number}", host=host)
    off = cloud.boot("off-0", host=host)
    cloud.nova.post(f"/servers/{off}/action", {"os-stop": None})
    group = cloud.nova.post("/os-server-groups", {"server_group": {"name": "db", "policy": "affinity"}})
    tied = cloud.boot("db-0", host=host, group=group["server_group"]["id"])
    eventually(lambda: cloud.nova.server(off)["status"] == "SHUTOFF", what="shut off")
    return off, tied


def check_preview(status: Json, tied: str) -> None:
    """See that the server in a hard affinity group is named, with its reason, in condition and preview."""
    blocked = condition(status, "Blocked")
    assert blocked["status"] == "True"
    assert "AffinityGroup" in blocked["message"]
    assert "db-0" in blocked["message"]
    assert {row["serverID"]: row["reason"] for row in status["preview"]["notPlain"]}[tied] == "AffinityGroup"


def check_moved(status: Json, children: Mapping[str, Json], off: str) -> None:
    """Assert that the server that is off moved cold, all others live, and that what they were is counted."""
    assert status["bytes"]["processedBytes"] == status["bytes"]["totalBytes"] > 0
    types = {server: child["spec"]["type"] for server, child in children.items()}
    assert types.pop(off) == "ColdMigration"
    assert set(types.values()) == {"LiveMigration"}
    assert {child["metadata"]["labels"]["osmig.dev/memory-mib"] for child in children.values()} == {MEMORY_MIB}


def test_a_host_is_disabled_emptied_proven_empty_and_given_back(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    off, tied = fill(cloud, "rack1")
    mark = cloud.control.request_mark()

    plan = plan_of(empty_tenant, "drain", "rack1", maintenance=DISABLE, template=CONFIRM)

    # what can be moved has moved, what cannot is named
    status = plan.until_outcome("Failed", "ServersLeft")
    assert servers_on(cloud, "rack1") == {"db-0"}
    check_preview(status, tied)
    assert status["progressText"] == "4/5"
    assert cloud.nova.server(off)["status"] == "SHUTOFF"
    check_moved(status, plan.children(), off)
    state, reason = read_service(cloud, "rack1")
    assert state == "disabled"
    assert re.fullmatch(f"osmig/{empty_tenant.namespace}/drain/[0-9a-f]{{8}}: CHG0031337 firmware", reason or "")
    assert list_orders(cloud, since=mark) == [{"status": "disabled", "disabled_reason": reason}]

    # somebody takes what was in the way off the host; retry proves the rest
    cloud.nova.post(f"/servers/{tied}/action", {"forceDelete": None})
    eventually(lambda: servers_on(cloud, "rack1") == set(), what="the tied server is gone")
    plan.order("retry")
    status = plan.until_outcome("Succeeded", "Succeeded")
    host = host_of(status, "rack1")
    assert (bool(host["drainedTime"]), host["remaining"], host["quietSweeps"]) == (True, 0, 2)
    assert condition(status, "Drained")["status"] == "True"
    assert read_service(cloud, "rack1") == ("disabled", reason), "nobody ordered to give it back"

    plan.order("release")
    plan.until_control("release", "Done")
    assert read_service(cloud, "rack1") == ("enabled", None)
    assert [order["status"] for order in list_orders(cloud, since=mark)] == ["disabled", "enabled"]
    assert {"PlanStarted", "ServiceDisabled", "HostDrained", "ServiceEnabled"} <= plan.events()
    assert len(plan.children()) == 4


def test_a_host_that_somebody_else_disabled_is_emptied_and_never_enabled(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    cloud.boot("guest-0", host="rack2")
    change_service(cloud, "rack2", status="disabled", disabled_reason="watcher_maintaining")
    mark = cloud.control.request_mark()

    maintenance = {**DISABLE, "onFinish": "Enable"}
    plan = plan_of(empty_tenant, "drain", "rack2", maintenance=maintenance, template=CONFIRM)
    status = plan.until_outcome("Succeeded", "Succeeded")

    assert host_of(status, "rack2")["disabledBy"] == "Other"
    assert servers_on(cloud, "rack2") == set()
    plan.order("release")
    plan.until_control("release", "Rejected")
    plan.delete()
    assert read_service(cloud, "rack2") == ("disabled", "watcher_maintaining")
    assert list_orders(cloud, since=mark) == []
    change_service(cloud, "rack2", status="enabled")


def test_a_wave_awaits_the_one_before_and_its_approval(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    odd = cloud.boot("odd-0", host="rack1", plan="precheck=dest")
    late = cloud.boot("late-0", host="rack2")
    waves = [{"name": "canary", "hosts": ["rack1"]}, {"name": "rest", "hosts": ["rack2"], "approval": "Manual"}]

    spec = {"waves": waves, "maintenance": PER_WAVE, "template": CONFIRM, "fallback": {"method": "Cold"}}
    plan = plan_of(empty_tenant, "roll", "rack1", "rack2", **spec)
    status = plan.until_outcome("AwaitingApproval", "AwaitingApproval")

    assert (status["wave"]["name"], status["wave"]["index"], status["wave"]["count"]) == ("rest", 2, 2)
    assert servers_on(cloud, "rack1") == set()
    assert "late-0" in servers_on(cloud, "rack2")
    assert (read_service(cloud, "rack1")[0], read_service(cloud, "rack2")) == ("disabled", ("enabled", None))
    plan.order("approve", f"rest/{status['preview']['hash']}")
    status = plan.until_outcome("Succeeded", "Succeeded")
    assert [bool(host["drainedTime"]) for host in status["hosts"]] == [True, True]
    made = empty_tenant.cluster.get("migrations", "-n", empty_tenant.namespace, "-l", "osmig.dev/plan=roll")["items"]
    labels = {(child["spec"]["server"]["id"], child["metadata"]["labels"]["osmig.dev/wave"]) for child in made}
    assert {(odd, "canary"), (late, "rest")} <= labels, "what lands on the host of a later wave is moved once more"
    of_odd = {child["spec"]["type"] for child in made if child["spec"]["server"]["id"] == odd}
    assert of_odd == {"ColdMigration", "LiveMigration"}, "its live move fails the check of the destination"
    plan.order("release")
    plan.until_control("release", "Done")
    # no later test can move it
    cloud.nova.post(f"/servers/{odd}/action", {"forceDelete": None})


def test_deleting_a_plan_never_enables_a_host_and_says_so(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    stuck = cloud.boot("stuck-0", host="rack3", plan=STUCK)
    selector = {"matchMetadata": [{"key": "lab.plan", "values": [STUCK]}]}
    plan = plan_of(empty_tenant, "drain", "rack3", maintenance=DISABLE, selector=selector)
    plan.until(lambda status: host_of(status, "rack3").get("disabledTime"), what="rack3 is disabled")
    plan.delete()
    assert read_service(cloud, "rack3")[0] == "disabled"
    eventually(lambda: "ServiceLeftDisabled" in plan.events(), what="the Event")
    change_service(cloud, "rack3", status="enabled")
    end_moves(cloud, stuck)


def test_a_plan_that_takes_too_long_is_called_off_with_what_moves(
    empty_tenant: Tenant, cloud: NovaLab, operator: OsmigRun
) -> None:
    empty_tenant.connect(cloud)
    slow = cloud.boot("slow-0", host="rack3", plan=SLOW)
    spec = {
        "maintenance": DISABLE,
        "selector": {"matchMetadata": [{"key": "lab.plan", "values": [SLOW]}]},
        "deadlineSeconds": 60,
        "onDeadline": "Abort",
    }
    plan = plan_of(empty_tenant, "drain", "rack3", **spec)
    begun = plan.until(lambda status: status.get("deadlineTime"), what="it has begun")
    assert measure_s(begun["startTime"], begun["deadlineTime"]) == 60

    status = plan.until_outcome("Aborted", "DeadlineExceeded")

    assert measure_s(status["startTime"], status["completionTime"]) >= 60
    assert plan.children()[slow]["status"]["phase"] == "Aborted"
    server = cloud.nova.server(slow)
    assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "rack3")
    assert condition(status, "WithinDeadline")["reason"] == "DeadlineExceeded"
    labels = f'[^}}]*namespace="{empty_tenant.namespace}"[^}}]*'
    late = re.findall(
        rf"^osmig_plan_deadline_exceeded\{{{labels}\}} (\S+)$", operator.http("/metrics")[1], re.MULTILINE
    )
    assert [float(value) for value in late] == [1]
    assert read_service(cloud, "rack3")[0] == "disabled"
    eventually(lambda: {"PolicyActed", "PlanFinished"} <= plan.events(), what="the Events")
    plan.order("release")
    plan.until_control("release", "Done")
    cloud.nova.post(f"/servers/{slow}/action", {"forceDelete": None})


@pytest.mark.parametrize(
    ("user", "host", "reason"),
    [("operator", "rack11", "HostNotFound"), ("manager", "rack1", "HostsNotVisible")],
    ids=["a misspelt host", "credentials that see no hosts"],
)
def test_what_reads_as_empty_to_others_begins_nothing(
    empty_tenant: Tenant, cloud: NovaLab, user: str, host: str, reason: str
) -> None:
    empty_tenant.connect(cloud, cloud=user)
    mark = cloud.control.request_mark()
    plan = plan_of(empty_tenant, "drain", host, maintenance=DISABLE)
    status = plan.until_outcome("Waiting", reason)
    assert condition(status, "Stalled")["status"] == "True"
    assert "startTime" not in status
    assert list_orders(cloud, since=mark) == []


def test_a_host_with_what_no_list_shows_is_not_called_empty(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    gone, moved = cloud.boot("gone-0", host="rack4"), cloud.boot("moved-0", host="rack4")
    cloud.nova.delete(f"/servers/{gone}")
    cloud.nova.post(f"/servers/{moved}/action", {"migrate": {"host": "rack1"}})
    eventually(lambda: cloud.nova.server(moved)["status"] == "VERIFY_RESIZE", what="the cold move has arrived")
    # servers of other tests may have landed there, and are moved
    listed = "/servers/detail?all_tenants=1&host=rack4"
    eventually(
        lambda: {gone, moved}.isdisjoint(row["id"] for row in cloud.nova.get(listed)["servers"]),
        what="no list shows them",
    )

    plan = plan_of(empty_tenant, "drain", "rack4", maintenance=DISABLE, template=CONFIRM)

    status = plan.until_outcome("Failed", "ServersLeft")
    host = host_of(status, "rack4")
    assert (host["remaining"], host["softDeleted"], host["unconfirmed"]) == (0, 1, 1)
    assert servers_on(cloud, "rack4") == {"gone-0"}
    assert "drainedTime" not in host
    assert condition(status, "Drained")["status"] == "False"
    assert "SoftDeleted" in condition(status, "Blocked")["message"]
    cloud.nova.post(f"/servers/{moved}/action", {"confirmResize": None})
    plan.order("release")
    plan.until_control("release", "Done")
