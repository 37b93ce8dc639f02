"""The image as ``make image`` builds it: the same twice, nothing but Python in it, and the operator in it works."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e_operator import FAST, OPERATOR_NAMESPACE, install
from lab.checkers import write_bill_of_materials
from lab.cluster import Cluster
from lab.image import Builder, enter, fetch_wheels, find_codename, list_missing, make_base
from lab.osmig_run import OsmigRun
from osmig import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "localhost/osmig:test"
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(list_missing()), reason=f"to build an image, this is missing: {', '.join(list_missing())}"),
]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A builder that has the image, built once."""
    made = Builder(tmp_path_factory.mktemp("storage"))
    made.take_base(make_base(find_codename()))
    made.build(NAME, wheels())
    yield made
    made.remove()


@pytest.fixture(scope="module")
def root(builder: Builder) -> Path:
    """Its root filesystem."""
    return builder.unpack(NAME)


def wheels() -> Path:
    """The files that it is built from, for the distribution's Python."""
    said = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=True,
        capture_output=True,
        text=True,
    )
    return fetch_wheels(said.stdout.strip())


def test_two_builds_of_one_commit_are_the_same_image(builder: Builder) -> None:
    assert builder.build("localhost/osmig:again", wheels()) == builder.inspect(NAME)["FromImageID"]


def test_it_says_what_it_is_and_runs_as_nobody_of_the_host(builder: Builder) -> None:
    configuration = builder.inspect(NAME)["OCIv1"]["config"]
    labels = {key.removeprefix("org.opencontainers.image."): text for key, text in configuration["Labels"].items()}

    assert (configuration["User"], configuration["Entrypoint"], configuration["Cmd"]) == (
        "65532:65532",
        ["/opt/osmig/bin/osmig"],
        ["run"],
    )
    assert labels["version"] == __version__
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["revision"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])
    assert {"title", "description", "licenses", "base.name"} <= labels.keys()


def test_there_is_no_program_in_it_but_python_and_osmig(root: Path) -> None:
    folders = [root / name for name in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/osmig/bin")]
    programs = {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()}

    assert {re.sub(r"^python[0-9.]*$", "python", name) for name in programs} == {"python", "osmig"}
    assert [path for path in root.rglob("*") if path.is_file() and path.stat().st_mode & 0o6000] == []
    assert [path for name in ("pip", "ensurepip") for path in root.rglob(name) if (path / "__init__.py").exists()] == []


def test_the_bill_of_materials_names_what_is_installed_and_nothing_else(root: Path, tmp_path: Path) -> None:
    bill = tmp_path / "sbom.json"
    write_bill_of_materials(bill)
    named = {
        (_normalise(part["name"]), part["version"])
        for part in json.loads(bill.read_text(encoding="utf-8"))["components"]
    }
    folders = (root / "opt" / "osmig").glob("lib/python3*/site-packages/*.dist-info")
    found = {(_normalise(name), version) for name, version in (path.stem.rsplit("-", 1) for path in folders)}

    assert found - {("osmig", __version__)} == named


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_command_works_without_a_shell_on_a_root_that_cannot_be_written(root: Path) -> None:
    said = subprocess.run(enter(root, "/opt/osmig/bin/osmig", "version"), check=True, capture_output=True, text=True)  # noqa: S603

    assert said.stdout.startswith(f"osmig {__version__}\n")


def give_kubeconfig(cluster: Cluster, root: Path) -> None:
    """Put the kubeconfig of the operator's account into a root filesystem, with its certificate authority beside it."""
    made = json.loads(cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig").read_text(encoding="utf-8"))
    about = made["clusters"][0]["cluster"]
    authority = Path(about["certificate-authority"]).read_text(encoding="utf-8")
    about["certificate-authority"] = "/run/ca.crt"
    for name, text in {"ca.crt": authority, "kubeconfig": json.dumps(made)}.items():
        inside = root / "run" / name
        inside.write_text(text, encoding="utf-8")
        inside.chmod(0o644)


def test_the_operator_in_it_serves_a_real_api_server(root: Path, tmp_path: Path) -> None:
    with Cluster() as cluster:
        install(cluster)
        give_kubeconfig(cluster, root)
        cluster.apply(
            {
                "apiVersion": "osmig.dev/v1alpha1",
                "kind": "Provider",
                "metadata": {"name": "cloud", "namespace": "default"},
                "spec": {
                    "type": "OpenStack",
                    "openstack": {"cloudCredentialsRef": {"secretName": "no", "cloudName": "c"}},
                },
            }
        )
        operator = OsmigRun(
            *(*FAST, "--lease-namespace", OPERATOR_NAMESPACE),
            command=enter(root, "/opt/osmig/bin/osmig", "run"),
            kubeconfig=Path("/run/kubeconfig"),
            log=tmp_path / "osmig.log",
        )
        with operator as run:
            run.wait_ready()
            assert run.http("/readyz") == (200, "leader\n")
            conditions = cluster.get("provider.osmig.dev", "cloud", "-n", "default")["status"]["conditions"]
            assert run.terminate() == 0

    assert "SecretNotFound" in {condition["reason"] for condition in conditions}
