"""Servers that a plan names, by their project or their ids, are moved once each, with kubectl, on the real Nova."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from e2e_plan import list_orders, plan_of, servers_on
from e2e_status import condition, outcome
from lab.nova import NovaLab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(600)

CONFIRM = {"cold": {"confirm": "Automatic"}}
HOSTS = ("rack1", "rack2", "rack3")


@pytest.fixture(scope="module")
def cloud(operator: OsmigRun) -> Iterator[NovaLab]:
    """A cloud of three hosts, on two of which a project has a server, and another project one more."""
    assert operator.returncode is None
    with NovaLab("--max-concurrent", "4", computes=HOSTS) as running:
        running.boot("web-1", host="rack1")
        running.boot("web-2", host="rack2")
        running.boot("else-1", user="other")
        yield running


def hosts_of(cloud: NovaLab) -> dict[str, str]:
    """Return where each server is, by name."""
    return {name: host for host in HOSTS for name in servers_on(cloud, host)}


def test_all_servers_of_a_project_are_moved_and_no_others(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    before, mark = hosts_of(cloud), cloud.control.request_mark()
    project_id = cloud.nova.server(cloud.servers["web-1"])["tenant_id"]

    plan = plan_of(empty_tenant, "project", targets={"projectID": project_id}, template=CONFIRM)
    status = plan.until_outcome("Succeeded", "Succeeded")

    after = hosts_of(cloud)
    assert {name for name in after if after[name] != before[name]} == {"web-1", "web-2"}
    assert status["progressText"] == "2/2"
    assert set(plan.children()) == {cloud.servers["web-1"], cloud.servers["web-2"]}
    orders = [json.loads(one["body"]) for one in cloud.control.requests(since=mark) if "os-migrateLive" in one["body"]]
    assert [order["os-migrateLive"]["block_migration"] for order in orders] == ["auto", "auto"]
    assert "hosts" not in status
    assert condition(status, "Drained") == {}
    assert list_orders(cloud, since=mark) == [], "no host is taken out of service"
    # a project that the cloud does not know reads as one without servers
    lost = plan_of(empty_tenant, "misspelt", targets={"projectID": uuid4().hex})
    assert "startTime" not in lost.until_outcome("Failed", "ServerNotFound")


def test_listed_servers_are_moved_and_an_id_of_no_server_is_named(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud)
    before, nobody = hosts_of(cloud), str(uuid4())
    servers = [{"id": cloud.servers["else-1"]}, {"id": nobody}]

    plan = plan_of(empty_tenant, "listed", targets={"servers": servers}, template=CONFIRM)
    status = plan.until_outcome("Failed", "ServersLeft")

    after = hosts_of(cloud)
    assert {name for name in after if after[name] != before[name]} == {"else-1"}
    assert status["progressText"] == "1/2"
    assert {row["serverID"]: row["reason"] for row in status["preview"]["notPlain"]} == {nobody: "ServerNotFound"}
    assert "ServerNotFound" in condition(status, "Blocked")["message"]
    plan.order("skip", nobody)
    plan.until_control("skip", "Rejected")


def test_a_manager_moves_the_own_project_and_what_is_ordered_twice_moves_once(
    empty_tenant: Tenant, cloud: NovaLab
) -> None:
    empty_tenant.connect(cloud, cloud="manager")
    own = {name: cloud.servers[name] for name in ("web-1", "web-2")}
    before, mark = hosts_of(cloud), cloud.control.request_mark()
    host_ids = {server: cloud.nova.server(server)["hostId"] for server in own.values()}
    project_id = cloud.nova.server(own["web-1"])["tenant_id"]
    # as if made by another plan, or by this one elsewhere, that saw the server where it is now
    again = {"sourceHostID": host_ids[own["web-1"]]}
    twin = empty_tenant.move(own["web-1"], name="again", placement=again, suspend=True)

    plan = plan_of(empty_tenant, "own", targets={"projectID": project_id}, template=CONFIRM)
    status = plan.until_outcome("Succeeded", "Succeeded")
    empty_tenant.kubectl("patch", "migrations.osmig.dev", "again", "--type=merge", '--patch={"spec":{"suspend":false}}')

    assert outcome(twin.until_finished()) == ("Succeeded", "NotOnSourceHost")
    assert status["progressText"] == "2/2"
    named = {server: child["spec"]["placement"] for server, child in plan.children().items()}
    assert named == {server: {"sourceHostID": host_id} for server, host_id in host_ids.items()}
    after = hosts_of(cloud)
    assert {name for name in after if after[name] != before[name]} == set(own)
    orders = [one["path"] for one in cloud.control.requests(since=mark) if "os-migrateLive" in one["body"]]
    assert sorted(path.split("/")[-2] for path in orders) == sorted(own.values()), "each was ordered once"


def test_credentials_that_see_no_hosts_move_nothing_of_others_and_say_why(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud, cloud="manager")
    theirs = cloud.nova.server(cloud.servers["else-1"])["tenant_id"]
    plan = plan_of(empty_tenant, "theirs", targets={"projectID": theirs})
    status = plan.until_outcome("Waiting", "HostsNotVisible")
    assert condition(status, "Stalled")["status"] == "True"
    assert plan.children() == {}
