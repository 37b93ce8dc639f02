"""Every field of a plan's spec is acted upon: of two plans that differ in it alone, something else becomes."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any, NamedTuple

import pytest

from osmig.api.names import Phase
from osmig.domain.plans.decisions import CommitPlan
from osmig.domain.plans.sweeps import GroupRow
from plan_samples import full_plan_spec
from plan_world import DISABLE, START, PlanWorld, server, server_id

ABSENT = object()
"""Another value: none."""

LIVE, COLD = {"behavior": "Move", "method": "Live"}, {"behavior": "Move", "method": "Cold"}
TAGGED = {"key": "tier", "values": ["web"]}
NIGHT = {"name": "night", "kind": "Allow", "cron": "0 21 * * *", "durationSeconds": 300, "reason": "agreed"}
WAVES = [
    {"name": "canary", "hosts": ["cmp1"], "approval": "None", "delaySeconds": 0},
    {"name": "rest", "hosts": ["cmp2"], "approval": "None", "delaySeconds": 900},
]


class Row(NamedTuple):
    """Two plans, and what happens to both.

    Attributes:
        spec: of the one, besides the targets.
        other: the value that the field has in the other one.
        ends: how each move ends; ``None`` lets all go on for ever.
        reason: why it ends so.
        wait_s: between two steps.
    """

    spec: dict[str, Any]
    other: Any
    ends: Phase | None = Phase.SUCCEEDED
    reason: str = ""
    wait_s: float = 31.0


def template(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a template
    """Write a plan with this template, of which half of the servers move cold."""
    return {"template": fields, "rules": [{"name": "some", "match": {"statuses": ["PAUSED", "ACTIVE"]}, **LIVE}]}


def schedule(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a schedule
    """Write a plan with a window of five minutes that has just opened."""
    return {"schedule": {"windows": [NIGHT], **changes}}


def at(seconds: float) -> str:
    """Write a time after the beginning."""
    return f"{START + dt.timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


WIDE = {"maxInFlight": 9, "maxInFlightPerSourceHost": 9, "maxInFlightPerServerGroup": 9}
TO_CMP9 = {"template": {"placement": {"destinationHost": "cmp9"}}}
LATE = {"deadlineSeconds": 60, "onDeadline": "Pause"}
FAILS: dict[str, Any] = {"ends": Phase.FAILED, "reason": "PreCheckFailed"}
TABLE: dict[str, Row] = {
    "providerRef.name": Row({}, "other"),
    "mode": Row({"mode": "Execute"}, "Validate"),
    "suspend": Row({"suspend": True}, other=False),
    "targets.hosts": Row({"targets": {"hosts": ["cmp1", "cmp2"]}}, ["cmp2"]),
    "targets.servers.id": Row({"maintenance": None, "targets": {"servers": [{"id": server_id(1)}]}}, server_id(2)),
    "targets.projectID": Row({"maintenance": None, "targets": {"projectID": "77"}}, "78"),
    "targets.aggregate": Row({"targets": {"aggregate": "rack1"}}, "rack9"),
    "targets.availabilityZone": Row({"targets": {"availabilityZone": "az1"}}, "az9"),
    "selector.statuses": Row({"selector": {"statuses": ["PAUSED"]}}, ["ACTIVE"]),
    "selector.matchMetadata.key": Row({"selector": {"matchMetadata": [TAGGED]}}, "team"),
    "selector.matchMetadata.values": Row({"selector": {"matchMetadata": [TAGGED]}}, ["db"]),
    "selector.matchTags": Row({"selector": {"matchTags": ["batch"]}}, ["other"]),
    "exclude.serverID": Row({"exclude": [{"serverID": server_id(1), "reason": "x"}]}, server_id(2)),
    "exclude.projectID": Row({"exclude": [{"projectID": "77", "reason": "x"}]}, "78"),
    "exclude.reason": Row({"exclude": [{"projectID": "77", "reason": "x"}]}, "y"),
    "rules.name": Row({"rules": [{"name": "a", "behavior": "Skip"}]}, "b"),
    "rules.match.minMemoryMiB": Row(
        {"rules": [{"name": "a", "match": {"minMemoryMiB": 4096}, "behavior": "Skip"}]}, 1024
    ),
    "rules.match.metadata.key": Row(
        {"rules": [{"name": "a", "match": {"metadata": TAGGED}, "behavior": "Skip"}]}, "team"
    ),
    "rules.match.metadata.values": Row(
        {"rules": [{"name": "a", "match": {"metadata": TAGGED}, "behavior": "Skip"}]}, ["db"]
    ),
    "rules.match.statuses": Row(
        {"rules": [{"name": "a", "match": {"statuses": ["PAUSED"]}, "behavior": "Skip"}]}, ["ACTIVE"]
    ),
    "rules.behavior": Row({"rules": [{"name": "a", "behavior": "Skip"}]}, "Hold"),
    "rules.method": Row({"rules": [{"name": "a", "match": {"statuses": ["ACTIVE"]}, **COLD}]}, "Live"),
    "fallback.method": Row({"fallback": {"method": "Cold"}}, "None", **FAILS),
    "fallback.onReasons": Row({"fallback": {"method": "Cold", "onReasons": ["PreCheckFailed"]}}, ["Stalled"], **FAILS),
    "template.placement.destinationHost": Row(TO_CMP9, "cmp8"),
    "template.live.blockMigration": Row(template(live={"blockMigration": "Auto"}), "Never"),
    "template.live.convergence.progressTimeoutSeconds": Row(
        template(live={"convergence": {"progressTimeoutSeconds": 300}}), 400
    ),
    "template.live.convergence.onStall": Row(template(live={"convergence": {"onStall": "Alert"}}), "Abort"),
    "template.cold.confirm": Row(template(cold={"confirm": "Manual"}), "Automatic"),
    "template.cold.confirmDeadlineSeconds": Row(template(cold={"confirmDeadlineSeconds": 600}), 700),
    "template.cold.onConfirmDeadline": Row(template(cold={"onConfirmDeadline": "Alert"}), "Confirm"),
    "template.deadlineSeconds": Row(template(deadlineSeconds=600), 700),
    "template.onDeadline": Row(template(onDeadline="Alert"), "Abort"),
    "template.retry.limit": Row(template(retry={"limit": 1}), 2),
    "template.retry.backoffSeconds": Row(template(retry={"limit": 1, "backoffSeconds": 60}), 70),
    "template.retry.maxBackoffSeconds": Row(template(retry={"limit": 1, "maxBackoffSeconds": 600}), 700),
    "order": Row({"order": "Name", "limits": {"maxInFlight": 1}}, "LargestMemoryFirst"),
    "waves.name": Row({"waves": WAVES}, "first"),
    "waves.hosts": Row({"targets": {"hosts": ["cmp1"]}, "waves": WAVES[:1]}, ["cmp2"]),
    "waves.approval": Row({"waves": WAVES}, "Manual"),
    "waves.delaySeconds": Row({"waves": WAVES}, 900),
    "limits.maxInFlight": Row({"limits": WIDE | {"maxInFlight": 1}}, 2),
    "limits.maxInFlightPerSourceHost": Row({"limits": WIDE | {"maxInFlightPerSourceHost": 1}}, 2),
    "limits.maxInFlightPerDestinationHost": Row(
        TO_CMP9 | {"limits": WIDE | {"maxInFlightPerDestinationHost": 1}}, ABSENT
    ),
    "limits.maxInFlightPerServerGroup": Row({"limits": WIDE | {"maxInFlightPerServerGroup": 1}}, 2),
    "limits.maxInFlightPerProject": Row({"limits": WIDE | {"maxInFlightPerProject": 1}}, 2),
    "schedule.notBeforeTime": Row({"schedule": {"notBeforeTime": at(60)}}, ABSENT),
    "schedule.notAfterTime": Row({"schedule": {"notAfterTime": at(-60)}}, ABSENT),
    "schedule.timeZone": Row(schedule(timeZone="UTC"), "Europe/Rome"),
    "schedule.windows.name": Row(schedule(), "tonight"),
    "schedule.windows.kind": Row(schedule(), "Deny"),
    "schedule.windows.cron": Row(schedule(), "0 22 * * *"),
    "schedule.windows.durationSeconds": Row(schedule(), 600),
    "schedule.windows.reason": Row(schedule(), ABSENT),
    "schedule.onWindowEnd": Row(schedule(onWindowEnd="Abort"), "Finish", ends=None),
    "failureBudget.maxFailures": Row({"failureBudget": {"maxFailures": 0}}, 9, **FAILS),
    "failureBudget.onExceeded": Row({"failureBudget": {"maxFailures": 0, "onExceeded": "Pause"}}, "Abort", **FAILS),
    "onBlocked": Row({"rules": [{"name": "a", **LIVE}], "onBlocked": "Continue"}, "Refuse"),
    "approval": Row({"approval": "Manual"}, "None"),
    "maintenance.computeService": Row({}, "Leave"),
    "maintenance.disable": Row(
        {"waves": WAVES, "maintenance": {"computeService": "Disable", "disable": "AllFirst"}}, "PerWave"
    ),
    "maintenance.reason": Row({"maintenance": {"computeService": "Disable", "reason": "x"}}, "y"),
    "maintenance.onFinish": Row({"maintenance": {"computeService": "Disable", "onFinish": "Leave"}}, "Enable"),
    "deadlineSeconds": Row(LATE, 90, ends=None),
    "onDeadline": Row(LATE, "Abort", ends=None),
    "deletionPolicy": Row({"deletionPolicy": "Abort"}, "Detach"),
    "ttlSecondsAfterFinished": Row({"ttlSecondsAfterFinished": 60}, ABSENT),
}
"""By field: a plan with it, and another value."""


def list_leaves(value: object, path: str = "") -> set[str]:
    """List the paths of all that is no object, those of lists without numbers."""
    match value:
        case dict():
            return {leaf for key, child in value.items() for leaf in list_leaves(child, f"{path}.{key}")}
        case [dict(), *_]:
            return {leaf for child in value for leaf in list_leaves(child, path)}
        case _:
            return {path.removeprefix(".")}


def change(spec: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the spec with another value in one field."""
    changed: Any = copy.deepcopy(spec)
    *above, last = path.split(".")
    place = changed
    for step in above:
        place = place[step]
        place = place[0] if isinstance(place, list) else place
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return dict(changed)


