"""The models on the wire: nothing is lost on the way back, and what is left out is answered by defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api_samples import (
    SERVER_ID,
    TIME,
    full_cold_spec,
    full_mailbox_spec,
    full_mapping_status,
    full_mappings,
    full_migration_spec,
    full_migration_status,
    full_provider_spec,
    full_provider_status,
    full_tenant_spec,
    hosting_spec,
    mapping_body,
    migration_body,
    provider_body,
    referring_tenant_spec,
    tenant_spec,
    waldur_spec,
)
from osmig.api.mapping import parse_mapping
from osmig.api.mappings import canonical_id
from osmig.api.meta import camel, to_wire
from osmig.api.migration import BlockMigration, ColdOptions, Convergence, Mode, Retry, parse_migration
from osmig.api.provider import Limits, parse_provider
from osmig.api.tenant import Cleanup


def test_a_full_migration_status_survives_the_round_trip() -> None:
    migration = parse_migration(migration_body(status=full_migration_status()))

    assert to_wire(migration.status) == full_migration_status()


def test_a_full_provider_status_survives_the_round_trip() -> None:
    provider = parse_provider(provider_body(status=full_provider_status()))

    assert to_wire(provider.status) == full_provider_status()


@pytest.mark.parametrize(
    "spec",
    [full_migration_spec(), full_cold_spec(), full_tenant_spec(), referring_tenant_spec(), full_mailbox_spec()],
    ids=["live", "cold", "tenant", "referring", "mailboxes"],
)
def test_a_full_migration_spec_survives_the_round_trip(spec: dict[str, Any]) -> None:
    assert to_wire(parse_migration(migration_body(spec=spec)).spec) == spec


@pytest.mark.parametrize(
    "spec", [full_provider_spec(), waldur_spec(), hosting_spec()], ids=["openstack", "waldur", "hosting"]
)
def test_a_full_provider_spec_survives_the_round_trip(spec: dict[str, Any]) -> None:
    assert to_wire(parse_provider(provider_body(spec=spec)).spec) == spec


def test_a_full_mapping_survives_the_round_trip() -> None:
    mapping = parse_mapping(mapping_body(spec=full_mappings(), status=full_mapping_status()))

    assert to_wire(mapping.spec) == full_mappings()
    assert to_wire(mapping.status) == full_mapping_status()


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
    assert (spec.convergence, spec.cold_options, spec.retries) == (Convergence(), ColdOptions(), Retry())
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
    assert parse_migration(migration_body(spec=full_cold_spec())).spec.cold_options.confirm_deadline_seconds == 3600


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


def test_a_provider_tells_which_secret_it_needs() -> None:
    assert parse_provider(provider_body()).spec.secret_name == "clouds"  # noqa: S105 - a name
    assert parse_provider(provider_body(spec=waldur_spec())).spec.secret_name == "waldur"  # noqa: S105 - a name
