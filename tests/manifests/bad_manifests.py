"""What the API server refuses: one row per mistake, with the words in which the refusal names the field."""

from __future__ import annotations

from typing import Any, NamedTuple

from api_samples import SERVER_ID

MISTYPED_ID = "1b2c3d4e-0000-4000-8000-0123456789AB"
YEAR_AND_A_SECOND = 31_536_001


class Row(NamedTuple):
    """One mistake: members that replace those of a minimal good object, and what the refusal says."""

    change: dict[str, Any]
    words: str


def _cold(**options: object) -> dict[str, Any]:
    return {"type": "ColdMigration", "cold": options}


def _converging(**options: object) -> dict[str, Any]:
    return {"live": {"convergence": options}}


def _limits(**limits: object) -> dict[str, Any]:
    return {"limits": limits}


def _discovery(**discovery: object) -> dict[str, Any]:
    return {"discovery": discovery}


def _filters(**filters: object) -> dict[str, Any]:
    return _discovery(filters=filters)


def _credentials(**reference: object) -> dict[str, Any]:
    return {"openstack": {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "region-one"} | reference}}


def _of_openstack(**options: object) -> dict[str, Any]:
    reference = {"secretName": "clouds", "cloudName": "region-one"}
    return {"openstack": {"cloudCredentialsRef": reference} | options}


EXACTLY_ONE = "spec.server: Invalid value: exactly one of id and name must be set"
UNKNOWN = "strict decoding error: unknown field"