def play(spec: dict[str, Any], row: Row) -> list[object]:
    """Return everything that becomes of a plan: what is written and what is done, step by step."""
    servers = [
        server(1, memory_mib=2048, metadata={"tier": "web"}, tags=("batch",)),
        server(2, memory_mib=4096, project_id="78", metadata={"team": "web"}),
        server(3, memory_mib=1024, status="SHUTOFF"),
        server(4, memory_mib=8192, status="PAUSED", host="cmp2", metadata={"tier": "db"}),
        server(5, memory_mib=512, host="cmp2", tags=("other",)),
    ]
    group = GroupRow(id="g", name="db", policy="soft-anti-affinity", members=frozenset({server_id(1), server_id(2)}))
    world = PlanWorld(spec=spec, servers=servers, groups=[group], hosts=("cmp1", "cmp2", "cmp8", "cmp9"))
    seen: list[object] = []
    for _ in range(20):
        decision, done = world.step(), list(world.done)
        world.done.clear()
        seen.append((done, decision.status.model_dump() if isinstance(decision, CommitPlan) else None))
        if world.is_deleted:
            break
        world.wait(row.wait_s)
        for name, child in list(world.children.items()):
            if row.ends is None:
                world.follow(name, phase=Phase.RUNNING, is_sent=True)
            elif not child.is_finished:
                world.end(name, row.ends, reason=row.reason)
    return seen


def write(row: Row) -> dict[str, Any]:
    """Write the first plan of a row."""
    spec = {"providerRef": {"name": "region-one"}, "targets": {"hosts": ["cmp1", "cmp2"]}, **DISABLE, **row.spec}
    return copy.deepcopy({key: value for key, value in spec.items() if value is not None})


@pytest.mark.parametrize("path", TABLE)
def test_of_two_plans_that_differ_in_one_field_something_else_becomes(path: str) -> None:
    row = TABLE[path]
    spec = write(row)
    other = change(spec, path, row.other)
    if path == "waves.hosts":
        # a wave has exactly the hosts of the targets
        other["targets"]["hosts"] = row.other

    assert play(spec, row) != play(other, row)


def test_the_same_plan_becomes_the_same_twice() -> None:
    for row in TABLE.values():
        assert play(write(row), row) == play(write(row), row)


def test_no_field_is_left_out() -> None:
    others = {"servers": [{"id": server_id(1)}], "projectID": "77", "aggregate": "rack1", "availabilityZone": "az1"}

    assert set(TABLE) == list_leaves(full_plan_spec()) | list_leaves(others, "targets")
