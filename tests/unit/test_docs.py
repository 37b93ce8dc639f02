"""What the pages name exists: links, files, flags, metrics, verbs, reasons, log lines; and what they show is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from doc_tables import BLOCKS, DOCS, replace_block
from osmig.api import migration as api_migration
from osmig.api import names
from osmig.api.migration import parse_migration
from osmig.api.names import Verb, verb_annotation
from osmig.api.provider import ProviderType, UpstreamScope
from osmig.backends.openstack.translate import STAGES
from osmig.command_line import list_declared
from osmig.domain import errors
from osmig.domain.upstream import Capability, FindingKind, Stage
from osmig.telemetry.catalogue import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from enum import StrEnum
    from pathlib import Path

ROOT = DOCS.parent
GENERATED = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OURS = [page for page in PAGES if GENERATED not in page.parents]

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CAMEL = re.compile(r"[A-Z][a-z]+(?:[A-Z][A-Za-z]*)*")
PATH = re.compile(r"(?:operator|tests|deploy|crds|docs)/[\w./*-]*")
FLAG = re.compile(r"--[a-z][a-z-]+")
LOG_EVENT = re.compile(r'_logger\.\w+\(\s*(?:level,\s*)?"([a-z_]+\.[a-z_]+)"')
LOGGED_ELSEWHERE = {"http.listening"}

OTHERS_WORDS = {"ClusterRole", "Deployment", "Kustomization", "Lease", "Secret", "RuntimeDefault", "TemporaryError"}
CODE_WORDS = {
    "Decision",
    "Observation",
    "Inbox",
    "Intake",
    "Look",
    "Scheduler",
    "Protocol",
    "Read",
    "NoEssence",
    "Phase",
    "Reason",
    "Verb",
}
OTHERS_FLAGS = {"--wait", "--field-manager", "--server-side"}


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def coded(page: Path) -> list[str]:
    """Return everything between single backticks."""
    return CODE.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def members(*kinds: type[StrEnum]) -> set[str]:
    """Return all values of enumerations."""
    return {str(member) for kind in kinds for member in kind}


def vocabulary() -> set[str]:
    """Return every CamelCase word that a page may use for something of ours."""
    enums = (
        *(
            names.Phase,
            names.ConditionType,
            names.ConditionStatus,
            names.ControlResult,
            names.Reason,
            names.EventReason,
        ),
        *(Capability, FindingKind, Stage, ProviderType, UpstreamScope),
        *(api_migration.MigrationType, api_migration.BlockMigration),
    )
    raised = {name for name in vars(errors) if CAMEL.fullmatch(name)}
    return members(*enums) | raised | {"Migration", "Provider"} | OTHERS_WORDS | CODE_WORDS


def ids(pages: Iterable[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    broken = []
    for target in LINK.findall(CODE.sub("", prose(page))):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        aim = (page.parent / file).resolve() if file else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(target)

    assert not broken


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [text for text in coded(page) if PATH.fullmatch(text)]

    assert [text for text in named if not list(ROOT.glob(text.rstrip("/")))] == []


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_flag_and_variable_that_is_named_is_a_setting(page: Path) -> None:
    options = [setting.option for setting in list_declared()]
    known = {option.flag for option in options} | {option.envvar for option in options} | OTHERS_FLAGS
    named = {word for text in coded(page) for word in (*FLAG.findall(text), *re.findall(r"OSMIG_[A-Z_]+", text))}

    assert named - known == set()


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_metric_that_is_named_is_served(page: Path) -> None:
    known = {family.name + suffix for family in FAMILIES for suffix in ("", "_bucket", "_sum", "_count")}
    named = set(re.findall(r"\bosmig_[a-z_]+", page.read_text(encoding="utf-8")))

    assert named - known == set()


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_annotation_of_our_group_is_a_verb(page: Path) -> None:
    known = {verb_annotation(verb) for verb in Verb} | {names.API_VERSION}
    named = set(re.findall(r"(?<![\w.])osmig\.dev/[\w-]+", page.read_text(encoding="utf-8")))

    assert named - known == set()


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_camel_case_word_is_a_reason_phase_condition_or_other_name_of_ours(page: Path) -> None:
    named = {text for text in coded(page) if CAMEL.fullmatch(text)}

    assert named - vocabulary() == set()


def test_every_verb_has_its_row_in_the_readme_and_in_the_story_of_the_verbs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    architecture = (DOCS / "architecture.md").read_text(encoding="utf-8")

    for verb in Verb:
        assert f"| `{verb_annotation(verb)}` |" in readme
    for verb in (Verb.ABORT, Verb.FORCE_COMPLETE):
        assert f"| `{verb}` " in architecture


def test_every_reason_a_migration_can_fail_with_is_explained() -> None:
    page = (DOCS / "openstack.md").read_text(encoding="utf-8")
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


def yaml_blocks(page: Path) -> Iterator[Mapping[str, Any]]:
    for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield yaml.safe_load(block)


def test_the_status_in_the_readme_is_one_that_osmig_writes_and_tools_call_current() -> None:
    (shown,) = yaml_blocks(ROOT / "README.md")
    migration = parse_migration(shown)
    conditions = {condition.type: condition.status for condition in migration.status.conditions}

    assert migration.status_readable
    assert migration.status.observed_generation == migration.metadata.generation
    assert conditions == {"Succeeded": "True", "Finished": "True", "Ready": "True"}, "kstatus calls this Current"
    assert {condition.observed_generation for condition in migration.status.conditions} == {1}
    assert set(shown["status"]) == set(migration.status.model_dump(by_alias=True, exclude_none=True)), (
        "an unknown field"
    )


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


def test_each_decision_that_the_code_cites_exists() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "operator").rglob("*.py"))
    cited = set(re.findall(r"ADR (\d{4})", sources + (ROOT / "pyproject.toml").read_text(encoding="utf-8")))

    assert cited <= {file.name[:4] for file in (DOCS / "adr").glob("0*.md")}
    assert cited
