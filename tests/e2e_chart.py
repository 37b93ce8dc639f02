"""An install of both charts by somebody who has the rights that docs/install.md lists, and the process of its pod."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from e2e_operator import FAST, OPERATOR, OPERATOR_NAMESPACE, ROOT
from lab.osmig_run import OsmigRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.helm import Helm

INSTALLER = "installer"
CHARTS = ROOT / "charts"
EARLIER = ROOT / "tests" / "e2e" / "earlier_release"
"""Both charts and osmig as they once were, packaged as version 0.0.1: there is no release yet to upgrade from."""
EARLIER_IMAGE, EARLIER_CODE = "osmig:0.0.1", EARLIER / "osmig-0.0.1-py3-none-any.whl"
RELEASE = "osmig"
CRDS = "osmig-crds"
PER_NAMESPACE = "in each of `namespaces`"


def as_arguments(flags: tuple[str, ...]) -> list[str]:
    """Join pairs of a flag and its value, as the chart's ``extraArgs`` want them."""
    return [f"{flag}={value}" for flag, value in zip(flags[::2], flags[1::2], strict=True)]


def read_rights() -> dict[str, Any]:
    """Return the rights that docs/install.md lists: of the cluster, of the release's namespace, of each other one."""
    section = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").partition("## Who may install")[2]
    blocks = re.findall(r"```yaml\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    cluster, release, each = (yaml.safe_load(block) for block in blocks)
    return {"ClusterRole": cluster, OPERATOR_NAMESPACE: release, PER_NAMESPACE: each}


def grant(cluster: Cluster, role: Mapping[str, Any], *, namespace: str = "", user: str) -> None:
    """Create a role in a namespace, or for the whole cluster without one, and bind a user to it."""
    name, place = f"{role['metadata']['name']}-{user}", {"namespace": namespace} if namespace else {}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    cluster.apply(
        {**role, "metadata": {"name": name, **place}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
            "metadata": {"name": name, **place},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role["kind"], "name": name},
            "subjects": [subject],
        },
    )


@dataclass(frozen=True, slots=True)
class Install:
    """The release ``osmig`` on a cluster.

    Attributes:
        helm: Whoever installs has it.
        cluster: Where.
        values: Of the chart.
    """

    helm: Helm
    cluster: Cluster
    values: Mapping[str, Any]

    def run(self, *words: str | Path, user: str = INSTALLER, **options: Any) -> str:  # noqa: ANN401
        """Run Helm in the release's namespace, as the installer."""
        kubeconfig = self.cluster.user_kubeconfig(user)
        return self.helm.run(*words, "--namespace", OPERATOR_NAMESPACE, kubeconfig=kubeconfig, **options)

    def install(self, chart: Path = CHARTS / "osmig") -> str:
        """Install the operator's chart; return the notes."""
        return self.run("install", RELEASE, chart, values=self.values)

    def upgrade(self, **values: Any) -> None:  # noqa: ANN401 - values of the chart
        """Upgrade it with further values."""
        self.run("upgrade", RELEASE, CHARTS / "osmig", values={**self.values, **values})

    def uninstall(self) -> None:
        """Uninstall it."""
        self.run("uninstall", RELEASE)

    def deployment(self) -> dict[str, Any]:
        """Return the Deployment as it is."""
        return self.cluster.get("deployment", RELEASE, "-n", OPERATOR_NAMESPACE)

    def used_rights(self) -> set[tuple[str, str, str]]:
        """Return what the installer has done so far, as group, resource and verb."""
        return {
            (about.get("apiGroup", ""), about["resource"], event["verb"])
            for event in self.cluster.audit()
            if event.get("user", {}).get("username") == INSTALLER
            for about in [event.get("objectRef", {})]
            if "resource" in about
        }

    def refusals(self) -> list[str]:
        """Return what the operator asked of the API server and may not do; what was cut off has no answer."""
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in self.cluster.audit()
            if event.get("user", {}).get("username") == OPERATOR
            and event.get("responseStatus", {}).get("code") in {401, 403}
        ]

    def run_pod(self, log: Path) -> OsmigRun:
        """Prepare the process of its pod: code of the image, arguments and environment, the token of its account.

        What the kubelet would add is added here: the namespace of the pod, by which the Lease is found.
        """
        spec = self.deployment()["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        kubeconfig = self.cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, spec["serviceAccountName"])
        env = {variable["name"]: variable["value"] for variable in container.get("env", ())}
        if container["image"] == EARLIER_IMAGE:
            env["PYTHONPATH"] = str(EARLIER_CODE)
        return OsmigRun(
            *container["args"][1:],
            *("--lease-namespace", OPERATOR_NAMESPACE),
            command=(sys.executable, "-m", "osmig", container["args"][0]),
            kubeconfig=kubeconfig,
            env=env,
            log=log,
        )


def values_for_the_lab(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - values of the chart
    """Return values with fast timings and the lab's endpoints, one of them as a variable."""
    flags = as_arguments(FAST)
    allowed = [flag.partition("=")[2] for flag in flags if flag.startswith("--allow-endpoint=")]
    (poll,) = (flag.partition("=")[2] for flag in flags if flag.startswith("--record-poll="))
    rest = [flag for flag in flags if not flag.startswith(("--allow-endpoint=", "--record-poll="))]
    env = [{"name": "OSMIG_RECORD_POLL", "value": poll}]
    return {"allowEndpoints": allowed, "extraArgs": rest, "extraEnv": env, **values}
