"""What a real API server takes and refuses of a MigrationPlan, and what it freezes once the plan has started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import SERVER_ID, TIME, named
from manifests.crd_files import load_schema, paths, walk
from manifests.kubectl_words import assert_refused, create
from osmig.api.meta import to_wire
from osmig.api.plan import PLAN_FROZEN, parse_plan
from plan_samples import full_plan_spec, full_plan_status, plan_body

if TYPE_CHECKING:
    from lab.cluster import Cluster

RULE = {"name": "one", "behavior": "Move", "method": "Live"}
WINDOW = {"name": "n", "cron": "0 22 * * *", "durationSeconds": 300}
ONE_TARGET = "exactly one of hosts, servers, projectID, aggregate and availabilityZone must be set"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no-target": ({"targets": {}}, ONE_TARGET),
    "two-targets": ({"targets": {"hosts": ["a"], "aggregate": "b"}}, ONE_TARGET),
    "three-targets": ({"targets": {"hosts": ["a"], "aggregate": "b", "availabilityZone": "c"}}, ONE_TARGET),
    "servers-and-project": ({"targets": {"servers": [{"id": SERVER_ID}], "projectID": "77"}}, ONE_TARGET),
    "hosts-and-project": ({"targets": {"hosts": ["a"], "projectID": "77"}}, ONE_TARGET),
    "no-servers": ({"targets": {"servers": []}}, "spec.targets.servers"),
    "too-many-servers": (
        {"targets": {"servers": [{"id": f"{n:08x}{SERVER_ID[8:]}"} for n in range(1001)]}},
        "spec.targets.servers",
    ),
    "a-server-by-name": ({"targets": {"servers": [{"id": "web-1"}]}}, "spec.targets.servers[0].id"),
    "a-project-of-no-name": ({"targets": {"projectID": ""}}, "spec.targets.projectID"),
    "maintenance-of-a-project": (
        {"targets": {"projectID": "77"}, "maintenance": {"computeService": "Leave", "onFinish": "Enable"}},
        "maintenance is possible only with targets.hosts, targets.aggregate or targets.availabilityZone",
    ),
    "maintenance-of-servers": (
        {"targets": {"servers": [{"id": SERVER_ID}]}, "maintenance": {"computeService": "Disable"}},
        "maintenance is possible only with targets.hosts, targets.aggregate or targets.availabilityZone",
    ),
    "waves-of-a-project": (
        {"targets": {"projectID": "77"}, "waves": [{"name": "all", "hosts": ["a"]}]},
        "waves are possible only with targets.hosts",
    ),
    "no-hosts": ({"targets": {"hosts": []}}, "spec.targets.hosts"),
    "too-many-hosts": ({"targets": {"hosts": [f"h{n}" for n in range(51)]}}, "spec.targets.hosts"),
    "retry-at-once": (
        {"template": {"retry": {"limit": 1, "backoffSeconds": 59}}},
        "spec.template.retry.backoffSeconds",
    ),
    "move-without-method": ({"rules": [{"name": "x", "behavior": "Move"}]}, "method is required when behavior is Move"),
    "skip-with-method": ({"rules": [{**RULE, "behavior": "Skip"}]}, "and forbidden otherwise"),
    "exclude-nothing": ({"exclude": [{"reason": "x"}]}, "exactly one of serverID and projectID must be set"),
    "exclude-both": (
        {"exclude": [{"serverID": SERVER_ID, "projectID": "7", "reason": "x"}]},
        "exactly one of serverID and projectID must be set",
    ),
    "exclude-without-reason": ({"exclude": [{"projectID": "7"}]}, "spec.exclude[0].reason"),
    "validate-with-approval": ({"mode": "Validate", "approval": "Manual"}, "there is nothing to approve"),
    "times-swapped": (
        {"schedule": {"notBeforeTime": "2026-12-05T21:00:00+02:00", "notAfterTime": "2026-12-05T19:00:00Z"}},
        "notBeforeTime must be earlier than notAfterTime",
    ),
    "window-of-six-fields": (
        {"schedule": {"windows": [{"name": "n", "cron": "0 0 22 * * *", "durationSeconds": 300}]}},
        "spec.schedule.windows[0].cron",
    ),
    "window-with-a-zone": (
        {"schedule": {"windows": [{"name": "n", "cron": "TZ=UTC 22 * * *", "durationSeconds": 300}]}},
        "spec.schedule.windows[0].cron",
    ),
    "window-too-short": (
        {"schedule": {"windows": [{"name": "n", "cron": "0 22 * * *", "durationSeconds": 299}]}},
        "spec.schedule.windows[0].durationSeconds",
    ),
    "zone-of-no-name": ({"schedule": {"timeZone": "../etc"}}, "spec.schedule.timeZone"),
    "no-slot": ({"limits": {"maxInFlight": 0}}, "spec.limits.maxInFlight"),
    "maintenance-of-nothing": ({"maintenance": {"reason": "x"}}, "spec.maintenance.computeService"),
    "reasons-without-a-fallback": (
        {"fallback": {"method": "None", "onReasons": ["Stalled"]}},
        "onReasons is allowed only if method is Cold",
    ),
    "a-reason-that-means-nothing": ({"fallback": {"method": "Cold", "onReasons": ["Odd"]}}, "spec.fallback.onReasons"),
    "waves-of-an-aggregate": (
        {"targets": {"aggregate": "b"}, "waves": [{"name": "all", "hosts": ["a"]}]},
        "waves are possible only with targets.hosts",
    ),
    "a-host-in-no-wave": (
        {"targets": {"hosts": ["a", "b"]}, "waves": [{"name": "all", "hosts": ["a"]}]},
        "each of targets.hosts must be in exactly one wave",
    ),
    "a-host-in-two-waves": (
        {"targets": {"hosts": ["a"]}, "waves": [{"name": "one", "hosts": ["a"]}, {"name": "two", "hosts": ["a"]}]},
        "each of targets.hosts must be in exactly one wave",
    ),
    "a-wave-of-another-host": (
        {"targets": {"hosts": ["a"]}, "waves": [{"name": "all", "hosts": ["a", "b"]}]},
        "waves may have no other hosts",
    ),
    "a-wave-named-like-an-approval": (
        {"targets": {"hosts": ["a"]}, "waves": [{"name": "a/b", "hosts": ["a"]}]},
        "spec.waves[0].name",
    ),
    "no-waves": ({"waves": []}, "spec.waves"),
    "deadline-too-short": ({"deadlineSeconds": 59}, "spec.deadlineSeconds"),
    "a-policy-without-a-deadline": ({"onDeadline": "Abort"}, "onDeadline other than Alert needs deadlineSeconds"),
    "a-policy-of-a-migration": ({"deadlineSeconds": 60, "onDeadline": "Confirm"}, "spec.onDeadline"),
    "a-window-end-without-windows": (
        {"schedule": {"onWindowEnd": "Abort"}},
        "onWindowEnd other than Finish needs windows",
    ),
    "a-window-end-that-means-nothing": (
        {"schedule": {"windows": [WINDOW], "onWindowEnd": "Pause"}},
        "spec.schedule.onWindowEnd",
    ),
    "a-long-reason-of-a-window": (
        {"schedule": {"windows": [{**WINDOW, "reason": "x" * 101}]}},
        "spec.schedule.windows[0].reason",
    ),
    "a-destination-that-is-emptied": (
        {"targets": {"hosts": ["a", "b"]}, "template": {"placement": {"destinationHost": "b"}}},
        "template.placement.destinationHost may not be one of targets.hosts",
    ),
    "a-placement-of-nothing": ({"template": {"placement": {}}}, "spec.template.placement.destinationHost"),
    "deleting-records": ({"deletionPolicy": "DeleteRecord"}, "spec.deletionPolicy"),
    "long-reason": ({"maintenance": {"computeService": "Disable", "reason": "x" * 101}}, "spec.maintenance.reason"),
}
"""By what is wrong: a change of the spec, and words of the refusal."""

OTHER_TARGETS: dict[str, Any] = {
    "servers": [{"id": SERVER_ID}],
    "projectID": "77",
    "aggregate": "rack1",
    "availabilityZone": "az1",
}
"""Targets besides those of the full sample."""

DOUBLE: dict[str, dict[str, Any]] = {
    "rules": {"rules": [RULE, RULE]},
    "hosts": {"targets": {"hosts": ["a", "a"]}},
    "servers": {"targets": {"servers": [{"id": SERVER_ID}, {"id": SERVER_ID}]}},
    "waves": {"waves": [{"name": "a", "hosts": ["cmp1"]}, {"name": "a", "hosts": ["cmp2"]}]},
    "windows": {"schedule": {"windows": [WINDOW, WINDOW]}},
    "keys": {"selector": {"matchMetadata": [{"key": "a", "values": ["x"]}, {"key": "a", "values": ["y"]}]}},
}

FULL, MINIMAL = "full", "minimal"
SPECS = {FULL: full_plan_spec(), MINIMAL: plan_body()["spec"]}
FROZEN_CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "providerRef": (FULL, {"providerRef": {"name": "other"}}),
    "mode": (MINIMAL, {"mode": "Validate"}),
    "targets": (FULL, {"targets": {"hosts": ["cmp1"]}}),
    "selector": (FULL, {"selector": {"matchTags": ["other"]}}),
    "selector removed": (FULL, {"selector": None}),
    "selector added": (MINIMAL, {"selector": {"matchTags": ["other"]}}),
    "rules": (FULL, {"rules": [RULE]}),
    "rules removed": (FULL, {"rules": None}),
    "rules added": (MINIMAL, {"rules": [RULE]}),
    "fallback.method": (FULL, {"fallback": {"method": "None", "onReasons": None}}),
    "fallback.method removed": (FULL, {"fallback": None}),
    "fallback.method added": (MINIMAL, {"fallback": {"method": "Cold"}}),
    "waves": (FULL, {"waves": [{"name": "all", "hosts": ["cmp1", "cmp2"]}]}),
    "waves removed": (FULL, {"waves": None}),
    "waves added": (MINIMAL, {"waves": [{"name": "all", "hosts": ["cmp1"]}]}),
    "maintenance.disable": (FULL, {"maintenance": {"disable": "AllFirst"}}),
    "maintenance.computeService": (FULL, {"maintenance": {"computeService": "Leave"}}),
    "maintenance.computeService removed": (FULL, {"maintenance": None}),
    "maintenance.computeService added": (MINIMAL, {"maintenance": {"computeService": "Disable"}}),
}
OPEN_CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "suspend": (FULL, {"suspend": False}),
    "limits": (FULL, {"limits": {"maxInFlight": 3}}),
    "order": (FULL, {"order": "OldestFirst"}),
    "schedule": (FULL, {"schedule": {"notAfterTime": "2026-12-08T06:00:00Z"}}),
    "failureBudget": (FULL, {"failureBudget": {"maxFailures": 9}}),
    "exclude": (FULL, {"exclude": [{"projectID": "78", "reason": "later"}]}),
    "template": (FULL, {"template": {"deadlineSeconds": 60}}),
    "maintenance.reason": (FULL, {"maintenance": {"reason": "another"}}),
    "maintenance.onFinish": (FULL, {"maintenance": {"onFinish": "Enable"}}),
    "fallback.onReasons": (FULL, {"fallback": {"onReasons": ["Stalled"]}}),
    "onBlocked": (FULL, {"onBlocked": "Refuse"}),
    "deletionPolicy": (FULL, {"deletionPolicy": "Detach"}),
    "approval": (MINIMAL, {"approval": "Manual"}),
    "deadlineSeconds": (FULL, {"deadlineSeconds": 60}),
    "deadlineSeconds added": (MINIMAL, {"deadlineSeconds": 60, "onDeadline": "Abort"}),
    "onDeadline": (FULL, {"onDeadline": "Alert"}),
    "ttlSecondsAfterFinished": (MINIMAL, {"ttlSecondsAfterFinished": 0}),
}


def patch(cluster: Cluster, namespace: str, name: str, change: dict[str, Any], *, status: bool = False) -> str:
    """Merge a change into a plan and return what the API server said when it refused, else nothing."""
    subresource = ["--subresource=status"] if status else []
    words = ("patch", "osplan", name, "-n", namespace, "--type=merge", *subresource, "-p", json.dumps(change))
    return cluster.kubectl(*words, check=False).stderr


@pytest.fixture(scope="module")
def started(crds: Cluster, place: str) -> str:
    """A namespace with a plan for each of ``SPECS``, all of them started."""
    for name, spec in SPECS.items():
        assert create(crds, place, named(plan_body(spec=spec), name)) == ""
        assert patch(crds, place, name, {"status": {"startTime": TIME}}, status=True) == ""
    return place


@pytest.mark.parametrize("mistake", BAD)
def test_a_bad_plan_is_refused_with_the_reason_by_the_server_and_by_the_parser(
    crds: Cluster, place: str, mistake: str
) -> None:
    spec, words = BAD[mistake]

    assert_refused(crds, place, named(plan_body(spec=spec), mistake), words, parse_plan)


@pytest.mark.parametrize("what", DOUBLE)
def test_what_must_be_unique_is_refused_when_it_is_double(crds: Cluster, place: str, what: str) -> None:
    assert "Duplicate value" in create(crds, place, named(plan_body(spec=DOUBLE[what]), f"double-{what}"))


@pytest.mark.parametrize("change", FROZEN_CHANGES)
def test_after_the_start_a_frozen_field_of_a_plan_is_refused_by_name(crds: Cluster, started: str, change: str) -> None:
    name, spec = FROZEN_CHANGES[change]

    refusal = patch(crds, started, name, {"spec": spec})

    field = change.partition(" ")[0]
    assert f"spec.{field}: Forbidden: {field} may not be changed once the plan has started" in refusal


@pytest.mark.parametrize("change", OPEN_CHANGES)
def test_after_the_start_what_steers_the_plan_stays_open(crds: Cluster, started: str, change: str) -> None:
    name, spec = OPEN_CHANGES[change]

    assert patch(crds, started, name, {"spec": spec}) == ""


def test_every_field_of_a_plan_is_frozen_or_open_and_tried() -> None:
    fields = {
        field.path.removeprefix(".spec.").partition(".")[0].removesuffix("[]")
        for field in walk(load_schema("migrationplans"))
        if field.path.startswith(".spec.")
    }
    tried = {change.partition(" ")[0] for change in (*FROZEN_CHANGES, *OPEN_CHANGES)}

    assert {change.partition(" ")[0] for change in FROZEN_CHANGES} == set(PLAN_FROZEN)
    assert fields == {path.partition(".")[0] for path in tried}


def test_an_approval_is_not_dropped(crds: Cluster, place: str) -> None:
    assert create(crds, place, named(plan_body(spec={"approval": "Manual"}), "approved")) == ""

    assert "approval may be raised to Manual, but not dropped" in patch(
        crds, place, "approved", {"spec": {"approval": "None"}}
    )


def test_a_start_of_a_plan_is_not_taken_back(crds: Cluster, started: str) -> None:
    assert "startTime may not be changed or removed" in patch(
        crds, started, MINIMAL, {"status": {"startTime": None}}, status=True
    )


def test_a_full_plan_comes_back_from_the_server_and_the_parser_as_it_was(crds: Cluster, place: str) -> None:
    body = named(plan_body(spec=full_plan_spec()), "whole")
    assert create(crds, place, body) == ""
    assert patch(crds, place, "whole", {"status": full_plan_status()}, status=True) == ""

    taken = crds.get("osplan", "whole", "-n", place)

    plan = parse_plan(taken)
    assert to_wire(plan.spec) == full_plan_spec()
    assert to_wire(plan.status) == full_plan_status() == taken["status"]


def test_the_samples_have_every_field() -> None:
    samples = {*paths({"spec": full_plan_spec()}), *paths({"status": full_plan_status()})}
    known = {field.path for field in walk(load_schema("migrationplans")) if field.path.startswith((".spec", ".status"))}

    others = {f".spec.targets.{one}" for one in OTHER_TARGETS} | {
        ".spec.targets.servers[]",
        ".spec.targets.servers[].id",
    }
    assert known - samples - others == set()


@pytest.mark.parametrize("target", OTHER_TARGETS)
def test_any_other_target_comes_back_from_the_server_and_the_parser_as_it_was(
    crds: Cluster, place: str, target: str
) -> None:
    targets = {target: OTHER_TARGETS[target]}
    name = f"of-{target.lower()}"
    assert create(crds, place, named(plan_body(spec={"targets": targets}), name)) == ""

    taken = crds.get("osplan", name, "-n", place)

    assert to_wire(parse_plan(taken).spec.targets) == targets == taken["spec"]["targets"]


def test_a_thousand_servers_are_frozen_once_the_plan_has_started(crds: Cluster, place: str) -> None:
    servers = [{"id": f"{n:08x}{SERVER_ID[8:]}"} for n in range(1000)]
    assert create(crds, place, named(plan_body(spec={"targets": {"servers": servers}}), "thousand")) == ""
    assert patch(crds, place, "thousand", {"status": {"startTime": TIME}}, status=True) == ""

    assert patch(crds, place, "thousand", {"spec": {"suspend": True}}) == ""
    refusal = patch(crds, place, "thousand", {"spec": {"targets": {"servers": servers[1:]}}})

    assert "targets may not be changed once the plan has started" in refusal
