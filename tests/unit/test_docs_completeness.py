"""What there is in the code is told on the pages: verbs, policies, modules, checks, limits, reasons, log lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from doc_pages import CODE, ROOT, list_alerts, list_checks, rows_of
from doc_tables import BLOCKS, DOCS, replace_block
from osmig.api.names import Policy, Verb, verb_annotation
from osmig.api.provider import Limits
from osmig.domain.capabilities import Capability
from osmig.domain.split_states import SPLIT_STATES
from osmig.domain.verbs import Column
from osmig.drivers.servers.nova.translate import STAGES

if TYPE_CHECKING:
    from pathlib import Path

LOG_EVENT = re.compile(r'_logger\.\w+\(\s*(?:level,\s*)?"([a-z_]+\.[a-z_]+)"')
LOGGED_ELSEWHERE = {"http.listening"}


def read_engines() -> str:
    """Return the pages of all engines as one."""
    return "".join((DOCS / name).read_text(encoding="utf-8") for name in ("openstack.md", "waldur.md", "hosting.md"))


def test_every_verb_has_its_row_in_the_readme_and_in_the_story_of_the_orders() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = " ".join(row[0] for row in rows_of(DOCS / "openstack.md", "## What happens when"))
    listed = [row[0] for row in rows_of(DOCS / "architecture.md", "## 9. Orders: verbs and policies")]

    for verb in Verb:
        assert f"| `{verb_annotation(verb)}` |" in readme
        assert f"`{verb}`" in told
        assert f"`{verb}`" in listed


def test_the_table_of_what_happens_when_has_the_columns_of_the_code() -> None:
    head, *rows = rows_of(DOCS / "openstack.md", "## What happens when")

    assert head == ["Event", *Column]
    assert {len(row) for row in rows} == {len(head)}


def test_every_policy_is_told_of_in_the_glossary_and_in_the_story_of_the_orders() -> None:
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    decision = (DOCS / "adr" / "0011-policies-are-orders.md").read_text(encoding="utf-8")

    assert [policy for policy in Policy if f"`{policy}`" not in glossary or f"`{policy}`" not in decision] == []


@pytest.mark.parametrize(
    ("folder", "heading"),
    [
        ("domain", "### 3a. The domain"),
        ("drivers/servers/policy", "### 3b. The move of a server"),
        ("drivers/tenants/policy", "### 3c. The replication of a tenant"),
        ("drivers/mailboxes/policy", "### 3d. The copying of mailboxes"),
    ],
)
def test_every_module_that_decides_has_its_duty_told(folder: str, heading: str) -> None:
    modules = {path.stem for path in (ROOT / "operator/osmig" / folder).glob("*.py")} - {"__init__"}
    told = [name for row in rows_of(DOCS / "architecture.md", heading) for name in CODE.findall(row[1])]

    assert sorted(told) == sorted(modules)


def test_every_module_is_in_a_room_of_the_table_and_every_room_is_there() -> None:
    rooms = {name for row in rows_of(DOCS / "architecture.md", "## 3. Layers") for name in CODE.findall(row[0])}
    modules = [path for path in (ROOT / "operator/osmig").rglob("*.py") if path.stem != "__init__"]

    assert [str(path) for path in modules if rooms.isdisjoint(map(place_of, (path, path.parent)))] == []
    assert [room for room in sorted(rooms) if not (ROOT / room).exists()] == []


def place_of(path: Path) -> str:
    """Return a path as the pages write it."""
    return str(path.relative_to(ROOT))


def test_every_capability_and_every_check_before_a_start_is_told() -> None:
    page = read_engines()

    assert [name for name in (*Capability, *list_checks()) if f"`{name}`" not in page] == []


def test_every_split_state_leads_to_its_runbook_and_every_alert_to_its_own() -> None:
    states = (DOCS / "openstack.md").read_text(encoding="utf-8")
    alerts = (DOCS / "operations.md").read_text(encoding="utf-8")

    assert [reason for reason in SPLIT_STATES if f"| `{reason}` |" not in states] == []
    assert [reason for reason in SPLIT_STATES if f"(runbooks/{reason}.md)" not in states] == []
    assert [alert for alert in list_alerts() if f"[{alert}](runbooks/{alert}.md)" not in alerts] == []


def test_every_limit_of_a_provider_is_told_with_its_default() -> None:
    told = {row[0]: row[1] for row in rows_of(DOCS / "operations.md", "## Limits")[1:]}
    fields = {field.alias or name: field.default for name, field in Limits.model_fields.items()}

    assert told == {f"`{name}`": str(default) for name, default in fields.items()}


def test_every_reason_a_migration_can_fail_with_is_explained() -> None:
    page = read_engines()
    source = (ROOT / "operator/osmig/api/names.py").read_text(encoding="utf-8")
    failures = re.findall(r'= "(\w+)"', source.partition("# ended otherwise")[2].partition("# Provider")[0])

    assert len(failures) > 10
    assert [reason for reason in failures if f"`{reason}`" not in page and reason != "Aborted"] == []


def test_the_table_of_log_lines_is_complete() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "operator").rglob("*.py"))
    table = (DOCS / "operations.md").read_text(encoding="utf-8").partition("## Log lines")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    listed = {event for row in rows for event in re.findall(r"`([a-z_]+\.[a-z_]+)`", row.split("|")[1])}

    assert listed == set(LOG_EVENT.findall(sources)) | LOGGED_ELSEWHERE
    assert all(event in sources for event in LOGGED_ELSEWHERE)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_tables_made_from_the_code_are_up_to_date(name: str) -> None:
    file, render = BLOCKS[name]
    page = (DOCS / file).read_text(encoding="utf-8")

    assert page == replace_block(page, name, render()), "run: PYTHONPATH=tests python -m doc_tables"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="the markers of stages are missing"):
        replace_block("no markers", "stages", "text")


def test_every_word_of_novas_is_in_the_table() -> None:
    page = (DOCS / "openstack.md").read_text(encoding="utf-8")

    assert all(f"| `{word}` |" in page for word in STAGES)


def test_the_decisions_are_numbered_listed_and_in_one_form() -> None:
    files = sorted((DOCS / "adr").glob("0*.md"))
    listed = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")

    assert [file.name[:4] for file in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix(f"# {file.name[:4]}: ")
        assert f"| [{file.name[:4]}]({file.name}) | {title} |" in listed
        heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert heads == ["Summary", "Motivation", "Decision", "Risks", "Alternatives"]
