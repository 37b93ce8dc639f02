"""The charts installed for real by who has the listed rights and no others; the process of their pod moves a server."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e_chart import (
    CHARTS,
    CRDS,
    EARLIER,
    EARLIER_IMAGE,
    INSTALLER,
    PER_NAMESPACE,
    Install,
    grant,
    read_rights,
    values_for_the_lab,
)
from e2e_cloud import Boot, calls, is_moving
from e2e_operator import OPERATOR_NAMESPACE
from e2e_status import outcome
from e2e_tenant import Tenant
from lab.cluster import Cluster
from lab.waiting import eventually
from osmig import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lab.helm import Helm
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

TEAM = "team-a"
CRD_INSTALLER = "crd-installer"
"""Somebody else, as in an install that is not for the whole cluster."""
MODES = {"whole cluster": (), "one namespace": (TEAM,)}


@pytest.fixture(params=MODES)
def installed(helm: Helm, request: pytest.FixtureRequest) -> Iterator[Install]:
    """An API server of the test's own, earlier charts installed by a user with the listed rights for the mode."""
    namespaces = MODES[request.param]
    with Cluster(users={INSTALLER: (), CRD_INSTALLER: ()}) as cluster:
        rights = read_rights()
        for name in (OPERATOR_NAMESPACE, TEAM):
            cluster.kubectl("create", "namespace", name)
        for user in (INSTALLER, CRD_INSTALLER):
            grant(cluster, rights[OPERATOR_NAMESPACE], namespace=OPERATOR_NAMESPACE, user=user)
        grant(cluster, rights["ClusterRole"], user=CRD_INSTALLER)
        if not namespaces:
            grant(cluster, rights["ClusterRole"], user=INSTALLER)
        for name in namespaces:
            grant(cluster, rights[PER_NAMESPACE], namespace=name, user=INSTALLER)
        release = Install(helm, cluster, values_for_the_lab(namespaces=list(namespaces)))
        release.run("install", CRDS, EARLIER / f"{CRDS}-0.0.1.tgz", user=CRD_INSTALLER)
        # the earlier chart has fewer than crds/
        cluster.await_established("crd", "--all")
        release.install(EARLIER / "osmig-0.0.1.tgz")
        yield release


def test_the_installed_operator_moves_a_server_is_upgraded_and_goes_as_it_came(
    installed: Install, nova: NovaLab, boot: Boot, tmp_path: Path
) -> None:
    tenant = Tenant(installed.cluster, TEAM)
    first, second = boot(host="cmp1"), boot(plan="hang")

    with installed.run_pod(tmp_path / "old.log") as old:
        old.wait_ready()
        tenant.connect(nova)
        move = tenant.move(first, name="first", source="cmp1", destination="cmp2")
        assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
        hanging = tenant.move(second, name="second", deletionPolicy="Abort")
        hanging.until_upstream("running")
        _upgrade_and_roll_back(installed)
        with installed.run_pod(tmp_path / "new.log") as new:
            _hand_over(old, new)
            hanging.reconcile()
            _run_helm_test(installed, new)
            assert installed.refusals() == []
            installed.uninstall()
            installed.run("uninstall", CRDS, user=CRD_INSTALLER)

    assert is_moving(nova, second)
    assert hanging.get()["metadata"]["finalizers"] == ["osmig.dev/abort"]
    assert outcome(move.status) == ("Succeeded", "Succeeded")
    assert [*old.logs("step.crashed"), *new.logs("step.crashed")] == []

    nova.control.steer(second, "finish")
    installed.run("install", CRDS, CHARTS / CRDS, user=CRD_INSTALLER)
    installed.install()
    with installed.run_pod(tmp_path / "again.log") as again:
        again.wait_ready()
        assert outcome(hanging.until_finished()) == ("Succeeded", "Succeeded")

    assert installed.used_rights() == _listed_for_making(has_namespaces=bool(installed.values["namespaces"]))
    assert [call.word for call in calls(nova, first)] == ["live-migrate"]
    assert [call.word for call in calls(nova, second)] == ["live-migrate"]


def _hand_over(old: OsmigRun, new: OsmigRun) -> None:
    """Replace a pod as a rollout does: the old one ends once the new one is ready, as a standby."""
    new.wait_ready()
    assert new.http("/readyz")[1].strip() == "standby"
    assert old.terminate() == 0
    eventually(lambda: new.http("/readyz") == (200, "leader\n"), what="the new pod leads")


def _upgrade_and_roll_back(installed: Install) -> None:
    """Upgrade both charts from the earlier ones, again, to other values, back to the first install, and to today's."""
    before = installed.deployment()
    assert _image(before) == EARLIER_IMAGE
    installed.run("upgrade", CRDS, CHARTS / CRDS, user=CRD_INSTALLER)
    installed.upgrade()
    upgraded = installed.deployment()
    assert _image(upgraded) == f"osmig:{__version__}"
    installed.upgrade()
    assert installed.deployment()["metadata"]["generation"] == upgraded["metadata"]["generation"]
    installed.upgrade(replicas=3)
    assert installed.deployment()["spec"]["replicas"] == 3
    installed.run("rollback", "osmig", "1")
    assert installed.deployment()["spec"] == before["spec"]
    installed.upgrade()


def _image(deployment: Mapping[str, Any]) -> str:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def _listed_for_making(*, has_namespaces: bool) -> set[tuple[str, str, str]]:
    """Return the listed rights on what Helm and the operator's chart make.

    To create by an apply takes the right to create, and shows as the patch that it is.
    """
    rights = read_rights()
    wider = rights[PER_NAMESPACE if has_namespaces else "ClusterRole"]["rules"]
    return {
        right
        for rule in [*rights[OPERATOR_NAMESPACE]["rules"], *wider]
        for right in product(rule["apiGroups"], rule["resources"], rule["verbs"])
        if right[0] in {"", "apps", "policy", "networking.k8s.io", "rbac.authorization.k8s.io"}
        and (right[1] == "secrets" or right[2] != "create")
    }


def _run_helm_test(installed: Install, operator: OsmigRun) -> None:
    """Run the command of the chart's test pod, with the operator's address instead of its Service's."""
    hooks = yaml.safe_load_all(installed.run("get", "hooks", "osmig"))
    (pod,) = (made for made in hooks if made and made["kind"] == "Pod")
    (container,) = pod["spec"]["containers"]
    command = [sys.executable, *container["command"][1:]]
    url = f"http://127.0.0.1:{operator.port}"
    done = subprocess.run(  # noqa: S603 - the chart's
        command, env={**os.environ, "OSMIG_URL": url}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "leader"
