"""The golden files: what the charts make of a few sets of values, as ``helm template`` prints it.

``python -m manifests.golden_files`` writes them anew (``make charts``); read the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.helm import Helm
from manifests.chart_files import CHART

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = Path(__file__).with_name("golden")
DIGEST = "sha256:" + "0123456789abcdef" * 4
NETWORK: Mapping[str, Any] = {
    "apiServer": [{"cidr": "192.0.2.10/32", "ports": [6443]}],
    "providers": [{"cidr": "198.51.100.0/24", "ports": [443, 5000, 8774]}],
    "dns": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
}
MONITORING: Mapping[str, Any] = {
    "metrics": {"monitor": "ServiceMonitor"},
    "alerts": {"enabled": True},
    "dashboards": {"enabled": True},
}
NAMESPACED: Mapping[str, Any] = {"namespaces": ["team-a", "team-b"], "credentialNamespaces": ["team-a"]}
EVERYTHING: Mapping[str, Any] = {
    "replicas": 3,
    "image": {"repository": "images.example.org/osmig", "digest": DIGEST, "pullSecrets": ["registry"]},
    "serviceAccount": {"annotations": {"example.org/role": "osmig"}},
    "allowEndpoints": ["keystone.example.org:5000", "198.51.100.0/24"],
    "serviceRanges": ["10.96.0.0/12"],
    "httpPort": 9090,
    "extraArgs": ["--sweep-period=5", "--log-level=debug"],
    "extraEnv": [{"name": "OSMIG_READ_TIMEOUT", "value": "30"}],
    "networkPolicy": NETWORK,
    **MONITORING,
    "metrics": {
        "monitor": "ServiceMonitor",
        "interval": "1m",
        "labels": {"release": "kube-prometheus-stack"},
    },
    "alerts": {"enabled": True, "runbookBase": "https://git.example.org/osmig/blob/main/"},
    "verbsPolicy": {"enabled": True},
    "podAnnotations": {"example.org/note": "moves servers"},
    "podLabels": {"example.org/team": "cloud"},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
    "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "example.org/arch", "operator": "Exists"}]}]
            }
        }
    },
    "extraVolumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
    "extraVolumeMounts": [{"name": "authorities", "mountPath": "/etc/authorities", "readOnly": True}],
}
SETS: Mapping[str, Mapping[str, Any]] = {"defaults": {}, "namespaced": NAMESPACED, "everything": EVERYTHING}


def render_set(helm: Helm, name: str) -> str:
    """Return what the operator's chart makes of a set of values, without dashboards and alerts.

    These are copies of files that are read where they are.
    """
    values = {**SETS[name]}
    left_out = {part: {"enabled": False} for part in ("dashboards", "alerts") if part in values}
    return helm.render(CHART, values | left_out)


if __name__ == "__main__":
    for each in SETS:
        (GOLDEN / f"{each}.yaml").write_text(render_set(Helm(), each), encoding="utf-8")
