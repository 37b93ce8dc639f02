"""What the tests of the pages read them with."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from osmig.backends.waldur.preflight import check
from osmig.backends.waldur.preflight_facts import Facts
from osmig.domain.replicas import ReplicaJob

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"Migration", "MigrationMapping", "Provider"}


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
    return list(dict.fromkeys(one.check for one in check(job, Facts(version="7.8.2"))))
