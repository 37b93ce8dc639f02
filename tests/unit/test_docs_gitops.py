"""The health checks for Argo CD in docs/gitops.md, run as they stand there in the Lua that Argo CD has."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from domain_samples import NOW, status_in
from manifests.argocd_upstream import DEGRADED, HEALTH_OF, HEALTHY, PROGRESSING
from osmig.api.meta import to_wire
from osmig.api.names import Phase, Reason
from osmig.domain.conditions import describe_mapping, describe_provider
from osmig.domain.observation import ProviderView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osmig.api.meta import Condition

PAGE = (Path(__file__).parents[2] / "docs" / "gitops.md").read_text(encoding="utf-8")
KEY = "resource.customizations.health.osmig.dev_"


@cache
def read_checks() -> Mapping[str, str]:
    """Return the Lua of each kind."""
    blocks = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    return {name.removeprefix(KEY): code for block in blocks for name, code in block.items() if name.startswith(KEY)}


def judge(code: str, status: Mapping[str, Any] | None, *, generation: int = 1) -> tuple[str, str]:
    """Return health and message of an object with that status."""
    lua = LuaRuntime(unpack_returned_tuples=False)
    body = {"metadata": {"generation": generation}, **({} if status is None else {"status": status})}
    check: Any = lua.eval(f"function(obj) {code} end")
    found = check(lua.table_from(body, recursive=True))
    return found["status"], found["message"]


def of_conditions(conditions: Sequence[Condition]) -> dict[str, Any]:
    return {"observedGeneration": 1, "conditions": [to_wire(condition) for condition in conditions]}


def of_provider(reason: str) -> dict[str, Any]:
    is_ready = reason == Reason.PROBE_SUCCEEDED
    return of_conditions(
        describe_provider(ProviderView(is_ready=is_ready, reason=reason, message="m"), before=(), generation=1, now=NOW)
    )


def of_mapping(problem: str) -> dict[str, Any]:
    return of_conditions(describe_mapping(problem=problem, before=(), generation=1, now=NOW))


@pytest.mark.parametrize(("phase", "health"), HEALTH_OF.items())
def test_argo_cd_reads_every_phase_of_a_migration_right(phase: Phase, health: str) -> None:
    status = to_wire(status_in(phase))
    assert judge(read_checks()["Migration"], status) == (health, f"{phase}: m")


@pytest.mark.parametrize("kind", ["Migration", "Provider"])
def test_argo_cd_waits_for_an_object_that_was_not_seen_yet(kind: str) -> None:
    code = read_checks()[kind]
    for status in (None, {}, {"observedGeneration": -1}, to_wire(status_in(Phase.SUCCEEDED))):
        assert judge(code, status, generation=2) == (PROGRESSING, "not seen yet")


@pytest.mark.parametrize("phase", Phase)
def test_with_the_line_more_what_was_called_off_is_healthy_and_nothing_else(phase: Phase) -> None:
    found = re.search(r"```lua\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    before, last = read_checks()["Migration"].rstrip().rsplit("\n", 1)
    health, _ = judge(f"{before}\n{found[1]}\n{last}", to_wire(status_in(phase)))
    assert health == (HEALTHY if phase in {Phase.ABORTED, Phase.REVERTED} else HEALTH_OF[phase])


@pytest.mark.parametrize(
    ("reason", "health"),
    [
        (Reason.PROBE_SUCCEEDED, HEALTHY),
        (Reason.PROBING, PROGRESSING),
        (Reason.UNREACHABLE, PROGRESSING),
        (Reason.SECRET_NOT_FOUND, PROGRESSING),
        (Reason.INVALID_CONFIGURATION, DEGRADED),
        (Reason.ENDPOINT_REFUSED, DEGRADED),
        (Reason.TOO_MANY_ROWS, DEGRADED),
    ],
)
def test_argo_cd_reads_a_provider_right(reason: Reason, health: str) -> None:
    assert judge(read_checks()["Provider"], of_provider(reason)) == (health, "m")


def test_the_check_of_a_provider_serves_a_mapping_too() -> None:
    code = read_checks()["Provider"]
    assert judge(code, of_mapping(""))[0] == HEALTHY
    assert judge(code, of_mapping("spec.subnets is no list")) == (DEGRADED, "spec.subnets is no list")


def test_the_examples_leave_off_what_makes_a_new_order() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    found = {block["kind"]: block["spec"] for block in blocks if "kind" in block}

    assert found.keys() == {"Application", "Kustomization"}
    assert found["Application"]["syncPolicy"]["syncOptions"] == ["ServerSideApply=true"]
    assert "force" not in found["Kustomization"]
