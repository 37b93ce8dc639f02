"""What in an object's metadata makes it a plan's: one owner, and the labels that the plan gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from osmig.api.names import API_VERSION, Kind
from osmig.api.plan_names import LABEL_INDEX, LABEL_MEMORY, LABEL_PLAN_UID, LABEL_SERVER_ID, LABEL_SOURCE_HOST
from osmig.controllers.keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABELS = (LABEL_PLAN_UID, LABEL_SERVER_ID, LABEL_SOURCE_HOST, LABEL_INDEX, LABEL_MEMORY)


class PlanOwner(NamedTuple):
    """The plan that is an object's controller.

    Attributes:
        key: its name in the object's namespace.
        uid: of this very plan.
    """

    key: Key
    uid: str


def keep_owner(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an object's metadata what belongs to a plan; nothing for what no plan controls."""
    owner = _find_reference(metadata)
    if owner is None:
        return {}
    labels = metadata.get("labels") or {}
    return {
        "ownerReferences": [{name: owner[name] for name in ("apiVersion", "kind", "name", "uid", "controller")}],
        "labels": {name: labels[name] for name in _LABELS if name in labels},
    }


def find_owner(body: Mapping[str, Any]) -> PlanOwner | None:
    """Return the plan that is an object's controller; ``None`` for none."""
    metadata = body["metadata"]
    owner = _find_reference(metadata)
    if owner is None:
        return None
    return PlanOwner(Key(Kind.PLAN, metadata["namespace"], str(owner["name"])), str(owner["uid"]))


def _find_reference(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # at most one owner is the controller; the API server sees to that
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and (owner.get("apiVersion"), owner.get("kind")) == (API_VERSION, Kind.PLAN):
            found: Mapping[str, Any] = owner
            return found
    return None
