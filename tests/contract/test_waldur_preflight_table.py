"""Preflight's verdict on an order beside the server's answer: a Pass is never refused, a Fail is never done right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from lab.waldur import WaldurLab
from lab.waldurlab import recorded_catalogue as known
from osmig.domain.errors import BackendError, OutcomeUnknown
from preflight_cases import CASES, RECORDED, Case
from waldur_support import GRANTED, connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.api.migration import PreflightCheck
    from osmig.drivers.tenants.views import ReplicaJob

WORSE = ("Pass", "Skipped", "Warn", "Fail")
NEVER_TOLD = "Version"
"""What an owner's account may not read, whatever the order."""


@pytest.fixture
def recorded() -> Iterator[WaldurLab]:
    """A double with all that the recording has."""
    with WaldurLab(world="recorded") as lab:
        yield lab


def sum_up(checks: tuple[PreflightCheck, ...]) -> dict[str, str]:
    """Return the worst result of each check."""
    found: dict[str, str] = {}
    for one in checks:
        found[one.check] = max(found.get(one.check, "Pass"), str(one.result), key=WORSE.index)
    return found


def worst(results: dict[str, str]) -> str:
    """Return the worst result but for what is never told."""
    return max((result for name, result in results.items() if name != NEVER_TOLD), key=WORSE.index)


async def order(lab: WaldurLab, job: ReplicaJob) -> tuple[int, str]:
    """Order as osmig does; return the status of the answer and the replica's id."""
    async with connected(lab) as backend:
        try:
            receipt = await backend.replicate(job, GRANTED)
        except BackendError:
            replica = ""
        else:
            assert receipt.made is not None
            replica = receipt.made.replica_id or ""
    [posted] = [one for one in lab.control.requests() if one["method"] == "POST"]
    assert isinstance(posted["status"], int)
    return posted["status"], replica


def is_as_asked(lab: WaldurLab, job: ReplicaJob, replica: str) -> bool:
    """Whether the replica has every network, address and limit that the order names, and no limit without a type."""
    row = lab.as_user("staff").get(f"/api/marketplace-resources/{replica}/")
    source = lab.as_user("staff").get(f"/api/marketplace-resources/{UUID(job.source_resource)}/")
    copies = _networks(lab, row["resource_uuid"])
    wanted = {UUID(one) for one in job.mappings.networks}
    chosen = [one for one in _networks(lab, source["resource_uuid"]) if not wanted or UUID(one["uuid"]) in wanted]
    cidrs = {pair.source_cidr: pair.destination_cidr for pair in job.mappings.subnets}
    before = [part["cidr"] for one in chosen for part in one["subnets"]]
    after = [part["cidr"] for one in copies for part in one["subnets"]]
    types = lab.api.get(f"/api/openstack-volume-types/?offering_uuid={UUID(job.destination_offering)}")
    return (
        len(chosen) == len(copies)
        and len(wanted) in {0, len(chosen)}
        and set(cidrs) <= set(before)
        and sorted(after) == sorted(cidrs.get(cidr, cidr) for cidr in before)
        and len(set(after)) == len(set(before))
        and _by_type(row["limits"]).keys() <= {f"gigabytes_{one['name']}" for one in types}
        and sum(_by_type(row["limits"]).values()) == sum(_by_type(source["limits"]).values())
    )


def _networks(lab: WaldurLab, tenant: str) -> list[dict[str, Any]]:
    found = lab.as_user("staff").get(f"/api/openstack-networks/?page_size=500&tenant_uuid={tenant}")
    return [dict(one) for one in found]


def _by_type(limits: dict[str, int]) -> dict[str, int]:
    return {name: limit for name, limit in limits.items() if name.startswith("gigabytes_")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_pass_is_never_refused_and_a_fail_is_never_done_right(recorded: WaldurLab, case: Case) -> None:
    async with connected(recorded) as backend:
        results = sum_up(await backend.preflight(case.job, None))
    status, replica = await order(recorded, case.job)
    as_asked = status == 201 and is_as_asked(recorded, case.job, replica)

    assert (worst(results), results.get(case.check, "Pass")) == (case.verdict, case.verdict)
    assert (status, as_asked) == (case.status, case.as_asked)
    if case.label:
        assert RECORDED[f"create: {case.label}"]["response"]["status"] == status
    assert not (worst(results) in {"Pass", "Skipped"} and status != 201)
    assert not (worst(results) == "Fail" and as_asked)


def test_the_table_has_every_order_that_was_recorded_but_for_those_of_other_accounts() -> None:
    labels = {
        label.removeprefix("create: ")
        for label, entry in RECORDED.items()
        if entry["operation"] == "create" and entry["request"]["as"] == "owner"
    }

    assert {case.label for case in CASES if case.label} == labels
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(CASES) >= 42


async def test_an_order_that_is_refused_by_the_account_alone_is_no_fault_of_the_spec(recorded: WaldurLab) -> None:
    """Rights are in no read: preflight cannot know them, and the order says so."""
    case = next(case for case in CASES if case.name == "no mappings")
    for user in ("admin", "manager", "member", "support"):
        async with connected(recorded, user) as backend:
            assert worst(sum_up(await backend.preflight(case.job, None))) == "Pass"
            with pytest.raises(BackendError) as caught:
                await backend.replicate(case.job, GRANTED)
        assert caught.value.reason == "NotPermitted"
        assert "APPROVE_ORDER" in caught.value.message


@pytest.mark.parametrize(
    ("version", "destination", "result"),
    [
        ("7.6.9", known.VT_DST, "Skipped"),
        ("7.6.9", known.VT_SRC, "Skipped"),
        ("7.6.9", "00000000-0000-4000-8000-000000000000", "Fail"),
        ("7.7.0", known.VT_DST, "Pass"),
        ("7.7.0", known.VT_SRC, "Fail"),
    ],
)
@pytest.mark.parametrize("user", ["owner", "staff"])
async def test_a_server_before_7_7_lists_the_types_of_all_services_and_so_decides_nothing(
    recorded: WaldurLab, version: str, destination: str, result: str, user: str
) -> None:
    """As staff the version tells it, as an owner the answer about an offering that does not exist."""
    recorded.control.version(version)
    case = Case(name="", verdict="", status=0, fields={"mappings": {"volumeTypes": _both(destination)}})

    async with connected(recorded, user) as backend:
        results = sum_up(await backend.preflight(case.job, None))
        mark = recorded.control.request_mark()
        refusal = None
        try:
            await backend.replicate(case.job, GRANTED)
        except BackendError as error:
            refusal = error

    assert results["VolumeTypes"] == result
    assert not (result == "Pass" and refusal is not None)
    assert not (result == "Fail" and refusal is None)
    assert isinstance(refusal, OutcomeUnknown) == destination.startswith("00000000")
    assert len(recorded.control.requests(since=mark)) == 1


def _both(destination: str) -> list[dict[str, str]]:
    return [
        {"sourceType": known.VT_SRC, "destinationType": destination},
        {"sourceType": known.VT_SRC2, "destinationType": known.VT_DST2},
    ]
