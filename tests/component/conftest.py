"""What the tests of ``osmig.kube`` begin with: a client on the real API server, a widget there, a line to cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kube_support import WIDGETS, Line, create_widget, install_widgets, open_client
from osmig.kube.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    """A client as the administrator."""
    async with open_client(cluster.kubeconfig) as client:
        yield client


@pytest.fixture
async def line(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Line]:
    """A line to the API server that the test can cut."""
    async with Line(cluster, cluster.kubeconfig, tmp_path / "kubeconfig") as line:
        yield line


@pytest.fixture(scope="session")
def widgets(cluster: Cluster) -> Cluster:
    """The cluster, which serves widgets."""
    install_widgets(cluster)
    return cluster


@pytest.fixture
async def ref(client: KubeClient, widgets: Cluster, namespace: str) -> ObjectRef:
    """A widget of the test's own."""
    assert widgets.url
    return ObjectRef.of(WIDGETS, await create_widget(client, namespace, "w"))
