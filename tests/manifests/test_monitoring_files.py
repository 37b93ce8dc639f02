"""Alerts, runbooks, metrics and phases agree, and what is shipped for the Prometheus Operator is complete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.prometheus import find_prometheus
from manifests.crd_files import ROOT
from manifests.monitoring_files import (
    MONITORING,
    PROMETHEUS_RULE,
    RUNBOOKS,
    list_alerts,
    load_rules,
    render_prometheus_rule,
)
from osmig.api.names import Phase
from osmig.api.plan_names import PlanPhase
from osmig.domain.phases import FINISHED
from osmig.domain.split_states import SPLIT_STATES
from osmig.telemetry.catalogue import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cluster import Cluster

DEPLOY = ROOT / "deploy"
ALERTS = {rule["alert"]: rule for rule in list_alerts()}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation"]


def render(cluster: Cluster, folder: Path) -> dict[str, Any]:
    """Build a kustomization with kubectl; return its objects by kind."""
    built = yaml.safe_load_all(cluster.kubectl("kustomize", str(folder)).stdout)
    return {made["kind"]: made for made in built}


def test_the_custom_resource_holds_the_rules_file_and_nothing_else() -> None:
    shipped = PROMETHEUS_RULE.read_text(encoding="utf-8")

    assert shipped == render_prometheus_rule(), "run: make charts"
    assert yaml.safe_load(shipped)["spec"] == load_rules()


def test_every_alert_and_every_split_verdict_has_its_runbook_and_no_runbook_is_left_over() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}

    assert pages == set(ALERTS) | {str(reason) for reason in SPLIT_STATES}


@pytest.mark.parametrize(
    "page", sorted(set(RUNBOOKS.glob("*.md")) - {RUNBOOKS / "README.md"}), ids=lambda page: page.stem
)
def test_a_runbook_has_a_name_all_sections_and_a_line_in_the_index(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert f"[{page.stem}]({page.name})" in (RUNBOOKS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_complete(alert: str) -> None:
    rule = ALERTS[alert]

    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == str((RUNBOOKS / f"{alert}.md").relative_to(ROOT))
    assert "for" in rule


@pytest.mark.parametrize("alert", ALERTS)
def test_the_metrics_and_labels_of_an_alert_are_served(alert: str) -> None:
    served = {family.name: {*family.labels, "pod"} for family in FAMILIES}
    expression = ALERTS[alert]["expr"]
    used = re.findall(r"\bosmig_\w+", expression)
    selected = re.findall(r"\b(osmig_\w+)\{([^}]*)\}", expression)
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)

    assert used
    assert set(used) <= served.keys()
    assert all(set(re.findall(r"(\w+)=", matchers)) <= served[metric] for metric, matchers in selected)
    # osmig_leader has the namespace of its pod, from the target
    assert all(set(labels.split(", ")) <= {*served[used[0]], "namespace"} for labels in grouped)


def test_the_phases_in_the_rules_exist_and_a_deadline_ends_with_all_that_are_final() -> None:
    said = {
        alert: re.findall(r'osmig_(\w+)_phase\{phase(?:=~|!~|!=|=)"([^"]+)"', ALERTS[alert]["expr"]) for alert in ALERTS
    }
    words = {(of, word) for found in said.values() for of, text in found for word in text.split("|")}
    phases = {alert: {word for _, text in found for word in text.split("|")} for alert, found in said.items()}

    assert {word for of, word in words if of == "migration"} <= set(Phase)
    assert {word for of, word in words if of == "plan"} <= set(PlanPhase)
    assert {of for of, _ in words} == {"migration", "plan"}
    assert phases["OsmigMigrationPastDeadline"] == {*FINISHED, Phase.AWAITING_CONFIRMATION}
    assert phases["OsmigMigrationNoProgress"] == {Phase.RUNNING}


def test_prometheus_finds_the_pods_that_deploy_makes_and_keeps_the_namespace_of_the_migration(
    cluster: Cluster,
) -> None:
    made = render(cluster, MONITORING)
    deployment = render(cluster, DEPLOY)["Deployment"]
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    service, monitor = made["Service"], made["ServiceMonitor"]
    (endpoint,) = monitor["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]

    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] == port["name"]
    assert (port["targetPort"], port["port"]) in {(p["name"], p["containerPort"]) for p in container["ports"]}
    assert endpoint["honorLabels"] is True
    assert monitor["spec"]["jobLabel"] in service["metadata"]["labels"]
    assert {thing["metadata"]["namespace"] for thing in made.values()} == {deployment["metadata"]["namespace"]}


def test_the_rules_arrive_unchanged_also_in_another_namespace(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "deploy").symlink_to(DEPLOY)
    (tmp_path / "kustomization.yaml").write_text("namespace: operators\nresources: [deploy, deploy/monitoring]\n")

    made = render(cluster, tmp_path)

    assert made["PrometheusRule"]["spec"] == load_rules()
    assert {made[kind]["metadata"]["namespace"] for kind in ("Deployment", "Service", "ServiceMonitor")} == {
        "operators"
    }


def test_an_address_can_be_put_in_front_of_every_runbook_as_the_readme_says(cluster: Cluster) -> None:
    (wanted, address) = re.findall(r"sed 's\|([^|]+)\|&([^|]+)\|'", (MONITORING / "README.md").read_text())[0]
    text = cluster.kubectl("kustomize", str(MONITORING)).stdout.replace(wanted, wanted + address)

    urls = [alert["annotations"]["runbook_url"] for alert in _alerts_in(text)]

    assert urls == [f"{address}docs/runbooks/{alert}.md" for alert in ALERTS]


def _alerts_in(text: str) -> list[dict[str, Any]]:
    (made,) = (made for made in yaml.safe_load_all(text) if made["kind"] == "PrometheusRule")
    return [rule for group in made["spec"]["groups"] for rule in group["rules"]]


def test_the_api_server_takes_the_service(crds: Cluster) -> None:
    service = (MONITORING / "service.yaml").read_text(encoding="utf-8").replace("osmig-system", "default")

    crds.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=service)


def test_without_prometheus_and_apt_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no apt-get and dpkg-deb to fetch them with\. Put prometheus"):
        find_prometheus(environ={"PATH": str(tmp_path)}, cache=tmp_path / "cache")


def test_an_older_prometheus_on_the_way_is_passed_over(tmp_path: Path) -> None:
    for name in ("prometheus", "promtool"):
        old = tmp_path / name
        old.write_text(f"#!/bin/sh\necho {name}, version 2.41.0 '(branch: x)'\n")
        old.chmod(0o755)
    ours = find_prometheus()

    found = find_prometheus(environ={"PATH": str(tmp_path)}, cache=ours.promtool.parent)

    assert found.promtool.parent != tmp_path
