"""The name of a replica: the same manifest gives the same one on any cluster, and any other manifest another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from osmig.api.mappings import Mappings
from osmig.drivers.tenants.policy import replica_name
from replication_samples import OFFERING, PLAN, SOURCE, metadata, observe, spec

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE_A, TYPE_B = "57e26c4f-2941-4e8f-9d6d-a35110ca7b02", "c5a01095-2cbf-4272-a5cc-f57a7027c7a6"
NET_A, NET_B = "10000000-0000-4000-8000-000000000001", "10000000-0000-4000-8000-000000000002"
SUBNETS = [
    {"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"},
    {"sourceCIDR": "192.168.2.0/24", "destinationCIDR": "10.9.2.0/24"},
]
TYPES = [
    {"sourceType": TYPE_A, "destinationType": TYPE_B},
    {"sourceType": TYPE_B, "destinationType": TYPE_B},
]
FULL = {"volumeTypes": TYPES, "subnets": SUBNETS, "networks": [NET_A, NET_B], "skipConnectionExtnet": True}


def mapped(**fields: object) -> Mappings:
    return Mappings.model_validate(fields)


def base_of(tenant: Mapping[str, object] | None = None, mappings: Mappings | None = None, **changes: str) -> str:
    provider = {"providerRef": {"name": changes.pop("provider")}} if "provider" in changes else {}
    return replica_name.make_base(metadata(**changes), spec(tenant, **provider), mappings or Mappings())


@pytest.mark.parametrize(
    "other",
    [
        {"volumeTypes": TYPES[::-1], "subnets": SUBNETS[::-1], "networks": [NET_B, NET_A]},
        {"volumeTypes": [{key: text.replace("-", "") for key, text in pair.items()} for pair in TYPES]},
        {"networks": [NET_A.replace("-", ""), NET_B]},
        {"syncInstancePorts": False},
    ],
    ids=["order", "dashes of types", "dashes of networks", "a default spelled out"],
)
def test_mappings_that_mean_the_same_have_one_hash_and_one_name(other: dict[str, object]) -> None:
    one, two = mapped(**FULL), mapped(**{**FULL, **other})
    assert replica_name.digest(one) == replica_name.digest(two)
    assert base_of(mappings=one) == base_of(mappings=two)


@pytest.mark.parametrize(
    "other",
    [
        {"volumeTypes": TYPES[:1]},
        {"volumeTypes": [{"sourceType": TYPE_A, "destinationType": TYPE_A}, TYPES[1]]},
        {"subnets": SUBNETS[:1]},
        {"subnets": [SUBNETS[0], {**SUBNETS[1], "destinationCIDR": "10.9.3.0/24"}]},
        {"networks": [NET_A]},
        {"skipConnectionExtnet": False},
        {"subnets": [], "syncInstancePorts": True},
    ],
)
def test_mappings_that_mean_something_else_have_another_hash_and_another_name(other: dict[str, object]) -> None:
    one, two = mapped(**FULL), mapped(**{**FULL, **other})
    assert replica_name.digest(one) != replica_name.digest(two)
    assert base_of(mappings=one) != base_of(mappings=two)


def test_ports_alone_make_another_name() -> None:
    assert base_of(mappings=mapped(syncInstancePorts=True)) != base_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"namespace": "team-b"},
        {"name": "prod-2"},
        {"provider": "waldur-2"},
        {"tenant": {"sourceResource": OFFERING}},
        {"tenant": {"destinationOffering": PLAN}},
        {"tenant": {"destinationPlan": SOURCE}},
        {"tenant": {"namePrefix": "prod"}},
    ],
)
def test_every_part_of_what_is_ordered_makes_another_name(changes: dict[str, Any]) -> None:
    assert base_of(**changes) != base_of()


def test_neither_the_object_s_identity_nor_what_is_not_ordered_makes_another_name() -> None:
    anew = metadata(uid="u-2", resource_version="99", generation=7, annotations={"a": "b"}, labels={"c": "d"})
    wanted = spec({"cleanup": "DestinationOnAbort"}, deadlineSeconds=60, suspend=True, deletionPolicy="Abort")
    assert replica_name.make_base(anew, wanted, Mappings()) == base_of()


def test_the_spelling_of_ids_makes_no_other_name() -> None:
    plain = {"sourceResource": SOURCE, "destinationOffering": OFFERING, "destinationPlan": PLAN}
    assert base_of({key: text.replace("-", "") for key, text in plain.items()}) == base_of(plain)


def test_the_hash_of_a_name_is_fixed_for_all_times() -> None:
    # another version that makes other names would not find what this one ordered
    assert base_of() == "prod-df0544ff"
    assert replica_name.digest(Mappings()) == "675543459ca59ce1"


@pytest.mark.parametrize(
    "name",
    ["a", "db.prod", "a" * 253, ("very-long." * 26)[:253].rstrip("."), "x" * 46 + "-" + "y" * 10, "1.2"],
)
def test_a_name_is_short_enough_for_keystone_and_has_no_letter_that_is_not_of_a_label(name: str) -> None:
    made = replica_name.make_name(replica_name.make_base(metadata(name=name), spec(), Mappings()), 999)
    assert len(made) <= replica_name.LONGEST == 60
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", made)
    assert "--" not in made.removeprefix(name.replace(".", "-"))


def test_a_prefix_of_the_user_begins_the_name() -> None:
    assert base_of({"namePrefix": "p" * 40}).startswith("p" * 40 + "-")
    assert base_of({"namePrefix": "mine"}, name="prod").startswith("mine-")


def test_two_long_names_that_are_cut_alike_stay_apart() -> None:
    assert base_of(name="a" * 200 + "b") != base_of(name="a" * 200 + "c")


@pytest.mark.parametrize(
    ("name", "attempt"),
    [
        ("prod-1234abcd-1", 1),
        ("prod-1234abcd-12", 12),
        ("prod-1234abcd-999", 999),
        ("prod-1234abcd-1_xyz", 1),
        ("prod-1234abcd-2_a_b", 2),
        ("prod-1234abcd-0", None),
        ("prod-1234abcd-01", None),
        ("prod-1234abcd-1000", None),
        ("prod-1234abcd-1x", None),
        ("prod-1234abcd-1-1", None),
        ("prod-1234abcd", None),
        ("my-prod-1234abcd-1", None),
        ("prod-1234abcdx1", None),
        ("", None),
        (None, None),
    ],
)
def test_the_attempt_is_read_from_a_name_whatever_keystone_appended(name: str | None, attempt: int | None) -> None:
    assert replica_name.read_attempt(name, "prod-1234abcd") == attempt


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        ("b-1", True),
        ("b-1_xyz", True),
        ("b-1_", True),
        ("b-12", False),
        ("b-1-xyz", False),
        ("b-1x", False),
        ("", False),
        (None, False),
    ],
)
def test_a_replica_has_the_name_that_was_ordered_or_what_keystone_made_of_it(
    name: str | None,
    is_it: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert replica_name.has_name(name, "b-1") is is_it


def test_mappings_give_one_name_whether_they_are_written_inline_or_referred_to() -> None:
    inline = observe(tenant={"mappings": FULL}).migration
    referred = observe(tenant={"mappingRef": {"name": "dc1"}}).migration
    assert inline.spec.tenant is not None
    assert inline.spec.tenant.mappings is not None
    one = replica_name.make_base(inline.metadata, inline.spec, inline.spec.tenant.mappings)
    assert one == replica_name.make_base(referred.metadata, referred.spec, mapped(**FULL))
