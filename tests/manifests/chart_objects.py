"""Objects of a chart and of kustomize made comparable: by kind and name, without what only Helm adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lab.cluster import Cluster

OF_HELM = frozenset(
    {
        "app.kubernetes.io/instance",
        "app.kubernetes.io/version",
        "app.kubernetes.io/managed-by",
        "helm.sh/chart",
        "helm.sh/resource-policy",
    }
)
"""Labels and annotations by which Helm keeps releases apart; a folder that is applied as it is has no release."""


def build(cluster: Cluster, folder: Path) -> list[Any]:
    """Build a kustomization with kubectl."""
    return list(yaml.safe_load_all(cluster.kubectl("kustomize", str(folder)).stdout))


def by_name(objects: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return objects without hooks and without what only Helm adds, by ``KIND NAMESPACE/NAME``.

    Raises:
        ValueError: Two have one name.
    """
    found: dict[str, Any] = {}
    for made in objects:
        about = made["metadata"]
        if "helm.sh/hook" in about.get("annotations", {}):
            continue
        name = f"{made['kind']} {about.get('namespace', '')}/{about['name']}"
        if name in found:
            raise ValueError(f"{name} is there twice")
        found[name] = _without_helm(made)
    return found


def find(objects: Iterable[Any], kind: str) -> Any:  # noqa: ANN401 - an object of Kubernetes
    """Return the one object of a kind."""
    (made,) = (made for made in objects if made["kind"] == kind and "helm.sh/hook" not in str(made))
    return made


def _without_helm(part: Any) -> Any:  # noqa: ANN401 - any part of an object
    match part:
        case dict():
            kept = {key: _without_helm(value) for key, value in part.items() if key not in OF_HELM}
            return {key: value for key, value in kept.items() if (key, value) != ("annotations", {})}
        case list():
            return [_without_helm(child) for child in part]
        case _:
            return part
