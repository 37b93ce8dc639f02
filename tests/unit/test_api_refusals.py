"""What this version cannot follow is refused, by field and without any value."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from api_samples import (
    SERVER_ID,
    TIME,
    mailbox_spec,
    migration_body,
    provider_body,
    tenant_spec,
    waldur_spec,
)
from osmig.api.meta import InvalidManifest
from osmig.api.migration import parse_migration
from osmig.api.provider import ProviderSpec, ProviderType, parse_provider
from osmig.api.union import Member, check_members


class LaterType(StrEnum):
    """A type that a later version may have."""

    ELSEWHERE = "Elsewhere"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"server": {}}, "spec.server: exactly one of id and name must be set"),
        ({"server": {"id": SERVER_ID, "name": "x"}}, "spec.server: exactly one of id and name must be set"),
        ({"server": {"id": SERVER_ID.upper()}}, "spec.server.id: "),
        ({"server": {"id": SERVER_ID.replace("-", "")}}, "spec.server.id: "),
        ({"server": {"name": ""}}, "spec.server.name: "),
        ({"type": "Evacuate"}, "spec.type: "),
        ({"providerRef": {"name": "Region One"}}, "spec.providerRef.name: "),
        ({"providerRef": {}}, "spec.providerRef.name: "),
        ({"placement": {"sourceHost": ""}}, "spec.placement.sourceHost: "),
        ({"placement": {"sourcehost": "cmp1"}}, "spec.placement.sourcehost: "),
        ({"live": {"blockMigration": "Maybe"}}, "spec.live.blockMigration: "),
        ({"suspend": "later"}, "spec.suspend: "),
        ({"live": {"convergence": {"progressTimeoutSeconds": 29}}}, "spec.live.convergence.progressTimeoutSeconds: "),
        ({"cold": {}}, "spec: cold may only be set when type is ColdMigration"),
        ({"type": "ColdMigration", "live": {}}, "spec: live may only be set when type is LiveMigration"),
        ({"adopt": {"id": "1"}, "mode": "Validate"}, "spec: adopt may not be set when mode is Validate"),
        ({"retry": {"backoffSeconds": 601}}, "spec.retry: backoffSeconds may not exceed maxBackoffSeconds"),
        ({"deadlineSeconds": 59}, "spec.deadlineSeconds: "),
        ({"suspend": "true"}, "spec.suspend: "),
        ({"server": None}, "spec: server is required when type is LiveMigration or ColdMigration"),
        ({"tenant": tenant_spec()["tenant"]}, "spec: tenant may only be set when type is TenantReplication"),
        (tenant_spec() | {"server": {"name": "x"}}, "spec: server may only be set when type is LiveMigration or"),
        (tenant_spec() | {"adopt": {"id": "1"}}, "spec: adopt may only be set when type is LiveMigration or"),
        (tenant_spec(sourceResource="prod"), "spec.tenant.sourceResource: "),
        (tenant_spec(mappings={}, mappingRef={"name": "m"}), "spec.tenant: at most one of mappings and mappingRef"),
        (
            tenant_spec(mappings={"subnets": [{"sourceCIDR": "10.0.0.1/24", "destinationCIDR": "10.0.1.0/24"}]}),
            "spec.tenant.mappings.subnets[0].sourceCIDR: must be a private IPv4 network of length 24",
        ),
        (
            mailbox_spec(executeNow=False),
            "spec.mailboxes: exactly one of firstExecutionTime and executeNow must be set",
        ),
        (mailbox_spec(firstExecutionTime=TIME), "spec.mailboxes: exactly one of firstExecutionTime and executeNow"),
        (
            mailbox_spec(executeNow=False, firstExecutionTime=TIME, secondExecutionTime=TIME),
            "spec.mailboxes: secondExecutionTime must be after firstExecutionTime",
        ),
        (
            mailbox_spec(maxFailedMailboxes=1),
            "spec.mailboxes: maxFailedMailboxes may only be set when onErrors is Tolerate",
        ),
        (mailbox_spec(dateFilter={"preset": "Custom"}), "spec.mailboxes.dateFilter: fromDate must be set when preset"),
        (mailbox_spec(csvSecretRef={}), "spec.mailboxes.csvSecretRef.secretName: "),
        ({"type": "MailboxMigration", "server": None}, "spec: mailboxes is required when type is MailboxMigration"),
        (
            tenant_spec(mappings={"networks": [SERVER_ID, SERVER_ID.replace("-", "")]}),
            "spec.tenant.mappings: each network may be named only once, with dashes or without",
        ),
    ],
)
def test_a_migration_that_this_version_cannot_follow_is_refused_by_field(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidManifest) as refused:
        parse_migration(migration_body(spec=spec))

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"openstack": None}, "spec: openstack is required when type is OpenStack"),
        ({"type": "VMware"}, "spec.type: "),
        ({"type": "Waldur"}, "spec: waldur is required when type is Waldur"),
        (waldur_spec() | {"openstack": None, "waldur": None}, "spec: waldur is required when type is Waldur"),
        ({"waldur": waldur_spec()["waldur"]}, "spec: waldur may only be set when type is Waldur"),
        (
            {"type": "Waldur", "waldur": waldur_spec()["waldur"] | {"endpoint": "https://example.org/api"}},
            "spec.waldur.endpoint: must be given without /api",
        ),
        ({"openstack": {"cloudCredentialsRef": {"secretName": "clouds"}}}, "cloudCredentialsRef.cloudName: "),
        ({"openstack": {"cloudCredentialsRef": {"secretName": "C", "cloudName": "c"}}}, "Ref.secretName: "),
        ({"limits": {"maxInFlight": 0}}, "spec.limits.maxInFlight: "),
        ({"quota": {}}, "spec.quota: "),
    ],
)
def test_a_provider_that_this_version_cannot_follow_is_refused_by_field(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidManifest) as refused:
        parse_provider(provider_body(spec=spec))

    assert message in str(refused.value)


def test_a_refusal_names_every_mistake_and_no_value() -> None:
    spec = {"type": "hunter2", "server": {"name": ""}, "hunter3": "hunter4"}

    with pytest.raises(InvalidManifest) as refused:
        parse_migration(migration_body(spec=spec))

    assert all(path in str(refused.value) for path in ("spec.type", "spec.server.name", "spec.hunter3"))
    assert "hunter2" not in str(refused.value)
    assert "hunter4" not in str(refused.value)


@pytest.mark.parametrize("gone", ["name", "namespace", "uid"])
def test_an_object_without_identity_is_refused(gone: str) -> None:
    body = migration_body()
    del body["metadata"][gone]

    with pytest.raises(InvalidManifest, match=rf"metadata\.{gone}"):
        parse_migration(body)


def test_a_member_is_refused_for_a_type_that_has_no_use_for_it() -> None:
    spec = parse_provider(provider_body()).spec

    with pytest.raises(ValueError, match="openstack may only be set when type is Elsewhere"):
        check_members(spec, [Member("openstack", types=(LaterType.ELSEWHERE,))], ProviderType.OPENSTACK)


def test_a_member_is_not_demanded_by_other_types() -> None:
    spec = ProviderSpec.model_construct(type=ProviderType.OPENSTACK, openstack=None)

    check_members(spec, [Member("openstack", types=(LaterType.ELSEWHERE,), required=True)], ProviderType.OPENSTACK)
