"""Objects as the API server sends them, with every field there is set."""

from __future__ import annotations

from typing import Any

SERVER_ID = "1b2c3d4e-0000-4000-8000-0123456789ab"
TIME = "2026-11-21T10:00:00Z"


def migration_body(*, spec: dict[str, Any] | None = None, status: object = None) -> dict[str, Any]:
    """A Migration as read from the API server; `spec` replaces members of a minimal one."""
    body: dict[str, Any] = {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Migration",
        "metadata": {"name": "db-07", "namespace": "team-a", "uid": "u-1", "resourceVersion": "42", "generation": 3},
        "spec": {"providerRef": {"name": "region-one"}, "type": "LiveMigration", "server": {"name": "db-07"}}
        | (spec or {}),
    }
    return body if status is None else body | {"status": status}


def provider_body(*, spec: dict[str, Any] | None = None, status: object = None) -> dict[str, Any]:
    """A Provider as read from the API server; `spec` replaces members of a minimal one."""
    reference = {"secretName": "clouds", "cloudName": "region-one"}
    body: dict[str, Any] = {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Provider",
        "metadata": {"name": "region-one", "namespace": "team-a", "uid": "u-2", "resourceVersion": "7"},
        "spec": {"type": "OpenStack", "openstack": {"cloudCredentialsRef": reference}} | (spec or {}),
    }
    return body if status is None else body | {"status": status}


def full_migration_spec() -> dict[str, Any]:
    """A spec with all that a user may write for a LiveMigration."""
    return {
        "providerRef": {"name": "region-one"},
        "type": "LiveMigration",
        "mode": "Execute",
        "server": {"id": SERVER_ID},
        "placement": {"sourceHost": "cmp1", "destinationHost": "cmp2"},
        "live": {
            "blockMigration": "Never",
            "convergence": {"progressTimeoutSeconds": 600, "onStall": "ForceComplete"},
        },
        "adopt": {"id": "4711"},
        "suspend": True,
        "deadlineSeconds": 7200,
        "onDeadline": "Abort",
        "retry": {"limit": 3, "backoffSeconds": 60, "maxBackoffSeconds": 900},
        "deletionPolicy": "Abort",
        "ttlSecondsAfterFinished": 86_400,
    }


def full_cold_spec() -> dict[str, Any]:
    """A spec with all that a user may write for a ColdMigration."""
    cold = {"confirm": "Automatic", "confirmDeadlineSeconds": 3600, "onConfirmDeadline": "Revert"}
    members = {key: value for key, value in full_migration_spec().items() if key != "live"}
    return members | {"type": "ColdMigration", "cold": cold}


def full_provider_spec() -> dict[str, Any]:
    """A spec with all that a user may write."""
    reference = {"secretName": "clouds", "cloudName": "region-one"}
    return {
        "type": "OpenStack",
        "openstack": {"cloudCredentialsRef": reference, "autoConfirmSeconds": 86_400},
        "limits": {
            "maxInFlight": 20,
            "maxInFlightPerSourceHost": 3,
            "maxInFlightPerDestinationHost": 4,
            "requestsPerSecond": 5,
        },
    }


def full_migration_status() -> dict[str, Any]:
    """A status with all that osmig may write; no run of osmig has all of it at once."""
    transfer = {"totalBytes": 4_294_967_296, "processedBytes": 3_000_000_000, "remainingBytes": 1_500_000_000}
    return {
        "conditions": [_condition("Succeeded", "Unknown", "Running"), _condition("Ready", "False", "Running")],
        "observedGeneration": 3,
        "phase": "Running",
        "attempt": 2,
        "startTime": TIME,
        "attemptStartTime": TIME,
        "queuedTime": "2026-11-21T09:59:00.123456Z",
        "deadlineTime": TIME,
        "pausedSeconds": 60,
        "completionTime": TIME,
        "server": {
            "id": SERVER_ID,
            "name": "db-07",
            "projectID": "p1",
            "status": "MIGRATING",
            "taskState": "migrating",
        },
        "placement": {"sourceHost": "cmp1", "destinationHost": "cmp2", "sourceHostID": "0011aabb"},
        "upstream": {
            "id": "0d0e0f00-0000-4000-8000-0123456789ab",
            "type": "live-migration",
            "status": "running",
            "requestID": "req-0a0b0c0d-0000-4000-8000-0123456789ab",
            "previousID": "41",
            "updatedTime": TIME,
        },
        "pendingCall": {
            "operation": "live-migrate",
            "attempt": 2,
            "holder": "8c1f2a",
            "time": "2026-11-21T10:00:00.123456Z",
            "sends": 1,
            "requestID": "req-0a0b0c0d-0000-4000-8000-0123456789ab",
            "answer": "Conflict",
            "mark": {"requestIDs": ["req-1", "req-2"], "previousID": "41", "host": "cmp1", "hostID": "0011aabb"},
        },
        "progress": {
            "percent": 65,
            "memory": transfer,
            "disk": transfer,
            "sampleTime": "2026-11-21T10:00:00.000000Z",
            "lowestRemainingBytes": 1_400_000_000,
            "lastProgressTime": TIME,
            "throughputBytesPerSecond": 100_000_000,
            "etaSeconds": 15,
            "trend": "Falling",
        },
        "controls": [
            {
                "verb": "force-complete",
                "token": "2/now",
                "attempt": 2,
                "result": "Accepted",
                "message": "The move is not running yet.",
                "time": TIME,
                "sentTime": TIME,
                "fieldManager": "kubectl-annotate",
            }
        ],
        "policyOrders": [{"policy": "onStall", "verb": "force-complete", "time": TIME, "sentTime": TIME}],
        "preflight": [
            {
                "check": "DestinationHost",
                "result": "Fail",
                "path": "spec.placement.destinationHost",
                "message": "The host is disabled.",
            }
        ],
        "confirm": {"startTime": TIME, "deadlineTime": TIME, "endTime": TIME, "decision": "confirm"},
        "attempts": [
            {
                "number": 1,
                "upstreamID": "0d0e0f00-0000-4000-8000-000000000001",
                "sourceHost": "cmp1",
                "destinationHost": "cmp3",
                "outcome": "Failed",
                "reason": "NoValidHost",
                "startTime": TIME,
                "endTime": TIME,
            }
        ],
        "failure": {
            "reason": "NoValidHost",
            "message": "No host can take the server.",
            "retryable": True,
            "nextRetryTime": TIME,
        },
    }


def full_provider_status() -> dict[str, Any]:
    """A status with all that osmig may write."""
    return {
        "conditions": [_condition("Ready", "True", "ProbeSucceeded")],
        "observedGeneration": 1,
        "endpoint": "https://nova.example.org/v2.1",
        "apiVersion": "2.104",
        "capabilities": ["Abort", "Hosts"],
        "upstream": {"scope": "Cloud", "running": 4, "queued": 1, "awaitingConfirmation": 2},
    }


def _condition(type_: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": "",
        "lastTransitionTime": TIME,
        "observedGeneration": 3,
    }
