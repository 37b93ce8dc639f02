"""A namespace for what a table of manifests leaves behind."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cluster import Cluster


@pytest.fixture(scope="module")
def place(crds: Cluster) -> Iterator[str]:
    """A namespace for all tables of a module."""
    name = f"t-{secrets.token_hex(4)}"
    crds.kubectl("create", "namespace", name)
    yield name
    crds.kubectl("delete", "namespace", name, "--wait=false")
