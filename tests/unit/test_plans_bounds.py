"""Whatever a cloud writes, the status of a plan stays below 256 KiB, and the API server takes it; no step crashes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from osmig.api.meta import MAX_INT, to_wire
from osmig.api.names import MigrationType, Phase
from osmig.api.plan_preview import MAX_NOT_PLAIN
from osmig.api.plan_status import MAX_FAILURES, MAX_SKIPS, PlanStatus
from osmig.domain.plans.bounding import MAX_STATUS_BYTES, cut_bytes
from osmig.domain.plans.children import ChildView
from osmig.domain.plans.sweeps import GroupRow, HostRow
from plan_world import DISABLE, START, PlanWorld, server, server_id

ONE, FOUR = "x", "\U0001f600"
NAMES = {"letters": ONE * 255, "of four bytes each": FOUR * 255, "quotes": '"' * 255}
HUGE_MIB = 2**31


def measure_bytes(status: PlanStatus) -> int:
    """Count what a status takes where it is stored."""
    return len(json.dumps(to_wire(status), ensure_ascii=False, separators=(",", ":")).encode())


def host_names(sign: str) -> list[str]:
    return sorted(f"{number:03}{sign * 252}" for number in range(50))


def full_world(name: str) -> PlanWorld:
    """Make a plan of 50 hosts that were disabled before, with 1,000 servers in groups, whose texts are all as long."""
    hosts = host_names(name[0])
    rows = [
        server(
            number,
            name=name,
            project_id=name,
            host=hosts[number % 50],
            status="ERROR" if number % 3 else name,
            pinned_zone=name,
            task_state=name if number % 5 == 0 else None,
        )
        for number in range(1000)
    ]
    groups = [
        GroupRow(id=str(number), name=name, policy="affinity", members=frozenset({server_id(number)}))
        for number in range(1000)
    ]
    world = PlanWorld(
        spec=DISABLE | {"targets": {"hosts": hosts}, "failureBudget": {"maxFailures": 1000}},
        servers=rows,
        groups=groups,
        hosts=(*hosts, "cmp9"),
        problems=dict.fromkeys(hosts, f"it says {name}"),
        refusal=name * 4,
    )
    for host in hosts:
        world.services[host] = replace(world.services[host], is_enabled=False, disabled_reason=name, id="x" * 64)
    return world


def failed_child(number: int, name: str) -> ChildView:
    return ChildView(
        name=f"drain-{number:010}",
        server_id=server_id(5000 + number),
        server_name=name,
        type=MigrationType.LIVE_MIGRATION,
        phase=Phase.FAILED,
        reason="x" * 255,
        message=name * 4,
        completion_time=START,
    )


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_status_of_which_every_text_and_list_is_full_is_below_256_kib(name: str) -> None:
    world = full_world(name)
    world.children = {f"c{number}": failed_child(number, name) for number in range(1000)}
    world.step()
    skips = tuple(server_id(number) for number in range(MAX_SKIPS))
    world.plan = world.plan.model_copy(update={"status": world.status.model_copy(update={"skips": skips})})
    for _ in range(3):
        world.wait()
        world.step()

    assert measure_bytes(world.status) < MAX_STATUS_BYTES
    assert PlanStatus.model_validate(to_wire(world.status)) == world.status
    preview = world.status.preview
    assert len(preview.not_plain) + preview.truncated_count == 1000
    assert world.status.failures
    assert world.status.hosts[0].before.disabled_reason
    assert all(len(condition.message.encode()) <= 1024 for condition in world.status.conditions)


def test_texts_of_usual_length_are_listed_whole() -> None:
    world = PlanWorld(
        spec=DISABLE | {"failureBudget": {"maxFailures": 1000}},
        servers=[server(number, status="ERROR", name="a-usual-name-of-a-server") for number in range(1000)],
    )
    world.children = {f"c{number}": failed_child(number, "") for number in range(1000)}
    world.children = {
        name: replace(child, reason="NoValidHost", message="x" * 200) for name, child in world.children.items()
    }
    world.step()

    assert len(world.status.preview.not_plain) == MAX_NOT_PLAIN
    assert len(world.status.failures) == MAX_FAILURES


def test_a_text_is_cut_between_two_signs() -> None:
    assert cut_bytes(FOUR * 3, 11) == FOUR * 2
    assert cut_bytes("abc", 3) == "abc"
    assert cut_bytes("abcd", 3) == "abc"


def move_some(world: PlanWorld, count: int) -> None:
    """Let the first servers move well."""
    for _ in range(count):
        world.step()
        world.wait()
        for name in list(world.children):
            if not world.children[name].is_finished:
                world.end(name)


def test_sizes_that_no_server_has_crash_no_step() -> None:
    spec: dict[str, Any] = DISABLE | {"limits": {"maxInFlight": 1}}
    sizes = [1, 1, 1, *[HUGE_MIB] * 20]
    world = PlanWorld(spec=spec, servers=[server(number, memory_mib=size) for number, size in enumerate(sizes)])
    move_some(world, 4)
    world.wait(3600.0)
    world.step()

    assert world.status.counts.succeeded >= 3
    assert world.status.bytes.total_bytes == MAX_INT
    assert world.status.estimated_completion_time is None
    assert PlanStatus.model_validate(to_wire(world.status)) == world.status


@pytest.mark.parametrize("target", [{"aggregate": "rack1"}, {"availabilityZone": "az1"}], ids=str)
def test_a_host_that_a_cloud_lists_twice_is_one_host(target: dict[str, str]) -> None:
    world = PlanWorld(spec={"targets": target})
    world.cloud_hosts = tuple(HostRow(name=name, zone="az1", aggregates=("rack1",)) for name in ("cmp1", "cmp1"))
    world.step()

    assert [host.name for host in world.status.hosts] == ["cmp1"]
