"""The kustomize components that the chart has no switch for, and the admission policy on the real API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.cluster import KubectlError
from lab.waiting import eventually
from manifests.argocd_actions import KEY
from manifests.chart_files import COMPONENTS
from manifests.chart_objects import build, find
from manifests.verbs_policy import FREE, GUARDED, POLICY
from osmig.api.names import GROUP, Verb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.cluster import Cluster

MIGRATION: dict[str, Any] = {
    "apiVersion": "osmig.dev/v1alpha1",
    "kind": "Migration",
    "metadata": {"name": "db-07"},
    "spec": {"providerRef": {"name": "cloud"}, "type": "LiveMigration", "server": {"name": "db-07"}},
}


def build_with(cluster: Cluster, folder: Path, resource: Any, component: str) -> list[Any]:  # noqa: ANN401
    """Build an overlay that has one resource and takes one component."""
    (folder / "components").symlink_to(COMPONENTS)
    (folder / "resource.yaml").write_text(yaml.safe_dump(resource), encoding="utf-8")
    (folder / "kustomization.yaml").write_text(
        f"resources: [resource.yaml]\ncomponents: [components/{component}]\n", encoding="utf-8"
    )
    return build(cluster, folder)


@pytest.mark.parametrize(
    ("component", "annotations"),
    [
        ("argocd", {"argocd.argoproj.io/sync-options": "Prune=confirm,Delete=confirm"}),
        (
            "flux",
            {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent", "kustomize.toolkit.fluxcd.io/prune": "disabled"},
        ),
    ],
)
def test_a_migration_under_gitops_stays_as_it_is(
    cluster: Cluster, tmp_path: Path, component: str, annotations: dict[str, str]
) -> None:
    (made,) = build_with(cluster, tmp_path, MIGRATION, component)

    assert made == {**MIGRATION, "metadata": {"name": "db-07", "annotations": annotations}}


def test_argo_cds_own_overlay_learns_the_health_of_every_kind_and_the_orders(cluster: Cluster, tmp_path: Path) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": {"url": "https://x"}}

    made = find(build_with(cluster, tmp_path, config, "argocd/configuration"), "ConfigMap")

    prefix = "resource.customizations.health.osmig.dev_"
    assert made["data"].keys() == {
        "url",
        KEY,
        *(f"{prefix}{kind}" for kind in ("Migration", "Provider", "MigrationMapping")),
    }


@pytest.fixture(scope="module")
def policy(crds: Cluster) -> Iterator[Cluster]:
    """The API server with the admission policy in force; taken away afterwards."""
    text = POLICY.read_text(encoding="utf-8")
    crds.kubectl("apply", "-f", "-", stdin=text)
    yield crds
    crds.kubectl("delete", "-f", "-", stdin=text)


@pytest.fixture
def users(policy: Cluster, namespace: str) -> Cluster:
    """In the namespace, alice may edit Migrations, and bob abort them too."""
    edit = {"apiGroups": [GROUP], "resources": ["migrations"], "verbs": ["get", "create", "update", "patch"]}
    abort = {"apiGroups": [GROUP], "resources": ["migrations/abort"], "verbs": ["update"]}
    for name, rules in (("alice", [edit]), ("bob", [edit, abort])):
        about = {"name": name, "namespace": namespace}
        of_rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": about}
        subjects = [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]
        reference = {"kind": "Role", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
        policy.apply({**of_rbac, "kind": "Role", "rules": rules})
        policy.apply({**of_rbac, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects})
    policy.apply({**MIGRATION, "metadata": {"name": "db-07", "namespace": namespace}})
    eventually(
        lambda: "may not set" in annotate(policy, namespace, "alice", "abort=ready", "--dry-run=server"),
        what="the policy is in force",
    )
    return policy


def annotate(cluster: Cluster, namespace: str, user: str, *words: str) -> str:
    """Annotate the Migration as a user; return what was said, nothing if it was taken."""
    asked = ("annotate", "migrations.osmig.dev", "db-07", "--overwrite", "-n", namespace)
    verbs = [f"{GROUP}/{word}" if not word.startswith("-") else word for word in words]
    done = cluster.kubectl(*asked, *verbs, kubeconfig=cluster.user_kubeconfig(user), check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("verb", GUARDED)
def test_who_lacks_the_right_of_a_verb_is_told_verb_and_role(users: Cluster, namespace: str, verb: Verb) -> None:
    said = annotate(users, namespace, "alice", f"{verb}=1")

    assert f"user alice may not set {GROUP}/{verb}: it needs update on migrations/{verb}" in said
    assert "osmig-verbs" in said


def test_who_has_the_right_of_one_verb_has_that_one_alone(users: Cluster, namespace: str) -> None:
    assert annotate(users, namespace, "bob", "abort=1") == ""
    assert annotate(users, namespace, "bob", "abort=2") == ""
    assert "may not set osmig.dev/retry" in annotate(users, namespace, "bob", "retry=1")


def test_changing_a_token_is_setting_it_and_carrying_one_along_or_taking_it_away_is_free(
    users: Cluster, namespace: str
) -> None:
    assert annotate(users, namespace, "bob", "abort=1") == ""

    assert "may not set osmig.dev/abort" in annotate(users, namespace, "alice", "abort=2")
    patch = json.dumps({"spec": {"suspend": True}})
    asked = ("patch", "migrations.osmig.dev", "db-07", "-n", namespace, "--type=merge", f"--patch={patch}")
    users.kubectl(*asked, kubeconfig=users.user_kubeconfig("alice"))
    assert annotate(users, namespace, "alice", "abort-") == ""


def test_a_new_object_brings_no_order_of_who_may_not_give_it(users: Cluster, namespace: str) -> None:
    about = {"name": "new", "namespace": namespace, "annotations": {f"{GROUP}/abort": "1"}}
    text = json.dumps({**MIGRATION, "metadata": about})

    with pytest.raises(KubectlError, match=r"user alice may not set osmig\.dev/abort"):
        users.kubectl("create", "-f", "-", stdin=text, kubeconfig=users.user_kubeconfig("alice"))
    users.kubectl("create", "-f", "-", stdin=text, kubeconfig=users.user_kubeconfig("bob"))


@pytest.mark.parametrize("verb", sorted(FREE))
def test_a_verb_that_only_makes_osmig_read_needs_no_right(users: Cluster, namespace: str, verb: Verb) -> None:
    assert annotate(users, namespace, "alice", f"{verb}=1") == ""


def test_the_role_admin_gets_every_verb() -> None:
    role = find(yaml.safe_load_all(POLICY.read_text(encoding="utf-8")), "ClusterRole")
    (rule,) = role["rules"]

    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-admin"] == "true"
    assert rule["resources"] == [f"migrations/{verb}" for verb in GUARDED]
    assert rule["verbs"] == ["update"]
