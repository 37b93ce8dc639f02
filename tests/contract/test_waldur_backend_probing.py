"""What a probe and a sweep of the Waldur adapter tell of the double, as each user and each age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.waldur import WaldurLab
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.errors import Unauthorized
from waldur_support import GRANTED, USERS, connected, job_for

if TYPE_CHECKING:
    from nova_support import Told


@pytest.mark.parametrize(
    ("user", "scope", "version"),
    [
        ("owner", Scope.UNKNOWN, "unknown"),
        ("admin", Scope.UNKNOWN, "unknown"),
        ("staff", Scope.CLOUD, "7.8.2"),
        ("support", Scope.CLOUD, "7.8.2"),
    ],
)
async def test_a_probe_tells_the_user_and_to_staff_and_support_the_version_and_what_they_see(
    waldur: WaldurLab, user: str, scope: Scope, version: str
) -> None:
    async with connected(waldur, user) as backend:
        probe = await backend.probe()

    assert (probe.endpoint, probe.api_version, probe.user_id) == (waldur.url, version, USERS[user])
    assert probe.scope is scope
    assert probe.capabilities == probe.possible == {Capability.TENANT_REPLICATION}


async def test_a_probe_of_a_server_before_7_6_4_finds_nothing_that_it_can_do() -> None:
    with WaldurLab(age="before-7.6.4") as waldur:
        async with connected(waldur, "staff") as backend:
            probe = await backend.probe()

    assert (probe.api_version, probe.capabilities, probe.possible) == ("7.5.9", frozenset(), frozenset())


async def test_a_probe_goes_on_where_version_and_user_may_not_be_read(waldur: WaldurLab) -> None:
    waldur.control.fault(path="/api/version/", status=404)
    waldur.control.fault(path="/api/users/me/", status=403)
    async with connected(waldur) as backend:
        probe = await backend.probe()

    assert (probe.api_version, probe.user_id, probe.scope) == ("unknown", None, Scope.UNKNOWN)
    assert probe.capabilities == {Capability.TENANT_REPLICATION}


@pytest.mark.parametrize(
    ("flags", "scope"),
    [
        ({}, Scope.UNKNOWN),
        ({"is_staff": False}, Scope.UNKNOWN),
        ({"is_staff": False, "is_support": False}, Scope.PROJECT),
        ({"is_staff": "odd", "is_support": True}, Scope.CLOUD),
    ],
)
async def test_a_flag_that_is_not_shown_is_not_taken_for_no(
    waldur: WaldurLab, flags: dict[str, object], scope: Scope
) -> None:
    waldur.control.fault(path="/api/users/me/", status=200, body={"uuid": USERS["owner"], **flags})
    async with connected(waldur) as backend:
        probe = await backend.probe()

    assert probe.scope is scope


async def test_a_token_that_is_refused_is_told_by_probe_and_sweep(waldur: WaldurLab) -> None:
    async with connected(waldur) as backend:
        waldur.control.user("owner", token="another")  # noqa: S106 - of the double
        for call in (backend.probe(), backend.sweep(None)):
            with pytest.raises(Unauthorized) as caught:
                await call
            assert caught.value.reason == "Unauthorized"


async def test_a_sweep_is_one_request_for_one_row(waldur: WaldurLab) -> None:
    waldur.control.seed(count=3)
    async with connected(waldur) as backend:
        sweep = await backend.sweep(None)

    assert sweep.records == ()
    assert not sweep.is_full  # or what is listed to be counted would be dropped with each of them
    assert sweep.cursor is not None
    [request] = waldur.control.requests()
    assert (request["path"], request["query"]) == ("/api/openstack-migrations/", [["page_size", "1"]])


async def test_every_request_is_told_to_the_observer_in_our_words(waldur: WaldurLab) -> None:
    told: Told = []
    async with connected(waldur, told=told) as backend:
        await backend.probe()
        await backend.replicate(job_for(), GRANTED)

    assert told == [
        ("waldur", "read-user", "200"),
        ("waldur", "ping", "200"),
        ("waldur", "read-version", "403"),
        ("waldur", "replicate", "201"),
    ]
