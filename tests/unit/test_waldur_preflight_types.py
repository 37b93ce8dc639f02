"""Verdicts about volume types and their limits, where lists may be unfiltered, and disabled types are in none."""

from __future__ import annotations

from typing import Any

import pytest

from osmig.drivers.tenants.waldur.preflight import check
from osmig.drivers.tenants.waldur.preflight_facts import Facts, VolumeTypes
from osmig.drivers.tenants.waldur.wire import NamedRow, ResourceRow
from waldur_support import job_for, map_type

SSD, HDD, GOLD, FAST, SLOW, OTHER = ((digit * 32) for digit in "abcdef")
"""The source tenant has ssd and hdd; gold is of its service alone. The destination has fast and slow."""
NOWHERE = "0" * 32
PATH = "spec.tenant.mappings.volumeTypes"


def rows(**names: str) -> tuple[NamedRow, ...]:
    return tuple(NamedRow(uuid=uuid, name=name) for name, uuid in names.items())


SOURCE = rows(ssd=SSD, hdd=HDD)
DESTINATION = rows(fast=FAST, slow=SLOW)
EVERYWHERE = (*SOURCE, *rows(gold=GOLD), *DESTINATION)
FILTERED = VolumeTypes(source=SOURCE, destination=DESTINATION)
MISSED = VolumeTypes(source=SOURCE, destination=DESTINATION, everywhere=EVERYWHERE)
UNFILTERED = VolumeTypes(source=SOURCE, everywhere=EVERYWHERE, is_unfiltered=True)


def told(
    name: str, types: VolumeTypes, *pairs: tuple[str, str], **limits: float | None
) -> list[tuple[str | None, str, str]]:
    """Return path, result and message of one check."""
    source = ResourceRow.model_validate({"resource_type": "OpenStack.Tenant", "limits": {"cores": 1} | limits})
    mapped: list[Any] = [row for pair in pairs for row in map_type(*pair)]
    found = check(job_for(mappings={"volumeTypes": mapped}), Facts(version="unknown", source=source, types=types))
    return [(one.path, str(one.result), one.message or "") for one in found if one.check == name]


def brief(
    name: str, types: VolumeTypes, *pairs: tuple[str, str], **limits: float | None
) -> list[tuple[str | None, str]]:
    """Return path and result of what did not pass."""
    found = told(name, types, *pairs, **limits)
    return [((path or "").removeprefix(PATH), result) for path, result, _ in found if result != "Pass"]


def test_types_that_are_listed_on_their_sides_pass() -> None:
    assert brief("VolumeTypes", FILTERED, (SSD, FAST), (HDD, FAST)) == []


def test_a_source_type_of_others_fails_and_one_in_no_list_does_not_because_it_may_be_disabled() -> None:
    [(path, result, message), _] = told("VolumeTypes", MISSED, (GOLD, FAST))
    [(other_path, other_result, other_message), _] = told("VolumeTypes", MISSED, (NOWHERE, FAST))

    has = f"the source tenant has {SSD} (ssd), {HDD} (hdd)"
    assert (path, result) == (f"{PATH}[0].sourceType", "Fail")
    assert message == f"it is no volume type of the source tenant; {has}"
    assert (other_path, other_result) == (f"{PATH}[0].sourceType", "Warn")
    assert other_message == (
        f"no list shows it: Waldur takes a disabled type, and answers 500 to one that it does not know; {has}"
    )


def test_a_source_type_of_which_nothing_is_known_is_a_warning() -> None:
    assert brief("VolumeTypes", FILTERED, (GOLD, FAST)) == [("[0].sourceType", "Warn")]


@pytest.mark.parametrize("destination", [NOWHERE, GOLD, SSD])
def test_a_destination_type_that_is_not_listed_fails(destination: str) -> None:
    [_, (path, result, message)] = told("VolumeTypes", FILTERED, (SSD, destination))

    assert (path, result) == (f"{PATH}[0].destinationType", "Fail")
    assert message == f"the destination offering has no such volume type; it has {FAST} (fast), {SLOW} (slow)"


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (FAST, [("", "Skipped")]),
        (SSD, [("", "Skipped")]),
        (NOWHERE, [("[0].destinationType", "Fail"), ("", "Skipped")]),
    ],
)
def test_a_server_that_does_not_filter_by_offering_decides_nothing_about_what_it_lists(
    destination: str, expected: list[tuple[str, str]]
) -> None:
    assert brief("VolumeTypes", UNFILTERED, (SSD, destination)) == expected
    assert "before 7.7.0" in told("VolumeTypes", UNFILTERED, (SSD, destination))[-1][2]


