"""Mappings: where they come from, what is odd about them alone, and how their object shows it."""

from __future__ import annotations

import pytest

from domain_samples import NOW
from osmig.api.mappings import Mappings
from osmig.api.names import CheckResult
from osmig.domain.conditions import describe_mapping
from osmig.drivers.tenants.policy import jobs, linting
from replication_samples import MAPPED, NAME, OFFERING, PLAN, SOURCE, observe

TYPE = "57e26c4f-2941-4e8f-9d6d-a35110ca7b02"
OTHER = "c5a01095-2cbf-4272-a5cc-f57a7027c7a6"
TYPED = {"volumeTypes": [{"sourceType": TYPE, "destinationType": OTHER}]}


def pair(source: str, destination: str) -> dict[str, str]:
    return {"sourceCIDR": source, "destinationCIDR": destination}


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({}, ["spec"]),
        (TYPED, []),
        ({"skipConnectionExtnet": True}, ["spec.volumeTypes"]),
        ({"syncInstancePorts": True}, ["spec.volumeTypes"]),
        ({"networks": [OTHER]}, ["spec.volumeTypes"]),
        ({"subnets": [pair("10.1.1.0/24", "10.9.1.0/24")]}, ["spec.volumeTypes"]),
        (
            {**TYPED, "subnets": [pair("10.1.1.0/24", "10.9.1.0/24"), pair("10.1.2.0/24", "10.1.2.0/24")]},
            ["spec.subnets[1].destinationCIDR"],
        ),
        (
            {**TYPED, "subnets": [pair("10.1.1.0/24", "10.1.2.0/24"), pair("10.1.2.0/24", "10.1.1.0/24")]},
            ["spec.subnets[0].destinationCIDR", "spec.subnets[1].destinationCIDR"],
        ),
        (
            {"volumeTypes": [{"sourceType": TYPE, "destinationType": TYPE.replace("-", "")}]},
            ["spec.volumeTypes[0].destinationType"],
        ),
    ],
    ids=[
        "nothing is mapped",
        "nothing is odd",
        "no types beside the network left out",
        "no types beside ports",
        "no types beside networks",
        "no types beside subnets",
        "a subnet mapped to itself",
        "subnets that change places",
        "a type mapped to itself",
    ],
)
def test_what_is_odd_is_told_with_the_path_of_its_field(fields: dict[str, object], paths: list[str]) -> None:
    found = linting.lint(Mappings.model_validate(fields))
    assert [call_lookup.path for call_lookup in found] == paths
    assert {call_lookup.result for call_lookup in found} <= {CheckResult.WARN}
    assert all(call_lookup.message for call_lookup in found)


@pytest.mark.parametrize(
    ("problem", "told"), [("", {"Ready": "True"}), ("spec: odd", {"Ready": "False", "Stalled": "True"})]
)
def test_a_mapping_is_ready_unless_it_cannot_be_followed(problem: str, told: dict[str, str]) -> None:
    conditions = describe_mapping(problem=problem, before=(), generation=1, now=NOW)
    assert {condition.type: condition.status.value for condition in conditions} == told
    assert {condition.message for condition in conditions} == {problem}


def test_mappings_are_the_inline_ones_or_those_referred_to_or_none_at_all() -> None:
    inline = observe(tenant={"mappings": {"skipConnectionExtnet": True}}, referenced=MAPPED)
    assert jobs.find_mappings(inline) == Mappings(skip_connection_extnet=True)
    assert jobs.find_mappings(observe(referenced=MAPPED)) == Mappings()
    referring = {"mappingRef": {"name": "dc1"}}
    assert jobs.find_mappings(observe(tenant=referring, referenced=MAPPED)) == MAPPED
    assert jobs.find_mappings(observe(tenant=referring)) is None


def test_a_job_is_what_the_spec_says_under_the_name_it_is_given() -> None:
    job = jobs.resolve_job(observe(tenant={"mappingRef": {"name": "dc1"}}, referenced=MAPPED), name=NAME)
    assert (job.source_resource, job.destination_offering, job.destination_plan) == (SOURCE, OFFERING, PLAN)
    assert (job.name, job.mappings) == (NAME, MAPPED)


def test_the_job_of_a_mapping_that_is_missing_maps_nothing_and_has_no_name() -> None:
    job = jobs.resolve_job(observe(tenant={"mappingRef": {"name": "dc1"}}))
    assert (job.name, job.mappings) == ("", Mappings())
