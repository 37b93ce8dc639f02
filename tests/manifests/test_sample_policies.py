"""The sample policies on the real API server: who may name which Provider, and who may empty hosts."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from lab.waiting import eventually
from manifests.chart_files import COMPONENTS
from manifests.policy_users import MIGRATION, PLAN, grant
from osmig.api.names import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cluster import Cluster

KINDS = ["migrations", "migrationplans"]
WRITES = {"apiGroups": [GROUP], "resources": KINDS, "verbs": ["get", "create", "update", "patch"]}


@pytest.fixture
def providers(crds: Cluster, namespace: str) -> Iterator[Cluster]:
    """The second policy in force; carol may create Migrations, and use the Provider ``test`` alone."""
    text = (COMPONENTS / "provider-policy" / "policy.yaml").read_text(encoding="utf-8")
    crds.kubectl("apply", "-f", "-", stdin=text)
    writes = {"apiGroups": [GROUP], "resources": KINDS, "verbs": ["get", "create", "update", "patch"]}
    uses = {"apiGroups": [GROUP], "resources": ["providers"], "resourceNames": ["test"], "verbs": ["use"]}
    grant(crds, namespace, "carol", [writes, uses])
    # a dry run: one that is taken before the policy is in force would be there, and no longer turned to this Provider
    refused = partial(name_provider, crds, namespace, "other", "--dry-run=server")
    eventually(lambda: "may not name" in refused(), what="the policy is in force")
    yield crds
    crds.kubectl("delete", "-f", "-", stdin=text)


def name_provider(cluster: Cluster, namespace: str, provider: str, *options: str, name: str = "new") -> str:
    """Let carol apply a Migration that names a Provider; return what was said, nothing if it was taken."""
    spec = {**MIGRATION["spec"], "providerRef": {"name": provider}}
    text = json.dumps({**MIGRATION, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
    done = cluster.kubectl("apply", "-f", "-", "--as=carol", *options, stdin=text, check=False)
    return done.stderr if done.returncode else ""


def test_a_provider_is_named_by_those_alone_who_may_use_it(providers: Cluster, namespace: str) -> None:
    said = name_provider(providers, namespace, "production")

    assert "user carol may not name Provider production: it needs the verb use on it" in said
    assert "osmig-provider-user" in said
    assert name_provider(providers, namespace, "test") == ""
    assert "may not name Provider production" in name_provider(providers, namespace, "production"), "nor turned to it"
    theirs = {**MIGRATION, "metadata": {"name": "theirs", "namespace": namespace}}
    providers.apply(theirs)
    patch = (
        "patch",
        "migrations.osmig.dev",
        "theirs",
        "-n",
        namespace,
        "--type=merge",
        '--patch={"spec":{"suspend":true}}',
    )
    providers.kubectl(*patch, "--as=carol")


def test_a_plan_names_a_provider_by_the_same_rule(providers: Cluster, namespace: str) -> None:
    said, taken = (
        write_plan(providers, namespace, "carol", {**PLAN["spec"], "providerRef": {"name": name}})
        for name in ("production", "test")
    )

    assert "user carol may not name Provider production" in said
    assert taken == ""


def write_plan(cluster: Cluster, namespace: str, user: str, spec: dict[str, Any], *options: str) -> str:
    """Let somebody apply a plan; return what was said, nothing if it was taken."""
    text = json.dumps({**PLAN, "metadata": {"name": "drain", "namespace": namespace}, "spec": spec})
    done = cluster.kubectl("apply", "-f", "-", f"--as={user}", *options, stdin=text, check=False)
    return done.stderr if done.returncode else ""


@pytest.fixture
def drainers(crds: Cluster, namespace: str) -> Iterator[Cluster]:
    """The third policy in force; dave may edit plans, and erin, by the shipped role, empty hosts too."""
    text = (COMPONENTS / "plan-policy" / "policy.yaml").read_text(encoding="utf-8")
    crds.kubectl("apply", "-f", "-", stdin=text)
    for user in ("dave", "erin"):
        grant(crds, namespace, user, [WRITES])
    crds.kubectl("create", "rolebinding", "night-shift", "--clusterrole=osmig-drainer", "--user=erin", "-n", namespace)
    refused = partial(write_plan, crds, namespace, "dave", PLAN["spec"], "--dry-run=server")
    eventually(lambda: "may not empty hosts" in refused(), what="the policy is in force")
    yield crds
    crds.kubectl("delete", "-f", "-", stdin=text)


@pytest.mark.parametrize(
    "targets",
    [{"hosts": ["cmp1"]}, {"aggregate": "rack1"}, {"availabilityZone": "nova"}],
    ids=lambda one: next(iter(one)),
)
def test_hosts_are_emptied_by_those_alone_who_may_drain(
    drainers: Cluster, namespace: str, targets: dict[str, Any]
) -> None:
    spec = {**PLAN["spec"], "targets": targets, "maintenance": {"computeService": "Disable", "reason": "firmware"}}

    said = write_plan(drainers, namespace, "dave", spec)

    assert "user dave may not empty hosts by a MigrationPlan: it needs the verb drain" in said
    assert "osmig-drainer" in said
    assert "may not empty hosts" in write_plan(drainers, namespace, "dave", {**PLAN["spec"], "targets": targets})
    assert write_plan(drainers, namespace, "erin", spec) == ""


def test_a_plan_of_somebody_who_may_drain_is_changed_by_such_alone(drainers: Cluster, namespace: str) -> None:
    assert write_plan(drainers, namespace, "erin", {**PLAN["spec"], "suspend": True}) == ""
    patch = ("patch", f"migrationplans.{GROUP}", "drain", "-n", namespace, "--type=merge")
    begin, label = (
        f"--patch={json.dumps(change)}"
        for change in ({"spec": {"suspend": False}}, {"metadata": {"labels": {"team": "x"}}})
    )

    refused = drainers.kubectl(*patch, begin, "--as=dave", check=False)
    assert "user dave may not empty hosts" in refused.stderr
    drainers.kubectl(*patch, label, "--as=dave")
    drainers.kubectl(*patch, begin, "--as=erin")
