"""What is made of something else in ``charts/`` and ``deploy/``; ``python -m manifests.chart_files`` writes it.

Copies are there because a chart cannot read outside of its folder. The golden files are in `manifests.golden_files`.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

from manifests.argocd_actions import KEY, render_actions
from manifests.argocd_upstream import render_upstream
from manifests.chart_values import render_table, render_values
from manifests.crd_files import CRDS, ROOT
from manifests.dashboards import DASHBOARDS, render_dashboards
from manifests.monitoring_files import PROMETHEUS_RULE, RULES, render_prometheus_rule
from manifests.verbs_policy import POLICY, render_policy

if TYPE_CHECKING:
    from pathlib import Path

CHARTS = ROOT / "charts"
CHART = CHARTS / "osmig"
CRD_CHART = CHARTS / "osmig-crds"
COMPONENTS = ROOT / "deploy" / "components"
UPSTREAM = COMPONENTS / "argocd" / "resource_customizations"
README = CHART / "README.md"
BEGIN, END = "<!-- values: made by make charts -->\n\n", "\n<!-- end of values -->"

_HEALTH = "resource.customizations.health.osmig.dev_"


def load_schema() -> dict[str, Any]:
    """Load the schema of the operator's values."""
    return dict(json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))


def render_readme() -> str:
    """Return the chart's README with its table anew."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + render_table(load_schema()) + END + rest.partition(END)[2]


def load_checks() -> dict[str, str]:
    """Return the health check of each kind, as Lua, which docs/gitops.md shows."""
    page = (ROOT / "docs" / "gitops.md").read_text(encoding="utf-8")
    found = dict(re.findall(rf"```yaml\n{re.escape(_HEALTH)}(\w+): \|\n(.*?)```", page, re.DOTALL))
    checks = {kind: textwrap.dedent(code) for kind, code in found.items()}
    return {**checks, **dict.fromkeys(("MigrationMapping", "MigrationPlan"), checks["Provider"])}


def render_argocd_configuration() -> str:
    """Return Argo CD's ConfigMap: the health checks that docs/gitops.md shows, and the actions."""
    checks = {f"{_HEALTH}{kind}": textwrap.indent(code, "  ") for kind, code in load_checks().items()}
    texts = {**checks, KEY: textwrap.indent(render_actions(), "  ")}
    keys = "".join(textwrap.indent(f"{name}: |\n{text}", "  ") for name, text in texts.items())
    return (
        "# Made of docs/gitops.md and of the operator's table of verbs: make charts\n"
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\ndata:\n{keys}"
    )


def made_files() -> dict[Path, str]:
    """Return every made file with the text that belongs into it."""
    dashboards = render_dashboards()
    return {
        CHART / "values.yaml": render_values(load_schema()),
        README: render_readme(),
        POLICY: render_policy(),
        COMPONENTS / "argocd" / "configuration" / "argocd-cm.yaml": render_argocd_configuration(),
        **{UPSTREAM / path: text for path, text in render_upstream(load_checks()).items()},
        PROMETHEUS_RULE: render_prometheus_rule(),
        **{DASHBOARDS / f"{name}.json": text for name, text in dashboards.items()},
        CHART / "files" / "rules.yaml": RULES.read_text(encoding="utf-8"),
        CHART / "files" / "verbs-policy.yaml": render_policy(),
        **{CHART / "files" / "dashboards" / f"{name}.json": text for name, text in dashboards.items()},
        **{CRD_CHART / "files" / path.name: path.read_text(encoding="utf-8") for path in sorted(CRDS.glob("*.yaml"))},
    }


if __name__ == "__main__":
    for path, text in made_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
