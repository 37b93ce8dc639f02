"""The models on the wire: what is read strictly, what leniently, and that nothing is lost on the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest

from api_samples import (
    SERVER_ID,
    TIME,
    full_cold_spec,
    full_mapping_status,
    full_mappings,
    full_migration_spec,
    full_migration_status,
    full_provider_spec,
    full_provider_status,
    full_tenant_spec,
    mapping_body,
    migration_body,
    provider_body,
    referring_tenant_spec,
    tenant_spec,
    waldur_spec,
)
from osmig.api.mapping import MappingStatus, parse_mapping
from osmig.api.mappings import canonical_id
from osmig.api.meta import InvalidManifest, camel, to_wire
from osmig.api.migration import (
    BlockMigration,
    ColdOptions,
    Control,
    Convergence,
    Failure,
    MigrationStatus,
    Mode,
    PendingCall,
    Retry,
    UpstreamFacts,
    parse_migration,
)
from osmig.api.names import ControlResult, Phase, Verb
from osmig.api.provider import Limits, ProviderSpec, ProviderStatus, ProviderType, parse_provider
from osmig.api.tenant import Cleanup
from osmig.api.union import Member, check_members


class LaterType(StrEnum):
    """A type that a later version may have."""

    ELSEWHERE = "Elsewhere"


NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_full_migration_status_survives_the_round_trip() -> None:
    migration = parse_migration(migration_body(status=full_migration_status()))

    assert to_wire(migration.status) == full_migration_status()


def test_a_full_provider_status_survives_the_round_trip() -> None:
    provider = parse_provider(provider_body(status=full_provider_status()))

    assert to_wire(provider.status) == full_provider_status()


@pytest.mark.parametrize(
    "spec",
    [full_migration_spec(), full_cold_spec(), full_tenant_spec(), referring_tenant_spec()],
    ids=["live", "cold", "tenant", "referring"],
)
def test_a_full_migration_spec_survives_the_round_trip(spec: dict[str, Any]) -> None:
    assert to_wire(parse_migration(migration_body(spec=spec)).spec) == spec


@pytest.mark.parametrize("spec", [full_provider_spec(), waldur_spec()], ids=["openstack", "waldur"])
def test_a_full_provider_spec_survives_the_round_trip(spec: dict[str, Any]) -> None:
    assert to_wire(parse_provider(provider_body(spec=spec)).spec) == spec


def test_a_full_mapping_survives_the_round_trip() -> None:
    mapping = parse_mapping(mapping_body(spec=full_mappings(), status=full_mapping_status()))

    assert to_wire(mapping.spec) == full_mappings()
    assert to_wire(mapping.status) == full_mapping_status()


def test_a_mapping_with_an_unreadable_status_is_read_as_new() -> None:
    mapping = parse_mapping(mapping_body(status={"findings": "none"}))

    assert mapping.status == MappingStatus()
    assert not mapping.status_readable


def test_an_untouched_status_is_written_as_not_observed_and_nothing_else() -> None:
    assert to_wire(MigrationStatus()) == {"observedGeneration": -1}
    assert to_wire(ProviderStatus()) == {"observedGeneration": -1}


@pytest.mark.parametrize(
    ("python", "wire"),
    [
        ("project_id", "projectID"),
        ("request_ids", "requestIDs"),
        ("id", "id"),
        ("api_version", "apiVersion"),
        ("last_progress_time", "lastProgressTime"),
        ("upstream_id", "upstreamID"),
        ("source_cidr", "sourceCIDR"),
    ],
)
def test_names_on_the_wire_are_camel_case_with_upper_case_acronyms(python: str, wire: str) -> None:
    assert camel(python) == wire


def test_what_the_spec_leaves_out_is_answered_by_its_defaults() -> None:
    spec = parse_migration(migration_body()).spec

    assert (spec.source_host, spec.destination_host, spec.block_migration) == (None, None, BlockMigration.AUTO)
    assert (spec.convergence, spec.gate, spec.retries) == (Convergence(), ColdOptions(), Retry())
    assert spec.retries.limit == 0
    assert (spec.mode, spec.adopt, spec.suspend) == (Mode.EXECUTE, None, False)


def test_limits_that_a_provider_leaves_out_are_answered_by_their_defaults() -> None:
    spec = parse_provider(provider_body(spec={"limits": {"maxInFlight": 3}})).spec

    assert parse_provider(provider_body()).spec.effective_limits == Limits()
    assert spec.effective_limits == Limits(max_in_flight=3)
    assert spec.auto_confirm_s is None


def test_what_the_spec_says_is_answered_as_said() -> None:
    spec = parse_migration(migration_body(spec=full_migration_spec())).spec

    assert (spec.source_host, spec.destination_host, spec.block_migration) == ("cmp1", "cmp2", BlockMigration.NEVER)
    assert (spec.convergence.progress_timeout_seconds, spec.retries.limit) == (600, 3)
    assert parse_migration(migration_body(spec=full_cold_spec())).spec.gate.confirm_deadline_seconds == 3600


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


def test_metadata_is_read_with_all_that_verbs_need() -> None:
    body = migration_body()
    body["metadata"] |= {
        "annotations": {"osmig.dev/abort": "1"},
        "finalizers": ["osmig.dev/migration"],
        "deletionTimestamp": TIME,
        "selfLink": "something this version does not know",
    }

    metadata = parse_migration(body).metadata

    assert metadata.annotations == {"osmig.dev/abort": "1"}
    assert metadata.finalizers == ("osmig.dev/migration",)
    assert metadata.deletion_timestamp == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (metadata.resource_version, metadata.generation) == ("42", 3)


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": -1}])
def test_a_new_object_has_an_empty_readable_status(status: object) -> None:
    migration = parse_migration(migration_body(status=status))

    assert migration.status == MigrationStatus()
    assert migration.status_readable


def test_status_fields_of_a_newer_version_are_ignored() -> None:
    newer = full_migration_status()
    newer["forecast"] = {"etaSeconds": 7}
    newer["progress"]["jitterSeconds"] = 3

    migration = parse_migration(migration_body(status=newer))

    assert to_wire(migration.status) == full_migration_status()


@pytest.mark.parametrize(
    "garbage",
    [{"phase": "Teleporting"}, {"pendingCall": {"operation": 7}}, {"attempts": "none"}, {"progress": {"percent": 900}}],
)
def test_an_unreadable_status_keeps_only_the_fact_that_something_was_started(garbage: dict[str, Any]) -> None:
    migration = parse_migration(migration_body(status={"startTime": TIME, "attempt": 2, **garbage}))

    assert migration.status == MigrationStatus(start_time=datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert not migration.status_readable


@pytest.mark.parametrize("garbage", ["started", ["x"], 5, {"startTime": "yesterday"}, {"startTime": {}}])
def test_garbage_for_a_status_never_breaks_the_whole_object(garbage: object) -> None:
    migration = parse_migration(migration_body(status=garbage))

    assert migration.status == MigrationStatus()
    assert not migration.status_readable
    assert migration.spec.server_name == "db-07"


def test_a_provider_with_an_unreadable_status_is_read_as_new() -> None:
    provider = parse_provider(provider_body(status={"upstream": {"running": -4}}))

    assert provider.status == ProviderStatus()
    assert not provider.status_readable


def test_an_id_is_the_same_in_all_spellings() -> None:
    assert {canonical_id(text) for text in (SERVER_ID, SERVER_ID.upper(), SERVER_ID.replace("-", ""))} == {
        "1b2c3d4e0000400080000123456789ab"
    }


def test_a_replication_names_no_server_and_no_hosts() -> None:
    spec = parse_migration(migration_body(spec=tenant_spec())).spec

    assert (spec.server_id, spec.server_name, spec.source_host, spec.destination_host) == (None,) * 4
    assert spec.tenant is not None
    assert (spec.tenant.name_prefix, spec.tenant.mappings, spec.tenant.mapping_ref) == (None,) * 3
    assert spec.tenant.cleanup is Cleanup.NONE


def test_times_go_out_in_utc_and_whole_seconds() -> None:
    tallinn = timezone(timedelta(hours=2))

    wire = to_wire(MigrationStatus(start_time=NOON.astimezone(tallinn)))

    assert wire["startTime"] == "2026-11-21T12:00:00Z"


def test_a_status_built_here_equals_the_one_read_back() -> None:
    status = MigrationStatus(start_time=NOON, phase=Phase.STARTING)

    assert parse_migration(migration_body(status=to_wire(status))).status == status


def test_the_time_of_an_intent_keeps_its_microseconds() -> None:
    call = PendingCall(operation="live-migrate", attempt=1, holder="h", time=NOON.replace(microsecond=5), sends=1)

    wire = to_wire(MigrationStatus(pending_call=call))

    assert wire["pendingCall"]["time"] == "2026-11-21T12:00:00.000005Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        MigrationStatus(start_time=NOON.replace(tzinfo=None))


def test_texts_from_upstream_are_cut_to_what_the_api_server_takes() -> None:
    status = MigrationStatus(
        upstream=UpstreamFacts(status="x" * 900),
        failure=Failure(reason="MigrationError", message="y" * 5000),
    )

    wire = to_wire(status)

    assert wire["upstream"]["status"] == "x" * 64
    assert wire["failure"]["message"] == "y" * 1024


def test_a_provider_tells_which_secret_it_needs() -> None:
    assert parse_provider(provider_body()).spec.secret_name == "clouds"  # noqa: S105 - a name
    assert parse_provider(provider_body(spec=waldur_spec())).spec.secret_name == "waldur"  # noqa: S105 - a name


def test_an_empty_token_can_be_taken_down() -> None:
    control = Control(verb=Verb.ABORT, token="", attempt=1, result=ControlResult.REJECTED, time=NOON)

    assert to_wire(MigrationStatus(controls=(control,)))["controls"][0]["token"] == ""


def test_a_member_is_refused_for_a_type_that_has_no_use_for_it() -> None:
    spec = parse_provider(provider_body()).spec

    with pytest.raises(ValueError, match="openstack may only be set when type is Elsewhere"):
        check_members(spec, [Member("openstack", types=(LaterType.ELSEWHERE,))], ProviderType.OPENSTACK)


def test_a_member_is_not_demanded_by_other_types() -> None:
    spec = ProviderSpec.model_construct(type=ProviderType.OPENSTACK, openstack=None)

    check_members(spec, [Member("openstack", types=(LaterType.ELSEWHERE,), required=True)], ProviderType.OPENSTACK)