MIGRATIONS = {
    # demanded
    "no-provider": Row({"providerRef": None}, "spec.providerRef: Required value"),
    "no-provider-name": Row({"providerRef": {}}, "spec.providerRef.name: Required value"),
    "no-type": Row({"type": None}, "spec.type: Required value"),
    "no-server": Row({"server": None}, "spec.server: Required value"),
    "no-adopted-id": Row({"adopt": {}}, "spec.adopt.id: Required value"),
    # one of two
    "neither-id-nor-name": Row({"server": {}}, EXACTLY_ONE),
    "both-id-and-name": Row({"server": {"id": SERVER_ID, "name": "x"}}, EXACTLY_ONE),
    # types
    "provider-is-text": Row({"providerRef": "region-one"}, "spec.providerRef in body must be of type object"),
    "provider-name-is-a-number": Row({"providerRef": {"name": 7}}, "spec.providerRef.name in body must be of type str"),
    "type-is-a-list": Row({"type": ["LiveMigration"]}, "spec.type in body must be of type string"),
    "mode-is-a-boolean": Row({"mode": True}, "spec.mode in body must be of type string"),
    "server-is-text": Row({"server": "db-07"}, "spec.server in body must be of type object"),
    "server-id-is-a-number": Row({"server": {"id": 41}}, "spec.server.id in body must be of type string"),
    "server-name-is-a-number": Row({"server": {"name": 7}}, "spec.server.name in body must be of type string"),
    "placement-is-text": Row({"placement": "cmp2"}, "spec.placement in body must be of type object"),
    "source-is-a-list": Row(
        {"placement": {"sourceHost": ["cmp1"]}}, "spec.placement.sourceHost in body must be of type string"
    ),
    "destination-is-a-number": Row(
        {"placement": {"destinationHost": 7}}, "spec.placement.destinationHost in body must be of type string"
    ),
    "live-is-a-boolean": Row({"live": True}, "spec.live in body must be of type object"),
    "block-migration-is-a-boolean": Row(
        {"live": {"blockMigration": True}}, "spec.live.blockMigration in body must be of type string"
    ),
    "convergence-is-a-number": Row(
        {"live": {"convergence": 300}}, "spec.live.convergence in body must be of type object"
    ),
    "progress-timeout-is-text": Row(
        _converging(progressTimeoutSeconds="5m"), "convergence.progressTimeoutSeconds in body must be of type integer"
    ),
    "on-stall-is-an-object": Row(_converging(onStall={}), "spec.live.convergence.onStall in body must be of type str"),
    "cold-is-a-list": Row({"type": "ColdMigration", "cold": []}, "spec.cold in body must be of type object"),
    "confirm-is-a-boolean": Row(_cold(confirm=True), "spec.cold.confirm in body must be of type string"),
    "confirm-deadline-is-text": Row(
        _cold(confirmDeadlineSeconds="20h"), "spec.cold.confirmDeadlineSeconds in body must be of type integer"
    ),
    "adopt-is-text": Row({"adopt": "4711"}, "spec.adopt in body must be of type object"),
    "adopted-id-is-a-number": Row({"adopt": {"id": 4711}}, "spec.adopt.id in body must be of type string"),
    "suspend-is-text": Row({"suspend": "true"}, "spec.suspend in body must be of type boolean"),
    "deadline-is-text": Row({"deadlineSeconds": "4h"}, "spec.deadlineSeconds in body must be of type integer"),
    "deadline-is-a-fraction": Row({"deadlineSeconds": 90.5}, 'spec.deadlineSeconds: Invalid value: "float64"'),
    "on-deadline-is-a-boolean": Row({"onDeadline": False}, "spec.onDeadline in body must be of type string"),
    "retry-is-a-number": Row({"retry": 3}, "spec.retry in body must be of type object"),
    "retry-limit-is-text": Row({"retry": {"limit": "3"}}, "spec.retry.limit in body must be of type integer"),
    "backoff-is-text": Row(
        {"retry": {"backoffSeconds": "30"}}, "spec.retry.backoffSeconds in body must be of type integer"
    ),
    "max-backoff-is-a-list": Row(
        {"retry": {"maxBackoffSeconds": [60]}}, "spec.retry.maxBackoffSeconds in body must be of type integer"
    ),
    "deletion-policy-is-a-boolean": Row({"deletionPolicy": True}, "spec.deletionPolicy in body must be of type string"),
    "ttl-is-text": Row(
        {"ttlSecondsAfterFinished": "1d"}, "spec.ttlSecondsAfterFinished in body must be of type integer"
    ),
    # words
    "type-of-another-world": Row({"type": "Evacuate"}, 'spec.type: Unsupported value: "Evacuate": supported values'),
    "mode-in-lower-case": Row({"mode": "validate"}, 'spec.mode: Unsupported value: "validate"'),
    "block-migration-in-lower-case": Row(
        {"live": {"blockMigration": "auto"}}, 'spec.live.blockMigration: Unsupported value: "auto"'
    ),
    "on-stall-is-a-verb": Row(
        _converging(onStall="force-complete"), 'spec.live.convergence.onStall: Unsupported value: "force-complete"'
    ),
    "confirm-by-nobody": Row(_cold(confirm="Never"), 'spec.cold.confirm: Unsupported value: "Never"'),
    "on-confirm-deadline-abort": Row(
        _cold(onConfirmDeadline="Abort"), 'spec.cold.onConfirmDeadline: Unsupported value: "Abort"'
    ),
    "on-deadline-force-complete": Row(
        {"onDeadline": "ForceComplete"}, 'spec.onDeadline: Unsupported value: "ForceComplete"'
    ),
    "deletion-policy-of-another-engine": Row(
        {"deletionPolicy": "DeleteRecord"},
        "DeleteRecord may only be set when type is TenantReplication or MailboxMigration",
    ),
    "deletion-policy-orphan": Row({"deletionPolicy": "Orphan"}, 'spec.deletionPolicy: Unsupported value: "Orphan"'),
    # patterns and lengths
    "provider-name-in-upper-case": Row(
        {"providerRef": {"name": "Region-One"}}, "spec.providerRef.name in body should match"
    ),
    "provider-name-of-another-namespace": Row(
        {"providerRef": {"name": "other/region-one"}}, "spec.providerRef.name in body should match"
    ),
    "provider-name-too-long": Row({"providerRef": {"name": "r" * 254}}, "spec.providerRef.name: Too long"),
    "server-id-in-upper-case": Row({"server": {"id": MISTYPED_ID}}, "spec.server.id in body should match"),
    "server-id-without-dashes": Row(
        {"server": {"id": SERVER_ID.replace("-", "")}}, "spec.server.id in body should be at least 36 chars long"
    ),
    "server-id-is-no-uuid": Row({"server": {"id": "41"}}, "spec.server.id in body should be at least 36 chars long"),
    "server-id-with-a-newline": Row({"server": {"id": f"{SERVER_ID}\n"}}, "spec.server.id: Too long"),
    "server-name-empty": Row({"server": {"name": ""}}, "spec.server.name in body should be at least 1 chars long"),
    "server-name-too-long": Row({"server": {"name": "x" * 256}}, "spec.server.name: Too long"),
    "source-empty": Row(
        {"placement": {"sourceHost": ""}}, "spec.placement.sourceHost in body should be at least 1 chars long"
    ),
    "source-id-is-a-name": Row(
        {"placement": {"sourceHostID": "cmp1"}}, "spec.placement.sourceHostID in body should be at least 56 chars long"
    ),
    "source-id-in-capitals": Row(
        {"placement": {"sourceHostID": "A" * 56}}, "spec.placement.sourceHostID in body should match"
    ),
    "destination-empty": Row(
        {"placement": {"destinationHost": ""}}, "spec.placement.destinationHost in body should be at least 1 chars long"
    ),
    "destination-too-long": Row({"placement": {"destinationHost": "h" * 256}}, "spec.placement.destinationHost: Too l"),
    "adopted-id-is-a-name": Row({"adopt": {"id": "db-07"}}, "spec.adopt.id in body should match"),
    "adopted-id-is-zero": Row({"adopt": {"id": "0"}}, "spec.adopt.id in body should match"),
    "adopted-id-empty": Row({"adopt": {"id": ""}}, "spec.adopt.id in body should be at least 1 chars long"),
    "adopted-id-too-long": Row({"adopt": {"id": "9" * 37}}, "spec.adopt.id: Too long"),
    # bounds
    "deadline-too-short": Row(
        {"deadlineSeconds": 59}, "spec.deadlineSeconds in body should be greater than or equal to 60"
    ),
    "deadline-too-long": Row(
        {"deadlineSeconds": YEAR_AND_A_SECOND}, "spec.deadlineSeconds in body should be less than or equal to 31536000"
    ),
    "progress-timeout-too-short": Row(
        _converging(progressTimeoutSeconds=29), "progressTimeoutSeconds in body should be greater than or equal to 30"
    ),
    "confirm-deadline-too-short": Row(
        _cold(confirmDeadlineSeconds=59), "confirmDeadlineSeconds in body should be greater than or equal to 60"
    ),
    "confirm-deadline-too-long": Row(
        _cold(confirmDeadlineSeconds=YEAR_AND_A_SECOND), "spec.cold.confirmDeadlineSeconds in body should be less than"
    ),
    "retry-limit-negative": Row(
        {"retry": {"limit": -1}}, "spec.retry.limit in body should be greater than or equal to 0"
    ),
    "retry-limit-too-large": Row(
        {"retry": {"limit": 21}}, "spec.retry.limit in body should be less than or equal to 20"
    ),
    "backoff-zero": Row(
        {"retry": {"backoffSeconds": 0}}, "spec.retry.backoffSeconds in body should be greater than or equal to 1"
    ),
    "max-backoff-zero": Row(
        {"retry": {"maxBackoffSeconds": 0}}, "spec.retry.maxBackoffSeconds in body should be greater than or equal to 1"
    ),
    "backoff-beyond-its-bound": Row(
        {"retry": {"backoffSeconds": 61, "maxBackoffSeconds": 60}},
        "spec.retry.backoffSeconds: Invalid value: backoffSeconds may not exceed maxBackoffSeconds",
    ),
    "default-backoff-beyond-its-bound": Row(
        {"retry": {"maxBackoffSeconds": 10}},
        "spec.retry.backoffSeconds: Invalid value: backoffSeconds may not exceed maxBackoffSeconds",
    ),
    "ttl-negative": Row(
        {"ttlSecondsAfterFinished": -1}, "spec.ttlSecondsAfterFinished in body should be greater than or equal to 0"
    ),
    # what does not go together
    "cold-options-of-a-live-move": Row(
        {"cold": {}}, "spec.cold: Forbidden: may only be set when type is ColdMigration"
    ),
    "live-options-of-a-cold-move": Row(
        {"type": "ColdMigration", "live": {}}, "spec.live: Forbidden: may only be set when type is LiveMigration"
    ),
    "adopt-to-be-validated": Row(
        {"adopt": {"id": "4711"}, "mode": "Validate"},
        "spec.adopt: Forbidden: may not be set when mode is Validate",
    ),
    # keys that do not exist
    "unknown-key": Row({"sever": {}}, f'{UNKNOWN} "spec.sever"'),
    "unknown-key-in-providerRef": Row(
        {"providerRef": {"name": "x", "namespace": "y"}}, f'{UNKNOWN} "spec.providerRef.namespace"'
    ),
    "unknown-key-in-server": Row({"server": {"name": "x", "project": "y"}}, f'{UNKNOWN} "spec.server.project"'),
    "unknown-key-in-placement": Row({"placement": {"host": "cmp1"}}, f'{UNKNOWN} "spec.placement.host"'),
    "unknown-key-in-live": Row({"live": {"postCopy": True}}, f'{UNKNOWN} "spec.live.postCopy"'),
    "unknown-key-in-convergence": Row(_converging(onFlat="Abort"), f'{UNKNOWN} "spec.live.convergence.onFlat"'),
    "unknown-key-in-cold": Row(_cold(onDeadline="Alert"), f'{UNKNOWN} "spec.cold.onDeadline"'),
    "unknown-key-in-adopt": Row({"adopt": {"id": "1", "force": True}}, f'{UNKNOWN} "spec.adopt.force"'),
    "unknown-key-in-retry": Row({"retry": {"attempts": 2}}, f'{UNKNOWN} "spec.retry.attempts"'),
    "unknown-key-in-another-case": Row({"deadlineseconds": 60}, f'{UNKNOWN} "spec.deadlineseconds"'),
}
"""By what is wrong with it: a Migration's spec."""

