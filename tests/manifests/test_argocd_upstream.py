"""The files in the layout of Argo CD's repository pass their own tests, as Argo CD's test runner plays them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from manifests.argocd_actions import KEY
from manifests.argocd_upstream import FOLDER
from manifests.chart_files import COMPONENTS
from manifests.test_argocd_actions import run
from osmig.api.names import Verb

ROOT = COMPONENTS / "argocd" / "resource_customizations" / FOLDER
SHIPPED = yaml.safe_load((COMPONENTS / "argocd" / "configuration" / "argocd-cm.yaml").read_text(encoding="utf-8"))
KINDS = ["Migration", "MigrationMapping", "MigrationPlan", "Provider"]
HEALTH = [
    pytest.param(kind, case, id=f"{kind}: {case['inputPath']}")
    for kind in KINDS
    for case in yaml.safe_load((ROOT / kind / "health_test.yaml").read_text(encoding="utf-8"))["tests"]
]
ACTIONS = ROOT / "Migration" / "actions"
DISCOVERY = yaml.safe_load((ACTIONS / "action_test.yaml").read_text(encoding="utf-8"))["discoveryTests"]


@pytest.mark.parametrize(("kind", "case"), HEALTH)
def test_health(kind: str, case: dict[str, Any]) -> None:
    body = yaml.safe_load((ROOT / kind / case["inputPath"]).read_text(encoding="utf-8"))

    assert run((ROOT / kind / "health.lua").read_text(encoding="utf-8"), body) == case["healthStatus"]
    assert body["kind"] == kind


@pytest.mark.parametrize("case", DISCOVERY, ids=lambda case: case["inputPath"])
def test_discovery(case: dict[str, Any]) -> None:
    body = yaml.safe_load((ACTIONS / case["inputPath"]).read_text(encoding="utf-8"))

    found = run((ACTIONS / "discovery.lua").read_text(encoding="utf-8"), body)

    assert {name: action["disabled"] for name, action in found.items()} == {
        each["name"]: each["disabled"] for each in case["result"]
    }


def test_it_is_what_the_config_map_brings() -> None:
    actions = yaml.safe_load(SHIPPED["data"][KEY])
    definitions = {each["name"]: each["action.lua"] for each in actions["definitions"]}

    assert (ACTIONS / "discovery.lua").read_text(encoding="utf-8") == actions["discovery.lua"]
    assert definitions == {path.parent.name: path.read_text(encoding="utf-8") for path in ACTIONS.glob("*/action.lua")}
    assert definitions.keys() == set(Verb)
    for kind in KINDS:
        check = SHIPPED["data"][f"resource.customizations.health.osmig.dev_{kind}"]
        assert (ROOT / kind / "health.lua").read_text(encoding="utf-8") == check
