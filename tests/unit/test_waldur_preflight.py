"""Each verdict before an order, from facts; that they are read rightly is shown against the double."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.waldurlab import catalogue
from osmig.backends.waldur.preflight import check
from osmig.backends.waldur.preflight_facts import Facts
from osmig.backends.waldur.wire import NamedRow, NetworkRow, OfferingRow, ResourceRow
from osmig.domain.replicas import RunView
from waldur_support import UNKNOWN, job_for, map_subnets, map_type


def network(uuid: str, *cidrs: str) -> NetworkRow:
    return NetworkRow.model_validate({"uuid": uuid, "name": "n", "subnets": [{"cidr": cidr} for cidr in cidrs]})


def kind(uuid: str, name: str) -> NamedRow:
    return NamedRow(uuid=uuid, name=name)


SOURCE = ResourceRow.model_validate(
    {
        "name": "prod-tenant",
        "state": "OK",
        "resource_type": "OpenStack.Tenant",
        "limits": {"cores": 20, "gigabytes_fast": 100, "gigabytes_unused": 0},
    }
)
GOOD = Facts(
    version="7.8.2",
    source=SOURCE,
    networks=(network(catalogue.NETWORK, "192.168.1.0/24"), network(catalogue.SECOND_NETWORK, "10.0.0.0/24")),
    source_types=(kind(catalogue.VOLUME_TYPE, "fast"),),
    offering=OfferingRow(name="offering-1", state="Active", type="OpenStack.Tenant"),
    plans=(NamedRow(uuid=catalogue.PLAN, name="plan-1"),),
    destination_types=(kind(catalogue.DESTINATION_VOLUME_TYPE, "ssd"),),
)
CHECKS = (
    *("Version", "SourceResource", "DestinationOffering", "DestinationPlan"),
    *("Networks", "Subnets", "VolumeTypes", "Limits", "ExistingRuns"),
)
HIDDEN = Facts(version="unknown")
FULL: dict[str, Any] = {
    "volumeTypes": map_type(catalogue.VOLUME_TYPE, catalogue.DESTINATION_VOLUME_TYPE),
    "subnets": map_subnets(("192.168.1.0/24", "10.9.1.0/24")),
    "networks": [catalogue.NETWORK],
}


def results(facts: Facts, mappings: object = None, **ids: str) -> dict[str, str]:
    """Return the worst result of each check."""
    order = ("Pass", "Skipped", "Warn", "Fail")
    found: dict[str, str] = {}
    for one in check(job_for(mappings=mappings, **ids), facts):
        found[one.check] = max(found.get(one.check, "Pass"), one.result, key=order.index)
    return found


def told(facts: Facts, name: str, mappings: object = None, **ids: str) -> list[tuple[str | None, str, str | None]]:
    """Return path, result and message of one check."""
    checks = check(job_for(mappings=mappings, **ids), facts)
    return [(one.path, str(one.result), one.message) for one in checks if one.check == name]


def test_a_replication_that_fits_passes_every_check() -> None:
    assert results(GOOD, FULL) == dict.fromkeys(CHECKS, "Pass")


def test_what_may_not_be_looked_at_is_skipped_and_never_passes() -> None:
    assert results(HIDDEN, FULL) == dict.fromkeys(CHECKS, "Skipped") | {"ExistingRuns": "Pass"}


@pytest.mark.parametrize(
    ("version", "result"),
    [
        ("7.6.3", "Fail"),
        ("6.11.9", "Fail"),
        ("v7.5.9", "Fail"),
        ("7.6.4", "Pass"),
        ("8.0.0-rc.1", "Pass"),
        ("0.0.0", "Pass"),
        ("develop+12ab", "Pass"),
        ("unknown", "Skipped"),
    ],
)
def test_a_server_that_is_certainly_too_old_is_found(version: str, result: str) -> None:
    assert results(replace(GOOD, version=version))["Version"] == result


@pytest.mark.parametrize(
    ("source", "result", "words"),
    [
        (SOURCE.model_copy(update={"limits": {}}), "Fail", "no limits"),
        (SOURCE.model_copy(update={"limits": None}), "Skipped", "may not see"),
        (SOURCE.model_copy(update={"resource_type": "OpenStack.Instance"}), "Fail", "it is of type OpenStack.Instance"),
        (SOURCE.model_copy(update={"resource_type": None}), "Pass", "prod-tenant"),
        (SOURCE.model_copy(update={"state": "Erred"}), "Warn", "Erred"),
    ],
)
def test_a_source_that_cannot_be_replicated_is_found(source: ResourceRow, result: str, words: str) -> None:
    [(path, got, message)] = told(replace(GOOD, source=source), "SourceResource")

    assert (path, got) == ("spec.tenant.sourceResource", result)
    assert words in (message or "")


def test_a_source_and_an_offering_that_do_not_exist_fail() -> None:
    facts = Facts(version="7.8.2", is_source_missing=True, is_offering_missing=True)

    for name in ("SourceResource", "DestinationOffering"):
        [(_, result, message)] = told(facts, name)
        assert (result, message) == ("Fail", "unknown or not visible to the service account")


@pytest.mark.parametrize(
    ("offering", "result"),
    [
        (OfferingRow(name="x", type="Marketplace.Booking", state="Active"), "Fail"),
        (OfferingRow(name="x", type="OpenStack.Tenant", state="Paused"), "Warn"),
        (OfferingRow(name="x"), "Pass"),
    ],
)
def test_an_offering_that_takes_no_replica_is_found(offering: OfferingRow, result: str) -> None:
    assert results(replace(GOOD, offering=offering))["DestinationOffering"] == result


def test_a_plan_of_another_offering_fails_and_those_that_there_are_are_named() -> None:
    assert told(GOOD, "DestinationPlan", plan=catalogue.FOREIGN_PLAN) == [
        (
            "spec.tenant.destinationPlan",
            "Fail",
            f"the offering has no such plan; it has {catalogue.PLAN} (plan-1)",
        )
    ]


def test_ids_are_compared_whether_written_with_dashes_or_without() -> None:
    dashed = "5ea6b111-4485-478d-aad4-872d1b790ce7"
    assert results(GOOD, plan=dashed)["DestinationPlan"] == "Pass"


def test_a_network_of_another_tenant_fails_with_its_number() -> None:
    mappings = {"networks": [catalogue.NETWORK, catalogue.FOREIGN_NETWORK]}

    [(path, result, message)] = told(GOOD, "Networks", mappings)

    assert (path, result) == ("spec.tenant.mappings.networks[1]", "Fail")
    assert catalogue.SECOND_NETWORK in (message or "")


def subnets(*pairs: tuple[str, str], networks: tuple[str, ...] = ()) -> dict[str, Any]:
    """Map subnets, in some networks."""
    return {"subnets": map_subnets(*pairs), "networks": list(networks)}


@pytest.mark.parametrize(
    ("mappings", "path", "result", "words"),
    [
        (
            subnets(("192.168.9.0/24", "10.9.1.0/24")),
            "[0].sourceCIDR",
            "Fail",
            "192.168.9.0/24 is no subnet there; the networks to be replicated have 192.168.1.0/24, 10.0.0.0/24",
        ),
        (
            subnets(("10.0.0.0/24", "10.9.1.0/24"), networks=(catalogue.NETWORK,)),
            "[0].sourceCIDR",
            "Fail",
            "10.0.0.0/24 is in a network that networks leaves out; the networks to be replicated have 192.168.1.0/24",
        ),
        (
            subnets(("192.168.1.0/24", "10.0.0.0/24")),
            "[0].destinationCIDR",
            "Fail",
            "a subnet that is not mapped keeps 10.0.0.0/24: map that, too, or take another",
        ),
    ],
)
def test_a_mapping_of_subnets_that_does_not_fit_is_found_with_what_there_is(
    mappings: object, path: str, result: str, words: str
) -> None:
    assert told(GOOD, "Subnets", mappings) == [(f"spec.tenant.mappings.subnets{path}", result, words)]


def test_subnets_may_swap_their_addresses() -> None:
    swapped = subnets(("192.168.1.0/24", "10.0.0.0/24"), ("10.0.0.0/24", "192.168.1.0/24"))

    assert results(GOOD, swapped)["Subnets"] == "Pass"


def test_a_clash_with_a_network_that_is_left_out_is_none() -> None:
    mappings = subnets(("192.168.1.0/24", "10.0.0.0/24"), networks=(catalogue.NETWORK,))

    assert results(GOOD, mappings)["Subnets"] == "Pass"


def test_an_overlap_with_a_greater_subnet_that_is_not_mapped_is_a_warning() -> None:
    facts = replace(GOOD, networks=(network(catalogue.NETWORK, "192.168.1.0/24", "10.9.0.0/16", "fd00::/64", "?"),))

    [(_, result, message)] = told(facts, "Subnets", subnets(("192.168.1.0/24", "10.9.1.0/24")))

    assert (result, message) == ("Warn", "10.9.1.0/24 overlaps with 10.9.0.0/16, which is not mapped")


def test_long_lists_are_cut() -> None:
    many = replace(GOOD, networks=(network(catalogue.NETWORK, *(f"10.0.{n}.0/24" for n in range(9))),))

    [(_, _, message)] = told(many, "Subnets", subnets(("192.168.9.0/24", "10.9.1.0/24")))

    assert (message or "").endswith("10.0.4.0/24 and 4 more")


def types(source: str, destination: str) -> dict[str, Any]:
    """Map one volume type."""
    return {"volumeTypes": map_type(source, destination)}


def test_volume_types_that_nobody_knows_fail_because_waldur_would_answer_500() -> None:
    assert told(GOOD, "VolumeTypes", types(UNKNOWN, UNKNOWN)) == [
        (
            "spec.tenant.mappings.volumeTypes[0].sourceType",
            "Fail",
            f"the source tenant has no such volume type; it has {catalogue.VOLUME_TYPE} (fast)",
        ),
        (
            "spec.tenant.mappings.volumeTypes[0].destinationType",
            "Fail",
            f"the destination offering has no such volume type; it has {catalogue.DESTINATION_VOLUME_TYPE} (ssd)",
        ),
    ]


def test_limits_that_would_be_dropped_are_a_warning_that_names_them() -> None:
    [(path, result, message)] = told(GOOD, "Limits")

    assert (path, result) == ("spec.tenant.mappings.volumeTypes", "Warn")
    assert message == "the replica does not get the limits gigabytes_fast; map these types to keep them"


def test_whether_limits_are_dropped_is_not_guessed_without_the_names_of_types() -> None:
    mappings = types(catalogue.VOLUME_TYPE, catalogue.DESTINATION_VOLUME_TYPE)

    assert results(replace(GOOD, source_types=None), mappings)["Limits"] == "Skipped"


def test_other_replications_to_the_same_offering_are_a_warning_with_their_number() -> None:
    here = RunView(id="1" * 32, offering_id=catalogue.OFFERING, replica_name="shop-1", status="OK")
    elsewhere = RunView(id="2" * 32, offering_id=catalogue.SOURCE_OFFERING)

    [(_, result, message)] = told(replace(GOOD, runs=(here, here, elsewhere)), "ExistingRuns")

    assert result == "Warn"
    assert message == "replications of the source to this offering that there are: 2; the newest is shop-1, in state OK"


def test_the_worst_mappings_leave_no_more_findings_than_a_status_may_hold() -> None:
    everywhere = [f"{number:032x}" for number in range(64)]
    pairs = [(f"192.168.{n}.0/24", f"10.9.{n}.0/24") for n in range(64)]
    mapped = [pair for one in everywhere for pair in map_type(one, one)]
    mappings = {**subnets(*pairs), "networks": everywhere, "volumeTypes": mapped}
    crowded = network(catalogue.NETWORK, *(f"10.9.{n}.0/24" for n in range(64)))

    checks = check(job_for(mappings=mappings), replace(GOOD, networks=(crowded,)))

    assert len(checks) <= 64
    assert checks[-1].check == "ExistingRuns"
    assert "50 more findings begin here" in {one.message for one in checks if one.check == "Networks"}


def test_no_name_of_upstreams_brings_an_address_or_a_second_line() -> None:
    source = SOURCE.model_copy(update={"name": "prod\nsee http://10.0.0.7:5000/v3"})

    [(_, _, message)] = told(replace(GOOD, source=source), "SourceResource")

    assert message == "the source is the tenant prod see …"
