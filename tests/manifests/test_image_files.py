"""The image is made of files whose hashes are locked, and its pods may be asked and may ask no more than they need."""

from __future__ import annotations

import ipaddress
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.crd_files import ROOT
from osmig.net.endpoints import EndpointGuard, EndpointPolicy, EndpointRefusedError

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DEPLOY = ROOT / "deploy"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")
METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fe80::a9fe:a9fe")


def read_lock(name: str) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of a lock file by package and version."""
    found: dict[tuple[str, str], set[str]] = {}
    package = ("", "")
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if (pinned := PINNED.match(line)) is not None:
            package = (pinned[1], pinned[2])
            found[package] = set()
        found_hash = re.search(r"--hash=(sha256:[0-9a-f]{64})", line)
        if found_hash is not None:
            found[package].add(found_hash[1])
    return found


def manifest(name: str) -> dict[str, Any]:
    (found,) = [body for body in yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")) if body]
    body: dict[str, Any] = found
    return body


def test_everything_that_the_image_installs_has_a_hash_or_was_built_from_the_sources_beside_it() -> None:
    joined = DOCKERFILE.replace("\\\n", " ")
    commands = [
        " ".join(re.sub(r"--python \S+", "", found).split())
        for found in re.findall(r"/bin/(pip (?:--python \S+ )?(?:install|wheel) [^\n&]*)", joined)
    ]

    assert len(commands) == 4
    assert [line for line in commands if "--require-hashes" not in line and "--no-deps" not in line] == []
    assert [line for line in commands if "wheel" in line.split()[1] and "--no-build-isolation" not in line] == []
    assert [line for line in commands if "install" in line and "--no-deps" in line and "--no-index" not in line] == []


def test_the_last_stage_is_empty_but_for_what_is_left_and_runs_as_nobody_of_the_host() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    last = stages[-1]

    assert [stage.partition("\n")[0] for stage in stages] == [
        "${PYTHON_IMAGE} AS build",
        "${PYTHON_IMAGE} AS reduced",
        "scratch",
    ]
    assert re.findall(r"^COPY (.*)$", last, re.MULTILINE) == ["--from=reduced / /"]
    assert "RUN " not in last
    assert "\nUSER 65532:65532\n" in last
    assert "\nHEALTHCHECK NONE\n" in last


ENGINES = ("docker", "podman", "buildah")


@pytest.mark.parametrize(
    ("here", "works", "taken"),
    [
        (ENGINES, ENGINES, "docker"),
        (ENGINES, ("podman", "buildah"), "podman"),
        (("buildah",), ("buildah",), "buildah"),
        (("docker",), (), ""),
        ((), (), ""),
    ],
)
def test_the_image_is_built_by_the_first_engine_that_works(
    tmp_path: Path, here: tuple[str, ...], works: tuple[str, ...], taken: str
) -> None:
    for engine in here:
        program = tmp_path / engine
        answer = f"echo {engine} $*" if engine in works else "exit 1"
        program.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
        program.chmod(0o755)
    tools = [str(Path(found).parent) for found in map(shutil.which, ("sh", "sed")) if found]
    environ = {"PATH": ":".join([str(tmp_path), *tools]), "SOURCE_DATE_EPOCH": "1700000000", "HOME": str(tmp_path)}
    for engine in set(ENGINES) - set(here):
        if shutil.which(engine, path=":".join(tools)):
            (tmp_path / engine).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
            (tmp_path / engine).chmod(0o755)

    done = subprocess.run(  # noqa: S603 - ours
        [ROOT / "image" / "build.sh", "osmig:test"], env=environ, capture_output=True, text=True, check=False
    )

    if not taken:
        assert (done.returncode, "no docker, podman or buildah that works here" in done.stderr) == (1, True)
        return
    built = done.stdout.splitlines()[-1]
    assert built.startswith(f"{taken} ")
    for part in ("--tag osmig:test", "SOURCE_DATE_EPOCH=1700000000", "CREATED=2023-11-14T22:13:20Z", "VERSION=0.1.0"):
        assert part in built


def test_the_base_image_is_named_by_its_full_version() -> None:
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)

    assert re.fullmatch(r"python:(\d+\.\d+\.\d+-slim-[a-z]+|[^@]+@sha256:[0-9a-f]{64})", image)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements.image.lock", "requirements.build.lock"])
def test_every_package_of_a_lock_has_hashes(name: str) -> None:
    assert [package for package, hashes in read_lock(name).items() if not hashes] == []


def test_the_image_has_the_versions_and_hashes_that_the_tests_run_with() -> None:
    tested, shipped = read_lock("requirements.lock"), read_lock("requirements.image.lock")

    assert {package: hashes for package, hashes in shipped.items() if tested.get(package) != hashes} == {}
    direct = {re.split(r"[<>=\[]", wanted)[0] for wanted in PROJECT["project"]["dependencies"]}
    assert direct <= {name for name, _ in shipped}
    assert {"pytest", "ruff", "waldur-api-client"} & {name for name, _ in shipped} == set()


def test_what_builds_the_wheel_is_pinned_and_locked() -> None:
    (wanted,) = PROJECT["build-system"]["requires"]

    assert tuple(wanted.split("==")) in read_lock("requirements.build.lock")


def test_the_network_policy_is_part_of_what_is_deployed_and_about_the_operators_pods() -> None:
    policy, deployment = manifest("network-policy.yaml"), None
    for body in yaml.safe_load_all((DEPLOY / "deployment.yaml").read_text(encoding="utf-8")):
        deployment = body if body["kind"] == "Deployment" else deployment

    assert deployment is not None
    assert "network-policy.yaml" in manifest("kustomization.yaml")["resources"]
    assert policy["spec"]["podSelector"] == deployment["spec"]["selector"]
    assert policy["metadata"]["namespace"] == deployment["metadata"]["namespace"]
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_the_pods_are_asked_for_metrics_and_probes_alone() -> None:
    (ingress,) = manifest("network-policy.yaml")["spec"]["ingress"]

    assert ingress["ports"] == [{"protocol": "TCP", "port": "http"}]


def test_the_pods_ask_names_everywhere_and_over_tcp_everything_but_cloud_metadata() -> None:
    names, rest = manifest("network-policy.yaml")["spec"]["egress"]

    assert ("to" in names, names["ports"]) == (False, [{"protocol": kind, "port": 53} for kind in ("UDP", "TCP")])
    assert rest["ports"] == [{"protocol": "TCP", "port": 1, "endPort": 65535}]
    blocks = [to["ipBlock"] for to in rest["to"]]
    open_to = [ipaddress.ip_network(block["cidr"]) for block in blocks]
    closed_to = [ipaddress.ip_network(text) for block in blocks for text in block["except"]]
    assert [network.prefixlen for network in open_to] == [0, 0]
    assert [text for text in METADATA if not any(ipaddress.ip_address(text) in network for network in closed_to)] == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::a9fe:a9fe"])
def test_what_the_policy_keeps_closed_is_refused_by_the_operator_itself_too(address: str) -> None:
    with pytest.raises(EndpointRefusedError):
        EndpointGuard(EndpointPolicy(), lambda *_: (address,)).resolve("metadata.example", 80)
