"""The kustomize components that the chart has no switch for, and the admission policy on the real API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.kubectl import KubectlError
from lab.waiting import eventually
from manifests.argocd_actions import KEY
from manifests.chart_files import COMPONENTS
from manifests.chart_objects import build, find
from manifests.crd_files import ROOT
from manifests.policy_users import MIGRATION, PLAN, grant
from manifests.verbs_policy import FREE, GUARDED, POLICY
from osmig.api.names import GROUP, Verb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.cluster import Cluster

DRY = "--dry-run=server"


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
        *(f"{prefix}{kind}" for kind in ("Migration", "Provider", "MigrationMapping", "MigrationPlan")),
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
    """In the namespace, alice may edit Migrations and plans, and bob abort Migrations too."""
    kinds = ["migrations", "migrationplans"]
    edit = {"apiGroups": [GROUP], "resources": kinds, "verbs": ["get", "create", "update", "patch"]}
    abort = {"apiGroups": [GROUP], "resources": ["migrations/abort"], "verbs": ["update"]}
    for name, rules in (("alice", [edit]), ("bob", [edit, abort])):
        grant(policy, namespace, name, rules)
    about = {"name": "db-07", "namespace": namespace}
    policy.apply({**MIGRATION, "metadata": about}, {**PLAN, "metadata": about})
    eventually(
        lambda: "may not set" in annotate(policy, namespace, "alice", "abort=ready", "--dry-run=server"),
        what="the policy is in force",
    )
    return policy


def annotate(cluster: Cluster, namespace: str, user: str, *words: str, resource: str = "migrations") -> str:
    """Annotate the Migration, or the plan, as a user; return what was said, nothing if it was taken."""
    asked = ("annotate", f"{resource}.{GROUP}", "db-07", "--overwrite", "-n", namespace)
    verbs = [f"{GROUP}/{word}" if not word.startswith("-") else word for word in words]
    done = cluster.kubectl(*asked, *verbs, kubeconfig=cluster.user_kubeconfig(user), check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    ("resource", "verb"), [(resource, verb) for resource, verbs in GUARDED.items() for verb in verbs]
)
def test_who_lacks_the_right_of_a_verb_is_told_verb_and_role(
    users: Cluster, namespace: str, resource: str, verb: str
) -> None:
    said = annotate(users, namespace, "alice", f"{verb}=1", resource=resource)

    assert f"user alice may not set {GROUP}/{verb}: it needs update on {resource}/{verb}" in said
    assert "osmig-verbs" in said


def test_a_right_on_migrations_is_none_on_plans(users: Cluster, namespace: str) -> None:
    assert "may not set osmig.dev/abort" in annotate(users, namespace, "bob", "abort=1", resource="migrationplans")


def test_the_operator_hands_orders_on_without_more_rights_than_it_is_shipped_with(
    users: Cluster, namespace: str
) -> None:
    rules = yaml.safe_load_all((ROOT / "deploy" / "rbac.yaml").read_text(encoding="utf-8"))
    (role,) = (one for one in rules if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", "osmig"))
    grant(users, namespace, "operator-itself", role["rules"])

    orders = [f"{GROUP}/{verb}=1" for verb in (Verb.ABORT, Verb.CONFIRM, Verb.REVERT, Verb.FORCE_COMPLETE)]
    users.kubectl("annotate", f"migrations.{GROUP}", "db-07", *orders, "-n", namespace, "--as=operator-itself")


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


OF_THE_POLICY = {"osmig-verbs", "osmig-requester", "osmig-operator"}
"""These go with the policy."""
PEOPLE = {
    "viewer": "osmig-view",
    "requester": "osmig-requester",
    "operator": "osmig-operator",
    "editor": "osmig-view osmig-edit",
    "admin": "osmig-view osmig-edit osmig-verbs",
}
"""Users, and the ClusterRoles that each has in the namespace; the last two have what is added to edit and admin."""


@pytest.fixture
def people(users: Cluster, namespace: str) -> Iterator[Cluster]:
    """The namespace with a user per role; the ClusterRoles are taken away afterwards."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy" / "rbac.yaml", POLICY)]
    made = [made for text in texts for made in yaml.safe_load_all(text) if made["kind"] == "ClusterRole"]
    bound = {role for roles in PEOPLE.values() for role in roles.split()}
    found = [role for role in made if role["metadata"]["name"] in bound]
    users.apply(*found)
    for person, role in ((person, role) for person, roles in PEOPLE.items() for role in roles.split()):
        words = ("rolebinding", f"{person}-{role}", f"--clusterrole={role}", f"--user={person}", "-n", namespace)
        users.kubectl("create", *words)
    yield users
    users.kubectl("delete", "clusterrole", *{role["metadata"]["name"] for role in found} - OF_THE_POLICY)


