"""The samples that bound what one namespace may have: they apply, and refuse what they say and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from api_samples import migration_body
from manifests.crd_files import KINDS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cluster import Cluster

MORE = ROOT / "deploy" / "samples" / "more"
REFUSALS = {
    "a fat annotation": ({"team.example.org/notes": "x" * 250_000}, "at most 32 KiB"),
    "too many annotations": ({f"team.example.org/n{number}": "" for number in range(33)}, "at most 32 annotations"),
}


@pytest.fixture
def bounded(crds: Cluster, namespace: str) -> Iterator[Cluster]:
    """The policy, bound to this test's namespace alone."""
    policy, binding = yaml.safe_load_all((MORE / "admission-sizes.yaml").read_text(encoding="utf-8"))
    names = {policy["metadata"]["name"], binding["metadata"]["name"], binding["spec"]["policyName"]}
    assert len(names) == 1
    name = f"{names.pop()}-{namespace}"
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    policy["spec"]["matchConstraints"] |= selector
    policy["metadata"]["name"] = binding["metadata"]["name"] = binding["spec"]["policyName"] = name
    for body in (policy, binding):
        crds.kubectl("apply", "--validate=strict", "-f", "-", stdin=json.dumps(body))
    yield crds
    kinds = "validatingadmissionpolicy,validatingadmissionpolicybinding"
    crds.kubectl("delete", kinds, name, "--wait=false", check=False)


def _create(cluster: Cluster, namespace: str, annotations: dict[str, str]) -> str:
    """Create a Migration and return what the API server said when it refused, else nothing."""
    body = migration_body()
    body["metadata"] = {"name": "db-07", "namespace": namespace, "annotations": annotations}
    return cluster.kubectl("create", "-f", "-", stdin=json.dumps(body), check=False).stderr


def test_sizes_that_nobody_needs_are_refused_and_all_else_is_taken(bounded: Cluster, namespace: str) -> None:
    for named, told in REFUSALS.values():
        _until_refused(bounded, namespace, named, told)
    assert _create(bounded, namespace, {"osmig.dev/abort": "1", "notes": "x" * 30_000}) == ""


def _until_refused(cluster: Cluster, namespace: str, annotations: dict[str, str], told: str) -> None:
    """Create what the policy refuses; it takes the API server a moment to know a policy."""
    said = ""
    for _ in range(100):
        said = _create(cluster, namespace, annotations)
        if told in said:
            return
        cluster.kubectl("delete", "osmig", "--all", "-n", namespace)
    pytest.fail(f"not refused: {told}; {said[-300:]}")


def test_the_quota_is_taken(crds: Cluster, namespace: str) -> None:
    crds.kubectl("apply", "-f", str(MORE / "quota.yaml"), "-n", namespace, "--validate=strict")
    (quota,) = crds.get("resourcequota", "-n", namespace)["items"]
    assert set(quota["spec"]["hard"]) == {f"count/{kind}.osmig.dev" for kind in KINDS}
