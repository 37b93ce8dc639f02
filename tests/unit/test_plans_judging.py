"""What is done with each server, row by row: everything of a server that Nova's lists show."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from osmig.api.plan import PlanSpec
from osmig.api.plan_names import Judgement, PlanReason
from osmig.domain.plans.destinations import list_destinations
from osmig.domain.plans.judging import Circumstances, index_excludes, judge
from osmig.domain.plans.sweeps import GroupRow, HostRow
from plan_samples import plan_body
from plan_world import server, server_id

if TYPE_CHECKING:
    from collections.abc import Mapping

COLD = {"rules": [{"name": "cold", "behavior": "Move", "method": "Cold"}]}
LIVE = {"rules": [{"name": "live", "behavior": "Move", "method": "Live"}]}
HOSTS = list_destinations((HostRow(name="cmp8", zone="az1"), HostRow(name="cmp9", zone="az1")))


def group(policy: str, *members: int, **changes: Any) -> GroupRow:  # noqa: ANN401 - any field
    """Make a server group."""
    return GroupRow(id="g", name="db", policy=policy, members=frozenset(map(server_id, members)), **changes)


class Row(NamedTuple):
    """One server, what the plan says, what is around, and the verdict."""

    server: dict[str, Any]
    verdict: Judgement
    reason: PlanReason = PlanReason.PLAIN
    spec: Mapping[str, Any] = MappingProxyType({})
    around: Mapping[str, Any] = MappingProxyType({})
    words: str = ""


M, C, S, H, W, B = Judgement.MOVE, Judgement.COLD, Judgement.SKIP, Judgement.HOLD, Judgement.WAIT, Judgement.BLOCKED
R = PlanReason
TABLE: dict[str, Row] = {
    "active": Row({}, M),
    "paused": Row({"status": "PAUSED"}, M),
    "off": Row({"status": "SHUTOFF"}, C, words="it is off"),
    "active, cold by rule": Row({}, C, spec=COLD, words="stopped for the copy"),
    "off, live by rule": Row({"status": "SHUTOFF"}, B, R.METHOD_NOT_POSSIBLE, spec=LIVE, words="SHUTOFF"),
    "paused, cold by rule": Row({"status": "PAUSED"}, B, R.METHOD_NOT_POSSIBLE, spec=COLD, words="PAUSED"),
    "suspended": Row({"status": "SUSPENDED"}, B, R.SERVER_STATE, words="SUSPENDED"),
    "rescued": Row({"status": "RESCUE"}, B, R.SERVER_STATE, words="RESCUE"),
    "shelved": Row({"status": "SHELVED"}, B, R.SERVER_STATE, words="SHELVED"),
    "unknown word": Row({"status": "UNKNOWN"}, B, R.SERVER_STATE),
    "error": Row({"status": "ERROR"}, B, R.SERVER_IN_ERROR, words="before the plan came"),
    "soft-deleted": Row({"status": "SOFT_DELETED"}, B, R.SOFT_DELETED),
    "soft-deleted by its flag": Row({"is_soft_deleted": True}, B, R.SOFT_DELETED),
    "awaits a confirmation": Row(
        {"status": "VERIFY_RESIZE"},
        B,
        R.AWAITS_CONFIRMATION,
        around={"awaited_record": "4711"},
        words="migration 4711 awaits a confirmation; project 77",
    ),
    "awaits one of an unknown migration": Row({"status": "VERIFY_RESIZE"}, B, R.AWAITS_CONFIRMATION, words="of it"),
    "being confirmed": Row({"status": "VERIFY_RESIZE", "task_state": "resize_confirming"}, W, R.BUSY),
    "building": Row({"status": "BUILD"}, W, R.BUILDING, words="BUILD"),
    "migrating": Row({"status": "MIGRATING", "task_state": "migrating"}, W, R.MIGRATING, words="migrating"),
    "resizing": Row({"status": "RESIZE"}, W, R.MIGRATING),
    "busy": Row({"task_state": "image_snapshot"}, W, R.BUSY, words="image_snapshot"),
    "locked, by an administrator": Row({"is_locked": True}, M),
    "locked, by others": Row({"is_locked": True}, B, R.LOCKED, around={"is_admin": False}),
    "of an affinity group": Row(
        {}, B, R.AFFINITY_GROUP, around={"groups": (group("affinity", 1, 2),)}, words="1 besides"
    ),
    "alone in an affinity group": Row({}, B, R.AFFINITY_GROUP, around={"groups": (group("affinity", 1),)}),
    "of a soft affinity group": Row({}, M, around={"groups": (group("soft-affinity", 1, 2),)}),
    "of somebody else's affinity group": Row({}, M, around={"groups": (group("affinity", 2, 3),)}),
    "of an anti-affinity group that fits": Row(
        {}, M, around={"groups": (group("anti-affinity", 1, 2),), "usable": HOSTS}
    ),
    "of an anti-affinity group too large": Row(
        {},
        B,
        R.ANTI_AFFINITY_GROUP_FULL,
        around={"groups": (group("anti-affinity", 1, 2, 3),), "usable": HOSTS},
        words="3 members that must be apart, and there are 2 places",
    ),
    "of one with two to a host": Row(
        {}, M, around={"groups": (group("anti-affinity", 1, 2, 3, max_server_per_host=2),), "usable": HOSTS}
    ),
    "of one, hosts unknown": Row({}, M, around={"groups": (group("anti-affinity", 1, 2, 3),)}),
    "its host is down": Row({}, W, R.HOST_DOWN, around={"is_host_up": False}),
    "broken on a host that is down": Row({"status": "ERROR"}, B, R.SERVER_IN_ERROR, around={"is_host_up": False}),
    "where it shall go is open": Row(
        {}, M, around={"destination": "cmp9", "usable": list_destinations((HostRow(name="cmp9", zone="az1"),))}
    ),
    "where it shall go is closed": Row(
        {},
        W,
        R.DESTINATION_NOT_USABLE,
        around={"destination": "cmp7", "usable": list_destinations(())},
        words="cannot go to cmp7",
    ),
    "where it shall go, hosts unknown": Row({}, M, around={"destination": "cmp7"}),
    "PCI": Row({"extra_specs": {"pci_passthrough:alias": "a:1"}}, M, R.DEVICE, words="pci_passthrough:alias"),
    "vGPU": Row({"extra_specs": {"resources:VGPU": "1"}}, M, R.DEVICE),
    "SEV": Row({"extra_specs": {"hw:mem_encryption": "true"}}, M, R.DEVICE),
    "Cyborg": Row({"extra_specs": {"accel:device_profile": "x"}, "status": "SHUTOFF"}, C, R.DEVICE),
    "pinned where there is a host": Row({"pinned_zone": "az1"}, M, around={"usable": HOSTS}),
    "pinned where there is none": Row({"pinned_zone": "az2"}, M, R.PINNED_ZONE, around={"usable": HOSTS}, words="az2"),
    "pinned, hosts unknown": Row({"pinned_zone": "az2"}, M),
    "excluded": Row(
        {"status": "ERROR"},
        S,
        R.EXCLUDED,
        spec={"exclude": [{"serverID": server_id(1), "reason": "owner"}]},
        words="owner",
    ),
    "project excluded": Row({}, S, R.EXCLUDED, spec={"exclude": [{"projectID": "77", "reason": "own"}]}),
    "another excluded": Row({}, M, spec={"exclude": [{"projectID": "78", "reason": "own"}]}),
    "skipped by verb": Row({}, S, R.SKIPPED, around={"skips": frozenset({server_id(1)})}),
    "status not selected": Row({}, S, R.NOT_SELECTED, spec={"selector": {"statuses": ["SHUTOFF"]}}),
    "tag not selected": Row({"tags": ("a",)}, S, R.NOT_SELECTED, spec={"selector": {"matchTags": ["a", "b"]}}),
    "metadata not selected": Row(
        {"metadata": {"tier": "db"}},
        S,
        R.NOT_SELECTED,
        spec={"selector": {"matchMetadata": [{"key": "tier", "values": ["web"]}]}},
    ),
    "selected": Row(
        {"metadata": {"tier": "web"}, "tags": ("a", "b")},
        M,
        spec={
            "selector": {
                "statuses": ["ACTIVE"],
                "matchTags": ["a"],
                "matchMetadata": [{"key": "tier", "values": ["web"]}],
            }
        },
    ),
    "skip by rule": Row({}, S, R.RULE, spec={"rules": [{"name": "no", "behavior": "Skip"}]}, words="by rule no"),
    "hold by rule": Row({}, H, R.RULE, spec={"rules": [{"name": "later", "behavior": "Hold"}]}, words="by rule later"),
    "big by rule": Row(
        {"memory_mib": 4096},
        S,
        R.RULE,
        spec={"rules": [{"name": "b", "match": {"minMemoryMiB": 4096}, "behavior": "Skip"}]},
    ),
    "not so big": Row(
        {"memory_mib": 4095}, M, spec={"rules": [{"name": "b", "match": {"minMemoryMiB": 4096}, "behavior": "Skip"}]}
    ),
    "by status": Row(
        {"status": "PAUSED"},
        S,
        R.RULE,
        spec={"rules": [{"name": "p", "match": {"statuses": ["PAUSED"]}, "behavior": "Skip"}]},
    ),
    "by its owner's word": Row(
        {"metadata": {"maintenance": "cold"}},
        C,
        spec={
            "rules": [
                {
                    "name": "o",
                    "match": {"metadata": {"key": "maintenance", "values": ["cold"]}},
                    "behavior": "Move",
                    "method": "Cold",
                }
            ]
        },
    ),
    "the first rule wins": Row(
        {},
        S,
        R.RULE,
        spec={"rules": [{"name": "one", "behavior": "Skip"}, {"name": "two", "behavior": "Hold"}]},
        words="one",
    ),
    "no rule matches": Row(
        {}, M, spec={"rules": [{"name": "off", "match": {"statuses": ["SHUTOFF"]}, "behavior": "Skip"}]}
    ),
}
"""By what the server is."""


@pytest.mark.parametrize("case", TABLE)
def test_a_server_is_judged_as_the_table_says(case: str) -> None:
    row = TABLE[case]
    spec = PlanSpec.model_validate(plan_body(spec=dict(row.spec))["spec"])

    verdict = judge(server(**row.server), spec, Circumstances(excluded=index_excludes(spec), **row.around))

    assert (verdict.judgement, verdict.reason) == (row.verdict, row.reason)
    assert row.words in verdict.message
    assert verdict.is_plain == (row.verdict is M and row.reason is R.PLAIN)
    assert verdict.message or verdict.is_plain
