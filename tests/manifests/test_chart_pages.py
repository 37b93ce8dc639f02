"""What docs/install.md shows is true: its values, its overlay, and the arguments that come of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from lab.helm import HelmError
from manifests.chart_files import CHART
from manifests.chart_objects import build, find
from manifests.crd_files import ROOT
from manifests.golden_files import DIGEST, SETS
from osmig.__main__ import build_cli

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.helm import Helm
    from osmig.settings import Settings

PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def read_block(heading: str) -> str:
    """Return the first block of YAML below a heading."""
    found = re.search(r"```yaml\n(.*?)```", PAGE.partition(f"\n## {heading}\n")[2], re.DOTALL)
    assert found is not None
    return found[1]


def settings_of(helm: Helm, values: Mapping[str, Any]) -> Settings:
    """Return the settings that the process of the pod has, read by the command itself."""
    (container,) = find(helm.render_objects(CHART, values), "Deployment")["spec"]["template"]["spec"]["containers"]
    seen: list[Settings] = []

    def run(settings: Settings) -> int:
        seen.append(settings)
        return 0

    environment = {variable["name"]: variable["value"] for variable in container.get("env", ())}
    done = CliRunner().invoke(build_cli(run=run, render_crds=dict), container["args"], env=environment)
    assert done.exit_code == 0, done.output
    return seen[0]


def test_the_values_that_most_installs_set_are_taken(helm: Helm) -> None:
    shown = read_block("With Helm").replace("sha256:…", DIGEST)
    values = yaml.safe_load(shown)

    settings = settings_of(helm, values)

    assert [str(endpoint) for endpoint in settings.endpoints.allow] == values["allowEndpoints"]
    assert [str(network) for network in settings.endpoints.service_ranges] == values["serviceRanges"]


@pytest.mark.parametrize("name", SETS)
def test_the_process_takes_the_arguments_and_the_environment_of_its_pod(helm: Helm, name: str) -> None:
    values = SETS[name]

    settings = settings_of(helm, values)

    assert list(settings.kubernetes.namespaces) == values.get("namespaces", [])
    assert settings.http.port == values.get("httpPort", 8080)
    assert settings.log.format == "json"
    if "extraEnv" in values:
        assert settings.upstream.read_timeout_s == 30
        assert settings.polling.sweep_period_s == 5


def test_the_lease_that_the_process_wants_is_the_one_that_it_may_hold(helm: Helm) -> None:
    values = {"nameOverride": "night-moves"}
    roles = [made for made in helm.render_objects(CHART, values) if made["metadata"]["name"] == "night-moves-lease"]
    role = find(roles, "Role")

    assert role["rules"][1]["resourceNames"] == [settings_of(helm, values).lease.name]


def test_the_overlay_builds(cluster: Cluster, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (tmp_path / "osmig").symlink_to(ROOT)
    (overlay / "kustomization.yaml").write_text(read_block("With kustomize"), encoding="utf-8")

    kinds = {made["kind"] for made in build(cluster, overlay)}

    assert {"Deployment", "ServiceMonitor", "PrometheusRule", "ConfigMap", "NetworkPolicy"} <= kinds


def test_the_components_are_those_of_the_table() -> None:
    folder = ROOT / "deploy" / "components"
    found = {str(path.parent.relative_to(folder)) for path in folder.rglob("kustomization.yaml")}
    section = PAGE.partition("\n## With kustomize\n")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `([\w/-]+)` \|", section, re.MULTILINE)) == found


def test_a_flag_that_does_not_exist_is_the_commands_to_refuse(helm: Helm) -> None:
    """The chart does not know the flags, so that a new one needs no new chart."""
    with pytest.raises(AssertionError, match=r"No such option.*--sweep-perod"):
        settings_of(helm, {"extraArgs": ["--sweep-perod=5"]})
    with pytest.raises(HelmError):
        helm.render(CHART, {"extraArgs": ["--sweep-period 5"]})
