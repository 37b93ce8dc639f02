"""What a cloud of a version has, and what Nova's default policy leaves of it to a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from old_clouds import SERVER, ask, speak
from osmig.domain.capabilities import Capability
from osmig.domain.errors import Unauthorized
from osmig.drivers.servers.nova.probing import find_permitted, find_possible

if TYPE_CHECKING:
    from http_upstream import Upstream
    from osmig.domain.capabilities import Probe

NEWEST = (2, 104)
ALWAYS = {Capability.COLD_MIGRATION, Capability.CONFIRM}
MANAGER = {
    Capability.LIVE_MIGRATION,
    Capability.COLD_MIGRATION,
    Capability.ABORT,
    Capability.ABORT_QUEUED,
    Capability.FORCE_COMPLETE,
}


@pytest.mark.parametrize(
    ("version", "gained"),
    [
        ((2, 1), ALWAYS),
        ((2, 22), {Capability.FORCE_COMPLETE}),
        ((2, 24), {Capability.ABORT}),
        ((2, 34), {Capability.LIVE_MIGRATION, Capability.DESTINATION_HOST}),
        ((2, 56), {Capability.COLD_DESTINATION_HOST}),
        ((2, 65), {Capability.ABORT_QUEUED}),
    ],
)
def test_each_version_brings_what_it_is_known_for(version: tuple[int, int], gained: set[Capability]) -> None:
    before = find_possible((version[0], version[1] - 1))

    assert find_possible(version) - before == gained
    assert before <= find_possible(version)


@pytest.mark.parametrize(
    ("roles", "permitted"),
    [
        ({"admin"}, find_possible(NEWEST)),
        ({"admin", "manager", "member", "reader"}, find_possible(NEWEST)),
        ({"manager"}, MANAGER),
        ({"manager", "member", "reader"}, MANAGER | {Capability.CONFIRM}),
        ({"member", "reader"}, {Capability.CONFIRM}),
        ({"reader"}, set()),
        ({"reader", "auditor"}, set()),
        ({"mover"}, find_possible(NEWEST)),
        (set(), find_possible(NEWEST)),
        (None, find_possible(NEWEST)),
    ],
)
def test_roles_of_the_default_policy_reduce_and_unknown_ones_do_not(
    roles: set[str] | None, permitted: set[Capability]
) -> None:
    assert find_permitted(find_possible(NEWEST), roles) == permitted


def test_a_role_adds_nothing_that_the_version_lacks() -> None:
    assert find_permitted(find_possible((2, 1)), {"admin"}) == ALWAYS


ROW = {"id": SERVER, "status": "ACTIVE"}
HIDDEN: dict[str, Any] = {
    "os_migrations": 403,
    "detail": {"servers": [ROW]},
    "os_instance_actions": {"instanceActions": []},
    "migrations": 403,
}


@pytest.mark.parametrize(
    ("bodies", "found"),
    [
        ({}, {Capability.FOLLOW_BY_SERVER}),
        ({"os_instance_actions": 403}, set()),
        ({"detail": {"servers": []}}, {Capability.FOLLOW_BY_SERVER, Capability.PROGRESS}),
        ({"migrations": {"migrations": []}}, {Capability.FOLLOW_BY_SERVER, Capability.PROGRESS}),
        ({"os_migrations": {"migrations": []}}, {Capability.ALL_MIGRATIONS}),
        (
            {"detail": {"servers": [ROW | {"OS-EXT-SRV-ATTR:host": "cmp1"}]}},
            {
                Capability.FOLLOW_BY_SERVER,
                Capability.HOSTS,
                Capability.DESTINATION_HOST,
                Capability.COLD_DESTINATION_HOST,
            },
        ),
    ],
)
def test_what_may_be_read_is_found_out_by_reading(
    upstream: Upstream, bodies: dict[str, Any], found: set[Capability]
) -> None:
    speak(upstream, "2.90", **HIDDEN | bodies)

    probe: Probe = ask(upstream, lambda backend: backend.probe())

    hosts = {Capability.DESTINATION_HOST, Capability.COLD_DESTINATION_HOST}
    assert probe.possible == find_possible((2, 90))
    assert probe.capabilities == (probe.possible - hosts) | found
    assert all(seen.startswith("GET ") for seen in upstream.seen)


def test_credentials_that_are_refused_while_looking_end_the_probe(upstream: Upstream) -> None:
    speak(upstream, "2.90", **HIDDEN | {"os_instance_actions": 401})

    with pytest.raises(Unauthorized) as caught:
        ask(upstream, lambda backend: backend.probe())

    assert caught.value.reason == "Unauthorized"
