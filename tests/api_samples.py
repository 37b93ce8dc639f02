"""Objects as the API server sends them, with every field there is set."""

from __future__ import annotations

from typing import Any

SERVER_ID = "1b2c3d4e-0000-4000-8000-0123456789ab"
SOURCE_ID = "b8444897d6e64277adb048b2cf09fca5"
OFFERING_ID = "433d309398ba4d92bf550acea7544378"
PLAN_ID = "6f1d2c7b-0a3e-4d5f-8c9b-1a2e3d4f5a6b"
TIME = "2026-11-21T10:00:00Z"


def migration_body(*, spec: dict[str, Any] | None = None, status: object = None) -> dict[str, Any]:
    """A Migration as read from the API server; `spec` replaces members of a minimal one, of its type."""
    is_of_servers = (spec or {}).get("type") not in ("TenantReplication", "MailboxMigration")
    moved = {} if not is_of_servers else {"server": {"name": "db-07"}}
    body: dict[str, Any] = {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Migration",
        "metadata": {"name": "db-07", "namespace": "team-a", "uid": "u-1", "resourceVersion": "42", "generation": 3},
        "spec": {"providerRef": {"name": "region-one"}, "type": "LiveMigration"} | moved | (spec or {}),
    }
    return body if status is None else body | {"status": status}


def provider_body(*, spec: dict[str, Any] | None = None, status: object = None) -> dict[str, Any]:
    """A Provider as read from the API server; `spec` replaces members of a minimal one, of its type."""
    reference = {"secretName": "clouds", "cloudName": "region-one"}
    is_other = (spec or {}).get("type") in ("Waldur", "Hosting")
    member = {} if is_other else {"openstack": {"cloudCredentialsRef": reference}}
    body: dict[str, Any] = {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Provider",
        "metadata": {"name": "region-one", "namespace": "team-a", "uid": "u-2", "resourceVersion": "7"},
        "spec": {"type": "OpenStack"} | member | (spec or {}),
    }
    return body if status is None else body | {"status": status}


def mapping_body(*, spec: dict[str, Any] | None = None, status: object = None) -> dict[str, Any]:
    """A MigrationMapping as read from the API server."""
    body: dict[str, Any] = {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "MigrationMapping",
        "metadata": {"name": "dc1-to-dc2", "namespace": "team-a", "uid": "u-3", "resourceVersion": "9"},
        "spec": spec or {},
    }
    return body if status is None else body | {"status": status}


