"""What is made in ``charts/`` and ``deploy/`` is fresh, every value is told, every setting can be given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

import osmig
from manifests.chart_files import CHART, CRD_CHART, UPSTREAM, load_schema, made_files
from manifests.chart_values import Value, list_values
from manifests.crd_files import CRDS, ROOT
from osmig.command_line import Declared, list_declared

if TYPE_CHECKING:
    from pathlib import Path

    from lab.helm import Helm

MADE = made_files()
VALUES = list(list_values(load_schema()))
OF_THE_CHART = {
    "--namespace": "namespaces",
    "--http-port": "httpPort",
    "--lease-name": "nameOverride",
    "--lease-namespace": "the release's namespace",
}
"""What the rights or the ports of the chart follow from, and where it is said."""


@pytest.mark.parametrize("path", MADE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_made_was_made_of_what_is_there_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == MADE[path], "run: make charts"


def test_nothing_is_left_over_of_what_was_made_before() -> None:
    found = {path for chart in (CHART, CRD_CHART) for path in (chart / "files").rglob("*") if path.is_file()}

    assert found == {path for path in MADE if "files" in path.parts}
    assert {path for path in UPSTREAM.rglob("*") if path.is_file()} == {
        path for path in MADE if UPSTREAM in path.parents
    }
    assert {path.name for path in found if path.is_relative_to(CRD_CHART)} == {path.name for path in CRDS.iterdir()}


@pytest.mark.parametrize("chart", [CHART, CRD_CHART], ids=lambda chart: chart.name)
def test_the_version_of_a_chart_is_the_projects(chart: Path) -> None:
    said = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))

    assert (said["version"], said["appVersion"]) == (osmig.__version__, osmig.__version__)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ".".join(value.path))
def test_a_value_has_a_sentence_that_says_what_it_is(value: Value) -> None:
    assert value.description.endswith(".")
    assert "|" not in value.description


@pytest.mark.parametrize("chart", [CHART, CRD_CHART], ids=lambda chart: chart.name)
def test_the_schema_is_closed_at_every_level(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    groups = [schema, *(value.schema for value in list_values(schema) if value.is_group)]

    assert all(group["additionalProperties"] is False for group in groups)


@pytest.mark.parametrize("setting", tuple(list_declared()), ids=lambda setting: setting.option.flag)
def test_every_setting_can_be_given_or_the_value_to_use_is_named(helm: Helm, setting: Declared) -> None:
    flag, variable = f"{setting.option.flag}=1", setting.option.envvar
    as_flag, as_variable = {"extraArgs": [flag]}, {"extraEnv": [{"name": variable, "value": "1"}]}

    if setting.option.flag in OF_THE_CHART:
        for given in (as_flag, as_variable):
            with pytest.raises(AssertionError, match=OF_THE_CHART[setting.option.flag]):
                helm.render(CHART, given)
    else:
        (made,) = (made for made in helm.render_objects(CHART, as_flag | as_variable) if made["kind"] == "Deployment")
        (container,) = made["spec"]["template"]["spec"]["containers"]
        assert container["args"][-1] == flag
        assert container["env"] == as_variable["extraEnv"]
