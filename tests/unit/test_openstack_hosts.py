"""Lists of hosts, servers and groups of a cloud that means harm, or is odd: bounded in what is kept, and none cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from http_upstream import answer
from instructions import count_instructions
from old_clouds import SERVER, ask, speak
from osmig.domain.errors import TooManyRows
from osmig.domain.plans.sweeps import HostRow
from osmig.drivers.servers.nova.host_backend import MAX_MEMBERS, MAX_OPEN_MOVES
from osmig.drivers.servers.nova.host_rows import (
    MAX_MEMORY_MIB,
    MAX_SERVICES_KEPT,
    MAX_TAGS,
    MAX_TEXT_CHARS,
    join_hosts,
    to_group_row,
    to_server_row,
    to_service_row,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from http.server import BaseHTTPRequestHandler

    from http_upstream import Upstream
    from osmig.domain.plans.sweeps import HostSweep
    from osmig.drivers.hosts import HostBackend

NEWEST = "2.96"
SERVICE = {"id": "0f", "host": "cmp1", "state": "up", "status": "enabled", "zone": "az1"}
NO_MOVES: dict[str, Any] = {"migrations": []}


def row(**changes: object) -> dict[str, Any]:
    """Write a server as Nova lists it."""
    plain = {"id": SERVER, "name": "vm", "status": "ACTIVE", "tenant_id": "p", "OS-EXT-SRV-ATTR:host": "cmp1"}
    return plain | changes


def ask_hosts(upstream: Upstream, question: Callable[[HostBackend], Awaitable[Any]]) -> Any:  # noqa: ANN401
    return ask(upstream, lambda backend: question(backend.compute_hosts))


def sweep(upstream: Upstream, **bodies: Any) -> HostSweep:  # noqa: ANN401 - JSON
    """Look at cmp1 of a cloud that answers so."""
    plain = {"os_services": {"services": [SERVICE]}, "detail": {"servers": []}, "os_migrations": NO_MOVES}
    speak(upstream, NEWEST, **(plain | bodies))
    found: HostSweep = ask_hosts(upstream, lambda hosts: hosts.sweep_host("cmp1"))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "vm-1"},
        {"id": SERVER.upper().replace("1", "A")},
        {"id": f"{SERVER}0"},
        {"OS-EXT-SRV-ATTR:host": "cmp1\n"},
        {"OS-EXT-SRV-ATTR:host": "\x00"},
    ],
    ids=str,
)
def test_a_server_that_no_migration_could_name_makes_a_look_incomplete(
    upstream: Upstream, changes: dict[str, object]
) -> None:
    seen = sweep(upstream, detail={"servers": [row(), row(**changes)]})

    assert not seen.is_complete
    assert "cannot be read" in seen.problem


@pytest.mark.parametrize("identity", ["../servers/1", "x" * 65, "a b", "\n"])
def test_a_service_whose_id_no_service_has_makes_a_look_incomplete(upstream: Upstream, identity: str) -> None:
    seen = sweep(upstream, os_services={"services": [SERVICE, SERVICE | {"id": identity}]})

    assert not seen.is_complete
    assert seen.services == ()


def test_signs_that_cannot_be_shown_are_not(upstream: Upstream) -> None:
    texts = {"name": "vm\n\u202e", "tenant_id": "p\x00", "pinned_availability_zone": "\udfff", "status": "\x1bACTIVE"}
    seen = sweep(
        upstream,
        detail={"servers": [row(**texts)]},
        os_services={"services": [SERVICE | {"disabled_reason": "\x07 mend", "zone": "a\tb"}]},
    )

    (found,) = seen.servers
    assert (found.name, found.project_id, found.pinned_zone, found.status) == ("vm??", "p?", "?", "?ACTIVE")
    assert seen.service is not None
    assert (seen.service.disabled_reason, seen.service.zone) == ("? mend", "a?b")
    assert to_group_row({"id": "g", "name": "db\n", "policy": "affinity"}).name == "db?"


def test_of_a_server_only_what_plans_look_at_is_kept() -> None:
    flood = {f"{number:02x}": "" for number in range(5000)}
    found = to_server_row(
        row(
            tags=["t", "x" * 61, *(f"tag-{number}" for number in range(5000))],
            metadata={"tier": "db", **flood},
            flavor={"ram": 512, "extra_specs": {**flood, "resources:VGPU": "1"}},
        )
    )

    assert found.metadata["tier"] == "db"
    assert len(found.metadata) < MAX_TEXT_CHARS / 32
    assert found.extra_specs == {"resources:VGPU": "1"}
    assert found.tags[0] == "t"
    assert len(found.tags) == MAX_TAGS - 1


@pytest.mark.parametrize("ram", [MAX_MEMORY_MIB + 1, 2**62, -1, True, "512", 1.5])
def test_memory_that_no_flavor_has_is_not_known(ram: object) -> None:
    assert to_server_row(row(flavor={"ram": ram})).memory_mib == 0
    assert to_group_row({"id": "g", "rules": {"max_server_per_host": ram}}).max_server_per_host == 1
    assert to_server_row(row(flavor={"ram": MAX_MEMORY_MIB})).memory_mib == MAX_MEMORY_MIB


def test_of_many_services_of_one_name_as_many_are_kept_as_tell_that_they_are_many(upstream: Upstream) -> None:
    seen = sweep(upstream, os_services={"services": [SERVICE | {"id": str(number)} for number in range(5000)]})

    assert len(seen.services) == MAX_SERVICES_KEPT
    assert seen.service is None


def test_a_host_with_more_moves_under_way_than_any_has_is_not_read_to_its_end(upstream: Upstream) -> None:
    moves = [
        {"id": number, "uuid": f"u{number}", "instance_uuid": SERVER, "status": "running", "source_compute": "cmp1"}
        for number in range(MAX_OPEN_MOVES)
    ]
    more = [{"rel": "next", "href": "x"}]

    seen = sweep(upstream, os_migrations={"migrations": moves, "migrations_links": []})
    assert (seen.problem, len(seen.moves)) == ("", MAX_OPEN_MOVES)
    asked = 0

    def page(handler: BaseHTTPRequestHandler) -> None:
        nonlocal asked
        asked += 1
        newer = [{**move, "uuid": f"{asked}-{move['uuid']}"} for move in moves]
        answer(200, json.dumps({"migrations": newer, "migrations_links": more}).encode())(handler)

    seen = sweep(upstream, os_migrations=page)
    assert seen.moves == ()
    assert f"more than {MAX_OPEN_MOVES} rows" in seen.problem
    assert asked == 2


def test_the_members_of_all_groups_together_are_bounded(upstream: Upstream) -> None:
    def page(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        offset = int(query.get("offset", ["0"])[0])
        members = [f"{offset}-{number}" for number in range(MAX_MEMBERS // 2)]
        answer(200, json.dumps({"server_groups": [{"id": f"g{offset}", "members": members}]}).encode())(handler)

    speak(upstream, NEWEST, os_server_groups=page)

    with pytest.raises(TooManyRows, match=f"more than {MAX_MEMBERS} members"):
        ask_hosts(upstream, lambda hosts: hosts.list_groups())
    assert len([path for path in upstream.seen if "os-server-groups" in path]) == 3


def test_hosts_and_aggregates_are_matched_without_comparing_each_with_each() -> None:
    def join(count: int) -> tuple[HostRow, ...]:
        services = [to_service_row(SERVICE | {"host": f"cmp{number}"}) for number in range(count)]
        aggregates = [(f"rack{number}", frozenset({f"cmp{number}", "cmp1"})) for number in range(count)]
        return join_hosts(services, aggregates, {"cmp1": 512})

    found = join(200)
    assert found[199] == HostRow(name="cmp199", zone="az1", aggregates=("rack199",))
    assert (len(found[1].aggregates), found[1].free_memory_mib) == (200, 512)
    assert count_instructions(lambda: join(400)) < 2.2 * count_instructions(lambda: join(200))
