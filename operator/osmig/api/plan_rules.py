"""The CEL rules of plans, by which the API server itself refuses what could never be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osmig.api.rules import Rule

EXACTLY_ONE_TARGET: Rule = {
    "rule": (
        "[has(self.hosts), has(self.servers), has(self.projectID), has(self.aggregate), has(self.availabilityZone)]"
        ".filter(x, x).size() == 1"
    ),
    "message": "exactly one of hosts, servers, projectID, aggregate and availabilityZone must be set",
}

MAINTENANCE_WANTS_HOSTS: Rule = {
    "rule": "!has(self.maintenance) || !(has(self.targets.servers) || has(self.targets.projectID))",
    "message": "maintenance is possible only with targets.hosts, targets.aggregate or targets.availabilityZone",
    "reason": "FieldValueForbidden",
    "fieldPath": ".maintenance",
}
"""Servers and projects have no hosts of their own that could be taken out of service."""

WAVES_WANT_HOSTS: Rule = {
    "rule": "!has(self.waves) || has(self.targets.hosts)",
    "message": "waves are possible only with targets.hosts",
    "reason": "FieldValueForbidden",
    "fieldPath": ".waves",
}
EACH_HOST_IN_ONE_WAVE: Rule = {
    "rule": (
        "!has(self.waves) || !has(self.targets.hosts) || ("
        "self.targets.hosts.all(host, self.waves.filter(wave, host in wave.hosts).size() == 1) && "
        "self.waves.all(wave, wave.hosts.all(host, host in self.targets.hosts)))"
    ),
    "message": "each of targets.hosts must be in exactly one wave, and waves may have no other hosts",
    "fieldPath": ".waves",
}
REASONS_ONLY_IF_COLD: Rule = {
    "rule": "!has(self.onReasons) || self.method == 'Cold'",
    "message": "onReasons is allowed only if method is Cold",
    "reason": "FieldValueForbidden",
    "fieldPath": ".onReasons",
}
EXACTLY_ONE_EXCLUDED: Rule = {
    "rule": "has(self.serverID) != has(self.projectID)",
    "message": "exactly one of serverID and projectID must be set",
}

METHOD_IFF_MOVE: Rule = {
    "rule": "(self.behavior == 'Move') == has(self.method)",
    "message": "method is required when behavior is Move, and forbidden otherwise",
    "fieldPath": ".method",
}

NOT_BEFORE_IS_EARLIER: Rule = {
    "rule": "!has(self.notBeforeTime) || !has(self.notAfterTime) || self.notBeforeTime < self.notAfterTime",
    "message": "notBeforeTime must be earlier than notAfterTime",
    "fieldPath": ".notBeforeTime",
}

WINDOW_END_WANTS_WINDOWS: Rule = {
    "rule": "self.onWindowEnd == 'Finish' || (has(self.windows) && self.windows.size() > 0)",
    "message": "onWindowEnd other than Finish needs windows",
    "fieldPath": ".onWindowEnd",
}

DESTINATION_IS_NOT_EMPTIED: Rule = {
    "rule": (
        "!has(self.template) || !has(self.template.placement) || !has(self.targets.hosts) || "
        "!(self.template.placement.destinationHost in self.targets.hosts)"
    ),
    "message": "template.placement.destinationHost may not be one of targets.hosts",
    "fieldPath": ".template.placement.destinationHost",
}

POLICY_WANTS_A_DEADLINE: Rule = {
    "rule": "self.onDeadline == 'Alert' || has(self.deadlineSeconds)",
    "message": "onDeadline other than Alert needs deadlineSeconds",
    "fieldPath": ".onDeadline",
}

VALIDATE_NEEDS_NO_APPROVAL: Rule = {
    "rule": "self.mode != 'Validate' || self.approval != 'Manual'",
    "message": "approval may not be Manual when mode is Validate: there is nothing to approve",
    "reason": "FieldValueForbidden",
    "fieldPath": ".approval",
}

APPROVAL_STAYS: Rule = {
    "rule": "oldSelf.approval != 'Manual' || self.approval == 'Manual'",
    "message": "approval may be raised to Manual, but not dropped; approve the plan, or make another one",
    "reason": "FieldValueForbidden",
    "fieldPath": ".approval",
}
"""Who may edit a plan need not be who may approve it."""
