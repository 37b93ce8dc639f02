"""What users and tools see of a Migration under way: each row of the status table, and what kstatus makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e_cloud import Boot, calls, occupy
from e2e_move import HostPair
from e2e_operator import API_VERSION
from e2e_status import condition, kstatus, verdicts

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab

UNDER_WAY = {"Succeeded": "Unknown", "Finished": "False", "Ready": "False", "Reconciling": "True"}


def expect_under_way(move: HostPair, phase: str, reason: str) -> None:
    """Check the row of the status table, and that kstatus waits for the end."""
    move.until(
        lambda status: (status.get("phase"), condition(status, "Succeeded").get("reason")) == (phase, reason),
        what=f"{phase}/{reason}",
    )
    body = move.get()
    ready = "False" if reason == "ProviderNotReady" else "True"
    told = verdicts(body["status"])
    # of a live move whose data is moving, and no part of what this is about
    told.pop("Converging", None)
    assert told == {**UNDER_WAY, "ProviderReady": ready}
    assert {entry["observedGeneration"] for entry in body["status"]["conditions"]} == {1}
    assert kstatus(body) == "InProgress"


def test_a_migration_that_nobody_has_seen_is_in_progress(empty_tenant: Tenant) -> None:
    # two moments of one object: as the API server stored it, before the operator can have written
    move = HostPair(empty_tenant, "move", "00000000-0000-4000-8000-000000000000", empty_tenant.cluster.audit_mark())
    manifest = (
        f'{{"apiVersion": "{API_VERSION}", "kind": "Migration", "metadata": {{"name": "move"}}, "spec": '
        f'{{"providerRef": {{"name": "cloud"}}, "type": "LiveMigration", "server": {{"id": "{move.server}"}}}}}}'
    )
    stored = empty_tenant.kubectl("create", "-f", "-", "-o", "jsonpath={.status}", stdin=manifest)
    assert stored == '{"observedGeneration":-1}'
    assert kstatus({"metadata": {"generation": 1}, "status": {"observedGeneration": -1}}) == "InProgress"
    expect_under_way(move, "Queued", "ProviderNotReady")


def test_a_migration_of_a_busy_server_is_in_progress(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(plan="hang")
    occupy(nova, server)
    move = tenant.move(server)
    expect_under_way(move, "Queued", "ServerBusy")
    assert calls(nova, server) == []


def test_a_migration_that_is_tried_again_is_in_progress(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot()
    nova.control.fault(path=f"/servers/{server}$", method="GET", status=503, count=0)
    move = tenant.move(server)
    expect_under_way(move, "Pending", "Retrying")
    assert calls(nova, server) == []


def test_a_migration_under_way_is_in_progress_until_it_is_current(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    first = boot(plan="hang", host="cmp1")
    occupy(nova, first)
    move = tenant.move(boot(plan="hang", host="cmp1"))
    expect_under_way(move, "Starting", "Queued")
    nova.control.steer(first, "cancel")
    expect_under_way(move, "Running", "Running")
    nova.control.steer(move.server, status="running (post-copy)")
    expect_under_way(move, "Running", "PostCopy")
    nova.control.steer(move.server, "finish")
    move.until_finished()
    assert kstatus(move.get()) == "Current"


def test_a_migration_being_aborted_is_in_progress_until_it_has_failed(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move(boot(plan="hang,abort=ignore"))
    move.until_upstream("running")
    move.order("abort")
    expect_under_way(move, "Aborting", "Aborting")
    nova.control.steer(move.server, "cancel")
    move.until_finished()
    assert kstatus(move.get()) == "Failed"
