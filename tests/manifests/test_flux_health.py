"""The expressions for Flux in docs/gitops.md, on each state, by the CEL of a real API server.

A policy refuses every status and says in its message what the expressions gave. Flux asks ``inProgress``, ``failed``
and ``current`` in this order; if none is true, or one cannot be evaluated, it waits.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from api_samples import full_mappings
from domain_samples import NOW, status_in
from lab.waiting import eventually
from manifests.crd_files import KINDS, ROOT
from osmig.api.meta import to_wire
from osmig.api.names import Phase, Reason
from osmig.domain.conditions import describe_mapping, describe_provider
from osmig.domain.observation import ProviderView
from osmig.domain.phases import FINISHED
from plan_samples import plan_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.cluster import Cluster

ASKED = ("inProgress", "failed", "current")
KINDS_IN_ORDER = ("migrations", "providers", "migrationmappings", "migrationplans")
OBJECTS: dict[str, dict[str, Any]] = {
    "migrations": {"providerRef": {"name": "p"}, "type": "LiveMigration", "server": {"name": "s"}},
    "providers": {"type": "OpenStack", "openstack": {"cloudCredentialsRef": {"secretName": "s", "cloudName": "c"}}},
    "migrationmappings": full_mappings(),
    "migrationplans": plan_body()["spec"],
}


def load_checks() -> list[dict[str, str]]:
    """Return the checks of the page."""
    text = (ROOT / "docs" / "gitops.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    (found,) = (block["spec"]["healthCheckExprs"] for block in blocks if "healthCheckExprs" in str(block))
    return list(found)


def write_policy(namespace: str, plural: str, check: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a policy and its binding; the expressions see ``status`` and ``metadata``, as Flux gives them."""
    words = " + ' ' + ".join(
        f"'{name}=' + string([object.status].exists(status, [object.metadata].exists(metadata, {check[name]})))"
        for name in ASKED
    )
    name, api = f"flux-{namespace}-{plural}", "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": ["osmig.dev"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": [f"{plural}/status"],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": here},
        "validations": [{"expression": "false", "message": "an expression failed", "messageExpression": words}],
    }
    return [
        {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": policy},
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]


@pytest.fixture
def flux(crds: Cluster, namespace: str) -> Iterator[Cluster]:
    """An object of each kind, and the policies in force."""
    made = [
        part
        for check, plural in zip(load_checks(), KINDS_IN_ORDER, strict=True)
        for part in write_policy(namespace, plural, check)
    ]
    for plural, check in zip(KINDS_IN_ORDER, load_checks(), strict=True):
        about = {"apiVersion": "osmig.dev/v1alpha1", "kind": check["kind"]}
        crds.apply({**about, "metadata": {"name": "one", "namespace": namespace}, "spec": OBJECTS[plural]})
    crds.apply(*made)
    for plural in KINDS_IN_ORDER:
        eventually(partial(ask, crds, namespace, plural, {}), what="the policy is in force")
    yield crds
    for part in made:
        crds.kubectl("delete", part["kind"], part["metadata"]["name"])


def ask(cluster: Cluster, namespace: str, plural: str, status: Mapping[str, Any]) -> str:
    """Write a status in a dry run; return the three answers, nothing if nobody was asked."""
    patch = json.dumps({"status": status})
    words = ("patch", f"{plural}.osmig.dev", "one", "-n", namespace, "--subresource=status", "--type=merge")
    done = cluster.kubectl(*words, "--dry-run=server", f"--patch={patch}", check=False)
    assert done.returncode == 0 or "denied request" in done.stderr, done.stderr
    return done.stderr.rpartition("denied request: ")[2].strip()


def judge(cluster: Cluster, namespace: str, plural: str, status: Mapping[str, Any]) -> str:
    """Return which of the three is true, as the page writes them."""
    said = ask(cluster, namespace, plural, status)
    assert said.startswith("inProgress="), said
    answers = dict(part.split("=") for part in said.split())
    return next((name for name in ASKED if answers[name] == "true"), "")


def test_every_kind_has_its_check() -> None:
    assert set(KINDS_IN_ORDER) == set(KINDS)
    assert len({check["kind"] for check in load_checks()}) == len(KINDS)


def test_flux_reads_every_state_right(flux: Cluster, namespace: str) -> None:
    found = {phase: judge(flux, namespace, "migrations", to_wire(status_in(phase))) for phase in Phase}
    expected = {
        phase: "inProgress" if phase not in FINISHED else "current" if phase is Phase.SUCCEEDED else "failed"
        for phase in Phase
    }
    assert found == expected
    assert judge(flux, namespace, "migrations", {"observedGeneration": -1}) == "", "nobody has seen it"
    views = {
        "current": ProviderView(is_ready=True, reason=Reason.PROBE_SUCCEEDED, message="m"),
        "inProgress": ProviderView(is_ready=False, reason=Reason.UNREACHABLE, message="m"),
        "failed": ProviderView(is_ready=False, reason=Reason.INVALID_CONFIGURATION, message="m"),
    }
    for verdict, view in views.items():
        conditions = describe_provider(view, before=(), generation=1, now=NOW)
        said = {"conditions": [to_wire(each) for each in conditions]}
        assert judge(flux, namespace, "providers", said) == verdict
        assert judge(flux, namespace, "migrationplans", said) == verdict, "these types mean the same in a plan"
    for verdict, problem in {"current": "", "failed": "names nothing"}.items():
        conditions = describe_mapping(problem=problem, before=(), generation=1, now=NOW)
        said = {"conditions": [to_wire(each) for each in conditions]}
        assert judge(flux, namespace, "migrationmappings", said) == verdict
