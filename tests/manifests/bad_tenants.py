"""What the API server refuses of a replication: its mappings, inline or in an object, its options, its Provider."""

from __future__ import annotations

import json
from typing import Any

from api_samples import OFFERING_ID, SERVER_ID, SOURCE_ID, full_mappings, tenant_spec, waldur_spec
from manifests.bad_manifests import UNKNOWN, Row

DASHED = "57e26c4f-2941-4e8f-9d6d-a35110ca7b02"
UNDASHED = DASHED.replace("-", "")
OTHER = "c5a01095-2cbf-4272-a5cc-f57a7027c7a6"
A, B, C = "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"

NOT_PRIVATE = "must be a private IPv4 network of length 24 without host bits, such as 10.9.1.0/24"
BAD_CIDRS = {
    "host-bits": "10.0.1.5/24",
    "length-16": "10.0.0.0/16",
    "length-25": "10.0.1.0/25",
    "no-length": "10.0.1.0",
    "public": "8.8.8.0/24",
    "below-172-16": "172.15.1.0/24",
    "above-172-31": "172.32.1.0/24",
    "of-documentation": "192.0.2.0/24",
    "of-carriers": "100.64.1.0/24",
    "ipv6": "fd00::/24",
    "text": "anywhere",
    "octet-too-large": "10.256.1.0/24",
    "leading-zero": "10.01.1.0/24",
    "leading-blank": " 10.0.1.0/24",
    "newline": "10.0.1.0/24\n",
}
"""By what is wrong with it: networks that Waldur cannot map."""

GOOD_CIDRS = tuple(f"{start}.0/24" for start in ("10.0.0", "10.255.255", "172.16.0", "172.31.255", "192.168.255"))


def id_of(number: int) -> str:
    """Make up a UUID."""
    return f"57e26c4f-2941-4e8f-9d6d-{number:012x}"


def pair(source: object = A, destination: object = B) -> dict[str, Any]:
    """Write one subnet."""
    return {"sourceCIDR": source, "destinationCIDR": destination}


def types(source: object = DASHED, destination: object = OTHER) -> dict[str, Any]:
    """Write one volume type."""
    return {"sourceType": source, "destinationType": destination}


