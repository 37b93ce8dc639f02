"""Compile a pydantic model into a structural schema, refusing what a CRD cannot hold or a user could not read.

pydantic writes JSON Schema 2020-12 with references; the API server wants one OpenAPI v3 tree without them, with bounds
everywhere (else it cannot estimate the cost of CEL rules), and a merge strategy for each list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

Schema: TypeAlias = dict[str, Any]

ORDER = (
    "description", "type", "format", "default", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "minItems", "maxItems", "maxProperties", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "required",
    "properties", "additionalProperties", "items", "x-kubernetes-validations",
)  # fmt: skip
"""Everything a node may hold, in the order it is printed; any other keyword is refused."""

_NOISE = {"title", "examples", "$defs"}
_FORMAT_MAX_LENGTH = {"date": 10, "date-time": 64}
_INT32_MAX = 2**31 - 1
_LOOK_AROUND = re.compile(r"\(\?[=!<]")
_YAML_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}
_RULES = "x-kubernetes-validations"


class NotStructural(ValueError):  # noqa: N818 - says what it is, like the other errors of this project
    """A model cannot become a structural schema; the message starts with the path of the field."""


def compile_schema(model: type[BaseModel]) -> Schema:
    """Compile `model` as it is read: names on the wire, defaults, bounds.

    Raises:
        NotStructural: a field cannot be expressed, or lacks its bounds, list type or description.
    """
    root = model.model_json_schema(by_alias=True, mode="validation")
    return _Compiler(root.get("$defs", {})).compile(root, model.__name__)


@dataclass(frozen=True, slots=True)
class _Compiler:
    defs: Mapping[str, Schema]

    def compile(self, raw: Schema, path: str, seen: tuple[str, ...] = ()) -> Schema:
        node = {key: value for key, value in raw.items() if key not in _NOISE}
        if "$ref" in node:
            return self._inline(node, path, seen)
        if "anyOf" in node:
            return self._unwrap_optional(node, path, seen)
        if node.get("default", 0) is None:
            del node["default"]
        if "const" in node:
            node["enum"] = [node.pop("const")]
        self._complete(node, path, seen)
        if unknown := node.keys() - set(ORDER):
            raise NotStructural(_at(path, f"{', '.join(sorted(unknown))} cannot be said in a structural schema"))
        return {key: node[key] for key in ORDER if key in node}

    def _complete(self, node: Schema, path: str, seen: tuple[str, ...]) -> None:
        match node.get("type"):
            case "object":
                self._compile_object(node, path, seen)
            case "array":
                self._compile_list(node, path, seen)
            case "string":
                _bound_string(node, path)
            case "integer":
                _bound_integer(node, path)
            case "boolean":
                pass
            case other:
                raise NotStructural(_at(path, f"type {other} does not belong into an API"))

    def _inline(self, node: Schema, path: str, seen: tuple[str, ...]) -> Schema:
        """Put the referenced schema here; what stands beside the reference (description, default) wins."""
        name = node.pop("$ref").rsplit("/", 1)[1]
        if name in seen:
            raise NotStructural(_at(path, f"{name} contains itself"))
        rules = [*self.defs[name].get(_RULES, ()), *node.get(_RULES, ())]
        merged = {**self.defs[name], **node} | ({_RULES: rules} if rules else {})
        return self.compile(merged, path, (*seen, name))

    def _unwrap_optional(self, node: Schema, path: str, seen: tuple[str, ...]) -> Schema:
        """Make ``X | None`` a plain X: absence is how the wire says None."""
        members = [member for member in node.pop("anyOf") if member.get("type") != "null"]
        if len(members) != 1:
            raise NotStructural(_at(path, f"a union of {len(members)} types"))
        return self.compile({**members[0], **node}, path, seen)

    def _compile_object(self, node: Schema, path: str, seen: tuple[str, ...]) -> None:
        extra = node.pop("additionalProperties", None)
        if isinstance(extra, dict):
            _need(node, path, "maxProperties")
            node["additionalProperties"] = self.compile(extra, f"{path}.*", seen)
        if "properties" in node:
            required = node.get("required", ())
            node["properties"] = {
                key: self._compile_property(key, raw, path, seen, required=key in required)
                for key, raw in node["properties"].items()
            }

    def _compile_property(self, key: str, raw: Schema, parent: str, seen: tuple[str, ...], *, required: bool) -> Schema:
        path = f"{parent}.{key}"
        if key.lower() in _YAML_BOOLEANS:
            raise NotStructural(_at(path, "YAML 1.1 reads this name as a boolean"))
        node = self.compile(raw, path, seen)
        if not re.match(rf"{re.escape(key)}\b", node.get("description", "")):
            raise NotStructural(_at(path, "the description must start with the name of the field"))
        if required and "default" in node:
            raise NotStructural(_at(path, "a required field cannot have a default"))
        return node

    def _compile_list(self, node: Schema, path: str, seen: tuple[str, ...]) -> None:
        _need(node, path, "maxItems")
        _need(node, path, "x-kubernetes-list-type")
        if not node.get("default", True):
            del node["default"]  # an empty list and no list are the same to osmig
        node["items"] = self.compile(node["items"], f"{path}[]", seen)
        for key in node.get("x-kubernetes-list-map-keys", ()):
            if key not in node["items"].get("required", ()):
                raise NotStructural(_at(path, f"the list's key {key} must be required"))


def _bound_string(node: Schema, path: str) -> None:
    if _LOOK_AROUND.search(node.get("pattern", "")):
        raise NotStructural(_at(path, "the API server's patterns (RE2) have no look-around"))
    if "enum" in node:
        return
    if node.get("format") in _FORMAT_MAX_LENGTH:
        node.setdefault("maxLength", _FORMAT_MAX_LENGTH[node["format"]])
    _need(node, path, "maxLength")


def _bound_integer(node: Schema, path: str) -> None:
    _need(node, path, "minimum")
    _need(node, path, "maximum")
    node["format"] = "int32" if node["maximum"] <= _INT32_MAX else "int64"


def _need(node: Schema, path: str, keyword: str) -> None:
    if keyword not in node:
        raise NotStructural(_at(path, f"{keyword} is missing"))


def _at(path: str, problem: str) -> str:
    return f"{path}: {problem}"
