"""Chart and kustomize make the same objects: whoever changes one is told which object of the other is behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from manifests.chart_files import CHART, CRD_CHART
from manifests.chart_objects import build, by_name
from manifests.crd_files import CRDS, ROOT
from manifests.golden_files import MONITORING, NETWORK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.helm import Helm

DEPLOY = ROOT / "deploy"
NAMESPACE = "Namespace /osmig-system"
"""A chart is installed into a namespace, it does not bring it."""


def build_with(cluster: Cluster, folder: Path, *components: str) -> dict[str, Any]:
    """Build ``deploy/`` with components, as an overlay of a user does."""
    (folder / "deploy").symlink_to(DEPLOY)
    names = "".join(f"- deploy/components/{name}\n" for name in components)
    (folder / "kustomization.yaml").write_text(f"resources: [deploy]\ncomponents:\n{names}", encoding="utf-8")
    return by_name(build(cluster, folder))


def test_without_values_the_chart_makes_what_deploy_holds(helm: Helm, cluster: Cluster) -> None:
    plain = by_name(build(cluster, DEPLOY))
    del plain[NAMESPACE]
    chart = by_name(helm.render_objects(CHART))

    assert chart.keys() == plain.keys()
    for name, made in plain.items():
        assert chart[name] == made, name


@pytest.mark.parametrize(
    ("component", "values"),
    [
        ("monitoring", MONITORING),
        ("networkpolicy", {"networkPolicy": NETWORK}),
        ("verbs-policy", {"verbsPolicy": {"enabled": True}}),
    ],
)
def test_a_component_is_what_its_switch_adds(
    helm: Helm, cluster: Cluster, tmp_path: Path, component: str, values: Mapping[str, Any]
) -> None:
    plain = build_with(cluster, tmp_path, component)
    del plain[NAMESPACE]
    chart = by_name(helm.render_objects(CHART, values))

    assert chart.keys() == plain.keys()
    for name, made in plain.items():
        assert chart[name] == made, name


def test_the_chart_of_the_crds_holds_the_crds_and_keeps_them(helm: Helm) -> None:
    plain = by_name(yaml.safe_load(path.read_text(encoding="utf-8")) for path in CRDS.glob("*.yaml"))
    made = helm.render_objects(CRD_CHART)

    assert by_name(made) == plain
    assert {each["metadata"]["annotations"]["helm.sh/resource-policy"] for each in made} == {"keep"}
    assert all(each["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm" for each in made)
