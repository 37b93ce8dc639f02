"""Replications of a tenant through Waldur: the whole story, records found again, tokens and Providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e_operator import install, run_operator
from e2e_status import condition, outcome
from e2e_tenant import Tenant
from e2e_waldur import (
    MAPPINGS,
    ORDERED,
    connect,
    message,
    ordered_row,
    orders,
    put_mapping,
    put_provider,
    put_token,
    replicate,
    requests,
    rows,
)
from lab.cluster import Cluster
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from lab.osmig_run import OsmigRun
    from lab.waldur import WaldurLab


def test_a_tenant_is_replicated_with_mappings_and_every_tool_reads_its_status(owner: Tenant, waldur: WaldurLab) -> None:
    provider = owner.provider("waldur")["status"]
    # the flags that would tell the scope are shown to staff and support only
    assert (provider["endpoint"], provider["upstream"]["scope"]) == (waldur.url, "Unknown")
    assert provider["capabilities"] == ["TenantReplication"]
    put_mapping(owner, MAPPINGS)
    owner.kubectl("wait", "--for=condition=Ready", f"--timeout={DEADLINE_S:g}s", "migrationmapping/mapping")
    move = replicate(owner, options={"mappingRef": {"name": "mapping"}})
    row = ordered_row(waldur)
    move.until_phase("Starting")
    waldur.control.advance(row)
    waldur.control.progress(row, 2)
    running = move.until(lambda status: status.get("progress", {}).get("items", {}).get("done") == 2, what="two items")
    assert running["phase"] == "Running"
    assert "percent" not in running["progress"], "Waldur knows no percentage"
    assert running["progress"]["items"]["of"] == "networks and subnets of the replica"
    waldur.control.advance(row, 2)
    status = move.until_finished()

    assert outcome(status) == ("Succeeded", "Succeeded")
    assert "servers, volumes, their data and floating IPs are not" in message(status)
    assert "servers, volumes, their data and floating IPs are not" in status["tenant"]["scope"]
    [order] = orders(waldur)
    assert order["name"].startswith("copy-")
    assert order["name"].endswith("-1")
    assert "description" not in order
    assert order["mappings"]["subnets"] == [{"src_cidr": "192.168.1.0/24", "dst_cidr": "10.9.1.0/24"}]
    assert status["tenant"]["destinationName"] == order["name"]
    assert status["upstream"]["id"] == row
    assert {request["method"] for request in requests(waldur)} == {"POST"}
    assert [event["reason"] for event in owner.events("copy")] == ["MigrationStarted", "MigrationSucceeded"]


def test_a_token_of_another_user_never_makes_a_record_count_as_gone(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    move.until_upstream("CREATION_SCHEDULED")
    put_token(owner, waldur.token("rival"), waldur.url)
    move.until(lambda status: outcome(status)[1] == "TokenOfAnotherUser", what="TokenOfAnotherUser")
    put_token(owner, waldur.token("owner"), waldur.url)
    waldur.control.advance(row, 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")


def test_a_token_that_is_refused_pauses_the_provider_until_the_secret_follows(
    owner: Tenant, waldur: WaldurLab, operator: OsmigRun
) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    move.until_upstream("CREATION_SCHEDULED")
    waldur.control.user("owner", token="f" * 40)
    owner.until_provider(
        lambda status: condition(status, "Ready")["reason"] == "Unauthorized", what="Unauthorized", name="waldur"
    )
    assert condition(move.status, "ProviderReady")["status"] in {"True", "False"}
    put_token(owner, "f" * 40, waldur.url)
    owner.kubectl("wait", "--for=condition=Ready", f"--timeout={DEADLINE_S:g}s", "provider/waldur")
    waldur.control.advance(row, 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    told = str(move.get()) + str(owner.provider("waldur")) + str(owner.events("copy")) + operator.output()
    assert "f" * 40 not in told
    assert waldur.token("owner") not in told


def test_a_provider_of_another_type_is_waited_for(owner: Tenant, waldur: WaldurLab) -> None:
    put_provider(owner, waldur.url, name="other")
    move = replicate(owner, provider="cloud")
    status = move.until_phase("Queued")
    assert outcome(status) == ("Queued", "ProviderNotReady")
    owner.put_secret("clouds: {}")
    owner.put_provider()
    eventually(
        lambda: condition(move.status, "ProviderReady")["reason"] == "WrongProviderType", what="the type", timeout_s=60
    )
    assert orders(waldur) == []


def test_deleting_the_object_while_it_is_created_leaves_the_record(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, deletionPolicy="Abort")
    row = ordered_row(waldur)
    waldur.control.advance(row)
    move.until_phase("Running")
    move.delete()
    assert [request["method"] for request in requests(waldur)] == ["POST"]
    assert [found["uuid"] for found in rows(waldur) if not found["is_gone"]] == [row]


def test_the_same_manifest_adopts_its_record_among_34_and_orders_nothing(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.seed(count=33, name="noise")
    waldur.control.page_rows(10)
    move = replicate(owner)
    eventually(lambda: len(orders(waldur)) == 1, what="one order")
    row = str(move.until_upstream("CREATION_SCHEDULED")["upstream"]["id"])
    noisy = next(found["uuid"] for found in rows(waldur) if found["uuid"] != row)
    waldur.control.change(noisy, mappings=None)
    move.delete()
    again = replicate(owner)
    status = again.until_upstream("CREATION_SCHEDULED")
    assert status["upstream"]["id"] == row
    waldur.control.advance(row, 3)
    assert outcome(again.until_finished()) == ("Succeeded", "Succeeded")
    assert len(orders(waldur)) == 1
    assert "MigrationAdopted" in [event["reason"] for event in owner.events("copy")]


def test_a_name_that_keystone_changed_is_still_ours(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    move.until_upstream("CREATION_SCHEDULED")
    renamed = waldur.control.rename(row)
    move.delete()
    again = replicate(owner)
    assert again.until_upstream("CREATION_SCHEDULED")["tenant"]["destinationName"] == renamed
    assert len(orders(waldur)) == 1


def test_an_endpoint_that_the_operator_refuses_becomes_a_condition(owner: Tenant) -> None:
    put_token(owner, "0" * 40, "http://169.254.169.254", name="linked")
    put_provider(owner, "http://169.254.169.254", name="linked")
    status = owner.until_provider(
        lambda status: condition(status, "Ready").get("reason") == "EndpointRefused", what="refused", name="linked"
    )
    assert condition(status, "Stalled")["status"] == "True"


def test_of_two_records_with_one_name_the_older_is_followed_and_the_other_named(
    owner: Tenant, waldur: WaldurLab
) -> None:
    move = replicate(owner)
    row = str(move.until_upstream("CREATION_SCHEDULED")["upstream"]["id"])
    move.delete()
    [twin] = waldur.control.seed(name=orders(waldur)[0]["name"])
    again = replicate(owner)
    status = again.until_upstream("CREATION_SCHEDULED")
    assert status["upstream"]["id"] == row
    assert "AmbiguousStart" in again.reasons()
    adopted = [event["note"] for event in owner.events("copy") if event["reason"] == "MigrationAdopted"]
    assert twin in adopted[-1]
    assert len(orders(waldur)) == 1


def test_the_order_is_what_the_manifest_says(owner: Tenant, waldur: WaldurLab) -> None:
    replicate(owner, name="web.shop", options={"namePrefix": "shop"})
    ordered_row(waldur)
    [order] = orders(waldur)
    assert order["name"].startswith("shop-")
    ids = {"src_resource": "sourceResource", "dst_offering": "destinationOffering", "dst_plan": "destinationPlan"}
    assert {key: order[key].replace("-", "") for key in ids} == {key: ORDERED[name] for key, name in ids.items()}


def test_the_same_manifest_on_a_fresh_cluster_adopts_and_orders_nothing(waldur: WaldurLab, tmp_path: Path) -> None:
    followed = []
    for number in (1, 2):
        with Cluster() as cluster, run_operator(install(cluster), log=tmp_path / f"osmig-{number}.log") as running:
            running.wait_ready()
            cluster.kubectl("create", "namespace", "shop")
            shop = Tenant(cluster, "shop")
            connect(shop, waldur)
            move = replicate(shop, options={"mappings": MAPPINGS})
            followed.append(move.until_upstream("CREATION_SCHEDULED")["upstream"]["id"])
    assert followed[0] == followed[1]
    assert len(orders(waldur)) == 1
