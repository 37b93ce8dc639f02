"""The values of a chart as its schema declares them: what ``values.yaml`` and the table of its README are made of."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH = 118
_HEAD = "# Made of values.schema.json: make charts\n"


@dataclass(frozen=True, slots=True)
class Value:
    """One value, or a group of values.

    Attributes:
        path: Its names from the top.
        description: One sentence or more, as the README shows it.
        schema: Its own schema.
    """

    path: tuple[str, ...]
    description: str
    schema: Mapping[str, Any]

    @property
    def is_group(self) -> bool:
        """Whether it only holds other values."""
        return "default" not in self.schema


def list_values(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[Value]:
    """Yield every group and every value, in the order of the schema; ``global`` is Helm's own."""
    for name, child in schema.get("properties", {}).items():
        if name == "global":
            continue
        here = (*path, name)
        yield Value(here, child.get("description", ""), child)
        if "default" not in child:
            yield from list_values(child, here)


def render_values(schema: Mapping[str, Any]) -> str:
    """Return ``values.yaml``: each value with its default, under its description."""
    return _HEAD + "".join(_render_value(value) for value in list_values(schema))


def render_table(schema: Mapping[str, Any]) -> str:
    """Return the rows of the README: value, default, meaning."""
    rows = (
        f"| `{'.'.join(value.path)}` | `{json.dumps(value.schema['default'])}` | {value.description} |\n"
        for value in list_values(schema)
        if not value.is_group
    )
    return "| Value | Default | Meaning |\n| --- | --- | --- |\n" + "".join(rows)


def _render_value(value: Value) -> str:
    indent = "  " * (len(value.path) - 1)
    comment = textwrap.fill(
        value.description, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_on_hyphens=False
    )
    gap = "\n" if len(value.path) == 1 else ""
    return f"{gap}{comment}\n{textwrap.indent(_render_default(value), indent)}"


def _render_default(value: Value) -> str:
    """Return the key with its default; a group's members follow by themselves."""
    name = value.path[-1]
    if value.is_group:
        return f"{name}:\n"
    return yaml.safe_dump({name: value.schema["default"]}, sort_keys=False, width=WIDTH)
