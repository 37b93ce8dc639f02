"""The files of ``deploy/monitoring``; `manifests.chart_files` writes the made one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from manifests.crd_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MONITORING = ROOT / "deploy" / "monitoring"
RULES = MONITORING / "rules.yaml"
PROMETHEUS_RULE = MONITORING / "prometheusrule.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"

_HEAD = """\
# Made of rules.yaml: make charts
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: osmig
  namespace: osmig-system
spec:
"""


def load_rules() -> dict[str, Any]:
    """Load the rules file."""
    return dict(yaml.safe_load(RULES.read_text(encoding="utf-8")))


def list_alerts() -> Iterator[dict[str, Any]]:
    """Yield every rule of the rules file."""
    for group in load_rules()["groups"]:
        yield from group["rules"]


def render_prometheus_rule() -> str:
    """Return the rules as the custom resource of the Prometheus Operator."""
    text = RULES.read_text(encoding="utf-8")
    return _HEAD + textwrap.indent(text[text.index("groups:") :], "  ")
