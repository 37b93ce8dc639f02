"""The Grafana dashboards of ``deploy/monitoring/dashboards``, as JSON made of the tables of panels.

Settings follow Grafana's own dashboard-linter: a templated data source, titles and descriptions, units, not editable.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from manifests.crd_files import ROOT
from manifests.dashboard_fleet import FLEET_PANELS
from manifests.dashboard_one import ONE_PANELS
from manifests.dashboard_plans import PLAN_PANELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from manifests.dashboard_panels import Panel

DASHBOARDS = ROOT / "deploy" / "monitoring" / "dashboards"
COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_CHOOSE_SOURCE = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def render_dashboards() -> dict[str, str]:
    """Return each dashboard's JSON by its name."""
    fleet = [_variable("namespace", "osmig_migrations"), _variable("provider", "osmig_migrations")]
    one = [
        _variable("namespace", "osmig_migration_phase", has_all=False),
        _variable("migration", 'osmig_migration_phase{namespace="$namespace"}', label="name", has_all=False),
    ]
    return {
        "fleet": _render("osmig-fleet", "osmig: all moves", fleet, (*FLEET_PANELS, *PLAN_PANELS)),
        "migration": _render("osmig-migration", "osmig: one Migration", one, ONE_PANELS),
    }


def _render(uid: str, title: str, variables: list[dict[str, Any]], panels: Sequence[Panel]) -> str:
    board = {
        "uid": uid,
        "title": title,
        "tags": ["osmig"],
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [_CHOOSE_SOURCE, *variables]},
        "panels": list(_place(panels)),
    }
    return json.dumps(board, indent=1) + "\n"


def _variable(name: str, series: str, *, label: str = "", has_all: bool = True) -> dict[str, Any]:
    everything = {"includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "query": f"label_values({series}, {label or name})",
        "refresh": 2,
        "sort": 1,
        **(everything if has_all else {}),
    }


def _place(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """Yield the panels from left to right, in rows as high as their first panel."""
    column = row = height = 0
    for number, panel in enumerate(panels, 1):
        if column + panel.width > COLUMNS:
            column, row = 0, row + height
        height = panel.height
        yield _render_panel(number, panel, {"x": column, "y": row, "w": panel.width, "h": panel.height})
        column += panel.width


def _render_panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    bounds = {"min": panel.least, "max": panel.most}
    scale = {name: bound for name, bound in bounds.items() if bound is not None}
    return {
        "id": number,
        "title": panel.title,
        "description": panel.description,
        "type": panel.kind,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, **scale}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": query,
                "legendFormat": legend,
                "instant": panel.is_instant,
                "range": not panel.is_instant,
                **({"format": "table"} if panel.kind == "table" else {}),
            }
            for index, (query, legend) in enumerate(panel.queries.items())
        ],
    }
