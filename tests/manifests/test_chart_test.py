"""``helm test`` on the real API server, with a stand-in for the kubelet: its objects are there when the pod is."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from lab.helm import HelmError
from lab.waiting import eventually
from manifests.chart_files import CHART
from manifests.golden_files import NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cluster import Cluster
    from lab.helm import Helm

RELEASE = "probe"
POD = "probe-osmig-test"


class Kubelet(threading.Thread):
    """Ends the test's pod once it is there.

    Attributes:
        beside: Which other objects of the test there were then.
    """

    def __init__(self, cluster: Cluster, namespace: str, phase: str) -> None:
        """Prepare to give the pod a phase."""
        super().__init__(daemon=True)
        self._cluster, self._namespace, self._phase = cluster, namespace, phase
        self.beside: set[str] = set()

    @override
    def run(self) -> None:
        """Wait for the pod, look round, and end it."""
        place = ("-n", self._namespace)
        eventually(
            lambda: self._cluster.kubectl("get", "pod", POD, *place, check=False).returncode == 0, what="the pod"
        )
        found = self._cluster.get("services,networkpolicies", *place)["items"]
        self.beside = {made["kind"] for made in found if made["metadata"]["name"] == POD}
        patch = json.dumps({"status": {"phase": self._phase}})
        self._cluster.kubectl("patch", "pod", POD, *place, "--subresource=status", "--type=merge", f"--patch={patch}")


@pytest.fixture
def released(helm: Helm, crds: Cluster, namespace: str) -> Iterator[str]:
    """A namespace with a release, taken away afterwards."""
    place = ("--namespace", namespace)
    eventually(
        lambda: crds.kubectl("get", "serviceaccount", "default", "-n", namespace, check=False).returncode == 0,
        what="the namespace has its account",
    )
    helm.run("install", RELEASE, CHART, *place, values={"networkPolicy": NETWORK}, kubeconfig=crds.kubeconfig)
    yield namespace
    helm.run("uninstall", RELEASE, *place, kubeconfig=crds.kubeconfig)


def test_it_passes_with_its_pod_and_leaves_nothing(helm: Helm, crds: Cluster, released: str) -> None:
    kubelet = Kubelet(crds, released, "Succeeded")
    kubelet.start()

    helm.run("test", RELEASE, "--namespace", released, "--timeout=120s", kubeconfig=crds.kubeconfig)

    kubelet.join()
    assert kubelet.beside == {"Service", "NetworkPolicy"}
    left = crds.get("pods,services,networkpolicies", "-n", released)["items"]
    assert POD not in {made["metadata"]["name"] for made in left}


def test_it_fails_with_its_pod_and_can_be_run_again(helm: Helm, crds: Cluster, released: str) -> None:
    for phase in ("Failed", "Failed"):
        kubelet = Kubelet(crds, released, phase)
        kubelet.start()
        with pytest.raises(HelmError, match=POD):
            helm.run("test", RELEASE, "--namespace", released, "--timeout=120s", kubeconfig=crds.kubeconfig)
        kubelet.join()
        crds.kubectl("delete", "pod", POD, "-n", released, "--now")
