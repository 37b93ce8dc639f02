"""Each verdict before an order, from facts; that they are read rightly is shown against the double."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.waldurlab import catalogue
from osmig.drivers.tenants.views import RunView
from osmig.drivers.tenants.waldur.preflight import check
from osmig.drivers.tenants.waldur.preflight_facts import Facts, VolumeTypes
from osmig.drivers.tenants.waldur.wire import NamedRow, NetworkRow, OfferingRow, PlanRow, ResourceRow
from waldur_support import job_for, map_subnets, map_type


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
    types=VolumeTypes(
        source=(kind(catalogue.VOLUME_TYPE, "fast"),),
        destination=(kind(catalogue.DESTINATION_VOLUME_TYPE, "ssd"),),
    ),
    offering=OfferingRow(name="offering-1", state="Active", type="OpenStack.Tenant"),
    plans=(PlanRow(uuid=catalogue.PLAN, name="plan-1", is_active=True, archived=False),),
)
CHECKS = (
    *("Version", "SourceResource", "DestinationOffering", "DestinationPlan"),
    *("Networks", "Subnets", "Routers", "VolumeTypes", "Limits", "ExistingRuns"),
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
    told = {"Routers": "Pass", "ExistingRuns": "Pass"}

    assert results(HIDDEN, FULL) == dict.fromkeys(CHECKS, "Skipped") | told


@pytest.mark.parametrize(
    ("version", "result"),
    [
        ("7.6.3", "Fail"),
        ("6.11.9", "Fail"),
        ("v7.5.9", "Fail"),
        ("7.6.4", "Pass"),
        ("8.0.0-rc.1", "Pass"),
        ("0.0.0", "Skipped"),
        ("develop+12ab", "Skipped"),
        ("unknown", "Skipped"),
    ],
)
def test_a_server_that_is_certainly_too_old_is_found_and_one_that_does_not_tell_does_not_pass(
    version: str, result: str
) -> None:
    assert results(replace(GOOD, version=version))["Version"] == result


def test_a_server_that_hides_its_version_is_known_as_too_old_by_its_list() -> None:
    old = RunView(id="1" * 32, offering_id=catalogue.SOURCE_OFFERING, replica_id="2" * 32)
    new = replace(old, replica_status="OK")
    unmade = replace(old, replica_id=None)
    hidden = replace(GOOD, version="unknown")

    assert results(replace(hidden, runs=(old, unmade)))["Version"] == "Fail"
    assert results(replace(hidden, runs=(old, new)))["Version"] == "Skipped"
    assert results(replace(hidden, runs=(unmade,)))["Version"] == "Skipped"
    assert results(replace(GOOD, runs=(old,)))["Version"] == "Pass"
    [(_, _, message)] = told(replace(hidden, runs=(old,)), "Version")
    assert message == (
        "Waldur lists replications without the replica's state, as versions before 7.6.4 do; 7.6.4 or newer is needed"
    )


@pytest.mark.parametrize(
    ("source", "result", "words"),
    [
        (SOURCE.model_copy(update={"limits": {}}), "Fail", "no limits"),
        (SOURCE.model_copy(update={"limits": None}), "Skipped", "may not see"),
        (SOURCE.model_copy(update={"resource_type": "OpenStack.Instance"}), "Fail", "it is of type OpenStack.Instance"),
        (SOURCE.model_copy(update={"resource_type": None}), "Skipped", "may not see whether there is a tenant"),
        (SOURCE.model_copy(update={"resource_type": None, "resource_uuid": "1" * 32}), "Pass", "prod-tenant"),
        (SOURCE.model_copy(update={"is_scope_gone": True}), "Fail", "its tenant is gone from Waldur"),
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
        (OfferingRow(name="x", type="OpenStack.Tenant"), "Pass"),
        (OfferingRow(name="x"), "Skipped"),
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


def plan(uuid: str, name: str, **fields: Any) -> PlanRow:  # noqa: ANN401 - as Waldur sends them
    return PlanRow.model_validate({"uuid": uuid, "name": name} | fields)


@pytest.mark.parametrize(
    ("fields", "result", "words"),
    [
        ({"is_active": False}, "Fail", "it is full: its limit of resources is reached; there is"),
        ({"is_active": False, "archived": True}, "Fail", "it is full"),
        ({"is_active": True, "archived": True}, "Warn", "it is archived, and Waldur takes it still; there is"),
        ({"is_active": True}, "Pass", "it is a plan of the offering"),
        ({}, "Skipped", "Waldur does not tell whether it is full"),
        ({"is_active": "odd", "archived": "odd"}, "Skipped", "Waldur does not tell whether it is full"),
    ],
)
def test_a_plan_that_is_full_or_archived_is_found_and_neither_is_suggested(
    fields: dict[str, Any], result: str, words: str
) -> None:
    others = (
        plan("1" * 32, "full", is_active=False, archived=False),
        plan("2" * 32, "old", is_active=True, archived=True),
        plan("3" * 32, "free", is_active=True, archived=False),
        plan("4" * 32, "untold"),
    )
    facts = replace(GOOD, plans=(plan(catalogue.PLAN, "it", **fields), *others))

    [(path, got, message)] = told(facts, "DestinationPlan")
    [(_, _, foreign)] = told(replace(GOOD, plans=others), "DestinationPlan")

    assert (path, got) == ("spec.tenant.destinationPlan", result)
    assert words in (message or "")
    assert foreign == f"the offering has no such plan; it has {'3' * 32} (free), {'4' * 32} (untold)"
    assert not {"1" * 32, "2" * 32} & set((message or "").replace("(", "").split())


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


def test_one_source_cidr_in_two_networks_that_are_replicated_is_a_warning() -> None:
    twice = replace(
        GOOD,
        networks=(network(catalogue.NETWORK, "192.168.1.0/24"), network(catalogue.SECOND_NETWORK, "192.168.1.0/24")),
    )
    pair = ("192.168.1.0/24", "10.9.1.0/24")

    assert told(twice, "Subnets", subnets(pair)) == [
        (
            "spec.tenant.mappings.subnets[0].sourceCIDR",
            "Warn",
            "2 networks have 192.168.1.0/24; the replica of each gets 10.9.1.0/24",
        )
    ]
    assert results(twice, subnets(pair, networks=(catalogue.NETWORK,)))["Subnets"] == "Pass"


def test_subnets_that_are_not_shown_are_not_taken_for_none() -> None:
    shown = network(catalogue.SECOND_NETWORK, "192.168.1.0/24")
    hidden = replace(GOOD, networks=(NetworkRow(uuid=catalogue.NETWORK, name="n"), shown))

    assert results(hidden, subnets(("10.0.0.0/24", "10.9.1.0/24")))["Subnets"] == "Skipped"


@pytest.mark.parametrize(
    ("mappings", "has_hops", "has_rules"),
    [
        (None, False, False),
        ({"networks": [catalogue.NETWORK]}, True, False),
        ({"subnets": map_subnets(("192.168.1.0/24", "10.9.1.0/24"))}, True, True),
    ],
)
def test_what_becomes_of_routes_and_rules_is_told(mappings: object, *, has_hops: bool, has_rules: bool) -> None:
    [(path, result, message)] = told(GOOD, "Routers", mappings)

    assert (path, result) == ("spec.tenant.mappings", "Pass")
    assert "static routes are replicated if their destination lies in a subnet of the replica" in (message or "")
    assert ("Next hops stay as they are" in (message or "")) is has_hops
    assert ("exactly a sourceCIDR gets its destinationCIDR" in (message or "")) is has_rules


def test_long_lists_are_cut() -> None:
    many = replace(GOOD, networks=(network(catalogue.NETWORK, *(f"10.0.{n}.0/24" for n in range(9))),))

    [(_, _, message)] = told(many, "Subnets", subnets(("192.168.9.0/24", "10.9.1.0/24")))

    assert (message or "").endswith("10.0.4.0/24 and 4 more")


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
