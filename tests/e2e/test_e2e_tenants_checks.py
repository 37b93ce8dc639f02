"""What is checked before a replication is ordered: mappings, plan, limits; mappings that change or are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_status import outcome
from e2e_waldur import (
    MAPPINGS,
    check,
    connect,
    ordered_row,
    orders,
    put_mapping,
    replicate,
    requests,
)
from lab.waldurlab import catalogue

if TYPE_CHECKING:
    from e2e_status import Json
    from e2e_tenant import Tenant
    from lab.waldur import WaldurLab

FINDINGS: dict[str, tuple[Json, str, str]] = {
    "a source CIDR that no subnet has": (
        {"mappings": {"subnets": [{"sourceCIDR": "192.168.77.0/24", "destinationCIDR": "10.9.1.0/24"}]}},
        "Subnets",
        "spec.tenant.mappings.subnets[0].sourceCIDR",
    ),
    "a destination CIDR that an unmapped subnet has": (
        {"mappings": {"subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.0.0.0/24"}]}},
        "Subnets",
        "spec.tenant.mappings.subnets[0].destinationCIDR",
    ),
    "a network of another tenant": (
        {"mappings": {"networks": [catalogue.FOREIGN_NETWORK]}},
        "Networks",
        "spec.tenant.mappings.networks[0]",
    ),
    "a source volume type of another tenant": (
        {
            "mappings": {
                "volumeTypes": [
                    {"sourceType": catalogue.FOREIGN_VOLUME_TYPE, "destinationType": catalogue.DESTINATION_VOLUME_TYPE}
                ]
            }
        },
        "VolumeTypes",
        "spec.tenant.mappings.volumeTypes[0].sourceType",
    ),
    "an unknown destination volume type": (
        {"mappings": {"volumeTypes": [{"sourceType": catalogue.VOLUME_TYPE, "destinationType": "0" * 32}]}},
        "VolumeTypes",
        "spec.tenant.mappings.volumeTypes[0].destinationType",
    ),
    "a plan of another offering": (
        {"destinationPlan": catalogue.FOREIGN_PLAN},
        "DestinationPlan",
        "spec.tenant.destinationPlan",
    ),
    "a source without limits": (
        {"sourceResource": catalogue.SOURCE_WITHOUT_LIMITS},
        "SourceResource",
        "spec.tenant.sourceResource",
    ),
}


@pytest.mark.parametrize("call_lookup", FINDINGS)
def test_what_waldur_would_get_wrong_is_found_before_anything_is_sent(
    owner: Tenant, waldur: WaldurLab, call_lookup: str
) -> None:
    options, name, path = FINDINGS[call_lookup]
    status = replicate(owner, options=options).until_finished()
    assert outcome(status) == ("Failed", "PreflightFailed")
    found = check(status, name)
    assert (found["result"], found["path"]) == ("Fail", path)
    assert found["message"]
    assert "startTime" not in status
    assert requests(waldur) == []


def test_limits_that_would_be_dropped_are_told_and_do_not_hinder(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.limits(catalogue.SOURCE, {"cores": 4, "ram": 1024, "storage": 1024, "gigabytes_fast": 10})
    move = replicate(owner)
    ordered_row(waldur)
    found = check(move.until_phase("Starting"), "Limits")
    assert found["result"] == "Warn"
    assert "gigabytes_fast" in found["message"]


def test_validate_stops_before_the_order_and_execute_goes_on(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, mode="Validate", options={"mappings": MAPPINGS})
    status = move.until_finished()
    assert outcome(status) == ("Succeeded", "Validated")
    assert requests(waldur) == []
    move.edit(mode="Execute")
    waldur.control.advance(ordered_row(waldur), 3)
    move.until(lambda status: outcome(status) == ("Succeeded", "Succeeded"), what="Succeeded")


def test_what_may_not_be_looked_at_is_skipped_and_never_passed(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.fault(path="/api/openstack-(networks|subnets)/", method="GET", status=403, count=0)
    status = replicate(owner, mode="Validate", options={"mappings": MAPPINGS}).until_finished()
    assert check(status, "Subnets")["result"] == "Skipped"


def test_a_mapping_that_changes_before_the_order_ends_the_migration(owner: Tenant, waldur: WaldurLab) -> None:
    connect(owner, waldur, name="narrow", limits={"maxInFlight": 1})
    first = replicate(owner, name="first", provider="narrow")
    row = ordered_row(waldur)
    put_mapping(owner, MAPPINGS)
    second = replicate(owner, name="second", provider="narrow", options={"mappingRef": {"name": "mapping"}})
    status = second.until_phase("Queued")
    assert outcome(status) == ("Queued", "SlotsTaken")
    put_mapping(owner, {"subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.2.0/24"}]})
    assert outcome(second.until_finished()) == ("Failed", "MappingChanged")
    assert len(orders(waldur)) == 1
    waldur.control.advance(row, 3)
    first.until_finished()


def test_a_mapping_that_is_not_there_yet_is_waited_for(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, options={"mappingRef": {"name": "mapping"}})
    assert outcome(move.until_phase("Pending")) == ("Pending", "MappingNotFound")
    assert requests(waldur) == []
    put_mapping(owner, MAPPINGS)
    waldur.control.advance(ordered_row(waldur), 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")


def test_an_edit_of_mappings_after_the_start_is_refused_with_its_reason(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, options={"mappings": MAPPINGS})
    ordered_row(waldur)
    move.until_phase("Starting")
    done = owner.cluster.kubectl(
        *("--namespace", owner.namespace, "patch", "migration", move.name, "--type=merge"),
        '--patch={"spec":{"tenant":{"mappings":{"skipConnectionExtnet":true}}}}',
        check=False,
    )
    assert done.returncode
    assert "tenant.mappings" in done.stderr
    assert "only when it creates" in done.stderr
