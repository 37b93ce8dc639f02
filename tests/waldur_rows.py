"""What tests of Waldur's double do again and again: make a row, and list names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.waldur_client import MIGRATIONS
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE

if TYPE_CHECKING:
    from lab.waldur import WaldurLab


def create(waldur: WaldurLab, name: str = "db-0a1b2c3d-1", **fields: object) -> dict[str, Any]:
    """Start a replication as the owner."""
    return waldur.api.create(SOURCE, OFFERING, PLAN, name=name, **fields)


def names(waldur: WaldurLab, user: str = "owner", *, query: str = "") -> list[str]:
    """Return the destination's names on one page of the list."""
    return [row["dst_resource_name"] for row in waldur.as_user(user).get(f"{MIGRATIONS}?{query}")]
