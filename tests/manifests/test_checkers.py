"""Checkers from outside find nothing to say: of manifests for each Kubernetes, YAML, scripts, Dockerfile, workflows."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from lab.binaries import find_tools
from lab.checkers import find_checkers
from manifests.chart_files import CHART
from manifests.crd_files import CRDS, ROOT
from manifests.golden_files import SETS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.helm import Helm

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OLDEST, NEWEST = 30, 37
"""Minor versions of Kubernetes: the oldest has what the admission policy is made of, the newest the checker knows."""
OWN = ("osmig.dev/", "monitoring.coreos.com/", "kustomize.config.k8s.io/")
"""Kinds that Kubernetes has no schema of; the API server checks ours."""


def check(*command: str | Path) -> str:
    """Run a checker in the root of the sources; fail with what it found."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - the lab's own
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(file: Path, objects: Iterable[object]) -> Path:
    """Write those objects whose kinds are Kubernetes' own."""
    known = [made for made in objects if isinstance(made, dict) and not made["apiVersion"].startswith(OWN)]
    assert known
    file.write_text(yaml.safe_dump_all(known), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def objects(cluster: Cluster, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What deploy/ and the chart make, as files."""
    folder = tmp_path_factory.mktemp("objects")
    built = yaml.safe_load_all(cluster.kubectl("kustomize", str(ROOT / "deploy")).stdout)
    parts = {f"chart-{name}": helm.render_objects(CHART, values) for name, values in SETS.items()}
    parts["deploy"] = list(built)
    parts["policies"] = [
        made
        for name in ("verbs-policy", "provider-policy")
        for made in yaml.safe_load_all(
            (ROOT / "deploy" / "components" / name / "policy.yaml").read_text(encoding="utf-8")
        )
    ]
    parts["crds"] = [made for file in CRDS.glob("*.yaml") for made in yaml.safe_load_all(file.read_text("utf-8"))]
    return [write(folder / f"{name}.yaml", made) for name, made in parts.items()]


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_every_object_fits_the_schemas_of_each_kubernetes(objects: list[Path], minor: int) -> None:
    check(
        find_checkers() / "kubernetes-validate", "--kubernetes-version", f"1.{minor}", "--strict", "--quiet", *objects
    )


def test_a_field_that_kubernetes_does_not_know_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomount: false\n", encoding="utf-8")

    with pytest.raises(AssertionError, match="automount"):
        check(find_checkers() / "kubernetes-validate", "--kubernetes-version", f"1.{OLDEST}", "--strict", broken)


def test_yaml_is_tidy() -> None:
    check(find_checkers() / "yamllint", "--strict", ".")


def test_scripts_of_the_shell_are_clean() -> None:
    check(find_checkers() / "shellcheck", "--severity=style", "image/build.sh", ".ci/run")


def test_the_dockerfile_is_clean() -> None:
    check(find_checkers() / "hadolint", "--failure-threshold", "style", "Dockerfile")


def test_workflows_are_clean() -> None:
    check(find_tools(["actionlint"])["actionlint"], "-shellcheck", find_checkers() / "shellcheck", *WORKFLOWS)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_begins_without_rights_and_takes_actions_by_their_commit(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)(.*)", text)
    made = yaml.safe_load(text)

    assert made["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in made["jobs"].values())
    assert used
    assert [name for name, rest in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name) or " # v" not in rest] == []
    assert set(re.findall(r"\$\{\{ *secrets\.(\w+)", text)) == set()