PROVIDERS = {
    "no-type": Row({"type": None}, "spec.type: Required value"),
    "no-member": Row({"openstack": None}, "spec.openstack: Required value: openstack is required when type is OpenSt"),
    "no-reference": Row({"openstack": {}}, "spec.openstack.cloudCredentialsRef: Required value"),
    "no-secret-name": Row(_credentials(secretName=None), "cloudCredentialsRef.secretName: Required value"),
    "no-cloud-name": Row(_credentials(cloudName=None), "cloudCredentialsRef.cloudName: Required value"),
    "type-of-another-world": Row({"type": "VMware"}, 'spec.type: Unsupported value: "VMware"'),
    "type-is-a-number": Row({"type": 7}, "spec.type in body must be of type string"),
    "member-is-text": Row({"openstack": "clouds"}, "spec.openstack in body must be of type object"),
    "reference-is-text": Row(
        {"openstack": {"cloudCredentialsRef": "clouds"}}, "openstack.cloudCredentialsRef in body must be of type object"
    ),
    "secret-name-is-a-number": Row(_credentials(secretName=7), "secretName in body must be of type string"),
    "secret-name-is-a-path": Row(
        _credentials(secretName="../x"), "cloudCredentialsRef.secretName in body should match"
    ),
    "secret-name-in-upper-case": Row(_credentials(secretName="Clouds"), "secretName in body should match"),
    "secret-name-empty": Row(_credentials(secretName=""), "secretName in body should be at least 1 chars long"),
    "secret-name-too-long": Row(_credentials(secretName="s" * 254), "cloudCredentialsRef.secretName: Too long"),
    "cloud-name-empty": Row(_credentials(cloudName=""), "cloudName in body should be at least 1 chars long"),
    "cloud-name-too-long": Row(_credentials(cloudName="c" * 254), "cloudCredentialsRef.cloudName: Too long"),
    "cloud-name-is-a-boolean": Row(_credentials(cloudName=True), "cloudName in body must be of type string"),
    "auto-confirm-too-short": Row(
        _of_openstack(autoConfirmSeconds=59), "autoConfirmSeconds in body should be greater than or equal to 60"
    ),
    "auto-confirm-too-long": Row(
        _of_openstack(autoConfirmSeconds=YEAR_AND_A_SECOND), "autoConfirmSeconds in body should be less than or equal"
    ),
    "auto-confirm-is-text": Row(
        _of_openstack(autoConfirmSeconds="24h"), "autoConfirmSeconds in body must be of type i"
    ),
    "limits-is-a-number": Row({"limits": 10}, "spec.limits in body must be of type object"),
    "no-moves-at-all": Row(
        _limits(maxInFlight=0), "spec.limits.maxInFlight in body should be greater than or equal to 1"
    ),
    "too-many-moves": Row(
        _limits(maxInFlight=10_001), "spec.limits.maxInFlight in body should be less than or equal to 10000"
    ),
    "moves-as-text": Row(_limits(maxInFlight="10"), "spec.limits.maxInFlight in body must be of type integer"),
    "no-moves-from-a-host": Row(
        _limits(maxInFlightPerSourceHost=0), "maxInFlightPerSourceHost in body should be greater than or equal to 1"
    ),
    "too-many-moves-from-a-host": Row(
        _limits(maxInFlightPerSourceHost=1_001), "maxInFlightPerSourceHost in body should be less than or equal to 1000"
    ),
    "no-moves-to-a-host": Row(
        _limits(maxInFlightPerDestinationHost=0), "maxInFlightPerDestinationHost in body should be greater than or"
    ),
    "too-many-moves-to-a-host": Row(
        _limits(maxInFlightPerDestinationHost=1_001), "maxInFlightPerDestinationHost in body should be less than or"
    ),
    "no-requests": Row(
        _limits(requestsPerSecond=0), "spec.limits.requestsPerSecond in body should be greater than or equal to 1"
    ),
    "too-many-requests": Row(
        _limits(requestsPerSecond=1_001), "spec.limits.requestsPerSecond in body should be less than or equal to 1000"
    ),
    "a-fraction-of-a-request": Row(
        _limits(requestsPerSecond=0.5), 'spec.limits.requestsPerSecond: Invalid value: "float64"'
    ),
    "discovery-is-a-word": Row({"discovery": "Off"}, "spec.discovery in body must be of type object"),
    "unknown-discovery": Row(_discovery(mode="Watch"), 'spec.discovery.mode: Unsupported value: "Watch"'),
    "nothing-may-be-mirrored": Row(
        _discovery(maxMirrored=0), "spec.discovery.maxMirrored in body should be greater than or equal to 1"
    ),
    "too-much-is-mirrored": Row(
        _discovery(maxMirrored=2_001), "spec.discovery.maxMirrored in body should be less than or equal to 2000"
    ),
    "filters-are-a-list": Row(_discovery(filters=[]), "spec.discovery.filters in body must be of type object"),
    "host-filter-empty": Row(_filters(hosts=[""]), "filters.hosts[0] in body should be at least 1 chars long"),
    "host-filter-twice": Row(_filters(hosts=["cmp1", "cmp1"]), 'filters.hosts[1]: Duplicate value: "cmp1"'),
    "too-many-host-filters": Row(
        _filters(hosts=[f"cmp{number}" for number in range(65)]), "spec.discovery.filters.hosts: Too many"
    ),
    "project-filter-is-a-path": Row(_filters(projectIDs=["../x"]), "filters.projectIDs[0] in body should match"),
    "type-filter-in-upper-case": Row(_filters(types=["Live"]), "filters.types[0] in body should match"),
    "unknown-key-in-filters": Row(_filters(users=["me"]), f'{UNKNOWN} "spec.discovery.filters.users"'),
    "unknown-key": Row({"quota": 1}, f'{UNKNOWN} "spec.quota"'),
    "unknown-key-in-openstack": Row(_of_openstack(region="RegionOne"), f'{UNKNOWN} "spec.openstack.region"'),
    "unknown-key-in-reference": Row(
        _credentials(namespace="other"), f'{UNKNOWN} "spec.openstack.cloudCredentialsRef.namespace"'
    ),
    "unknown-key-in-limits": Row(_limits(maxInflight=1), f'{UNKNOWN} "spec.limits.maxInflight"'),
}
"""By what is wrong with it: a Provider's spec."""
