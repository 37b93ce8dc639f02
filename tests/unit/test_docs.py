"""What the pages name exists: links, files, flags, metrics, verbs, reasons, log lines; and what they show is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from doc_pages import KINDS, list_tenant_checks, rows_of
from doc_tables import BLOCKS, DOCS, replace_block
from osmig.api import migration as api_migration
from osmig.api import names
from osmig.api.meta import to_wire
from osmig.api.migration import parse_migration
from osmig.api.names import RUNBOOKS, Policy, Verb, verb_annotation
from osmig.api.provider import Limits, ProviderType, UpstreamScope
from osmig.api.tenant import Cleanup
from osmig.backends.openstack.preflight import check
from osmig.backends.openstack.preflight_facts import Facts
from osmig.backends.openstack.translate import STAGES
from osmig.command_line import list_declared
from osmig.domain import errors
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.latching import Column
from osmig.domain.replicas import OrderStage, ReplicaStage, RunStage
from osmig.domain.upstream import FindingKind, Job, Stage
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

OTHERS_WORDS = {
    *("BeforeHookCreation", "ClusterRole", "Degraded", "Deployment", "Done", "Healthy", "Kustomization", "Lease"),
    *("RuntimeDefault", "Secret", "TemporaryError"),
}
CODE_WORDS = {
    "Backend",
    "Call",
    "KeyError",
    "MigrationStatus",
    "ServerBackend",
    "TenantBackend",
    "Decision",
    "Observation",
    "Inbox",
    "Intake",
    "Look",
    "Scheduler",
    "Protocol",
    "Read",
    "NoEssence",
    "Order",
    "Phase",
    "Reason",
    "Verb",
}
OTHERS_FLAGS = {"--wait", "--field-manager", "--overwrite", "--server-side"}


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
            names.CheckResult,
            names.Trend,
            names.Reason,
            names.EventReason,
        ),
        *(Capability, FindingKind, Stage, ProviderType, UpstreamScope),
        *(api_migration.MigrationType, api_migration.Mode, api_migration.BlockMigration, api_migration.ConfirmBy),
        *(api_migration.OnStall, api_migration.OnDeadline, api_migration.OnConfirmDeadline),
        *(api_migration.DeletionPolicy, Cleanup, RunStage, ReplicaStage, OrderStage),
    )
    raised = {name for name in vars(errors) if CAMEL.fullmatch(name)}
    return (
        members(*enums)
        | raised
        | list_checks()
        | set(list_tenant_checks())
        | list_alerts()
        | KINDS
        | OTHERS_WORDS
        | CODE_WORDS
    )


def list_checks() -> set[str]:
    """Return the names of all checks before a start, the domain's own included."""
    checks = check(Job(server_name="db-07"), Facts(version=(2, 104), scope=Scope.UNKNOWN))
    return {one.check for one in checks} | {"Rivals"}


def list_alerts() -> set[str]:
    """Return the names of all alerts."""
    rules = yaml.safe_load((ROOT / "deploy/monitoring/rules.yaml").read_text(encoding="utf-8"))
    return {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


def read_engines() -> str:
    """Return the pages of all engines as one."""
    return "".join((DOCS / name).read_text(encoding="utf-8") for name in ("openstack.md", "waldur.md"))


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
    [("domain", "### 3a. The domain"), ("domain/replication", "### 3b. The replication of a tenant")],
)
def test_every_module_of_the_domain_has_its_duty_told(folder: str, heading: str) -> None:
    modules = {path.stem for path in (ROOT / "operator/osmig" / folder).glob("*.py")} - {"__init__"}
    told = [name for row in rows_of(DOCS / "architecture.md", heading) for name in CODE.findall(row[1])]

    assert sorted(told) == sorted(modules)


def test_every_capability_and_every_check_before_a_start_is_told() -> None:
    page = read_engines()

    assert [name for name in (*Capability, *list_checks()) if f"`{name}`" not in page] == []


def test_every_split_state_leads_to_its_runbook_and_every_alert_to_its_own() -> None:
    states = (DOCS / "openstack.md").read_text(encoding="utf-8")
    alerts = (DOCS / "operations.md").read_text(encoding="utf-8")

    assert [reason for reason in RUNBOOKS if f"| `{reason}` |" not in states] == []
    assert [reason for reason in RUNBOOKS if f"(runbooks/{reason}.md)" not in states] == []
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
    assert set(shown["status"]) == set(to_wire(migration.status)), "an unknown field"


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
