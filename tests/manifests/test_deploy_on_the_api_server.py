"""The plain manifests on a real API server: they apply, they grant what is meant and no more, the samples are valid."""

from __future__ import annotations

from base64 import b64decode
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from manifests.crd_files import KINDS, ROOT
from osmig.api.migration import parse_migration
from osmig.api.provider import parse_provider
from osmig.drivers.servers.nova.credentials import read_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.cluster import Cluster

DEPLOY = ROOT / "deploy"
OPERATOR = "system:serviceaccount:osmig-system:osmig"


@pytest.fixture(scope="module")
def deployed(crds: Cluster) -> Iterator[Cluster]:
    """The cluster with ``deploy/`` applied; taken away afterwards, other tests count their own objects."""
    crds.kubectl("apply", "-k", str(DEPLOY))
    yield crds
    crds.kubectl("delete", "-k", str(DEPLOY), "--wait=false", check=False)


def may(cluster: Cluster, verb: str, resource: str, namespace: str, user: str = OPERATOR) -> bool:
    """Ask the API server whether `user` may do that."""
    resource, _, subresource = resource.partition("#")
    asked = ["auth", "can-i", verb, resource, "-n", namespace, "--as", user]
    extra = [f"--subresource={subresource}"] if subresource else []
    return cluster.kubectl(*asked, *extra, check=False).stdout.strip() == "yes"


def test_everything_applies_twice_with_strict_validation(deployed: Cluster) -> None:
    deployed.kubectl("apply", "-k", str(DEPLOY), "--validate=strict", "--dry-run=server")


WORK = [
    *((verb, f"{kind}.osmig.dev") for verb in ("get", "list", "watch") for kind in KINDS),
    ("update", "migrations.osmig.dev#status"),
    ("create", "migrations.osmig.dev"),  # those of a MigrationPlan, and discovery.mode Mirror
    ("patch", "migrations.osmig.dev"),  # the finalizer of deletionPolicy Abort, and a plan's orders
    ("delete", "migrations.osmig.dev"),  # ttlSecondsAfterFinished
    ("update", "providers.osmig.dev#status"),
    ("update", "migrationmappings.osmig.dev#status"),
    ("update", "migrationplans.osmig.dev#status"),
    ("delete", "migrationplans.osmig.dev"),  # ttlSecondsAfterFinished
    ("create", "events.events.k8s.io"),
    ("patch", "events.events.k8s.io"),
    ("get", "secrets"),
]
LEASE = {
    ("create", "leases.coordination.k8s.io"),
    *((verb, "leases.coordination.k8s.io/osmig") for verb in ("get", "patch")),
}


def spell_rights(role: dict[str, Any]) -> set[tuple[str, str]]:
    """Return each single right of a role, as the tables here write it."""
    return {
        (verb, f"{kind}{f'.{group}' * bool(group)}{f'#{part}' * bool(part)}{f'/{name}' * bool(name)}")
        for rule in role["rules"]
        for verb, group, resource, name in product(
            rule["verbs"], rule["apiGroups"], rule["resources"], rule.get("resourceNames", [""])
        )
        for kind, _, part in [resource.partition("/")]
    }


def test_each_right_that_is_granted_is_one_of_those_that_the_next_tests_miss_when_it_is_gone() -> None:
    made = yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text(encoding="utf-8"))
    roles = {role["metadata"]["name"]: role for role in made if role["kind"] in {"ClusterRole", "Role"}}

    assert spell_rights(roles["osmig"]) | spell_rights(roles["osmig-credentials"]) == set(WORK)
    assert spell_rights(roles["osmig-lease"]) == LEASE


