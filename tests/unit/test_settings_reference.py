"""The committed reference page of the settings is the one that the declaration renders."""

from __future__ import annotations

from pathlib import Path

from osmig.command_line import list_declared
from osmig.settings_reference import render_settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_settings(), (
        "run: python -m osmig.settings_reference > docs/reference/settings.md"
    )


def test_every_setting_has_one_row_with_flag_variable_and_meaning() -> None:
    rows = [line for line in render_settings().splitlines() if line.startswith("| `--")]

    declared = list(list_declared())
    assert len(rows) == len(declared)
    for row, setting in zip(rows, declared, strict=True):
        assert row.startswith(f"| `{setting.option.flag} ")
        assert f"| `{setting.option.envvar}` |" in row
        assert setting.option.text in row
        assert row.replace("\\|", "").count("|") == 5
