"""Render docs/reference/api.md from the schemas and the tables of names; a test holds the page equal.

``python -m osmig.api.reference > docs/reference/api.md``
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from osmig.api.crds import FROZEN, mapping_schema, migration_schema, plan_schema, provider_schema
from osmig.api.names import API_VERSION, CATEGORY, GROUP, TOKEN_MAX_LENGTH, verb_annotation
from osmig.api.plan import PLAN_FROZEN
from osmig.api.plan_reasons import JUDGEMENTS, PLAN_CONDITIONS, PLAN_PHASES, PLAN_REASONS, PLAN_VERBS
from osmig.api.reasons import (
    CHECK_RESULTS,
    CONTROL_RESULTS,
    EVENT_REASONS,
    PHASES,
    POLICIES,
    REASONS,
    TRENDS,
    VERBS,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from osmig.api.structural import Schema

_INTRO = f"""\
<!-- Generated from operator/osmig/api; change it there. -->

# API reference: `{API_VERSION}`

All kinds are namespaced and in the category `{CATEGORY}`; references never leave the namespace.
Other operators also have `migrations`, so write `migrations.osmig.dev` or the short name. Fields marked **required**
must be set; a list without a default is empty. All texts are what `kubectl explain` prints.
"""

_VERBS_INTRO = f"""\
An order is an annotation on the Migration. Its value is a token of 1 to {TOKEN_MAX_LENGTH} characters: the order acts
once when the token differs from the one last seen for that verb. A number such as `1`, alone or before a slash
(`1/maintenance`), binds the order to that attempt; any other token is bound to the attempt that is current when it is
first seen. The order is taken down in `status.controls` at once, and removing the annotation takes nothing back.

```console
kubectl annotate osmig db-07 {verb_annotation(next(iter(VERBS)))}=1
```
"""


_POLICIES_INTRO = """\
What osmig does by itself, and only if the spec says so. Each orders once per attempt, and anew when the spec is edited
to another order. The order is taken down in `status.policyOrders`, and yields to the verbs.
"""


def render_reference() -> str:
    """Render the whole page, ending with a newline."""
    migration = migration_schema()
    parts = [
        _INTRO,
        *_kind("Migration", "osmig", migration),
        f"Frozen once `status.startTime` is set: {_codes(FROZEN)}. Open at any time: {_codes(_open(migration))}.\n",
        *_kind("Provider", "osprov", provider_schema()),
        *_kind("MigrationMapping", "osmap", mapping_schema()),
        *_plan(),
        "## Verbs\n",
        _VERBS_INTRO,
        _make_table("Annotation", "What it does", {verb_annotation(verb): text for verb, text in VERBS.items()}),
        _make_table("Result of a verb", "Meaning", CONTROL_RESULTS),
        "## Policies\n",
        _POLICIES_INTRO,
        _make_table("Policy", "What it does", POLICIES),
        "## Phases\n",
        _make_table("Phase", "Meaning", PHASES),
        "## Other words of status\n",
        _make_table("Trend", "Meaning", TRENDS),
        _make_table("Result of a check", "Meaning", CHECK_RESULTS),
        "## Reasons of conditions\n",
        _make_table("Reason", "Meaning", REASONS),
        "## Reasons of Events\n",
        _make_table("Reason", "Meaning", EVENT_REASONS),
    ]
    return "\n".join(parts)


def _plan() -> Iterator[str]:
    """Tell of plans: their schema and the words that only they have."""
    root = plan_schema()
    yield from _kind("MigrationPlan", "osplan", root)
    open_ = _codes(_open(root, PLAN_FROZEN))
    yield f"Frozen once `status.startTime` is set: {_codes(PLAN_FROZEN)}. Open at any time: {open_}.\n"
    yield "### Verbs of a plan\n"
    yield "Tokens are as for a Migration, bound to the round instead of the attempt.\n"
    yield _make_table("Annotation", "What it does", {f"{GROUP}/{verb}": text for verb, text in PLAN_VERBS.items()})
    yield "### Words of a plan\n"
    yield _make_table("Phase", "Meaning", PLAN_PHASES)
    yield _make_table("Condition", "Meaning", PLAN_CONDITIONS)
    yield _make_table("Verdict", "Meaning", JUDGEMENTS)
    yield _make_table("Reason", "Meaning", PLAN_REASONS)


def _open(root: Schema, frozen: Collection[str] = FROZEN) -> Iterator[str]:
    """Name what may be changed after the start: whole members where nothing of them is frozen, else their fields."""
    for key, node in root["properties"]["spec"]["properties"].items():
        if any(path.startswith(f"{key}.") for path in frozen):
            yield from (path for child in node["properties"] if (path := f"{key}.{child}") not in frozen)
        elif key not in frozen:
            yield key


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _make_table(head: str, meaning: str, words: Mapping[Any, str]) -> str:
    return _table((head, meaning), ((f"`{word}`", text) for word, text in words.items()))


def _kind(kind: str, short_name: str, root: Schema) -> Iterator[str]:
    yield f"## {kind}\n"
    yield f"{root['description']} Short name: `{short_name}`.\n"
    for part in ("spec", "status"):
        node = root["properties"][part]
        yield f"### {kind}.{part}\n"
        yield f"{_sentence(node['description'])}\n"
        yield _table(("Field", "Type", "Bounds", "Description"), _rows(node, ""))
        if rules := [rule for rule in node.get("x-kubernetes-validations", ()) if part == "spec"]:
            yield "Rules between fields:\n"
            yield _table(("Field", "Rule"), ((f"`{rule['fieldPath'][1:]}`", rule["message"]) for rule in rules))


def _rows(node: Schema, path: str) -> Iterator[tuple[str, ...]]:
    """Walk the fields in their order, each followed by what it holds."""
    for key, child in node.get("properties", {}).items():
        here = f"{path}.{key}" if path else key
        name = f"`{here}`" + (" **required**" if key in node.get("required", ()) else "")
        yield name, _type(child), _bounds(child), child["description"]
        yield from _rows(child, here)
        yield from _rows(child.get("items", {}), f"{here}[]")


def _type(node: Schema) -> str:
    if node["type"] == "array":
        keys = ", ".join(node.get("x-kubernetes-list-map-keys", ()))
        return f"list of {_type(node['items'])} ({node['x-kubernetes-list-type']}{' by ' + keys if keys else ''})"
    if node.get("format") == "date-time":
        return "time"
    return str(node.get("format", node["type"]))


def _bounds(node: Schema) -> str:
    return "; ".join(_each_bound(node))


def _each_bound(node: Schema) -> Iterator[str]:
    if "enum" in node:
        yield ", ".join(f"`{value}`" for value in node["enum"])
    if "default" in node:
        yield f"default `{node['default']}`"
    if "minimum" in node:
        yield _range(node["minimum"], node["maximum"])
    if "maxLength" in node and "format" not in node:
        yield f"{_range(node.get('minLength', 0), node['maxLength'])} characters"
    if "pattern" in node:
        yield f"`{node['pattern']}`"
    if "maxItems" in node:
        yield f"at most {node['maxItems']}"
    yield from (rule["message"] for rule in node.get("x-kubernetes-validations", ()))


def _range(low: int, high: int) -> str:
    return f"{low} … {high}" if low != high else f"{low}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    sys.stdout.write(render_reference())
