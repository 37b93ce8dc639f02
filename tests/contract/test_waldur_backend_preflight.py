"""What Waldur takes silently and does otherwise, or crashes over, is found by reading before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.waldur import WaldurLab
from lab.waldurlab import catalogue
from osmig.domain.errors import Transient, Unauthorized
from osmig.drivers.tenants.views import RunView
from waldur_support import GRANTED, UNKNOWN, connected, job_for, map_subnets, map_type

if TYPE_CHECKING:
    from osmig.api.migration import PreflightCheck

MAPPINGS = "spec.tenant.mappings"


async def checked(waldur: WaldurLab, user: str = "owner", **fields: Any) -> tuple[PreflightCheck, ...]:  # noqa: ANN401
    """Check one job, and see that no request changed anything."""
    async with connected(waldur, user) as backend:
        checks = await backend.preflight(job_for(**fields), None)
    assert {request["method"] for request in waldur.control.requests()} == {"GET"}
    return checks


def skipped(checks: tuple[PreflightCheck, ...]) -> set[str]:
    """Return which checks were skipped but for the version, which an owner is never told."""
    return {one.check for one in checks if one.result == "Skipped"} - {"Version"}


def faults(checks: tuple[PreflightCheck, ...]) -> dict[str, str | None]:
    """Return path and message of what failed."""
    return {one.path or "": one.message for one in checks if one.result == "Fail"}


GOOD = {
    "subnets": map_subnets(("192.168.1.0/24", "10.9.1.0/24")),
    "networks": [catalogue.NETWORK],
    "volumeTypes": map_type(catalogue.VOLUME_TYPE, catalogue.DESTINATION_VOLUME_TYPE),
}


async def test_what_fits_passes_every_check(waldur: WaldurLab) -> None:
    by_owner = await checked(waldur, mappings=GOOD)
    by_staff = await checked(waldur, "staff", mappings=GOOD)

    assert {one.check for one in by_owner if one.result != "Pass"} == {"Version"}
    assert {one.result for one in by_staff} == {"Pass"}


async def test_what_was_read_for_the_start_is_not_read_again(waldur: WaldurLab) -> None:
    run = RunView(id="1" * 32, offering_id=catalogue.OFFERING, replica_name="shop-1", status="OK")
    async with connected(waldur) as backend:
        await backend.probe()
        waldur.control.clear_requests()
        checks = await backend.preflight(job_for(), (run,))

    assert not [one for one in waldur.control.requests() if "openstack-migrations" in one["path"]]
    assert {one.result for one in checks if one.check == "ExistingRuns"} == {"Warn"}


@pytest.mark.parametrize(
    ("user", "source", "asked"),
    [
        pytest.param("staff", catalogue.VOLUME_TYPE, 0, id="the version tells that the server filters"),
        pytest.param("owner", catalogue.VOLUME_TYPE, 1, id="an offering that does not exist tells it"),
        pytest.param("staff", catalogue.FOREIGN_VOLUME_TYPE, 1, id="a type that the tenant lacks is looked for"),
    ],
)
async def test_more_lists_of_volume_types_are_read_only_where_something_hangs_on_them(
    waldur: WaldurLab, user: str, source: str, asked: int
) -> None:
    await checked(waldur, user, mappings={"volumeTypes": map_type(source, catalogue.DESTINATION_VOLUME_TYPE)})

    lists = [one for one in waldur.control.requests() if "openstack-volume-types" in one["path"]]
    assert len(lists) == 2 + asked


async def test_without_mappings_nothing_is_read_that_only_mappings_need(waldur: WaldurLab) -> None:
    await checked(waldur)

    paths = {request["path"].split("/")[2] for request in waldur.control.requests()}
    assert paths == {"version", "marketplace-resources", "marketplace-public-offerings", "openstack-migrations"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"mappings": {"subnets": map_subnets(("192.168.7.0/24", "10.9.1.0/24"))}},
            {f"{MAPPINGS}.subnets[0].sourceCIDR": "192.168.1.0/24, 10.0.0.0/24"},
            id="a source CIDR that matches nothing: Waldur ignores it",
        ),
        pytest.param(
            {"mappings": {"subnets": map_subnets(("10.0.0.0/24", "10.9.1.0/24")), "networks": [catalogue.NETWORK]}},
            {f"{MAPPINGS}.subnets[0].sourceCIDR": "a network that networks leaves out"},
            id="a source CIDR of a network that is not selected: Waldur ignores it",
        ),
        pytest.param(
            {"mappings": {"subnets": map_subnets(("192.168.1.0/24", "10.0.0.0/24"))}},
            {f"{MAPPINGS}.subnets[0].destinationCIDR": "a subnet that is not mapped keeps 10.0.0.0/24"},
            id="a destination CIDR that an unmapped subnet keeps: Waldur makes two of them",
        ),
        pytest.param(
            {"mappings": {"networks": [catalogue.NETWORK, catalogue.FOREIGN_NETWORK]}},
            {f"{MAPPINGS}.networks[1]": "net-0"},
            id="a network of another tenant: Waldur leaves it out",
        ),
        pytest.param(
            {"mappings": {"networks": [UNKNOWN]}},
            {f"{MAPPINGS}.networks[0]": "net-0"},
            id="a network that nobody knows",
        ),
        pytest.param(
            {"mappings": {"volumeTypes": map_type(UNKNOWN, catalogue.DESTINATION_VOLUME_TYPE)}},
            {f"{MAPPINGS}.volumeTypes": "gigabytes_fast keep their names"},
            id="a source type that nobody knows, or that is disabled: Waldur crashes, or moves no limit",
        ),
        pytest.param(
            {"mappings": {"volumeTypes": map_type(catalogue.VOLUME_TYPE, UNKNOWN)}},
            {f"{MAPPINGS}.volumeTypes[0].destinationType": "(ssd)"},
            id="a destination type that nobody knows: Waldur crashes",
        ),
        pytest.param(
            {"mappings": {"volumeTypes": map_type(catalogue.FOREIGN_VOLUME_TYPE, catalogue.DESTINATION_VOLUME_TYPE)}},
            {f"{MAPPINGS}.volumeTypes[0].sourceType": "(fast)", f"{MAPPINGS}.volumeTypes": "keep their names"},
            id="a source type that the tenant lacks",
        ),
        pytest.param(
            {"mappings": {"volumeTypes": map_type(catalogue.VOLUME_TYPE, catalogue.VOLUME_TYPE)}},
            {f"{MAPPINGS}.volumeTypes[0].destinationType": "(ssd)"},
            id="a destination type of another service",
        ),
        pytest.param(
            {"plan": catalogue.FOREIGN_PLAN},
            {"spec.tenant.destinationPlan": f"{catalogue.PLAN} (plan-1)"},
            id="a plan of another offering",
        ),
        pytest.param(
            {"source": catalogue.SOURCE_WITHOUT_LIMITS},
            {"spec.tenant.sourceResource": "no limits"},
            id="a source without limits",
        ),
        pytest.param(
            {"source": UNKNOWN},
            {"spec.tenant.sourceResource": "unknown or not visible to the service account"},
            id="a source that nobody knows",
        ),
        pytest.param(
            {"offering": UNKNOWN},
            {"spec.tenant.destinationOffering": "unknown or not visible to the service account"},
            id="an offering that nobody knows",
        ),
    ],
)
async def test_what_waldur_would_not_find_is_found_with_its_path_and_a_suggestion(
    waldur: WaldurLab, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    found = faults(await checked(waldur, **fields))

    assert found.keys() == expected.keys()
    for path, words in expected.items():
        assert words in (found[path] or "")


async def test_limits_that_waldur_would_drop_silently_are_a_warning(waldur: WaldurLab) -> None:
    [one] = [one for one in await checked(waldur) if one.check == "Limits"]

    assert one.result == "Warn"
    assert "gigabytes_fast" in (one.message or "")


async def test_runs_of_the_same_kind_are_a_warning_with_their_number(waldur: WaldurLab) -> None:
    async with connected(waldur) as backend:
        await backend.replicate(job_for(), GRANTED)
    waldur.control.clear_requests()

    [one] = [one for one in await checked(waldur) if one.check == "ExistingRuns"]

    assert one.result == "Warn"
    assert "that there are: 1; the newest is shop-3f9a2c1e-1" in (one.message or "")


@pytest.mark.parametrize(
    ("user", "words"),
    [("staff", "Waldur is 7.5.9; 7.6.4 or newer is needed"), ("owner", "without the replica's state")],
)
async def test_a_server_before_7_6_4_is_found_by_its_version_or_by_its_list(user: str, words: str) -> None:
    with WaldurLab(age="before-7.6.4") as waldur:
        waldur.control.seed(user=user)
        found = faults(await checked(waldur, user))

    assert list(found) == ["spec.providerRef"]
    assert words in (found["spec.providerRef"] or "")


async def test_an_account_that_is_not_told_the_version_is_told_what_is_needed(waldur: WaldurLab) -> None:
    [one] = [one for one in await checked(waldur) if one.check == "Version"]

    assert one.result == "Skipped"
    assert "7.6.4 or newer is needed" in (one.message or "")


async def test_a_stranger_is_told_what_is_invisible_and_passes_nothing_that_was_not_seen(waldur: WaldurLab) -> None:
    checks = [(one.check, str(one.result)) for one in await checked(waldur, "user", mappings=GOOD)]

    assert checks == [
        ("Version", "Skipped"),
        ("SourceResource", "Fail"),
        ("DestinationOffering", "Pass"),
        ("DestinationPlan", "Pass"),
        ("Networks", "Skipped"),
        ("Subnets", "Skipped"),
        ("Routers", "Pass"),
        ("VolumeTypes", "Skipped"),
        ("VolumeTypes", "Pass"),
        ("Limits", "Skipped"),
        ("ExistingRuns", "Pass"),
    ]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/version/", set()),
        (
            "/api/marketplace-resources/",
            {"SourceResource", "Networks", "Subnets", "VolumeTypes", "Limits"},
        ),
        ("/api/marketplace-public-offerings/[^/]+/[?]", {"DestinationOffering"}),
        ("/api/marketplace-public-offerings/[^/]+/plans/", {"DestinationPlan"}),
        ("/api/openstack-networks/", {"Networks", "Subnets"}),
        ("/api/openstack-volume-types/.*tenant_uuid", {"VolumeTypes", "Limits"}),
        ("/api/openstack-volume-types/.*offering_uuid", {"VolumeTypes"}),
        ("/api/openstack-volume-types/.*offering_uuid=0{8}", {"VolumeTypes"}),
    ],
)
async def test_what_may_not_be_read_is_skipped_and_never_passes(waldur: WaldurLab, path: str, names: set[str]) -> None:
    waldur.control.fault(path=path, status=403, count=9)

    checks = await checked(waldur, mappings=GOOD)

    assert skipped(checks) == names
    assert not faults(checks)


async def test_lists_that_are_empty_count_as_not_visible(waldur: WaldurLab) -> None:
    waldur.control.fault(path="/api/openstack-(networks|volume-types)/", status=200, body=[], count=9)

    checks = await checked(waldur, mappings=GOOD)

    assert skipped(checks) == {"Networks", "Subnets", "VolumeTypes", "Limits"}
    assert not faults(checks)


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (500, Transient), (429, Transient)])
@pytest.mark.parametrize("path", ["marketplace-resources", "public-offerings/[^/]+/[?]", "networks", "migrations"])
async def test_a_check_that_could_not_be_made_is_made_later(
    waldur: WaldurLab, path: str, status: int, kind: type[Exception]
) -> None:
    waldur.control.fault(path=path, status=status)

    with pytest.raises(kind):
        await checked(waldur, mappings=GOOD)