MAPPINGS = {
    # demanded
    "no-source-type": Row({"volumeTypes": [{"destinationType": OTHER}]}, "volumeTypes[0].sourceType: Required value"),
    "no-destination-type": Row({"volumeTypes": [{"sourceType": OTHER}]}, "volumeTypes[0].destinationType: Required"),
    "no-source-cidr": Row({"subnets": [{"destinationCIDR": A}]}, "subnets[0].sourceCIDR: Required value"),
    "no-destination-cidr": Row({"subnets": [{"sourceCIDR": A}]}, "subnets[0].destinationCIDR: Required value"),
    # types
    "volume-types-is-text": Row({"volumeTypes": DASHED}, "volumeTypes in body must be of type array"),
    "subnets-is-text": Row({"subnets": A}, "subnets in body must be of type array"),
    "subnet-is-text": Row({"subnets": [A]}, "subnets[0] in body must be of type object"),
    "networks-is-text": Row({"networks": DASHED}, "networks in body must be of type array"),
    "network-is-a-number": Row({"networks": [7]}, "networks[0] in body must be of type string"),
    "source-type-is-a-number": Row({"volumeTypes": [types(7)]}, "volumeTypes[0].sourceType in body must be of type s"),
    "source-cidr-is-a-list": Row({"subnets": [pair([A])]}, "subnets[0].sourceCIDR in body must be of type string"),
    "skip-is-text": Row({"skipConnectionExtnet": "yes"}, "skipConnectionExtnet in body must be of type boolean"),
    "ports-is-a-number": Row({"syncInstancePorts": 1}, "syncInstancePorts in body must be of type boolean"),
    # forms
    "source-type-is-a-name": Row({"volumeTypes": [types("ssd")]}, "volumeTypes[0].sourceType in body should be at le"),
    "source-type-in-upper-case": Row(
        {"volumeTypes": [types(DASHED.upper())]}, "volumeTypes[0].sourceType in body should match"
    ),
    "destination-type-is-no-uuid": Row(
        {"volumeTypes": [types(DASHED, "x" * 36)]}, "volumeTypes[0].destinationType in body should match"
    ),
    "destination-type-too-long": Row(
        {"volumeTypes": [types(DASHED, f"{OTHER}0")]}, "volumeTypes[0].destinationType: Too long"
    ),
    "network-is-no-uuid": Row({"networks": ["g" * 32]}, "networks[0] in body should match"),
    "network-is-a-name": Row({"networks": ["lan"]}, "networks[0] in body should be at least 32 chars long"),
    "network-in-upper-case": Row({"networks": [DASHED.upper()]}, "networks[0] in body should match"),
    "source-cidr-empty": Row({"subnets": [pair("")]}, "subnets[0].sourceCIDR in body should be at least 1 chars long"),
    "destination-cidr-empty": Row({"subnets": [pair(A, "")]}, "subnets[0].destinationCIDR in body should be at least"),
    "source-cidr-too-long": Row({"subnets": [pair("1" * 19)]}, "subnets[0].sourceCIDR: Too long"),
    **{
        f"source-cidr-{what}": Row(
            {"subnets": [pair(text, C)]}, f"subnets[0].sourceCIDR: Invalid value: {json.dumps(text)}: {NOT_PRIVATE}"
        )
        for what, text in BAD_CIDRS.items()
    },
    "destination-cidr-host-bits": Row(
        {"subnets": [pair(A, "10.0.1.5/24")]},
        f'subnets[0].destinationCIDR: Invalid value: "10.0.1.5/24": {NOT_PRIVATE}',
    ),
    "destination-cidr-public": Row(
        {"subnets": [pair(A, "8.8.8.0/24")]}, f'subnets[0].destinationCIDR: Invalid value: "8.8.8.0/24": {NOT_PRIVATE}'
    ),
    # each once
    "source-type-twice": Row({"volumeTypes": [types(), types(DASHED, SERVER_ID)]}, "volumeTypes[1]: Duplicate value"),
    "source-type-in-two-spellings": Row(
        {"volumeTypes": [types(DASHED), types(UNDASHED)]},
        "volumeTypes: Invalid value: each sourceType may be mapped only once, with dashes or without",
    ),
    "source-cidr-twice": Row(
        {"subnets": [pair(A, B), pair(A, C)]}, f'subnets[1]: Duplicate value: {{"sourceCIDR":"{A}"}}'
    ),
    "destination-cidr-twice": Row(
        {"subnets": [pair(A, C), pair(B, C)]}, "subnets: Invalid value: each destinationCIDR may be given only once"
    ),
    "network-twice": Row({"networks": [DASHED, DASHED]}, "networks[1]: Duplicate value"),
    "network-in-two-spellings": Row(
        {"networks": [OTHER, DASHED, UNDASHED]},
        "networks: Invalid value: each network may be named only once, with dashes or without",
    ),
    # too many
    "too-many-types": Row({"volumeTypes": [types(id_of(n)) for n in range(65)]}, "volumeTypes: Too many: 65"),
    "too-many-subnets": Row(
        {"subnets": [pair(f"10.0.{n}.0/24", f"10.1.{n}.0/24") for n in range(65)]}, "subnets: Too many: 65"
    ),
    "too-many-networks": Row({"networks": [id_of(n) for n in range(65)]}, "networks: Too many: 65"),
    # what does not go together
    "ports-with-subnets": Row(
        {"syncInstancePorts": True, "subnets": [pair()]},
        "syncInstancePorts: Forbidden: syncInstancePorts may not be set together with subnets",
    ),
    # keys that do not exist: Waldur would drop them without a word
    "unknown-key": Row({"securityGroups": []}, "securityGroups"),
    "unknown-key-in-type": Row({"volumeTypes": [types() | {"limit": 1}]}, "volumeTypes[0].limit"),
    "unknown-key-in-subnet": Row({"subnets": [pair() | {"gateway": "10.0.1.1"}]}, "subnets[0].gateway"),
    "waldurs-own-spelling": Row({"subnets": [{"src_cidr": A, "dst_cidr": B}]}, "subnets[0].dst_cidr"),
}
"""By what is wrong with them: mappings, and how the refusal goes on after the path of the mappings."""

GOOD_MAPPINGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "everything": full_mappings(),
    "undashed": {"volumeTypes": [types(UNDASHED, OTHER.replace("-", ""))], "networks": [UNDASHED]},
    "many-to-one": {"volumeTypes": [types(DASHED), types(SERVER_ID)]},
    "two-subnets-change-places": {"subnets": [pair(A, B), pair(B, A)]},
    "a-subnet-that-stays": {"subnets": [pair(A, A)]},
    "ports-without-subnets": {"syncInstancePorts": True, "subnets": [], "networks": [DASHED]},
    "edges-of-what-is-private": {"subnets": [pair(cidr, cidr) for cidr in GOOD_CIDRS]},
    "as-many-as-there-may-be": {
        "volumeTypes": [types(id_of(n)) for n in range(64)],
        "subnets": [pair(f"10.0.{n}.0/24", f"10.1.{n}.0/24") for n in range(64)],
        "networks": [id_of(n) for n in range(64)],
    },
}
"""By what it is about: mappings that are taken."""


