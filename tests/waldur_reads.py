"""What ``recorded/waldur_reads.json`` tells of its rows, ids and replicas, and what was done before each pair."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab.waldurlab import recorded_catalogue as world
from waldur_recording import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.waldur import WaldurLab
    from waldur_recording import Pair

PAIRS: list[Pair] = load("waldur_reads.json")
LEFT_OUT = {
    "openstack-migrations": {
        "created_by_full_name",
        "error_traceback",
        "src_offering_uuid",
        "src_offering_name",
        "dst_offering_name",
        "src_resource_name",
    },
    "marketplace-public-offerings": {"url", "description"},
    "openstack-volume-types": {"url", "description"},
}
"""What the recording leaves out of rows, by the list that they are in."""
TIED = {"ping: one row of all, as staff", "ping: one row of all, as owner"}
"""Answers with the first of several rows of one age: which one that is, was left to chance."""
OLD_ROWS = {
    "runs10": (world.SRC_RUNS10, 10),
    "runs11": (world.SRC_RUNS11, 11),
    "runs100": (world.SRC_RUNS100, 100),
    "runs101": (world.SRC_RUNS101, 101),
    "runs246": (world.SRC_RUNS246, 246),
    "mixed": (world.SRC_MIXED, 2),
}
"""By the beginning of their names: whose rows there were at first, and how many."""
FIRST_ROW_AT = datetime.fromisoformat("2026-10-29T23:30:23.840634Z")
RIVALS_AT = datetime.fromisoformat("2026-11-28T23:30:30.984103Z")
ACTS = {
    "scheduled": "",
    "of the replica: ": "",
    "after orders": "",
    "half done": "run",
    "while it is made": "run",
    "ok after a while": "end",
    "order: at once": "end terminate",
    "order: under way": "end terminate",
    "order: list by resource": "end terminate",
    "order: terminated": "end terminate done",
    "under way": "run",
    "being terminated": "end terminate",
    "terminated before": "end",
    "termination failed": "end terminate fail",
    "after a termination that failed": "end terminate fail",
    ", terminated": "end terminate done",
    "run: terminated": "end terminate done",
    "terminate: terminated": "end terminate done",
    "erred at": "end",
    "ok under another name": "end rename",
    "in every state": "end terminate",
    "ok": "end",
    "terminate: ": "end",
}
"""By a part of the label, the first that fits: what had been done to the replica that a pair is about."""


def rows_of(pair: Pair) -> list[dict[str, Any]]:
    """Return the rows of migrations in a pair's answer."""
    body = pair["response"].get("body")
    rows = body if isinstance(body, list) else [body]
    return [row for row in rows if isinstance(row, dict) and "created_by_uuid" in row]


def is_old(row: dict[str, Any]) -> bool:
    """Whether a row was there at first."""
    return row["dst_resource_name"].partition("-")[0] in {*OLD_ROWS, "rivals"}


def tenants_by_replica() -> dict[str, str]:
    """Return the tenant of each replica that the recording shows as a resource."""
    replicas = {row["dst_resource_uuid"] for pair in PAIRS for row in rows_of(pair) if not is_old(row)}
    shown = [body for pair in PAIRS if isinstance(body := pair["response"]["body"], dict) and body.get("scope")]
    return {body["uuid"]: body["resource_uuid"] for body in shown if body["uuid"] in replicas}


def runs_by_id() -> dict[str, str]:
    """Return which run each made id belongs to: the run's own, its replica's, the tenant's and the orders'."""
    rows = [row for pair in PAIRS for row in rows_of(pair) if not is_old(row)]
    found = {row["uuid"]: row["uuid"] for row in rows} | {row["dst_resource_uuid"]: row["uuid"] for row in rows}
    found |= {tenant: found[replica] for replica, tenant in TENANTS.items()}
    for pair in PAIRS:
        body = pair["response"]["body"]
        if isinstance(body, dict) and "order_uuid" in body:
            found[body["order_uuid"]] = found[ids_in(pair["request"]["path"])[0]]
    return found


def ids_in(text: str) -> list[str]:
    """Return the ids in a text, without dashes."""
    pattern = r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}"
    return [match.group().replace("-", "") for match in re.finditer(pattern, text)]


TENANTS = tenants_by_replica()
RUNS = runs_by_id()
LAST: dict[str, dict[str, Any]] = {row["uuid"]: row for pair in PAIRS for row in rows_of(pair)}
"""What the recording shows of each row the last time."""
CREATIONS = {row["uuid"]: pair for pair in PAIRS if pair["response"]["status"] == 201 for row in rows_of(pair)}


def runs_of(pair: Pair) -> list[str]:
    """Return the runs that a pair is about, in the order in which they were ordered."""
    named = {RUNS[one] for one in ids_in(pair["request"]["path"]) if one in RUNS}
    shown = {row["uuid"] for row in rows_of(pair) if not is_old(row)} if pair["request"]["method"] == "GET" else set()
    sources = {LAST[run]["src_resource_uuid"] for run in shown} if "page=" in pair["request"]["path"] else set()
    all_of_source = {run for run in RUNS.values() if LAST[run]["src_resource_uuid"] in sources}
    return sorted(named | shown | all_of_source, key=lambda run: LAST[run]["created"])


def acts_before(pair: Pair) -> list[str]:
    """Return what had been done to the replica that a pair is about."""
    return next((acts for part, acts in ACTS.items() if part in pair["label"]), "").split()


def is_of_first_world(pair: Pair) -> bool:
    """Whether a pair reads what was there before the first order, and from today's server."""
    return pair["request"]["method"] != "POST" and not runs_of(pair) and "server without" not in pair["label"]


def seed_old_rows(lab: WaldurLab) -> None:
    """Make the rows that were there at first, those that the recording shows with its ids."""
    known = {row["dst_resource_name"]: row for pair in PAIRS for row in rows_of(pair) if is_old(row)}
    for name, (source, count) in OLD_ROWS.items():
        for number in range(count):
            _seed(lab, known, f"{name}-{number:03}", source, FIRST_ROW_AT + timedelta(seconds=number))
    for number in range(3):
        created = RIVALS_AT + timedelta(milliseconds=number)
        _seed(lab, known, f"rivals-{number}", world.SRC_MIXED, created, user="rival")


def _seed(
    lab: WaldurLab, known: dict[str, Any], name: str, source: str, created: datetime, user: str = "owner"
) -> None:
    row = known.get(name, {"uuid": None, "dst_resource_uuid": None})
    lab.control.seed(
        name=name,
        source=source,
        user=user,
        steps=3,
        created=created.isoformat(),
        modified=(created + timedelta(minutes=1)).isoformat(),
        uuid=row["uuid"],
        destination=row["dst_resource_uuid"],
    )


def roles_of(pair: Pair) -> Iterator[str | None]:
    """Return all who got exactly this answer."""
    yield pair["request"]["as"]
    yield from pair.get("also_as", ())


_LISTED = (world.BIG_NETS, world.MANY_PLANS, world.ELEVEN_PLANS, world.TWELVE_TYPES)
FIRST_IDS = {
    *(value for name in dir(world) if isinstance(value := getattr(world, name), str)),
    *(one for ids in _LISTED for one in ids),
    *world.USERS.values(),
    *(row["uuid"] for row in LAST.values() if is_old(row)),
}
"""The ids that are the same in the double: of the first world, and of the rows that are seeded."""
