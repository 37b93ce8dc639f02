"""The picture in docs/ is of today's dashboard, and shows what was answered."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from manifests.crd_files import ROOT
from manifests.dashboard_picture import Line, draw, spell
from manifests.dashboards import render_dashboards

FLEET = json.loads(render_dashboards()["fleet"])
PICTURE = ROOT / "docs" / "dashboard.svg"
DRAWN = {"Moving now", "Progress of what runs", "Data left to move, by source host", "The queue, and why", "Orders"}
"""Panels that the moves of the picture fill, whatever else is empty."""


def read_panels(picture: str) -> dict[str, list[str]]:
    """Return the texts of each panel below its title."""
    groups = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}g")  # noqa: S314 - our own file
    texts = [["".join(part.itertext()) for part in group if part.tag.endswith("text")] for group in groups]
    return {title: rest for title, *rest in texts}


def test_the_picture_has_the_panels_of_the_board_in_their_order() -> None:
    shown = read_panels(PICTURE.read_text(encoding="utf-8"))

    assert list(shown) == [panel["title"] for panel in FLEET["panels"]], "run: make picture"
    assert [title for title in DRAWN if shown[title] == ["No data"]] == []


@pytest.mark.parametrize("panel", FLEET["panels"], ids=lambda panel: panel["title"])
def test_a_panel_shows_what_its_query_gave_and_says_so_where_it_gave_nothing(panel: dict[str, object]) -> None:
    drawn = read_panels(draw(FLEET, {panel["id"]: [Line("one <&", [(0, 1), (1, 0.25)])]}))  # type: ignore[dict-item]
    unit = panel["fieldConfig"]["defaults"]["unit"]  # type: ignore[index]

    assert f"{spell(0.25, unit)}" in " ".join(drawn[str(panel["title"])])
    assert any("one <&" in text for text in drawn[str(panel["title"])])
    assert [title for title, rest in drawn.items() if rest != ["No data"]] == [panel["title"]]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.5, "percentunit", "50%"),
        (3 * 2**30, "bytes", "3 GiB"),
        (512, "Bps", "512 B/s"),
        (2, "s", "2 s"),
        (7, "short", "7"),
    ],
)
def test_a_value_has_its_unit(value: float, unit: str, said: str) -> None:
    assert spell(value, unit) == said
