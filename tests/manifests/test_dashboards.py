"""The dashboards: every query is PromQL over metrics and labels that osmig serves, every panel says what it shows."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab.prometheus import find_prometheus
from manifests.dashboards import render_dashboards
from osmig.telemetry.catalogue import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

BOARDS = {name: json.loads(text) for name, text in render_dashboards().items()}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
SERVED = {
    **{family.name: {*family.labels, "pod"} for family in FAMILIES},
    **{f"{family.name}_bucket": {*family.labels, "le"} for family in FAMILIES},
    "ALERTS": {"alertname", "alertstate"},
}
WANTED = (
    *("Moving now", "Progress of what runs", "Data left to move, by source host"),
    *("Slots in use and their limit, by Provider", "The queue, and why", "Outcomes by reason"),
    *("Latency of the cloud's API", "Failed requests to the cloud's API", "Orders", "Alerts"),
)
OF_GRAFANA = {
    "$__rate_interval": "5m",
    "$__range": "1h",
    "$namespace": "a",
    "$provider": "b",
    "$migration": "c",
}
each_panel = pytest.mark.parametrize(
    "panel", [panel for _, panel in PANELS], ids=[f"{name}: {panel['title']}" for name, panel in PANELS]
)


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def test_promtool_reads_every_query(tmp_path: Path) -> None:
    found = [query for _, panel in PANELS for query in queries(panel)]
    for word, value in OF_GRAFANA.items():
        found = [query.replace(word, value) for query in found]
    rules = [{"record": f"dashboard:query:{number}", "expr": query} for number, query in enumerate(found)]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8")

    done = subprocess.run(  # noqa: S603 - the lab's own program
        [find_prometheus().promtool, "check", "rules", path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"{len(found)} rules found" in done.stdout
    assert not any("$" in query for query in found)


@each_panel
def test_a_query_names_only_metrics_and_labels_that_are_served(panel: dict[str, Any]) -> None:
    for query in queries(panel):
        used = re.findall(r"\b(osmig_\w+|ALERTS)\b", query)
        assert used
        assert set(used) <= SERVED.keys()
        for metric, matchers in re.findall(r"\b(osmig_\w+|ALERTS)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", matchers)) <= SERVED[metric]
        known = set().union(*(SERVED[metric] for metric in used))
        for labels in re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", query):
            assert set(labels.split(", ")) <= known


def test_every_metric_that_is_served_is_shown() -> None:
    shown = {word for _, panel in PANELS for query in queries(panel) for word in re.findall(r"\bosmig_\w+", query)}

    assert {family.name for family in FAMILIES} == {word.removesuffix("_bucket") for word in shown}


def test_what_a_night_of_moves_is_asked_for_is_on_the_board_of_all_of_them() -> None:
    titles = [panel["title"] for panel in BOARDS["fleet"]["panels"]]

    assert [title for title in WANTED if title not in titles] == []


@each_panel
def test_a_panel_says_what_it_shows_and_where_its_numbers_come_from(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["targets"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_of_their_own_and_do_not_overlap(name: str) -> None:
    panels = BOARDS[name]["panels"]
    cells = [
        cell
        for panel in panels
        for place in [panel["gridPos"]]
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_cannot_be_edited_and_its_variables_are_used(name: str) -> None:
    board = BOARDS[name]
    text = json.dumps(board["panels"])

    assert board["editable"] is False
    assert all(f"${variable['name']}" in text or "${datasource}" in text for variable in board["templating"]["list"])
    assert {variable["name"] for variable in board["templating"]["list"]} >= {"datasource", "namespace"}


def test_boards_have_uids_of_their_own() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
