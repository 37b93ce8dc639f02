"""What the tests of the pages read them with."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import yaml

from api_samples import mailbox_spec, migration_body
from decided import look_at
from doc_tables import DOCS
from domain_samples import HOLDER, NOW, READY
from osmig.api.migration import parse_migration
from osmig.domain.capabilities import Scope
from osmig.drivers.mailboxes.facts import JobFacts
from osmig.drivers.mailboxes.policy import checks as mailbox_checks
from osmig.drivers.mailboxes.views import JobList, MailboxList
from osmig.drivers.servers.nova import preflight as server_preflight
from osmig.drivers.servers.nova import preflight_facts as server_facts
from osmig.drivers.servers.views import Job
from osmig.drivers.tenants.views import ReplicaJob
from osmig.drivers.tenants.waldur import preflight as tenant_preflight
from osmig.drivers.tenants.waldur import preflight_facts as tenant_facts

if TYPE_CHECKING:
    from pathlib import Path

ROOT = DOCS.parent
CODE = re.compile(r"`([^`\n]+)`")
KINDS = {"Migration", "MigrationMapping", "MigrationPlan", "Provider"}


def rows_of(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, its head first."""
    below = page.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].splitlines()
    begin = next(number for number, line in enumerate(below) if line.startswith("|"))
    table = itertools.takewhile(lambda line: line.startswith("|"), below[begin:])
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in table]
    return [rows[0], *rows[2:]]


def list_tenant_checks() -> list[str]:
    """Return the names of all checks before a replication, in their order."""
    job = ReplicaJob(source_resource="0" * 32, destination_offering="1" * 32, destination_plan="2" * 32)
    return list(dict.fromkeys(one.check for one in tenant_preflight.check(job, tenant_facts.Facts(version="7.8.2"))))


def list_mailbox_checks() -> list[str]:
    """Return the names of all checks before a job that copies mailboxes, in their order."""
    times = {"executeNow": False, "firstExecutionTime": "2030-02-01T00:00:00Z"}
    migration = parse_migration(migration_body(spec=mailbox_spec(preset="Other", **times)))
    observation = look_at(migration, JobFacts, now=NOW, holder=HOLDER, provider=READY)
    csv = MailboxList(content="", digest="", rows=1)
    found = mailbox_checks.check(observation, csv, JobList(jobs=(), allowed=5))
    return list(dict.fromkeys(one.check for one in found))


def list_checks() -> set[str]:
    """Return the names of all checks before a start, the domain's own included."""
    facts = server_facts.Facts(version=(2, 104), scope=Scope.UNKNOWN)
    return {one.check for one in server_preflight.check(Job(server_name="db-07"), facts)} | {
        *("Rivals", "Resources"),
        *list_mailbox_checks(),
    }


def list_alerts() -> set[str]:
    """Return the names of all alerts."""
    rules = yaml.safe_load((ROOT / "deploy/monitoring/rules.yaml").read_text(encoding="utf-8"))
    return {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
