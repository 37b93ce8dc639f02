"""MigrationPlans that every test may begin with."""

from __future__ import annotations

from typing import Any

from api_samples import SERVER_ID, TIME

TIED = {
    "serverID": SERVER_ID,
    "name": "db-1",
    "projectID": "77",
    "host": "cmp1",
    "status": "ACTIVE",
    "verdict": "Blocked",
    "reason": "AffinityGroup",
    "message": "group db",
}
"""A server that cannot be moved, as a status lists it."""

UID = "6f1d2c7b-0a3e-4d5f-8c9b-1a2e3d4f5a6b"


def plan_body(*, spec: dict[str, Any] | None = None, status: object = None, **metadata: object) -> dict[str, Any]:
    """Write a plan that empties cmp1, changed by ``spec``."""
    body: dict[str, Any] = {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "MigrationPlan",
        "metadata": {"name": "drain", "namespace": "moves", "uid": UID, "generation": 1, **metadata},
        "spec": {"providerRef": {"name": "region-one"}, "targets": {"hosts": ["cmp1"]}, **(spec or {})},
    }
    return body if status is None else {**body, "status": status}


def full_plan_spec() -> dict[str, Any]:
    """Write every field of a plan's spec."""
    return {
        "providerRef": {"name": "region-one"},
        "mode": "Execute",
        "suspend": True,
        "targets": {"hosts": ["cmp1", "cmp2"]},
        "selector": {
            "statuses": ["ACTIVE", "PAUSED"],
            "matchMetadata": [{"key": "tier", "values": ["web"]}],
            "matchTags": ["batch"],
        },
        "exclude": [{"serverID": SERVER_ID, "reason": "owner asked"}, {"projectID": "77", "reason": "own maintenance"}],
        "rules": [
            {"name": "big", "match": {"minMemoryMiB": 262144}, "behavior": "Skip"},
            {
                "name": "owners-choice",
                "match": {"metadata": {"key": "maintenance", "values": ["cold"]}},
                "behavior": "Move",
                "method": "Cold",
            },
            {"name": "wait", "match": {"statuses": ["PAUSED"]}, "behavior": "Hold"},
        ],
        "fallback": {"method": "Cold", "onReasons": ["PreCheckFailed", "DeadlineExceeded"]},
        "template": {
            "placement": {"destinationHost": "cmp9"},
            "live": {"blockMigration": "Auto", "convergence": {"progressTimeoutSeconds": 300, "onStall": "Alert"}},
            "cold": {"confirm": "Manual", "confirmDeadlineSeconds": 72000, "onConfirmDeadline": "Alert"},
            "deadlineSeconds": 14400,
            "onDeadline": "Alert",
            "retry": {"limit": 1, "backoffSeconds": 60, "maxBackoffSeconds": 600},
        },
        "order": "Name",
        "waves": [
            {"name": "canary", "hosts": ["cmp1"], "approval": "None", "delaySeconds": 0},
            {"name": "rest", "hosts": ["cmp2"], "approval": "Manual", "delaySeconds": 900},
        ],
        "limits": {
            "maxInFlight": 6,
            "maxInFlightPerSourceHost": 2,
            "maxInFlightPerDestinationHost": 4,
            "maxInFlightPerServerGroup": 1,
            "maxInFlightPerProject": 2,
        },
        "schedule": {
            "notBeforeTime": "2026-12-05T21:00:00Z",
            "notAfterTime": "2026-12-07T06:00:00Z",
            "timeZone": "Europe/Rome",
            "windows": [
                {
                    "name": "night",
                    "kind": "Allow",
                    "cron": "0 22 * * *",
                    "durationSeconds": 25200,
                    "reason": "agreed with the owners",
                }
            ],
            "onWindowEnd": "Abort",
        },
        "failureBudget": {"maxFailures": 3, "onExceeded": "Pause"},
        "onBlocked": "Continue",
        "approval": "Manual",
        "maintenance": {
            "computeService": "Disable",
            "disable": "PerWave",
            "reason": "CHG0031337 firmware",
            "onFinish": "Leave",
        },
        "deadlineSeconds": 43200,
        "onDeadline": "Pause",
        "deletionPolicy": "Abort",
        "ttlSecondsAfterFinished": 3600,
    }


def full_plan_status() -> dict[str, Any]:
    """Write every field of a plan's status."""
    return {
        "conditions": [
            {
                "type": "Succeeded",
                "status": "Unknown",
                "reason": "Running",
                "message": "",
                "lastTransitionTime": TIME,
                "observedGeneration": 1,
            }
        ],
        "observedGeneration": 1,
        "phase": "Running",
        "startTime": TIME,
        "completionTime": TIME,
        "estimatedCompletionTime": TIME,
        "preview": {
            "hash": "sha256:00",
            "sampleTime": TIME,
            "counts": {"move": 1, "cold": 1, "skip": 1, "hold": 1, "wait": 1, "blocked": 1, "memoryMiB": 2048},
            "freeMemoryMiB": 4096,
            "liveTimeoutSeconds": 1600,
            "notPlain": [dict(TIED)],
            "truncatedCount": 7,
        },
        "round": 2,
        "foundAtStart": 6,
        "counts": {
            "total": 6,
            "pending": 1,
            "queued": 1,
            "running": 1,
            "queuedUpstream": 1,
            "awaitingConfirmation": 1,
            "succeeded": 1,
            "failed": 1,
            "aborted": 1,
            "skipped": 1,
            "blocked": 1,
            "joined": 1,
        },
        "bytes": {"totalBytes": 4096, "processedBytes": 1024, "remainingBytes": 3072},
        "throughputBytesPerSecond": 512,
        "progressText": "2/6",
        "hostsText": "0/1",
        "hosts": [
            {
                "name": "cmp1",
                "serviceID": "0f",
                "before": {"state": "Enabled", "disabledReason": "x"},
                "orderTime": TIME,
                "disabledTime": TIME,
                "disabledBy": "Plan",
                "releasedTime": TIME,
                "remaining": 1,
                "softDeleted": 1,
                "unconfirmed": 1,
                "inbound": 1,
                "quietSweeps": 1,
                "drainedTime": TIME,
                "message": "1 server left",
            }
        ],
        "approvedHash": "sha256:00",
        "wave": {
            "name": "rest",
            "index": 2,
            "count": 2,
            "readyTime": TIME,
            "approvedTime": TIME,
            "startTime": TIME,
        },
        "window": {"state": "Closed", "name": "month-end (billing)", "nextChangeTime": TIME, "closedTime": TIME},
        "pausedTime": TIME,
        "heldTime": TIME,
        "pausedSeconds": 60,
        "deadlineTime": TIME,
        "forgivenFailures": 1,
        "skips": [SERVER_ID],
        "failures": [
            {
                "serverID": SERVER_ID,
                "name": "db-1",
                "migrationName": "drain-abcdefghij",
                "reason": "NoValidHost",
                "message": "none",
                "time": TIME,
            }
        ],
        "left": [dict(TIED)],
        "controls": [
            {
                "verb": "abort",
                "token": "1",
                "round": 1,
                "result": "Done",
                "message": "done",
                "time": TIME,
                "fieldManager": "kubectl-annotate",
            }
        ],
    }
