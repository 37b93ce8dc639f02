"""Health checks and actions as Argo CD's own repository has them, below ``resource_customizations``, with their tests.

For whoever builds Argo CD with them, or offers them to it. Its tests have no clock: none compares what an action sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from domain_samples import NOW, status_in
from manifests.argocd_actions import ONLY_FOR, render_action, render_discovery
from osmig.api.meta import to_wire
from osmig.api.names import MigrationType, Phase, Reason, Verb
from osmig.domain.conditions import describe_mapping, describe_provider
from osmig.domain.observation import ProviderView
from osmig.domain.verbs import is_legal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.meta import Condition

FOLDER = "osmig.dev"
HEALTHY, PROGRESSING, DEGRADED, SUSPENDED = "Healthy", "Progressing", "Degraded", "Suspended"
HEALTH_OF = {
    **dict.fromkeys(Phase, PROGRESSING),
    Phase.SUCCEEDED: HEALTHY,
    Phase.FAILED: DEGRADED,
    Phase.ABORTED: DEGRADED,
    Phase.REVERTED: DEGRADED,
    Phase.AWAITING_CONFIRMATION: SUSPENDED,
    Phase.SUSPENDED: SUSPENDED,
}
"""What Argo CD says of a Migration in each phase."""
SHOWN = (Phase.PENDING, Phase.RUNNING, Phase.AWAITING_CONFIRMATION, Phase.SUSPENDED, Phase.SUCCEEDED, Phase.FAILED)
"""Phases that have a file; the others are judged like one of them."""


def render_upstream(checks: Mapping[str, str]) -> dict[str, str]:
    """Return every file by its path below ``resource_customizations``.

    Args:
        checks: the health checks, as Lua, by kind.
    """
    statuses = _list_statuses()
    files = {}
    for kind, code in checks.items():
        place = f"{FOLDER}/{kind}"
        files[f"{place}/health.lua"] = code
        tests = []
        for name, (status, health, message) in statuses[kind].items():
            files[f"{place}/testdata/{name}.yaml"] = _dump(_write_object(kind, status))
            verdict = {"status": health, "message": message}
            tests.append({"healthStatus": verdict, "inputPath": f"testdata/{name}.yaml"})
        files[f"{place}/health_test.yaml"] = _dump({"tests": tests})
    return files | _render_actions(f"{FOLDER}/Migration/actions")


def _render_actions(place: str) -> dict[str, str]:
    files = {f"{place}/{verb}/action.lua": render_action(verb) for verb in Verb}
    files[f"{place}/discovery.lua"] = render_discovery()
    tests = []
    for phase in SHOWN:
        status = status_in(phase)
        files[f"{place}/testdata/{phase.lower()}.yaml"] = _dump(_write_object("Migration", to_wire(status)))
        found = [
            {
                "name": str(verb),
                "disabled": not (is_legal(verb, status) and ONLY_FOR.get(verb) in {None, MigrationType.LIVE_MIGRATION}),
            }
            for verb in Verb
        ]
        tests.append({"inputPath": f"testdata/{phase.lower()}.yaml", "result": found})
    files[f"{place}/action_test.yaml"] = _dump({"discoveryTests": tests})
    return files


def _list_statuses() -> dict[str, dict[str, tuple[dict[str, Any], str, str]]]:
    """Return statuses by kind and name, each with health and message."""
    views = {
        HEALTHY: ProviderView(is_ready=True, reason=Reason.PROBE_SUCCEEDED, message="m"),
        PROGRESSING: ProviderView(is_ready=False, reason=Reason.UNREACHABLE, message="m"),
        DEGRADED: ProviderView(is_ready=False, reason=Reason.INVALID_CONFIGURATION, message="m"),
    }
    providers = {health: describe_provider(view, before=(), generation=1, now=NOW) for health, view in views.items()}
    mappings = {
        health: describe_mapping(problem=problem, before=(), generation=1, now=NOW)
        for health, problem in ((HEALTHY, ""), (DEGRADED, "m"))
    }
    judged = {health.lower(): (_of(found), health, "m") for health, found in providers.items()}
    return {
        "Migration": {phase.lower(): (to_wire(status_in(phase)), HEALTH_OF[phase], f"{phase}: m") for phase in SHOWN},
        "Provider": judged,
        "MigrationPlan": judged,  # its conditions of these types have the same meaning
        "MigrationMapping": {
            health.lower(): (_of(found), health, _find_message(found)) for health, found in mappings.items()
        },
    }


def _of(conditions: tuple[Condition, ...]) -> dict[str, Any]:
    return {"observedGeneration": 1, "conditions": [to_wire(condition) for condition in conditions]}


def _find_message(conditions: tuple[Condition, ...]) -> str:
    return next(condition.message for condition in conditions if condition.type == "Ready")


def _write_object(kind: str, status: dict[str, Any]) -> dict[str, Any]:
    spec = {"spec": {"type": str(MigrationType.LIVE_MIGRATION)}} if kind == "Migration" else {}
    about = {"name": "one", "namespace": "team-a", "generation": 1}
    return {"apiVersion": "osmig.dev/v1alpha1", "kind": kind, "metadata": about, **spec, "status": status}


def _dump(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=118)
