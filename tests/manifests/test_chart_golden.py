"""What the chart makes, as files that a person can read, and what is true of every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from manifests.chart_files import CHART
from manifests.chart_objects import by_name, find
from manifests.golden_files import DIGEST, EVERYTHING, GOLDEN, MONITORING, SETS, render_set

if TYPE_CHECKING:
    from lab.cluster import Cluster
    from lab.helm import Helm

STANDARD = {"name", "instance", "version", "part-of", "managed-by"}
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


@pytest.mark.parametrize("name", SETS)
def test_the_chart_makes_what_the_golden_file_shows(helm: Helm, name: str) -> None:
    shown = (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")

    assert render_set(helm, name) == shown, "run: make charts, and read the difference"


def test_there_is_no_golden_file_of_nothing() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_every_object_has_the_standard_labels(helm: Helm, name: str) -> None:
    for made in helm.render_objects(CHART, SETS[name]):
        labels = made["metadata"]["labels"]
        assert {f"app.kubernetes.io/{part}" for part in STANDARD} <= labels.keys(), made["kind"]
        assert labels["helm.sh/chart"].startswith("osmig-")


def test_an_install_for_some_namespaces_makes_nothing_for_the_whole_cluster(helm: Helm) -> None:
    objects = helm.render_objects(CHART, SETS["namespaced"])
    named = {made["metadata"].get("namespace") for made in objects}
    args = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]

    assert {made["kind"] for made in objects}.isdisjoint(CLUSTER_WIDE)
    assert named == {"osmig-system", "team-a", "team-b"}
    assert args == ["run", "--log-format=json", "--namespace=team-a", "--namespace=team-b"]


def test_the_rights_in_one_namespace_are_those_for_all(helm: Helm) -> None:
    wide, narrow = by_name(helm.render_objects(CHART)), by_name(helm.render_objects(CHART, SETS["namespaced"]))

    assert narrow["Role team-a/osmig"]["rules"] == wide["ClusterRole /osmig"]["rules"]
    assert narrow["Role team-a/osmig-credentials"]["rules"] == wide["ClusterRole /osmig-credentials"]["rules"]
    assert "Role team-b/osmig-credentials" not in narrow


def test_credentials_can_be_bound_to_some_namespaces_of_a_whole_cluster(helm: Helm) -> None:
    found = by_name(helm.render_objects(CHART, {"credentialNamespaces": ["team-a"]}))

    assert found["RoleBinding team-a/osmig-credentials"]["roleRef"]["name"] == "osmig-credentials"
    assert "ClusterRoleBinding /osmig-credentials" not in found
    assert "ClusterRoleBinding /osmig" in found


def test_two_releases_share_no_name_no_lease_and_no_pods(helm: Helm) -> None:
    one, two = (helm.render_objects(CHART, release=name) for name in ("osmig", "blue"))
    selectors = [find(made, "Deployment")["spec"]["selector"]["matchLabels"] for made in (one, two)]
    lease = by_name(two)["Role osmig-system/blue-osmig-lease"]["rules"][1]

    assert by_name(one).keys().isdisjoint(by_name(two))
    assert selectors[0] != selectors[1]
    assert lease["resourceNames"] == ["blue-osmig"]
    assert "--lease-name=blue-osmig" in find(two, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]


def test_a_digest_wins_over_a_tag(helm: Helm) -> None:
    made = helm.render_objects(CHART, {"image": {"tag": "1.2.3", "digest": DIGEST}})

    assert find(made, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] == f"osmig@{DIGEST}"


def test_a_pod_monitor_finds_the_pods_without_a_service(helm: Helm) -> None:
    made = helm.render_objects(CHART, {**MONITORING, "metrics": {"monitor": "PodMonitor"}})
    pods = find(made, "Deployment")["spec"]["template"]
    monitor = find(made, "PodMonitor")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]

    assert "Service" not in {each["kind"] for each in made if "helm.sh/hook" not in str(each["metadata"])}
    assert monitor["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in pods["spec"]["containers"][0]["ports"]}
    assert endpoint["honorLabels"] is True


def test_every_selector_finds_the_pods_and_every_named_port_exists(helm: Helm) -> None:
    made = helm.render_objects(CHART, EVERYTHING)
    template = find(made, "Deployment")["spec"]["template"]
    labels, (container,) = template["metadata"]["labels"], template["spec"]["containers"]

    for kind, path in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        assert find(made, kind)["spec"][path]["matchLabels"].items() <= labels.items()
    assert find(made, "Service")["spec"]["selector"].items() <= labels.items()
    assert container["ports"] == [{"name": "http", "containerPort": EVERYTHING["httpPort"]}]
    assert find(made, "Service")["spec"]["ports"][0]["port"] == EVERYTHING["httpPort"]


def test_the_runbooks_of_the_alerts_get_their_address(helm: Helm) -> None:
    groups = find(helm.render_objects(CHART, EVERYTHING), "PrometheusRule")["spec"]["groups"]
    urls = [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]]

    assert urls
    assert all(url.startswith(f"{EVERYTHING['alerts']['runbookBase']}docs/runbooks/") for url in urls)


@pytest.mark.parametrize("name", SETS)
def test_the_api_server_takes_every_object(helm: Helm, crds: Cluster, name: str) -> None:
    """In a dry run, strictly; namespaces are not there, so what is in one goes to ``default``."""
    for made in helm.render_objects(CHART, SETS[name]):
        if made["apiVersion"].startswith("monitoring.coreos.com"):
            continue
        _dry_run(crds, made)


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_its_pods_satisfy_the_restricted_standard(helm: Helm, cluster: Cluster, namespace: str, kind: str) -> None:
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    (made,) = (made for made in helm.render_objects(CHART) if made["kind"] == kind)
    spec = made["spec"]["template"]["spec"] if kind == "Deployment" else made["spec"]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "osmig", "namespace": namespace}}
    cluster.apply(account, {**account, "metadata": {"name": "default", "namespace": namespace}})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}, "spec": spec}

    cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))


def _dry_run(cluster: Cluster, made: dict[str, Any]) -> None:
    if "namespace" in made["metadata"]:
        made["metadata"]["namespace"] = "default"
    if made["kind"] == "Pod":
        made["spec"] |= {"serviceAccountName": "default"}
    text = yaml.safe_dump(made)
    cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
