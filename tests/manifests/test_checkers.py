"""Checkers from outside find nothing to say: of manifests for each Kubernetes, YAML, scripts, Dockerfile, workflows."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.binaries import find_tools
from lab.checkers import find_checkers
from manifests.chart_files import CHART
from manifests.crd_files import CRDS, ROOT
from manifests.golden_files import SETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.cluster import Cluster
    from lab.helm import Helm

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OLDEST, NEWEST = 30, 37
"""Minor versions of Kubernetes: the oldest has what the admission policy is made of, the newest the checker knows."""
ALL_OK = 10
"""The best grade of kube-score."""
_PULL = "a version's tag or a digest is pulled once; `image.pullPolicy` is a value"
_DISK = "the root cannot be written and there is no volume: what takes disk is the log, which the kubelet rotates"
_CPU = "a throttled process is late with verbs (docs/sizing.md); memory is limited"
ARGUED = {
    ("Deployment", "container-image-pull-policy"): _PULL,
    ("Deployment", "container-ephemeral-storage-request-and-limit"): _DISK,
    ("Deployment", "container-resources"): _CPU,
    ("Deployment", "deployment-has-host-podantiaffinity"): "topologySpreadConstraints keep the pods apart",
    ("Pod", "container-image-pull-policy"): _PULL,
    ("Pod", "container-ephemeral-storage-request-and-limit"): _DISK,
    ("Pod", "container-resources"): "helm test runs it for seconds",
    ("Pod", "pod-networkpolicy"): "helm test runs it for seconds, and it listens on nothing",
}
"""What kube-score finds, by kind and check, and why it stays."""
VALIDATING = Path(__file__).with_name("validating.py")
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
        for name in ("verbs-policy", "provider-policy", "plan-policy")
        for made in yaml.safe_load_all(
            (ROOT / "deploy" / "components" / name / "policy.yaml").read_text(encoding="utf-8")
        )
    ]
    parts["crds"] = [made for file in CRDS.glob("*.yaml") for made in yaml.safe_load_all(file.read_text("utf-8"))]
    return [write(folder / f"{name}.yaml", made) for name, made in parts.items()]


def validate(first: int, last: int, *files: Path) -> str:
    """Check objects by the schemas of the versions from one to another."""
    return check(find_checkers() / "python", VALIDATING, str(first), str(last), *files)


def test_every_object_fits_the_schemas_of_each_kubernetes(objects: list[Path]) -> None:
    assert validate(OLDEST, NEWEST, *objects).endswith(" objects, 0 findings\n")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, automount: false}", "automount"),
        ("{apiVersion: v1, kind: ServiceAcount, metadata: {name: a}}", "find schema for kind ServiceAcount"),
        ("{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a}}", "policy/v1beta1"),
    ],
)
def test_a_field_a_kind_and_a_version_that_kubernetes_does_not_know_are_found(
    tmp_path: Path, broken: str, said: str
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(broken, encoding="utf-8")

    with pytest.raises(AssertionError, match=said):
        validate(OLDEST, OLDEST, file)


def test_a_version_without_schemas_is_no_success(objects: list[Path]) -> None:
    with pytest.raises(AssertionError, match=f"1.{NEWEST + 1}"):
        validate(NEWEST + 1, NEWEST + 1, *objects)


def test_what_kube_score_finds_is_what_is_argued_and_nothing_else(objects: list[Path]) -> None:
    # a file at a time: of objects with one name it scores one
    scored = [scores for file in objects for scores in score(file)]
    found = {
        (scores["type_meta"]["kind"], checked["check"]["id"])
        for scores in scored
        for checked in scores["checks"]
        if not checked["skipped"] and checked["grade"] < ALL_OK
    }

    assert len([scores for scores in scored if scores["type_meta"]["kind"] == "Deployment"]) == len(SETS) + 1
    assert found == set(ARGUED)


def score(file: Path) -> list[Any]:
    """Return what kube-score says of the objects of a file; it fails where it finds something."""
    program = find_tools(["kube-score"])["kube-score"]
    done = subprocess.run([program, "score", "--output-format=json", file], capture_output=True, text=True, check=False)  # noqa: S603
    return json.loads(done.stdout) or []


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
