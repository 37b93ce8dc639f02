"""What docs/install.md and the notes say: the rights that an install takes, and the first three commands."""

from __future__ import annotations

import re
import textwrap
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from e2e_chart import PER_NAMESPACE, read_rights
from e2e_operator import OPERATOR_NAMESPACE
from lab.cluster import Cluster
from lab.helm import HelmError
from manifests.chart_files import CHART, CRD_CHART
from manifests.chart_objects import by_name
from manifests.crd_files import CRDS, ROOT
from manifests.golden_files import SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.helm import Helm

OF_CHARTS = {"apiextensions.k8s.io", "rbac.authorization.k8s.io", "apps", "policy", "networking.k8s.io"}
"""Groups of what the charts make; rights on all others are those that are granted on, and those of Helm itself."""


def spell(rules: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """Return each single right: group, resource, verb; a rule for named objects counts as one for all."""
    return {
        right
        for rule in rules
        for right in product(rule["apiGroups"], rule["resources"], rule["verbs"])
        if rule["apiGroups"][0] not in OF_CHARTS
    }


def rules_of(objects: Iterable[Any], kind: str, namespace: str | None) -> list[Any]:
    """Return the rules of all roles of a kind in a namespace."""
    return [
        rule
        for made in objects
        if (made["kind"], made["metadata"].get("namespace")) == (kind, namespace)
        for rule in made["rules"]
    ]


def test_whoever_installs_for_the_cluster_has_what_is_granted_and_nothing_else(helm: Helm) -> None:
    made = helm.render_objects(CHART)

    assert spell(read_rights()["ClusterRole"]["rules"]) == spell(rules_of(made, "ClusterRole", None))


def test_whoever_installs_for_some_namespaces_has_what_is_granted_there_and_nothing_else(helm: Helm) -> None:
    made = helm.render_objects(CHART, SETS["namespaced"])

    assert spell(read_rights()[PER_NAMESPACE]["rules"]) == spell(rules_of(made, "Role", "team-a"))


def test_in_the_namespace_of_the_release_the_lease_is_granted_and_helm_keeps_its_secrets(helm: Helm) -> None:
    made = helm.render_objects(CHART)
    beside = {("", "secrets"), ("", "serviceaccounts")}
    listed = {right for right in spell(read_rights()[OPERATOR_NAMESPACE]["rules"]) if right[:2] not in beside}

    assert listed == spell(rules_of(made, "Role", OPERATOR_NAMESPACE))


@pytest.mark.parametrize(
    ("switch", "values"),
    [
        ("metrics.monitor", {"metrics": {"monitor": "ServiceMonitor"}}),
        ("metrics.monitor", {"metrics": {"monitor": "PodMonitor"}}),
        ("alerts.enabled", {"alerts": {"enabled": True}}),
        ("dashboards.enabled", {"dashboards": {"enabled": True}}),
        ("verbsPolicy.enabled", {"verbsPolicy": {"enabled": True}}),
        ("credentialNamespaces", {"credentialNamespaces": ["team-a"]}),
    ],
)
def test_the_kinds_that_a_switch_makes_are_in_the_table_of_rights(
    helm: Helm, switch: str, values: Mapping[str, Any]
) -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{re.escape(switch)}`[^|]* \| (.*) \|$", page, re.MULTILINE)
    before, after = (by_name(helm.render_objects(CHART, given)) for given in ({}, values))
    kinds = {after[name]["kind"].lower() for name in after.keys() - before.keys()}

    assert kinds
    assert all(f"`{kind.removesuffix('y')}" in row for kind in kinds)


def test_crds_that_kubectl_applied_become_the_charts_and_stay_after_it(helm: Helm) -> None:
    with Cluster(with_controllers=False) as cluster:
        cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
        cluster.await_established("-f", str(CRDS))
        before = cluster.get("crd", "migrations.osmig.dev")
        place = ("--namespace", "default")

        with pytest.raises(HelmError, match="cannot be imported into the current release"):
            helm.run("install", "osmig-crds", CRD_CHART, *place, kubeconfig=cluster.kubeconfig)
        helm.run("install", "osmig-crds", CRD_CHART, *place, "--take-ownership", kubeconfig=cluster.kubeconfig)
        helm.run("uninstall", "osmig-crds", *place, kubeconfig=cluster.kubeconfig)
        after = cluster.get("crd", "migrations.osmig.dev")

    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"] == before["spec"]


@pytest.mark.parametrize("chart", [CHART, CRD_CHART], ids=lambda chart: chart.name)
def test_helm_finds_nothing_to_say_of_a_chart(helm: Helm, chart: Any) -> None:  # noqa: ANN401
    assert "0 chart(s) failed" in helm.run("lint", "--strict", chart)


@pytest.mark.parametrize(("values", "place"), [("defaults", "default"), ("namespaced", "team-a")])
def test_the_objects_that_the_notes_show_are_taken_by_the_api_server(
    helm: Helm, crds: Cluster, namespace: str, values: str, place: str
) -> None:
    notes = _read_notes(helm, values)
    shown = [textwrap.dedent(text) for text in re.findall(r"<<EOF\n(.*?)^  EOF$", notes, re.DOTALL | re.MULTILINE)]

    assert re.findall(r"^(\d)\. ", notes, re.MULTILINE) == ["1", "2", "3"]
    assert len(shown) == 2
    for text in shown:
        crds.kubectl("create", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", "-", stdin=text)
    assert f"kubectl -n {place} wait --for=condition=Finished" in notes


def test_the_objects_of_the_first_move_are_taken_by_the_api_server(crds: Cluster, namespace: str) -> None:
    page = (ROOT / "docs" / "first-move.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    assert [re.findall(r"^kind: (\w+)$", text, re.MULTILINE) for text in shown] == [
        ["Provider"],
        ["Migration"],
        ["Migration"],
    ]
    for text in shown:
        here = text.replace("namespace: team-a", f"namespace: {namespace}")
        crds.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=here)


def _read_notes(helm: Helm, values: str) -> str:
    said = helm.run(
        *("install", "osmig", CHART, "--namespace", OPERATOR_NAMESPACE, "--dry-run=client"), values=SETS[values]
    )
    return said.partition("\nNOTES:\n")[2]