def named(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Give an object another name."""
    return body | {"metadata": body["metadata"] | {"name": name}}


def tenant_spec(**tenant: object) -> dict[str, Any]:
    """Members that make a Migration a minimal TenantReplication; `tenant` replaces options of it."""
    required = {"sourceResource": SOURCE_ID, "destinationOffering": OFFERING_ID, "destinationPlan": PLAN_ID}
    return {"providerRef": {"name": "waldur"}, "type": "TenantReplication", "tenant": required | tenant}


def mailbox_spec(**mailboxes: object) -> dict[str, Any]:
    """Members that make a Migration a minimal MailboxMigration; `mailboxes` replaces options of it."""
    required = {"csvSecretRef": {"secretName": "wave-1"}, "preset": "Standard-SSL", "executeNow": True}
    return {"providerRef": {"name": "hosting"}, "type": "MailboxMigration", "mailboxes": required | mailboxes}


def full_mailbox_spec() -> dict[str, Any]:
    """A spec with all that a user may write for a MailboxMigration."""
    of_servers = ("server", "placement", "live", "adopt")
    members = {key: value for key, value in full_migration_spec().items() if key not in of_servers}
    mailboxes = {
        "csvSecretRef": {"secretName": "wave-1", "key": "list"},
        "executeNow": False,
        "firstExecutionTime": TIME,
        "secondExecutionTime": "2026-11-22T08:00:00Z",
        "dateFilter": {"preset": "Custom", "fromDate": "2026-01-01"},
        "customerCode": "C0001",
        "onErrors": "Tolerate",
        "maxFailedMailboxes": 3,
    }
    return members | mailbox_spec(**mailboxes)


def full_mappings() -> dict[str, Any]:
    """Mappings with all that go together."""
    return {
        "volumeTypes": [
            {
                "sourceType": "57e26c4f-2941-4e8f-9d6d-a35110ca7b02",
                "destinationType": "c5a01095-2cbf-4272-a5cc-f57a7027c7a6",
            }
        ],
        "subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"}],
        "networks": ["0b1d7d8e-4c1c-4a52-9a34-0f6f4f6d8a11"],
        "skipConnectionExtnet": True,
        "syncInstancePorts": False,
    }


def full_tenant_spec() -> dict[str, Any]:
    """A spec with all that a user may write for a TenantReplication with mappings of its own."""
    of_servers = ("server", "placement", "live", "adopt")
    members = {key: value for key, value in full_migration_spec().items() if key not in of_servers}
    tenant = {"namePrefix": "prod", "mappings": full_mappings(), "cleanup": "DestinationOnAbort"}
    return members | tenant_spec(**tenant)


def referring_tenant_spec() -> dict[str, Any]:
    """A spec with all that a user may write for a TenantReplication with the mappings of an object."""
    spec = full_tenant_spec()
    tenant = {key: value for key, value in spec["tenant"].items() if key != "mappings"}
    return spec | {"tenant": tenant | {"mappingRef": {"name": "dc1-to-dc2"}}}


def full_migration_spec() -> dict[str, Any]:
    """A spec with all that a user may write for a LiveMigration."""
    return {
        "providerRef": {"name": "region-one"},
        "type": "LiveMigration",
        "mode": "Execute",
        "server": {"id": SERVER_ID},
        "placement": {"sourceHost": "cmp1", "sourceHostID": "5e" * 28, "destinationHost": "cmp2"},
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
        "discovery": {
            "mode": "Mirror",
            "filters": {"hosts": ["cmp1"], "projectIDs": ["9d3c0a4e1b2f"], "types": ["live-migration"]},
            "maxMirrored": 50,
        },
    }


def waldur_spec() -> dict[str, Any]:
    """Members that make a Provider one of type Waldur, with all that a user may write."""
    reference = {"secretName": "waldur", "key": "api-token"}
    return {"type": "Waldur", "waldur": {"endpoint": "https://waldur.example.org", "tokenRef": reference}}


def hosting_spec() -> dict[str, Any]:
    """Members that make a Provider one of type Hosting, with all that a user may write."""
    hosting = {
        "endpoint": "https://api.example.org",
        "tokenRef": {"secretName": "hosting", "key": "api-token"},
        "customerCode": "C0001",
        "requestsPerSecond": 2,
        "maxJobs": 10,
    }
    return {"type": "Hosting", "hosting": hosting}


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
        "tenant": {
            "sourceResource": SOURCE_ID,
            "destinationResource": "a30676f802cc4fff8e81a6010c1b2a4d",
            "destinationName": "prod-1a2b3c4d-2",
            "destinationStatus": "Creating",
            "mappingHash": "0f1e2d3c4b5a6978",
            "scope": "Networks are replicated; servers and volumes are not.",
            "cleanupOrder": "5a6b7c8d9e0f4a1b8c2d3e4f5a6b7c8d",
            "cleanupDeadlineTime": TIME,
        },
        "mailboxes": {
            "csvHash": "bb5f87b14673616c9a6abb6112057f99",
            "rows": 2,
            "resources": 3,
            "execution": "first execution",
            "firstExecutionTime": TIME,
            "secondExecutionTime": TIME,
            "late": True,
            "failed": [{"row": 2, "error": "login refused"}],
            "fileName": "wave-1-180758fb0dfb-1.csv",
        },
        "upstream": {
            "id": "0d0e0f00-0000-4000-8000-0123456789ab",
            "type": "live-migration",
            "status": "running",
            "requestID": "req-0a0b0c0d-0000-4000-8000-0123456789ab",
            "previousID": "41",
            "userID": "737fd39e9ba64e3db2b0f8f531f0c15a",
            "endpoint": "https://nova.example.org/v2.1",
            "projectID": "p1",
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
            "waitedSeconds": 40,
            "mark": {
                "requestIDs": ["req-1", "req-2"],
                "previousID": "41",
                "host": "cmp1",
                "hostID": "0011aabb",
                "name": "prod-1a2b3c4d-2",
                "userID": "737fd39e9ba64e3db2b0f8f531f0c15a",
                "endpoint": "https://nova.example.org/v2.1",
                "projectID": "p1",
            },
        },
        "progress": {
            "percent": 65,
            "memory": transfer,
            "disk": transfer,
            "items": {"of": "networks and subnets of the replica", "total": 6, "done": 4, "failed": 1},
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
        "policyOrders": [
            {"policy": "onStall", "verb": "force-complete", "time": TIME, "sentTime": TIME, "givenUpTime": TIME}
        ],
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


def full_mapping_status() -> dict[str, Any]:
    """A status with all that osmig may write."""
    return {
        "conditions": [_condition("Ready", "True", "Linted")],
        "observedGeneration": 1,
        "hash": "0f1e2d3c4b5a6978",
        "findings": [
            {
                "check": "Subnets",
                "result": "Warn",
                "path": "spec.subnets[0].destinationCIDR",
                "message": "10.9.1.0/24 is the source of another pair, whose subnet leaves it",
            }
        ],
    }


def full_provider_status() -> dict[str, Any]:
    """A status with all that osmig may write."""
    return {
        "conditions": [_condition("Ready", "True", "ProbeSucceeded")],
        "observedGeneration": 1,
        "endpoint": "https://nova.example.org/v2.1",
        "apiVersion": "2.104",
        "capabilities": ["Abort", "Hosts"],
        "refusedLogin": {
            "attempts": 2,
            "time": "2026-11-21T10:00:00.000000Z",
            "secretVersion": "17",
            "reconcile": "now",
        },
        "upstream": {
            "scope": "Cloud",
            "running": 4,
            "queued": 1,
            "awaitingConfirmation": 2,
            "byType": [{"type": "live-migration", "count": 6}, {"type": "resize", "count": 1}],
            "mirrored": 5,
            "notMirrored": 2,
            "sampleTime": "2026-11-21T10:00:00.000000Z",
            "message": "the list is longer than what is read of it",
        },
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
