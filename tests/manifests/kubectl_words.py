"""What the tests say to the API server by kubectl, and what it answers when it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from osmig.api.meta import InvalidManifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.cluster import Cluster


def create(cluster: Cluster, namespace: str, body: Mapping[str, Any]) -> str:
    """Create an object and return what the API server said when it refused, else nothing."""
    return _send(cluster, "create", namespace, body)


def assert_refused(
    cluster: Cluster, namespace: str, body: dict[str, Any], words: str, parse: Callable[[Mapping[str, Any]], object]
) -> None:
    """Assert that the API server refuses an object in these words, and that whoever parses it refuses it, too."""
    assert words in create(cluster, namespace, body)
    with pytest.raises(InvalidManifest):
        parse(body)


def replace(cluster: Cluster, namespace: str, body: Mapping[str, Any]) -> str:
    """Replace an object and return what the API server said when it refused, else nothing."""
    return _send(cluster, "replace", namespace, body)


def _send(cluster: Cluster, verb: str, namespace: str, body: Mapping[str, Any]) -> str:
    metadata = {"name": body["metadata"]["name"], "namespace": namespace}
    return cluster.kubectl(verb, "-f", "-", stdin=json.dumps({**body, "metadata": metadata}), check=False).stderr


def patch(
    cluster: Cluster, namespace: str, change: Mapping[str, Any], *, name: str = "db-07", status: bool = False
) -> str:
    """Merge a change into a Migration and return what the API server said when it refused, else nothing."""
    subresource = ["--subresource=status"] if status else []
    done = cluster.kubectl(
        "patch", "osmig", name, "-n", namespace, "--type=merge", *subresource, "-p", json.dumps(change), check=False
    )
    return done.stderr