@pytest.mark.parametrize("types", [VolumeTypes(destination=DESTINATION), VolumeTypes(source=SOURCE)])
def test_a_side_that_may_not_be_seen_is_skipped(types: VolumeTypes) -> None:
    assert brief("VolumeTypes", types, (SSD, FAST)) == [("", "Skipped")]


def test_without_a_mapping_all_limits_of_types_are_dropped_which_is_a_warning_with_their_names() -> None:
    [(path, result, message)] = told("Limits", VolumeTypes(), gigabytes_ssd=10, gigabytes_hdd=5, storage=7)

    assert (path, result) == (PATH, "Warn")
    assert message == (
        "the replica does not get the limits gigabytes_hdd, gigabytes_ssd; map all these types to keep them"
    )


@pytest.mark.parametrize(
    ("pairs", "limits"),
    [
        ((), {}),
        ((), {"gigabytes_ssd": 0, "storage": 7}),
        (((SSD, FAST),), {"storage": 7}),
        (((SSD, FAST),), {"storage": 7, "gigabytes_hdd": 0}),
        (((SSD, FAST),), {"gigabytes_ssd": 10, "gigabytes_hdd": 0}),
        (((SSD, FAST), (HDD, FAST)), {"gigabytes_ssd": 10, "gigabytes_hdd": 5}),
    ],
)
def test_limits_that_all_arrive_pass(pairs: tuple[tuple[str, str], ...], limits: dict[str, float]) -> None:
    assert brief("Limits", FILTERED, *pairs, **limits) == []


def test_a_limit_whose_type_is_not_mapped_keeps_its_name_and_fails_where_the_destination_has_no_such_type() -> None:
    [(path, result, message)] = told("Limits", FILTERED, (SSD, FAST), gigabytes_ssd=10, gigabytes_hdd=5)

    assert (path, result) == (PATH, "Fail")
    assert message == (
        "the limits gigabytes_hdd keep their names, as their types are not mapped, and the destination has no such "
        "volume type: map all types or none"
    )


def test_a_limit_that_keeps_its_name_is_a_warning_where_the_destination_has_such_a_type() -> None:
    types = VolumeTypes(source=SOURCE, destination=(*DESTINATION, *rows(hdd=OTHER)))

    [(_, result, message)] = told("Limits", types, (SSD, FAST), gigabytes_ssd=10, gigabytes_hdd=5)

    assert result == "Warn"
    assert message.endswith("which the destination has, too")


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (UNFILTERED, [("", "Fail")]),
        (
            VolumeTypes(source=SOURCE, everywhere=(*EVERYWHERE, *rows(lost=OTHER)), is_unfiltered=True),
            [("", "Skipped")],
        ),
        (VolumeTypes(source=SOURCE), [("", "Skipped")]),
        (VolumeTypes(destination=DESTINATION), [("", "Skipped")]),
    ],
)
def test_what_the_destination_has_is_not_guessed(types: VolumeTypes, expected: list[tuple[str, str]]) -> None:
    assert brief("Limits", types, (SSD, FAST), gigabytes_lost=3) == expected


def test_a_disabled_source_type_makes_the_limits_of_the_others_keep_their_names() -> None:
    assert brief("Limits", MISSED, (NOWHERE, FAST), gigabytes_ssd=10) == [("", "Fail")]


def test_a_limit_that_may_be_the_disabled_types_own_is_not_judged() -> None:
    nameless = VolumeTypes(source=(*SOURCE, NamedRow(uuid=OTHER)), destination=DESTINATION)

    assert brief("Limits", MISSED, (NOWHERE, FAST), gigabytes_old=10) == [("", "Skipped")]
    assert brief("Limits", nameless, (OTHER, FAST), gigabytes_old=10) == [("", "Skipped")]


def test_both_kinds_of_limits_with_a_mapping_fail_as_waldur_refuses_them() -> None:
    [(path, result, message)] = told("Limits", FILTERED, (SSD, FAST), storage=0, gigabytes_ssd=10)

    assert (path, result) == (PATH, "Fail")
    assert message == (
        "the source has the limit storage and also gigabytes_ssd; Waldur refuses both together once a type is mapped: "
        "map no volume type, and the replica gets storage alone; or remove one kind of limit in Waldur"
    )
