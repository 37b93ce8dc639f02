"""The CRDs on a real API server: what it fills in, keeps, prints, selects and explains."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api_samples import (
    SERVER_ID,
    TIME,
    full_cold_spec,
    full_mailbox_spec,
    full_mapping_status,
    full_mappings,
    full_migration_spec,
    full_migration_status,
    full_provider_spec,
    full_provider_status,
    full_tenant_spec,
    mapping_body,
    migration_body,
    provider_body,
    referring_tenant_spec,
    tenant_spec,
)
from manifests.kubectl_words import create, patch

if TYPE_CHECKING:
    from lab.cluster import Cluster

OTHER_ID = SERVER_ID.replace("1b", "2b")


def test_a_new_object_gets_the_default_status_whatever_its_manifest_says(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body(spec={"live": {}}, status={"phase": "Succeeded", "startTime": TIME}))
    create(crds, namespace, provider_body())

    create(crds, namespace, mapping_body(status=full_mapping_status()))

    migration = crds.get("osmig", "db-07", "-n", namespace)
    provider = crds.get("osprov", "region-one", "-n", namespace)
    mapping = crds.get("osmap", "dc1-to-dc2", "-n", namespace)

    assert migration["status"] == provider["status"] == mapping["status"] == {"observedGeneration": -1}


def test_the_api_server_fills_in_every_default(crds: Cluster, namespace: str) -> None:
    options: dict[str, dict[str, object]] = {"live": {"convergence": {}}, "retry": {}}
    create(crds, namespace, migration_body(spec=options))
    create(crds, namespace, provider_body(spec={"limits": {}}))
    cold = migration_body(spec={"type": "ColdMigration", "cold": {}})
    cold["metadata"]["name"] = "cold"
    create(crds, namespace, cold)

    live_spec = crds.get("osmig", "db-07", "-n", namespace)["spec"]
    cold_spec = crds.get("osmig", "cold", "-n", namespace)["spec"]
    provider_spec = crds.get("osprov", "region-one", "-n", namespace)["spec"]

    common = {
        "mode": "Execute",
        "suspend": False,
        "deadlineSeconds": 14_400,
        "onDeadline": "Alert",
        "deletionPolicy": "Detach",
        "providerRef": {"name": "region-one"},
        "server": {"name": "db-07"},
    }
    convergence = {"progressTimeoutSeconds": 300, "onStall": "Alert"}
    assert live_spec == common | {
        "type": "LiveMigration",
        "live": {"blockMigration": "Auto", "convergence": convergence},
        "retry": {"limit": 0, "backoffSeconds": 30, "maxBackoffSeconds": 600},
    }
    gate = {"confirm": "Manual", "confirmDeadlineSeconds": 72_000, "onConfirmDeadline": "Alert"}
    assert cold_spec == common | {"type": "ColdMigration", "cold": gate}
    per_host = {"maxInFlightPerSourceHost": 2, "maxInFlightPerDestinationHost": 2}
    assert provider_spec["limits"] == {"maxInFlight": 10, **per_host, "requestsPerSecond": 10}


def test_a_spec_with_all_there_is_is_stored_as_written(crds: Cluster, namespace: str) -> None:
    tenants = {"tenant": full_tenant_spec(), "referring": referring_tenant_spec()}
    specs = {"live": full_migration_spec(), "cold": full_cold_spec(), "mailboxes": full_mailbox_spec()} | tenants
    for name, spec in specs.items():
        body = migration_body(spec=spec)
        body["metadata"]["name"] = name
        create(crds, namespace, body)
    create(crds, namespace, provider_body(spec=full_provider_spec()))

    assert {name: crds.get("osmig", name, "-n", namespace)["spec"] for name in specs} == specs
    create(crds, namespace, mapping_body(spec=full_mappings()))
    assert crds.get("osprov", "region-one", "-n", namespace)["spec"] == full_provider_spec()
    assert crds.get("osmap", "dc1-to-dc2", "-n", namespace)["spec"] == full_mappings()


def test_the_status_with_all_there_is_is_stored_as_written(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body())
    create(crds, namespace, provider_body())
    create(crds, namespace, mapping_body())

    for kind, name, status in (
        ("osmig", "db-07", full_migration_status()),
        ("osprov", "region-one", full_provider_status()),
        ("osmap", "dc1-to-dc2", full_mapping_status()),
    ):
        put = {**crds.get(kind, name, "-n", namespace), "status": status}
        crds.kubectl("replace", "--subresource=status", "-f", "-", stdin=json.dumps(put))

        assert crds.get(kind, name, "-n", namespace)["status"] == status


def test_people_see_the_columns_that_tell_the_story(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body(spec={"server": {"id": SERVER_ID}}))
    patch(crds, namespace, {"status": full_migration_status()}, status=True)

    table = crds.kubectl("get", "osmig", "-n", namespace).stdout.splitlines()
    wide = crds.kubectl("get", "osmig", "-n", namespace, "-o", "wide").stdout.splitlines()

    head = ["NAME", "SERVER", "TYPE", "PHASE", "PROGRESS", "SOURCE", "DEST", "REASON", "AGE"]
    assert table[0].split() == head
    assert table[1].split()[:-1] == ["db-07", SERVER_ID, "LiveMigration", "Running", "65", "cmp1", "cmp2", "Running"]
    assert wide[0].split() == [*head[:-1], "ETA", "TREND", "ATTEMPT", "UPSTREAM", "READY", "AGE"]
    upstream_id = full_migration_status()["upstream"]["id"]
    assert wide[1].split()[-6:-1] == ["15", "Falling", "2", upstream_id, "False"]


def test_a_server_ordered_by_name_is_shown_by_name_from_the_first_second(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body(spec={"server": {"name": "web-1"}}))

    assert crds.kubectl("get", "osmig", "-n", namespace).stdout.splitlines()[1].split()[1] == "web-1"


def test_a_tenant_is_shown_by_its_resource_where_servers_stand(crds: Cluster, namespace: str) -> None:
    spec = tenant_spec()
    create(crds, namespace, migration_body(spec=spec))

    columns = crds.kubectl("get", "osmig", "-n", namespace).stdout.splitlines()[1].split()

    assert columns[1:3] == [spec["tenant"]["sourceResource"], "TenantReplication"]


def test_people_see_what_is_wrong_with_a_mapping(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, mapping_body())
    change = json.dumps({"status": full_mapping_status()})
    crds.kubectl("patch", "osmap", "dc1-to-dc2", "-n", namespace, "--type=merge", "--subresource=status", "-p", change)

    table = crds.kubectl("get", "migrationmappings", "-n", namespace).stdout.splitlines()

    assert table[0].split() == ["NAME", "READY", "REASON", "AGE"]
    assert table[1].split()[:-1] == ["dc1-to-dc2", "True", "Linted"]


def test_people_see_whether_a_provider_can_be_used(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, provider_body())
    change = json.dumps({"status": full_provider_status()})
    crds.kubectl("patch", "osprov", "region-one", "-n", namespace, "--type=merge", "--subresource=status", "-p", change)

    table = crds.kubectl("get", "openstack-migrations", "-n", namespace).stdout.splitlines()

    assert table[0].split() == ["NAME", "TYPE", "READY", "API", "RUNNING", "AGE"]
    assert table[1].split()[1:-1] == ["OpenStack", "True", "2.104", "4"]


@pytest.mark.parametrize(
    "selector", ["spec.providerRef.name=region-one", f"spec.server.id={SERVER_ID}", "status.phase!=Succeeded"]
)
def test_objects_can_be_selected_by_their_fields(crds: Cluster, namespace: str, selector: str) -> None:
    create(crds, namespace, migration_body(spec={"server": {"id": SERVER_ID}}))
    other = migration_body(spec={"providerRef": {"name": "region-two"}, "server": {"id": OTHER_ID}})
    other["metadata"]["name"] = "other"
    create(crds, namespace, other)
    crds.kubectl(
        "patch", "osmig", "other", "-n", namespace, "--type=merge", "--subresource=status",
        "-p", '{"status": {"phase": "Succeeded"}}',
    )  # fmt: skip

    found = crds.get("osmig", "-n", namespace, "--field-selector", selector)

    assert [item["metadata"]["name"] for item in found["items"]] == ["db-07"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("osmig", "Migration moves one server once"),
        ("osmig.spec.server.id", "a UUID in lower case"),
        ("osmig.spec.mode", "Validate: only check"),
        ("osmig.spec.live.convergence.onStall", "ForceComplete"),
        ("osmig.spec.cold.confirmDeadlineSeconds", "Default: 72000"),
        ("osmig.spec.adopt", "under way already"),
        ("osmig.spec.retry", "backoffSeconds"),
        ("osmig.spec.deletionPolicy", "Detach"),
        ("osmig.status.pendingCall.mark", "requestIDs"),
        ("osmig.status.policyOrders", "onConfirmDeadline"),
        ("osmig.status.preflight.result", "Skipped"),
        ("osprov.spec.limits", "maxInFlightPerSourceHost"),
        ("osprov.spec.openstack.autoConfirmSeconds", "resize_confirm_window"),
        ("osprov.spec.openstack.cloudCredentialsRef", "secretName"),
        ("osprov.spec.waldur.tokenRef", "secretName"),
        ("osprov.status.upstream", "awaitingConfirmation"),
        ("osmig.spec.tenant", "DestinationOnAbort"),
        ("osmig.spec.tenant.mappings", "skipConnectionExtnet"),
        ("osmig.status.tenant", "mappingHash"),
        ("osmap.spec.subnets", "destinationCIDR"),
        ("osmap.status.findings", "Skipped"),
    ],
)
def test_kubectl_explains_every_level(crds: Cluster, path: str, words: str) -> None:
    assert words in crds.kubectl("explain", path).stdout
