"""Servers that a plan names, by their project or their ids, are moved once each, with kubectl, on the real Nova."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from e2e_plan import list_orders, plan_of, servers_on
from e2e_status import condition
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


def test_credentials_that_see_no_hosts_move_nothing_and_say_why(empty_tenant: Tenant, cloud: NovaLab) -> None:
    empty_tenant.connect(cloud, cloud="manager")
    project_id = cloud.nova.server(cloud.servers["web-1"])["tenant_id"]
    plan = plan_of(empty_tenant, "own", targets={"projectID": project_id})
    status = plan.until_outcome("Waiting", "HostsNotVisible")
    assert condition(status, "Stalled")["status"] == "True"
    assert plan.children() == {}