def _of_replication(**members: object) -> dict[str, Any]:
    return tenant_spec() | members


MIGRATIONS = {
    # demanded
    "no-tenant": Row(_of_replication(tenant=None), "spec.tenant: Required value: tenant is required when type is Ten"),
    "no-source": Row(tenant_spec(sourceResource=None), "spec.tenant.sourceResource: Required value"),
    "no-offering": Row(tenant_spec(destinationOffering=None), "spec.tenant.destinationOffering: Required value"),
    "no-plan": Row(tenant_spec(destinationPlan=None), "spec.tenant.destinationPlan: Required value"),
    "no-name-of-mapping": Row(tenant_spec(mappingRef={}), "spec.tenant.mappingRef.name: Required value"),
    "no-server-of-a-live-move": Row({"server": None}, "spec.server: Required value: server is required when type is L"),
    "no-server-of-a-cold-move": Row(
        {"type": "ColdMigration", "server": None},
        "spec.server: Required value: server is required when type is LiveMigration or ColdMigration",
    ),
    # types
    "tenant-is-text": Row(_of_replication(tenant=SOURCE_ID), "spec.tenant in body must be of type object"),
    "source-is-a-number": Row(
        tenant_spec(sourceResource=7), "spec.tenant.sourceResource in body must be of type string"
    ),
    "mappings-is-a-list": Row(tenant_spec(mappings=[]), "spec.tenant.mappings in body must be of type object"),
    "mapping-ref-is-text": Row(tenant_spec(mappingRef="m"), "spec.tenant.mappingRef in body must be of type object"),
    # forms
    "source-in-upper-case": Row(
        tenant_spec(sourceResource=DASHED.upper()), "spec.tenant.sourceResource in body should ma"
    ),
    "source-is-a-name": Row(
        tenant_spec(sourceResource="prod"), "spec.tenant.sourceResource in body should be at least 32"
    ),
    "source-too-long": Row(tenant_spec(sourceResource=f"{DASHED}a"), "spec.tenant.sourceResource: Too long"),
    "offering-is-no-uuid": Row(
        tenant_spec(destinationOffering=OFFERING_ID.replace("4", "x")),
        "spec.tenant.destinationOffering in body should mat",
    ),
    "plan-with-a-newline": Row(
        tenant_spec(destinationPlan=f"{UNDASHED}\n"), "spec.tenant.destinationPlan in body should"
    ),
    "prefix-empty": Row(tenant_spec(namePrefix=""), "spec.tenant.namePrefix in body should be at least 1 chars long"),
    "prefix-too-long": Row(tenant_spec(namePrefix="p" * 41), "spec.tenant.namePrefix: Too long"),
    "prefix-with-an-underscore": Row(tenant_spec(namePrefix="a_b"), "spec.tenant.namePrefix in body should match"),
    "prefix-in-upper-case": Row(tenant_spec(namePrefix="Prod"), "spec.tenant.namePrefix in body should match"),
    "prefix-that-ends-with-a-dash": Row(tenant_spec(namePrefix="prod-"), "spec.tenant.namePrefix in body should match"),
    "mapping-of-another-namespace": Row(
        tenant_spec(mappingRef={"name": "other/m"}), "spec.tenant.mappingRef.name in body should match"
    ),
    "name-of-mapping-empty": Row(
        tenant_spec(mappingRef={"name": ""}), "spec.tenant.mappingRef.name in body should be at"
    ),
    "cleanup-of-the-source": Row(tenant_spec(cleanup="Source"), 'spec.tenant.cleanup: Unsupported value: "Source"'),
    "cleanup-is-a-boolean": Row(tenant_spec(cleanup=True), "spec.tenant.cleanup in body must be of type string"),
    # what does not go together
    "mappings-and-a-reference": Row(
        tenant_spec(mappings={}, mappingRef={"name": "m"}),
        "spec.tenant.mappingRef: Forbidden: at most one of mappings and mappingRef may be set",
    ),
    "tenant-of-a-live-move": Row(
        {"tenant": tenant_spec()["tenant"]},
        "spec.tenant: Forbidden: may only be set when type is TenantReplication",
    ),
    **{
        f"{member}-of-a-replication": Row(
            _of_replication(**{member: value}), f"spec.{member}: Forbidden: may only be set when type is {allowed}"
        )
        for member, value, allowed in (
            ("server", {"name": "db-07"}, "LiveMigration or ColdMigration"),
            ("placement", {"sourceHost": "cmp1"}, "LiveMigration or ColdMigration"),
            ("adopt", {"id": "4711"}, "LiveMigration or ColdMigration"),
            ("live", {}, "LiveMigration"),
            ("cold", {}, "ColdMigration"),
        )
    },
    # keys that do not exist
    "a-description": Row(tenant_spec(description="x"), f'{UNKNOWN} "spec.tenant.description"'),
    "unknown-key-in-reference": Row(
        tenant_spec(mappingRef={"name": "m", "namespace": "n"}), f'{UNKNOWN} "spec.tenant.mappingRef.namespace"'
    ),
}
"""By what is wrong with it: a Migration, as the replication of a tenant or beside one."""

