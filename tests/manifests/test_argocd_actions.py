"""Argo CD's actions, run from the shipped ConfigMap in the Lua that Argo CD has: they agree with the table of verbs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from domain_samples import status_in
from manifests.argocd_actions import KEY, ONLY_FOR
from manifests.chart_files import COMPONENTS
from osmig.api.meta import to_wire
from osmig.api.names import TOKEN_MAX_LENGTH, MigrationType, Phase, Verb, verb_annotation
from osmig.domain.verbs import is_legal

SHIPPED = yaml.safe_load((COMPONENTS / "argocd" / "configuration" / "argocd-cm.yaml").read_text(encoding="utf-8"))
ACTIONS = yaml.safe_load(SHIPPED["data"][KEY])
DEFINITIONS = {each["name"]: each["action.lua"] for each in ACTIONS["definitions"]}
SANDBOX = "string = nil; io = nil; package = nil; require = nil; os = {date = os.date, time = os.time}"
"""What Argo CD leaves out of Lua unless it is told otherwise."""


def run(code: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - what Lua returns
    lua = LuaRuntime(unpack_returned_tuples=False)
    lua.execute(SANDBOX)
    function: Any = lua.eval(f"function(obj) {code} end")
    return _to_python(function(lua.table_from(body, recursive=True)))


def _to_python(value: Any) -> Any:  # noqa: ANN401
    return {key: _to_python(child) for key, child in value.items()} if lua_type(value) == "table" else value


def migration(kind: MigrationType, status: dict[str, Any] | None) -> dict[str, Any]:
    return {"metadata": {"name": "db-07"}, "spec": {"type": kind}, **({} if status is None else {"status": status})}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("kind", MigrationType)
def test_an_action_is_enabled_where_the_operator_takes_the_order(phase: Phase, kind: MigrationType) -> None:
    status = status_in(phase)

    actions = run(ACTIONS["discovery.lua"], migration(kind, to_wire(status)))

    legal = {verb for verb in Verb if is_legal(verb, status) and ONLY_FOR.get(verb, kind) is kind}
    assert {Verb(name) for name, action in actions.items() if not action["disabled"]} == legal
    assert actions.keys() == DEFINITIONS.keys() == set(Verb)
    assert all(action["iconClass"].startswith("fa ") for action in actions.values())


def test_a_migration_that_was_not_seen_yet_can_be_called_off() -> None:
    for status in (None, {}, {"observedGeneration": -1}):
        actions = run(ACTIONS["discovery.lua"], migration(MigrationType.LIVE_MIGRATION, status))
        assert not actions[Verb.ABORT]["disabled"]
        assert actions[Verb.CONFIRM]["disabled"]


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("before", [None, {}, {"kept": "yes", "osmig.dev/abort": "1"}])
def test_an_action_sets_its_annotation_to_a_token_and_changes_nothing_else(
    verb: Verb, before: dict[str, str] | None
) -> None:
    body = migration(MigrationType.COLD_MIGRATION, None)
    if before is not None:
        body["metadata"]["annotations"] = dict(before)

    changed = run(DEFINITIONS[verb], body)

    token = changed["metadata"]["annotations"].pop(verb_annotation(verb))
    kept = {key: value for key, value in (before or {}).items() if key != verb_annotation(verb)}
    assert changed["metadata"].pop("annotations") == kept
    assert changed == {"metadata": {"name": "db-07"}, "spec": {"type": "ColdMigration"}}
    assert 0 < len(token) <= TOKEN_MAX_LENGTH
    assert token.endswith("Z")
