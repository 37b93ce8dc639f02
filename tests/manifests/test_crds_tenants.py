"""Replications, their mappings and their Providers: the API server and osmig refuse the same and take the same."""

from __future__ import annotations

import secrets
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api_samples import full_provider_spec, mapping_body, migration_body, named, provider_body, tenant_spec, waldur_spec
from manifests.bad_tenants import (
    BAD_CIDRS,
    GOOD_CIDRS,
    GOOD_MAPPINGS,
    GOOD_MIGRATIONS,
    MAPPINGS,
    MIGRATIONS,
    NOT_PRIVATE,
    PROVIDERS,
)
from manifests.crd_files import load_schema, paths, walk
from manifests.kubectl_words import assert_refused, create, replace
from osmig.api.mapping import parse_mapping
from osmig.api.mappings import SubnetMapping
from osmig.api.meta import InvalidManifest
from osmig.api.migration import parse_migration
from osmig.api.provider import parse_provider

if TYPE_CHECKING:
    from lab.cluster import Cluster

LARGEST = 2**32 - 1


def inline(mappings: dict[str, Any]) -> dict[str, Any]:
    """Write a Migration that has these mappings inline."""
    return migration_body(spec=tenant_spec(mappings=mappings))


@pytest.mark.parametrize("mistake", MAPPINGS)
def test_bad_mappings_are_refused_in_an_object_and_inline(crds: Cluster, place: str, mistake: str) -> None:
    row = MAPPINGS[mistake]

    assert f"spec.{row.words}" in create(crds, place, named(mapping_body(spec=row.change), mistake))
    assert f"spec.tenant.mappings.{row.words}" in create(crds, place, named(inline(row.change), mistake))


@pytest.mark.parametrize("mistake", MAPPINGS)
def test_bad_mappings_are_not_followed_either(mistake: str) -> None:
    with pytest.raises(InvalidManifest, match=r"spec\b"):
        parse_mapping(mapping_body(spec=MAPPINGS[mistake].change))
    with pytest.raises(InvalidManifest, match=r"spec\.tenant\.mappings\b"):
        parse_migration(named(inline(MAPPINGS[mistake].change), mistake))


@pytest.mark.parametrize("case", GOOD_MAPPINGS)
def test_good_mappings_are_taken_in_an_object_and_inline(crds: Cluster, place: str, case: str) -> None:
    mappings = GOOD_MAPPINGS[case]

    assert create(crds, place, named(mapping_body(spec=mappings), case)) == ""
    assert create(crds, place, named(inline(mappings), case)) == ""
    shared = parse_mapping(crds.get("osmap", case, "-n", place))
    own = parse_migration(crds.get("osmig", case, "-n", place))
    assert own.spec.tenant is not None
    assert shared.spec == own.spec.tenant.mappings == parse_mapping(mapping_body(spec=mappings)).spec


@pytest.mark.parametrize("mistake", MIGRATIONS)
def test_a_bad_replication_is_refused_with_the_name_of_its_field(crds: Cluster, place: str, mistake: str) -> None:
    row = MIGRATIONS[mistake]

    assert_refused(crds, place, named(migration_body(spec=row.change), mistake), row.words, parse_migration)


@pytest.mark.parametrize("case", GOOD_MIGRATIONS)
def test_a_good_replication_is_taken(crds: Cluster, place: str, case: str) -> None:
    name = f"good-{case}"

    assert create(crds, place, named(migration_body(spec=GOOD_MIGRATIONS[case]), name)) == ""
    assert parse_migration(crds.get("osmig", name, "-n", place)).spec.tenant is not None


@pytest.mark.parametrize("mistake", PROVIDERS)
def test_a_bad_waldur_is_refused_with_the_name_of_its_field(crds: Cluster, place: str, mistake: str) -> None:
    row = PROVIDERS[mistake]

    assert_refused(crds, place, named(provider_body(spec=row.change), mistake), row.words, parse_provider)


@pytest.mark.parametrize(
    "endpoint", ["https://waldur.example.org", "http://10.0.0.7:8000", "https://example.org/waldur/", "https://[::1]"]
)
def test_a_waldur_may_be_at_any_url(crds: Cluster, place: str, endpoint: str) -> None:
    spec = waldur_spec()
    spec["waldur"]["endpoint"] = endpoint
    name = f"p-{secrets.token_hex(4)}"

    assert create(crds, place, named(provider_body(spec=spec), name)) == ""
    read = parse_provider(crds.get("osprov", name, "-n", place)).spec
    assert read.waldur is not None
    assert (read.waldur.endpoint, read.secret_name) == (endpoint, "waldur")


def test_a_provider_may_not_become_one_of_another_type(crds: Cluster, namespace: str) -> None:
    create(crds, namespace, provider_body())
    other = named(provider_body(spec=waldur_spec()), "region-one")
    same = named(provider_body(spec=full_provider_spec()), "region-one")

    refused = replace(crds, namespace, other)

    assert "spec.type: Forbidden: type may not be changed; make another Provider" in refused
    assert crds.get("osprov", "region-one", "-n", namespace)["spec"]["type"] == "OpenStack"
    assert replace(crds, namespace, same) == ""


def test_every_field_of_mappings_and_tenants_has_a_row() -> None:
    inside = {field.path for field in walk(load_schema("migrationmappings")["properties"]["spec"])}
    tenant = {
        field.path
        for field in walk(load_schema("migrations")["properties"]["spec"]["properties"]["tenant"])
        if not field.path.startswith(".mappings.")
    }

    assert inside - {path for row in MAPPINGS.values() for path in paths(row.change)} == set()
    assert tenant - {path for row in MIGRATIONS.values() for path in paths(row.change.get("tenant"))} == set()


@given(st.integers(0, LARGEST), st.integers(0, 32))
def test_a_network_is_taken_exactly_if_it_is_private_and_of_length_24(address: int, length: int) -> None:
    network = IPv4Network((address, length), strict=False)
    private = any(network.subnet_of(IPv4Network(block)) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

    assert _takes(str(network)) == (private and length == 24)


@given(st.sampled_from([10 << 24, (172 << 24) + (16 << 16), (192 << 24) + (168 << 16)]), st.integers(0, 2**24 - 1))
def test_a_network_of_length_24_is_taken_exactly_if_it_has_no_host_bits(block: int, rest: int) -> None:
    address = block + (rest & (0xFFFFFF if block >> 24 == 10 else 0xFFFF))

    assert _takes(f"{IPv4Network(address)[0]}/24") == (address & 0xFF == 0)


@pytest.mark.parametrize("cidr", [*BAD_CIDRS.values(), *GOOD_CIDRS])
def test_edges_of_what_is_private_are_told_alike_by_the_model(cidr: str) -> None:
    assert _takes(cidr) == (cidr in GOOD_CIDRS)


def _takes(cidr: str) -> bool:
    try:
        SubnetMapping.model_validate({"sourceCIDR": cidr, "destinationCIDR": "10.0.0.0/24"})
    except ValidationError as refused:
        assert NOT_PRIVATE in str(refused)  # noqa: PT017 - the other outcome is no error
        return False
    return True
