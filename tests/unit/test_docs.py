"""What the pages name exists: links, files, flags, metrics, verbs, reasons, decisions; and what they show is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from doc_pages import CODE, KINDS, ROOT, list_alerts, list_checks, list_tenant_checks
from doc_tables import DOCS
from osmig.api import migration as api_migration
from osmig.api import names, plan_names
from osmig.api.discovery import DiscoveryMode
from osmig.api.meta import to_wire
from osmig.api.migration import parse_migration
from osmig.api.names import Verb, verb_annotation
from osmig.api.plan_names import LABEL_PLAN, PlanVerb
from osmig.api.provider import ProviderType, UpstreamScope
from osmig.api.tenant import Cleanup
from osmig.command_line import list_declared
from osmig.domain import errors
from osmig.domain.capabilities import Capability
from osmig.domain.mirroring import DISCOVERED_LABEL
from osmig.domain.operations import Stage
from osmig.drivers.servers.views import CallLookupKind
from osmig.drivers.tenants.views import OrderStage, ReplicaStage, RunStage
from osmig.telemetry.catalogue import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from enum import StrEnum
    from pathlib import Path

GENERATED = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OURS = [page for page in PAGES if GENERATED not in page.parents]

SHORT = 40
"""Signs that two lines may have alike by chance."""
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CAMEL = re.compile(r"[A-Z][a-z]+(?:[A-Z][A-Za-z]*)*")
PATH = re.compile(r"(?:operator|tests|deploy|crds|docs)/[\w./*-]*")
FLAG = re.compile(r"--[a-z][a-z-]+")

OTHERS_WORDS = {
    *("BeforeHookCreation", "ClusterRole", "Degraded", "Deployment", "Done", "Healthy", "Kustomization", "Lease"),
    *("Opaque", "Progressing", "RuntimeDefault", "Secret", "TemporaryError"),
}
CODE_WORDS = {
    "Backend",
    "BoxFacts",
    "Call",
    "KeyError",
    "MigrationStatus",
    "ServerBackend",
    "TenantBackend",
    "Decision",
    "Observation",
    "Inbox",
    "Intake",
    "ChangeObject",
    "Commit",
    "Driver",
    "Facts",
    "Literal",
    "MoveFacts",
    "Policy",
    "Control",
    "ReadFacts",
    "VerbRequest",
    "ReplicationFacts",
    "TypeError",
    "Scheduler",
    "Protocol",
    "Read",
    "NoEssence",
    "Order",
    "Phase",
    "Reason",
    "Verb",
}
OTHERS_FLAGS = {"--wait", "--field-manager", "--overwrite", "--server-side", "--from-literal", "--take-ownership"}


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
        *(plan_names.PlanPhase, plan_names.PlanCondition, plan_names.Judgement, plan_names.PlanReason),
        *(Capability, CallLookupKind, Stage, ProviderType, UpstreamScope, DiscoveryMode),
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
    if page.name == "CHANGELOG.md":
        known |= {option.old_flag for option in options}
    named = {word for text in coded(page) for word in (*FLAG.findall(text), *re.findall(r"OSMIG_[A-Z_]+", text))}

    assert named - known == set()


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_metric_that_is_named_is_served(page: Path) -> None:
    known = {family.name + suffix for family in FAMILIES for suffix in ("", "_bucket", "_sum", "_count")}
    named = set(re.findall(r"(?<!-)\bosmig_[a-z_]+", page.read_text(encoding="utf-8")))

    assert named - known == set()


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_annotation_of_our_group_is_a_verb(page: Path) -> None:
    labels = {DISCOVERED_LABEL, LABEL_PLAN}
    known = {verb_annotation(verb) for verb in (*Verb, *PlanVerb)} | {names.API_VERSION, *labels}
    named = set(re.findall(r"(?<![\w./])osmig\.dev/[\w-]+", page.read_text(encoding="utf-8")))

    assert named - known == set()


@pytest.mark.parametrize("page", OURS, ids=ids(OURS))
def test_every_camel_case_word_is_a_reason_phase_condition_or_other_name_of_ours(page: Path) -> None:
    named = {text for text in coded(page) if CAMEL.fullmatch(text)}

    assert named - vocabulary() == set()


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


def test_each_decision_that_the_code_cites_exists() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "operator").rglob("*.py"))
    cited = set(re.findall(r"ADR (\d{4})", sources + (ROOT / "pyproject.toml").read_text(encoding="utf-8")))

    assert cited <= {file.name[:4] for file in (DOCS / "adr").glob("0*.md")}
    assert cited


def test_the_changelog_says_nothing_twice() -> None:
    """Where branches meet, a line may come from both."""
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if len(line) > SHORT]
    assert [line for line in lines if lines.count(line) > 1] == []
