"""A scene for each test: its own namespace, Lease, server and processes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from crash.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.nova import NovaLab


@pytest.fixture
def scene(crds: Cluster, namespace: str, nova: NovaLab, tmp_path: Path) -> Iterator[Scene]:
    """A server to move, in a cloud whose tokens name no user."""
    with ExitStack() as stack:
        yield Scene(crds, nova, namespace=namespace, folder=tmp_path, stack=stack)


@pytest.fixture
def keystone_scene(crds: Cluster, namespace: str, nova_keystone: NovaLab, tmp_path: Path) -> Iterator[Scene]:
    """A server to move, in a cloud where the operator knows which user it is."""
    with ExitStack() as stack:
        yield Scene(crds, nova_keystone, namespace=namespace, folder=tmp_path, stack=stack)
        nova_keystone.control.clear_faults()