def attempt(cluster: Cluster, namespace: str, person: str, *words: str, stdin: str = "") -> bool:
    """Let somebody try something, in a dry run; return whether it is allowed."""
    done = cluster.kubectl(*words, "-n", namespace, f"--as={person}", stdin=stdin or None, check=False)
    assert done.returncode == 0 or "orbidden" in done.stderr or "may not" in done.stderr, done.stderr
    return done.returncode == 0


def test_each_role_may_do_what_it_is_for_and_no_more(people: Cluster, namespace: str) -> None:
    about = {"name": "new", "namespace": namespace}
    plain, with_order = (
        json.dumps({**MIGRATION, "metadata": {**about, "annotations": annotations}})
        for annotations in ({}, {f"{GROUP}/abort": "1"})
    )
    plan, drain = json.dumps({**PLAN, "metadata": about}), f"migrationplans.{GROUP}"
    tries = {
        "read plans": (("get", drain, "db-07"), ""),
        "create plans": (("create", DRY, "-f", "-"), plan),
        "order plans": (("annotate", DRY, "--overwrite", drain, "db-07", f"{GROUP}/release=1"), ""),
        "delete plans": (("delete", DRY, drain, "db-07"), ""),
        "read": (("get", "migrations.osmig.dev", "db-07"), ""),
        "create": (("create", DRY, "-f", "-"), plain),
        "create with an order": (("create", DRY, "-f", "-"), with_order),
        "order": (("annotate", DRY, "--overwrite", "migrations.osmig.dev", "db-07", f"{GROUP}/abort=1"), ""),
        "suspend": (
            ("patch", DRY, "migrations.osmig.dev", "db-07", "--type=merge", '--patch={"spec":{"suspend":true}}'),
            "",
        ),
        "delete": (("delete", DRY, "migrations.osmig.dev", "db-07"), ""),
    }

    may = {
        person: {
            what for what, (words, stdin) in tries.items() if attempt(people, namespace, person, *words, stdin=stdin)
        }
        for person in PEOPLE
    }

    plans = {"read plans", "create plans", "delete plans"}
    assert may == {
        "viewer": {"read", "read plans"},
        "requester": {"read", "create", "delete", "read plans"},
        "operator": {"read", "order", "suspend", *plans, "order plans"},
        "editor": {"read", "create", "suspend", "delete", *plans},
        "admin": {"read", "create", "create with an order", "order", "suspend", "delete", *plans, "order plans"},
    }


def test_the_role_admin_gets_every_verb() -> None:
    made = yaml.safe_load_all(POLICY.read_text(encoding="utf-8"))
    (role,) = (found for found in made if (found["kind"], found["metadata"]["name"]) == ("ClusterRole", "osmig-verbs"))

    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-admin"] == "true"
    assert [rule["resources"] for rule in role["rules"]] == [
        [f"{resource}/{verb}" for verb in verbs] for resource, verbs in GUARDED.items()
    ]
    assert all(rule["verbs"] == ["update"] for rule in role["rules"])


@pytest.mark.parametrize("name", ["verbs-policy", "provider-policy", "plan-policy"])
def test_a_policy_that_cannot_be_evaluated_refuses(name: str) -> None:
    made = list(yaml.safe_load_all((COMPONENTS / name / "policy.yaml").read_text(encoding="utf-8")))
    policy, binding = find(made, "ValidatingAdmissionPolicy"), find(made, "ValidatingAdmissionPolicyBinding")

    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["validationActions"] == ["Deny"]
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert binding["spec"].keys() == {"policyName", "validationActions"}, "it holds everywhere"
