"""What makes an object a plan's: one owner, the labels that the plan gave it, and the name that only it would choose.

Owner and labels alone are copied with a manifest. What was copied, or made by hand, is not counted as a plan's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from osmig.api.names import API_VERSION, Kind
from osmig.api.plan_names import LABEL_INDEX, LABEL_MEMORY, LABEL_PLAN_UID, LABEL_SERVER_ID, LABEL_SOURCE_HOST
from osmig.controllers.keys import Key
from osmig.domain.plans.naming import name_child_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGITS = 12
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
    """Return the plan that made a Migration; ``None`` for one that no plan controls, or would have named so."""
    metadata = body["metadata"]
    owner = _find_reference(metadata)
    if owner is None:
        return None
    found = PlanOwner(Key(Kind.PLAN, metadata["namespace"], str(owner["name"])), str(owner["uid"]))
    name = name_child_of(found.key.name, found.uid, read_server_id(body), read_index(body))
    return found if name == metadata["name"] else None


def read_server_id(body: Mapping[str, Any]) -> str:
    """Return the id of the server that a plan's Migration is for: as its spec says, else as its label does."""
    server = (body.get("spec") or {}).get("server") or {}
    return str(server.get("id") or _read_labels(body).get(LABEL_SERVER_ID, ""))


def read_index(body: Mapping[str, Any]) -> int:
    """Return how many of the server's Migrations the plan had made with this one."""
    return read_number(_read_labels(body).get(LABEL_INDEX), 1)


def read_number(word: object, otherwise: int) -> int:
    """Read a number of a label, which anybody may have changed."""
    text = str(word)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else otherwise


def _read_labels(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body["metadata"].get("labels") or {}


def _find_reference(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # at most one owner is the controller; the API server sees to that
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and (owner.get("apiVersion"), owner.get("kind")) == (API_VERSION, Kind.PLAN):
            found: Mapping[str, Any] = owner
            return found
    return None