@pytest.mark.parametrize(("verb", "resource"), WORK)
def test_the_operator_may_do_its_work_in_every_namespace(
    deployed: Cluster, namespace: str, verb: str, resource: str
) -> None:
    assert may(deployed, verb, resource, namespace)


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("update", "migrations.osmig.dev"),
        *((verb, "migrationplans.osmig.dev") for verb in ("create", "update", "patch")),
        *((verb, "providers.osmig.dev") for verb in ("create", "update", "patch", "delete")),
        *((verb, "migrationmappings.osmig.dev") for verb in ("create", "update", "patch", "delete")),
        *((verb, "secrets") for verb in ("list", "watch", "create", "update")),
        ("patch", "migrations.osmig.dev#status"),
        ("create", "pods"),
        ("list", "namespaces"),
        ("get", "leases.coordination.k8s.io"),
        ("create", "leases.coordination.k8s.io"),
        ("list", "customresourcedefinitions.apiextensions.k8s.io"),
    ],
)
def test_the_operator_may_do_no_more_than_that(deployed: Cluster, namespace: str, verb: str, resource: str) -> None:
    assert not may(deployed, verb, resource, namespace)


def test_the_operator_may_hold_its_own_lease_and_no_other(deployed: Cluster) -> None:
    assert [right for right in LEASE if not may(deployed, *right, "osmig-system")] == []
    assert not may(deployed, "patch", "leases.coordination.k8s.io/other", "osmig-system")
    assert not may(deployed, "delete", "leases.coordination.k8s.io/osmig", "osmig-system")


@pytest.mark.parametrize(
    ("role", "aggregated", "verbs"),
    [
        ("osmig-view", {"aggregate-to-view"}, {"get", "list", "watch"}),
        (
            "osmig-edit",
            {"aggregate-to-edit", "aggregate-to-admin"},
            {"create", "update", "patch", "delete", "deletecollection"},
        ),
    ],
)
def test_people_get_their_rights_with_the_roles_they_have(
    deployed: Cluster, role: str, aggregated: set[str], verbs: set[str]
) -> None:
    found = deployed.get("clusterrole", role)
    (rule,) = found["rules"]

    labels = {key for key in found["metadata"]["labels"] if key.startswith("rbac.authorization.k8s.io/")}
    assert labels == {f"rbac.authorization.k8s.io/{name}" for name in aggregated}
    assert set(rule["verbs"]) == verbs
    assert set(rule["resources"]) == set(KINDS)


def test_the_pod_satisfies_the_restricted_standard_that_its_namespace_enforces(deployed: Cluster) -> None:
    assert deployed.get("namespace", "osmig-system")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == (
        "restricted"
    )
    template = deployed.get("deployment", "osmig", "-n", "osmig-system")["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "osmig", "namespace": "osmig-system", "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }

    deployed.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))


def test_the_namespace_refuses_a_pod_that_asks_for_more(deployed: Cluster) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": "osmig-system"},
        "spec": {"containers": [{"name": "root", "image": "osmig:0.1.0"}]},
    }

    refused = deployed.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod), check=False)

    assert 'violates PodSecurity "restricted' in refused.stderr


def test_the_samples_apply_as_they_are(crds: Cluster, namespace: str) -> None:
    crds.kubectl("apply", "-f", str(DEPLOY / "samples"), "-n", namespace, "--validate=strict")

    provider = parse_provider(crds.get("osprov", "region-one", "-n", namespace))
    (migration,) = crds.get("osmig", "-n", namespace)["items"]
    assert provider.spec.openstack is not None
    reference = provider.spec.openstack.cloud_credentials_ref
    secret = crds.get("secret", reference.secret_name, "-n", namespace)
    credentials = read_credentials({k: b64decode(v) for k, v in secret["data"].items()}, reference.cloud_name)

    assert credentials.auth_type == "v3applicationcredential"
    assert parse_migration(migration).spec.provider_ref.name == provider.metadata.name


def test_an_overlay_may_change_namespace_and_image(cluster: Cluster, tmp_path: Path) -> None:
    overlay = tmp_path / "kustomization.yaml"
    (tmp_path / "deploy").symlink_to(DEPLOY)
    overlay.write_text(
        "namespace: operators\n"
        "resources: [deploy]\n"
        "images: [{name: osmig, newName: images.example.org/osmig, newTag: v2}]\n"
    )

    objects = list(yaml.safe_load_all(cluster.kubectl("kustomize", str(tmp_path)).stdout))

    text = yaml.safe_dump_all(objects)
    assert "osmig-system" not in text
    assert "image: images.example.org/osmig:v2" in text
