"""What in an object's metadata tells a mirror: its label, and the Provider that owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.names import Kind
from osmig.domain.mirroring import DISCOVERED_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

_UID_LENGTH = 63


def keep_marks(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an object's metadata what tells a mirror, in the form that a body has it; nothing of another object."""
    uid = find_provider(metadata)
    if uid is None:
        return {}
    return {"labels": {DISCOVERED_LABEL: ""}, "ownerReferences": [{"kind": Kind.PROVIDER.value, "uid": uid}]}


def find_provider(metadata: Mapping[str, Any]) -> str | None:
    """Return the uid of the Provider whose mirror an object is; ``None`` for what is no mirror."""
    if DISCOVERED_LABEL not in (metadata.get("labels") or {}):
        return None
    owners = metadata.get("ownerReferences") or ()
    uids = (str(owner.get("uid")) for owner in owners if owner.get("kind") == Kind.PROVIDER)
    return next((uid[:_UID_LENGTH] for uid in uids), None)
