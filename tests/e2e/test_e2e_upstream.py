"""What moves on a cloud shows in its Provider, whoever began it: on the real Nova, and on the doubles of the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from unittest.mock import patch

import openstack
import pytest

from e2e_waldur import apply, connect, put_provider, put_token
from lab.hosting import TOKEN, HostingWorld
from lab.hosting_server import serve
from lab.waldurlab import catalogue

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab
    from lab.waldur import WaldurLab


def count_sweeps(nova: NovaLab, mark: int) -> int:
    """Count osmig's sweeps since a mark: the first page of each."""
    return sum(
        "/os-migrations" in request["path"] and "changes-since" in request["path"]
        for request in nova.control.requests(since=mark)
    )


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # about itself
def test_a_move_that_openstacksdk_began_shows_within_two_sweeps(tenant: Tenant, nova: NovaLab) -> None:
    server = nova.boot("by-sdk", plan="hang")
    before = tenant.until_provider(lambda status: "running" in status["upstream"], what="counts")["upstream"]
    with patch.dict(os.environ, OS_CLIENT_CONFIG_FILE=str(nova.clouds)):
        cloud = openstack.connect(cloud="operator", compute_default_microversion="2.30")
        cloud.compute.live_migrate_server(server, host=None, block_migration="auto")
    mark = nova.control.request_mark()

    seen = tenant.until_provider(
        lambda status: status["upstream"]["running"] + status["upstream"]["queued"] > before["running"],
        what="sees the move",
    )["upstream"]

    # accepted between two sweeps, recorded by the next, counted by the one after it at the latest
    assert count_sweeps(nova, mark) <= 3
    assert "live-migration" in {entry["type"] for entry in seen["byType"]}
    assert seen["scope"] == "Cloud"
    shown = tenant.kubectl("get", "osprov", "-o", "wide")
    assert "live-migration" in shown
    nova.control.steer(server, "finish")


def test_what_waldur_replicates_for_others_shows_and_off_tells_nothing(empty_tenant: Tenant, waldur: WaldurLab) -> None:
    waldur.as_user("owner").create(catalogue.SOURCE, catalogue.OFFERING, catalogue.PLAN, name="by-hand")
    connect(empty_tenant, waldur)

    seen = empty_tenant.until_provider(lambda status: "running" in status["upstream"], what="counts", name="waldur")

    assert seen["upstream"]["byType"] == [{"type": "tenant-replication", "count": 1}]
    assert seen["upstream"]["running"] + seen["upstream"]["queued"] == 1
    put_provider(empty_tenant, waldur.url, discovery={"mode": "Off"})
    off = empty_tenant.until_provider(lambda status: "message" in status["upstream"], what="is off", name="waldur")
    assert "Off" in off["upstream"]["message"]
    assert "running" not in off["upstream"]


def test_the_jobs_of_a_hosting_service_show(empty_tenant: Tenant) -> None:
    world = HostingWorld()
    for status in ("running", "scheduled", "to_schedule", "completed", "failed"):
        world.make_job(status=status)
    with serve(world) as url:
        put_token(empty_tenant, TOKEN, url, name="hosting")
        hosting = {"endpoint": url, "tokenRef": {"secretName": "hosting"}, "requestsPerSecond": 10}
        spec = {"type": "Hosting", "hosting": hosting}
        apply(empty_tenant, {"kind": "Provider", "metadata": {"name": "hosting"}, "spec": spec})

        seen = empty_tenant.until_provider(
            lambda status: "running" in status.get("upstream", {}), what="counts", name="hosting"
        )["upstream"]

    counted = {name: seen[name] for name in ("running", "queued", "awaitingConfirmation")}
    assert counted == {"running": 1, "queued": 2, "awaitingConfirmation": 0}
    assert seen["byType"] == [{"type": "mailbox-migration", "count": 3}]
