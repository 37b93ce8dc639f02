"""When each alert fires, when it does not, and what it says: the shipped rules as the real promtool evaluates them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from lab.prometheus import find_prometheus
from manifests import monitoring_cases, monitoring_counts, monitoring_plans
from manifests.monitoring_cases import LEADER, SCRAPE_S, Case
from manifests.monitoring_files import RULES, list_alerts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


MINUTES = {"m": 1, "h": 60, "d": 1440}
LONG_MIN = 300
CASES = [*monitoring_cases.CASES, *monitoring_counts.CASES, *monitoring_plans.CASES]
SAYS = {**monitoring_cases.SAYS, **monitoring_counts.SAYS, **monitoring_plans.SAYS}


def promtool(*args: str, cwd: Path) -> str:
    """Run promtool; return what it said, and fail with that if it found a fault."""
    done = subprocess.run([find_prometheus().promtool, *args], cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_cases(folder: Path, series: Mapping[str, str], last_min: float, **expected: list[dict[str, Any]]) -> None:
    """Let promtool evaluate the shipped rules over these series.

    Once a minute, as Prometheus does by default and rarer than most are set to; more rarely where hours pass.
    """
    interval_s = 60 if last_min <= LONG_MIN else 150
    given = [{"series": name, "values": values} for name, values in (LEADER | dict(series)).items()]
    test = {"interval": f"{SCRAPE_S}s", "input_series": given, **expected}
    file = folder / "test.json"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": f"{interval_s}s", "tests": [test]}))
    promtool("test", "rules", file.name, cwd=folder)


def test_the_rules_are_valid_and_without_any_fault_that_promtool_knows() -> None:
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES.name, cwd=RULES.parent)

    assert f"{len(SAYS)} rules found" in said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_alerts(case: Case, tmp_path: Path) -> None:
    firing = [
        {
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{minute * 60:g}s",
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
        }
        for minute, names in case.fires.items()
    ]

    run_cases(tmp_path, case.series, max(case.fires), promql_expr_test=firing)


@pytest.mark.parametrize("alert", SAYS)
def test_an_alert_says_what_it_is_about_how_bad_it_is_and_what_to_do(alert: str, tmp_path: Path) -> None:
    said = SAYS[alert]
    page = f"docs/runbooks/{alert}.md"
    annotations = {"summary": said.summary, "description": said.description, "runbook_url": page}
    fired = {"exp_labels": dict(said.labels), "exp_annotations": annotations}

    expected = [{"eval_time": f"{said.after_min}m", "alertname": alert, "exp_alerts": [fired]}]
    run_cases(tmp_path, said.series, said.after_min, alert_rule_test=expected)


def test_each_rule_is_tried_firing() -> None:
    fired = {name for case in CASES for name in list_firing(case)}

    assert fired == set(SAYS) == {rule["alert"] for rule in list_alerts()}


@pytest.mark.parametrize("rule", tuple(list_alerts()), ids=lambda rule: str(rule["alert"]))
def test_each_rule_has_a_twin_with_the_same_metric_in_which_it_never_fires(rule: Mapping[str, Any]) -> None:
    metric = re.findall(r"osmig_\w+", rule["expr"])[0]
    twins = [
        case
        for case in CASES
        if any(name.startswith(f"{metric}{{") or name == metric for name in case.series)
        and rule["alert"] not in list_firing(case)
    ]

    assert twins
    ((number, unit),) = re.findall(r"^(\d+)([mhd])$", rule["for"])
    lasts_min = int(number) * MINUTES[unit]
    assert any(max(case.fires) >= lasts_min for case in twins), "a twin ends before the alert could fire"


def list_firing(case: Case) -> set[str]:
    """Return the alerts that fire in a case at any moment that it looks at."""
    return {name for names in case.fires.values() for name in names}