GOOD_MIGRATIONS: dict[str, dict[str, Any]] = {
    "minimal": tenant_spec(),
    "with-a-reference": tenant_spec(mappingRef={"name": "dc1-to-dc2"}),
    "with-the-longest-prefix": tenant_spec(namePrefix="p" * 40),
    "validated": tenant_spec() | {"mode": "Validate"},
}
"""By what it is about: replications that are taken."""


def _waldur(**options: object) -> dict[str, Any]:
    spec = waldur_spec()
    return {"type": "Waldur", "waldur": spec["waldur"] | options}


def _token(**reference: object) -> dict[str, Any]:
    return _waldur(tokenRef={"secretName": "waldur"} | reference)


PROVIDERS = {
    "mirrors-of-replications": Row(
        _waldur() | {"discovery": {"mode": "Mirror"}},
        "spec.discovery.mode: Forbidden: may be Mirror only when type is OpenStack",
    ),
    "no-member": Row(_waldur() | {"waldur": None}, "spec.waldur: Required value: waldur is required when type is Wald"),
    "openstack-of-a-waldur": Row(
        {
            "type": "Waldur",
            **waldur_spec(),
            "openstack": {"cloudCredentialsRef": {"secretName": "c", "cloudName": "c"}},
        },
        "spec.openstack: Forbidden: may only be set when type is OpenStack",
    ),
    "waldur-of-an-openstack": Row(
        {"waldur": waldur_spec()["waldur"]}, "spec.waldur: Forbidden: may only be set when type is Waldur"
    ),
    "no-endpoint": Row(_waldur(endpoint=None), "spec.waldur.endpoint: Required value"),
    "no-token": Row(_waldur(tokenRef=None), "spec.waldur.tokenRef: Required value"),
    "no-secret": Row(_token(secretName=None), "spec.waldur.tokenRef.secretName: Required value"),
    "member-is-text": Row(_waldur() | {"waldur": "w"}, "spec.waldur in body must be of type object"),
    "endpoint-is-a-number": Row(_waldur(endpoint=7), "spec.waldur.endpoint in body must be of type string"),
    "endpoint-without-scheme": Row(_waldur(endpoint="waldur.example.org"), "spec.waldur.endpoint in body should match"),
    "endpoint-of-a-file": Row(_waldur(endpoint="file:///etc/shadow"), "spec.waldur.endpoint in body should match"),
    "endpoint-with-a-password": Row(_waldur(endpoint="https://a:b@example.org"), "spec.waldur.endpoint in body should"),
    "endpoint-with-a-query": Row(_waldur(endpoint="https://example.org/?a=b"), "spec.waldur.endpoint in body should m"),
    "endpoint-too-short": Row(_waldur(endpoint="http://"), "spec.waldur.endpoint in body should be at least 8 chars"),
    "endpoint-too-long": Row(_waldur(endpoint=f"https://{'w' * 2048}"), "spec.waldur.endpoint: Too long"),
    "endpoint-with-api": Row(
        _waldur(endpoint="https://waldur.example.org/api/"), "spec.waldur.endpoint: Invalid value:"
    ),
    "secret-in-upper-case": Row(_token(secretName="W"), "spec.waldur.tokenRef.secretName in body should match"),
    "secret-too-long": Row(_token(secretName="w" * 254), "spec.waldur.tokenRef.secretName: Too long"),
    "key-is-a-path": Row(_token(key="../token"), "spec.waldur.tokenRef.key in body should match"),
    "key-empty": Row(_token(key=""), "spec.waldur.tokenRef.key in body should be at least 1 chars long"),
    "key-too-long": Row(_token(key="k" * 254), "spec.waldur.tokenRef.key: Too long"),
    "token-itself": Row(
        _waldur() | {"waldur": waldur_spec()["waldur"] | {"token": "x"}}, f'{UNKNOWN} "spec.waldur.token"'
    ),
    "unknown-key-in-reference": Row(_token(namespace="n"), f'{UNKNOWN} "spec.waldur.tokenRef.namespace"'),
}
"""By what is wrong with it: a Provider of type Waldur."""
