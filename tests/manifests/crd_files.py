"""The committed CRDs, and a walk over every field in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "crds"
KINDS = ("migrations", "providers", "migrationmappings", "migrationplans")


class Field(NamedTuple):
    """One field of a schema: where, its name, its schema, and the schema that holds it."""

    path: str
    name: str
    node: dict[str, Any]
    parent: dict[str, Any]


def load_version(plural: str) -> dict[str, Any]:
    """Load the one version of a committed CRD."""
    crd = yaml.safe_load((CRDS / f"osmig.dev_{plural}.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    return dict(version)


def load_schema(plural: str) -> dict[str, Any]:
    """Load the schema of whole objects of a committed CRD."""
    return dict(load_version(plural)["schema"]["openAPIV3Schema"])


def walk(node: dict[str, Any], path: str = "") -> Iterator[Field]:
    """Yield every field below `node`, through objects and lists."""
    for name, child in node.get("properties", {}).items():
        here = f"{path}.{name}"
        yield Field(here, name, child, node)
        yield from walk(child, here)
        yield from walk(child.get("items", {}), f"{here}[]")


def own_fields(plural: str) -> list[Field]:
    """List the fields of spec and status: all that is ours to describe and bound."""
    return [field for field in walk(load_schema(plural)) if field.path.startswith((".spec", ".status"))]


def find(plural: str, path: str) -> dict[str, Any] | None:
    """Find a field's schema by its dotted path such as ``.status.phase``."""
    return next((field.node for field in walk(load_schema(plural)) if field.path == path), None)


def paths(value: object, path: str = "") -> list[str]:
    """List the paths of all that an object holds, as `walk` does for its schema."""
    match value:
        case dict():
            return [p for key, child in value.items() for p in (f"{path}.{key}", *paths(child, f"{path}.{key}"))]
        case list():
            return [p for child in value for p in paths(child, f"{path}[]")]
        case _:
            return []
