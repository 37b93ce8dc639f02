"""The CRDs on a real API server: what it refuses in which words, what it freezes, fills in, prints and explains."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import (
    SERVER_ID,
    TIME,
    full_migration_spec,
    full_migration_status,
    full_provider_status,
    migration_body,
    provider_body,
)

if TYPE_CHECKING:
    from lab.cluster import Cluster

OTHER_ID = SERVER_ID.replace("1b", "2b")


def create(cluster: Cluster, namespace: str, body: dict[str, Any]) -> str:
    """Create an object and return what the API server said when it refused, else nothing."""
    metadata = {"name": body["metadata"]["name"], "namespace": namespace}
    done = cluster.kubectl("create", "-f", "-", stdin=json.dumps({**body, "metadata": metadata}), check=False)
    return done.stderr


def patch(cluster: Cluster, namespace: str, change: dict[str, Any], *, status: bool = False) -> str:
    """Merge a change into the Migration db-07 and return what the API server said when it refused, else nothing."""
    subresource = ["--subresource=status"] if status else []
    done = cluster.kubectl(
        "patch", "osmig", "db-07", "-n", namespace, "--type=merge", *subresource, "-p", json.dumps(change), check=False
    )
    return done.stderr


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"server": {}}, "spec.server: Invalid value: exactly one of id and name must be set"),
        (
            {"server": {"id": SERVER_ID, "name": "x"}},
            "spec.server: Invalid value: exactly one of id and name must be set",
        ),
        ({"server": {"id": SERVER_ID.upper()}}, "spec.server.id in body should match"),
        ({"server": {"id": "41"}}, "spec.server.id in body should be at least 36 chars long"),
        ({"server": {"name": ""}}, "spec.server.name in body should be at least 1 chars long"),
        ({"server": {"name": "x" * 256}}, "spec.server.name: Too long"),
        ({"server": "db-07"}, "spec.server in body must be of type object"),
        ({"server": None}, "spec.server: Required value"),
        ({"providerRef": None}, "spec.providerRef: Required value"),
        ({"providerRef": {}}, "spec.providerRef.name: Required value"),
        ({"providerRef": {"name": "Region-One"}}, "spec.providerRef.name in body should match"),
        ({"type": None}, "spec.type: Required value"),
        ({"type": "ColdMigration"}, 'spec.type: Unsupported value: "ColdMigration": supported values: "LiveMigration"'),
        ({"placement": {"sourceHost": ""}}, "spec.placement.sourceHost in body should be at least 1 chars long"),
        ({"placement": {"destinationHost": 7}}, "spec.placement.destinationHost in body must be of type string"),
        ({"live": {"blockMigration": True}}, "spec.live.blockMigration in body must be of type string"),
        ({"live": {"blockMigration": "auto"}}, 'spec.live.blockMigration: Unsupported value: "auto"'),
        ({"sever": {}}, 'unknown field "spec.sever"'),
        ({"placement": {"host": "cmp1"}}, 'unknown field "spec.placement.host"'),
        ({"suspend": True}, 'unknown field "spec.suspend"'),
    ],
    ids=str,
)
def test_a_bad_migration_is_refused_with_the_name_of_its_field(
    crds: Cluster, namespace: str, spec: dict[str, Any], words: str
) -> None:
    assert words in create(crds, namespace, migration_body(spec=spec))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"openstack": None}, "spec.openstack: Required value: openstack is required when type is OpenStack"),
        ({"type": "VMware"}, 'spec.type: Unsupported value: "VMware"'),
        ({"type": None}, "spec.type: Required value"),
        ({"openstack": {}}, "spec.openstack.cloudCredentialsRef: Required value"),
        ({"openstack": {"cloudCredentialsRef": {"cloudName": "x"}}}, "cloudCredentialsRef.secretName: Required value"),
        (
            {"openstack": {"cloudCredentialsRef": {"cloudName": "", "secretName": "x"}}},
            "cloudCredentialsRef.cloudName in body should be at least 1 chars long",
        ),
        (
            {"openstack": {"cloudCredentialsRef": {"cloudName": "x", "secretName": "../x"}}},
            "cloudCredentialsRef.secretName in body should match",
        ),
        ({"limits": {"maxInFlight": 1}}, 'unknown field "spec.limits"'),
    ],
    ids=str,
)
def test_a_bad_provider_is_refused_with_the_name_of_its_field(
    crds: Cluster, namespace: str, spec: dict[str, Any], words: str
) -> None:
    assert words in create(crds, namespace, provider_body(spec=spec))


def test_three_mistakes_are_told_at_once(crds: Cluster, namespace: str) -> None:
    spec = {"server": {"name": ""}, "providerRef": {"name": "A"}, "placement": {"sourceHost": ""}}

    refusal = create(crds, namespace, migration_body(spec=spec))

    assert all(path in refusal for path in ("spec.server.name", "spec.providerRef.name", "spec.placement.sourceHost"))


def test_a_new_object_gets_the_default_status_whatever_its_manifest_says(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body(spec={"live": {}}, status={"phase": "Succeeded", "startTime": TIME}))
    create(crds, namespace, provider_body())

    migration = crds.get("osmig", "db-07", "-n", namespace)
    provider = crds.get("osprov", "region-one", "-n", namespace)

    assert migration["status"] == provider["status"] == {"observedGeneration": -1}
    assert migration["spec"]["live"] == {"blockMigration": "Auto"}


def test_the_status_with_all_there_is_is_stored_as_written(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body())
    create(crds, namespace, provider_body())

    for kind, name, status in (
        ("osmig", "db-07", full_migration_status()),
        ("osprov", "region-one", full_provider_status()),
    ):
        put = {**crds.get(kind, name, "-n", namespace), "status": status}
        crds.kubectl("replace", "--subresource=status", "-f", "-", stdin=json.dumps(put))

        assert crds.get(kind, name, "-n", namespace)["status"] == status


CHANGES: dict[str, dict[str, Any]] = {
    "providerRef": {"providerRef": {"name": "region-two"}},
    "server": {"server": {"id": OTHER_ID}},
    "server by name": {"server": {"id": None, "name": "db-07"}},
    "placement": {"placement": {"destinationHost": "cmp9"}},
    "placement removed": {"placement": None},
    "live.blockMigration": {"live": {"blockMigration": "Always"}},
    "live.blockMigration removed": {"live": None},
}


@pytest.mark.parametrize("name", CHANGES)
def test_before_the_start_every_field_may_be_changed(crds: Cluster, namespace: str, name: str) -> None:
    create(crds, namespace, migration_body(spec=full_migration_spec()))

    assert patch(crds, namespace, {"spec": CHANGES[name]}) == ""


@pytest.mark.parametrize("name", CHANGES)
def test_after_the_start_no_field_may_be_changed_and_the_refusal_names_it(
    crds: Cluster, namespace: str, name: str
) -> None:
    create(crds, namespace, migration_body(spec=full_migration_spec()))
    patch(crds, namespace, {"status": {"startTime": TIME}}, status=True)

    refusal = patch(crds, namespace, {"spec": CHANGES[name]})

    field = name.partition(" ")[0]
    assert f"spec.{field}: Forbidden: {field} may not be changed once the migration has started" in refusal


def test_placement_may_not_be_added_after_the_start(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body())
    patch(crds, namespace, {"status": {"startTime": TIME}}, status=True)

    assert "spec.placement: Forbidden" in patch(crds, namespace, {"spec": {"placement": {"sourceHost": "cmp1"}}})


@pytest.mark.parametrize("live", [{}, {"blockMigration": "Auto"}], ids=str)
def test_writing_a_default_out_after_the_start_is_no_change(
    crds: Cluster, namespace: str, live: dict[str, Any]
) -> None:
    create(crds, namespace, migration_body())
    patch(crds, namespace, {"status": {"startTime": TIME}}, status=True)

    assert patch(crds, namespace, {"spec": {"live": live}}) == ""
    assert patch(crds, namespace, {"spec": {"live": None}}) == ""


def test_labels_and_verbs_stay_open_after_the_start(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body())
    patch(crds, namespace, {"status": {"startTime": TIME}}, status=True)

    change = {"metadata": {"annotations": {"osmig.dev/abort": "1"}, "labels": {"drain": "cmp1"}}}

    assert patch(crds, namespace, change) == ""


@pytest.mark.parametrize(
    "status",
    [{"startTime": None}, {"startTime": "2026-11-21T10:00:01Z"}, None],
    ids=["removed", "changed", "no status"],
)
def test_the_start_can_be_neither_moved_nor_forgotten(crds: Cluster, namespace: str, status: object) -> None:
    create(crds, namespace, migration_body())
    patch(crds, namespace, {"status": {"startTime": TIME, "attempt": 1}}, status=True)

    refusal = patch(crds, namespace, {"status": status}, status=True)

    assert "status.startTime: Forbidden: startTime may not be changed or removed" in refusal


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Teleporting"}, 'status.phase: Unsupported value: "Teleporting"'),
        ({"attempt": 0}, "status.attempt: Invalid value: 0: "),
        ({"progress": {"percent": 101}}, "status.progress.percent: Invalid value: 101: "),
        ({"attempts": [{"number": n, "outcome": "Failed"} for n in range(1, 7)]}, "status.attempts: Too many"),
        ({"attempts": [{"number": 1, "outcome": "Failed"}] * 2}, "status.attempts[1]: Duplicate value"),
        ({"attempts": [{"number": 1, "outcome": "Running"}]}, "status.attempts[0].outcome: Unsupported value"),
        ({"controls": [{"verb": "explode"}]}, 'status.controls[0].verb: Unsupported value: "explode"'),
        ({"pendingCall": {"operation": "abort"}}, "status.pendingCall.holder: Required value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_status_is_refused_too(crds: Cluster, namespace: str, status: dict[str, Any], words: str) -> None:
    create(crds, namespace, migration_body())

    assert words in patch(crds, namespace, {"status": status}, status=True)


def test_people_see_the_columns_that_tell_the_story(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body(spec={"server": {"id": SERVER_ID}}))
    patch(crds, namespace, {"status": full_migration_status()}, status=True)

    table = crds.kubectl("get", "osmig", "-n", namespace).stdout.splitlines()
    wide = crds.kubectl("get", "osmig", "-n", namespace, "-o", "wide").stdout.splitlines()

    head = ["NAME", "SERVER", "TYPE", "PHASE", "PROGRESS", "SOURCE", "DEST", "REASON", "AGE"]
    assert table[0].split() == head
    assert table[1].split()[:-1] == ["db-07", SERVER_ID, "LiveMigration", "Running", "65", "cmp1", "cmp2", "Running"]
    assert wide[0].split() == [*head[:-1], "ATTEMPT", "UPSTREAM", "READY", "AGE"]
    assert wide[1].split()[-4:-1] == ["2", full_migration_status()["upstream"]["id"], "False"]


def test_a_server_ordered_by_name_is_shown_by_name_from_the_first_second(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, migration_body(spec={"server": {"name": "web-1"}}))

    assert crds.kubectl("get", "osmig", "-n", namespace).stdout.splitlines()[1].split()[1] == "web-1"


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
        ("osmig.status.pendingCall.mark", "requestIDs"),
        ("osprov.spec.openstack.cloudCredentialsRef", "secretName"),
        ("osprov.status.upstream", "awaitingConfirmation"),
    ],
)
def test_kubectl_explains_every_level(crds: Cluster, path: str, words: str) -> None:
    assert words in crds.kubectl("explain", path).stdout
