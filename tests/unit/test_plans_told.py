"""What a plan tells: small enough at any size, written no more often than worth it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from osmig.api.meta import to_wire
from osmig.api.names import Phase
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.api.plan_preview import MAX_NOT_PLAIN, Preview
from osmig.api.plan_status import MAX_FAILURES, PlanBytes, PlanCounts, PlanHost, PlanStatus
from osmig.domain.conditions import find_condition
from osmig.domain.plans.circumstances import find_usable
from osmig.domain.plans.conditions import word_blocked
from osmig.domain.plans.services import note_service, release
from osmig.domain.plans.write_budget import judge_plan, measure_wait_s
from osmig.domain.write_budget import Urgency
from plan_world import DISABLE, START, PlanWorld, server, server_id

if TYPE_CHECKING:
    from osmig.domain.plans.sweeps import ServerRow

MAX_STATUS_BYTES = 256 * 1024


def test_the_status_of_a_plan_of_1000_broken_servers_on_50_hosts_is_small() -> None:
    hosts = tuple(f"host-{number:03}.rack-1.region-one.example.com" for number in range(50))
    servers = [
        server(number, name=f"a-rather-long-name-of-a-server-{number:04}" * 3, host=hosts[number % 50], status="ERROR")
        for number in range(1000)
    ]
    world = PlanWorld(spec=DISABLE | {"targets": {"hosts": list(hosts)}}, servers=servers, hosts=(*hosts, "cmp9"))
    world.run()
    world.order(PlanVerb.SKIP, "x")
    world.step()
    skips = tuple(server_id(number) for number in range(1000))
    status = world.status.model_copy(update={"skips": skips})

    assert world.status.counts.blocked == 1000
    assert len(world.status.preview.not_plain) == MAX_NOT_PLAIN
    assert world.status.preview.truncated_count == 800
    assert len(json.dumps(to_wire(status))) <= MAX_STATUS_BYTES
    assert PlanStatus.model_validate(to_wire(status)) == status


def test_failures_are_listed_newest_first_up_to_a_bound() -> None:
    world = PlanWorld(
        spec=DISABLE
        | {"limits": {"maxInFlight": 100, "maxInFlightPerSourceHost": 100}, "failureBudget": {"maxFailures": 1000}},
        servers=[server(number) for number in range(1, 71)],
    )
    for _ in range(2):
        world.step()
        world.wait(2.0)
    for name in list(world.children):
        world.wait(1.0)
        world.end(name, Phase.FAILED, reason="NoValidHost")
    world.follow(next(iter(world.children)), message="x" * 5000)
    world.wait()
    world.step()

    times = [failure.time for failure in world.status.failures]
    assert len(times) == MAX_FAILURES
    assert times == sorted(times, reverse=True)
    assert world.status.counts.failed == 70


STATUS = PlanStatus(
    phase=PlanPhase.RUNNING,
    counts=PlanCounts(total=9),
    hosts=(PlanHost(name="cmp1", remaining=3),),
    progress_text="0/9",
)


@pytest.mark.parametrize(
    ("changes", "age_s", "urgency"),
    [
        ({}, 1e9, Urgency.LATER),
        ({"phase": PlanPhase.PAUSED}, 0.0, Urgency.NOW),
        ({"hosts": (PlanHost(name="cmp1", remaining=3, order_time=START),)}, 0.0, Urgency.NOW),
        ({"preview": Preview(hash="1", sample_time=START)}, 0.0, Urgency.NOW),
        ({"counts": PlanCounts(total=10)}, 9.9, Urgency.LATER),
        ({"counts": PlanCounts(total=10)}, 10.0, Urgency.NOW),
        ({"hosts": (PlanHost(name="cmp1", remaining=2),)}, 9.9, Urgency.LATER),
        ({"hosts": (PlanHost(name="cmp1", remaining=2),)}, 10.0, Urgency.NOW),
        ({"bytes": PlanBytes(total_bytes=100, processed_bytes=5)}, 14.9, Urgency.LATER),
        ({"bytes": PlanBytes(total_bytes=100, processed_bytes=5)}, 15.0, Urgency.NOW),
        ({"bytes": PlanBytes(total_bytes=100, processed_bytes=4)}, 299.0, Urgency.LATER),
        ({"estimated_completion_time": START}, 299.0, Urgency.LATER),
        ({"estimated_completion_time": START}, 300.0, Urgency.NOW),
    ],
)
def test_a_status_is_written_at_once_after_10_s_or_later(
    changes: dict[str, Any], age_s: float, urgency: Urgency
) -> None:
    assert judge_plan(STATUS, STATUS.model_copy(update=changes), age_s=age_s) is urgency


@pytest.mark.parametrize(
    ("changes", "age_s", "wait_s"),
    [
        ({"counts": PlanCounts(total=10)}, 4.0, 6.0),
        ({"counts": PlanCounts(total=10)}, 11.0, 0.0),
        ({"estimated_completion_time": START}, 4.0, math.inf),
    ],
)
def test_a_count_that_is_not_written_yet_is_written_10_s_after_the_last_write(
    changes: dict[str, Any], age_s: float, wait_s: float
) -> None:
    assert measure_wait_s(STATUS, STATUS.model_copy(update=changes), age_s=age_s) == wait_s


@pytest.mark.parametrize(
    ("servers", "seconds"),
    [
        ([server(memory_mib=512)], 1600),
        ([server(memory_mib=2049)], 1600),
        ([server(1, memory_mib=3072), server(2, memory_mib=2048)], 2400),
        ([server(1, memory_mib=65536, status="ERROR"), server(2, memory_mib=131072, status="SHUTOFF")], None),
        ([server(1, memory_mib=4096), server(2, memory_mib=131072, status="SHUTOFF")], 3200),
        ([server(memory_mib=262144)], 204_800),
        ([], None),
    ],
)
def test_the_preview_says_when_nova_gives_up_the_largest_server_that_is_moved_live(
    servers: list[ServerRow], seconds: int | None
) -> None:
    world = PlanWorld(spec={"mode": "Validate"}, servers=servers)
    world.step()

    assert world.status.preview.live_timeout_seconds == seconds


def test_a_server_of_another_size_is_no_other_preview_to_approve() -> None:
    world = PlanWorld(spec={"approval": "Manual"}, servers=[server()])
    world.step()
    before = world.status.preview
    world.servers = [server(memory_mib=8192)]
    world.wait()
    world.step()

    assert world.status.preview.hash == before.hash
    assert (before.live_timeout_seconds, world.status.preview.live_timeout_seconds) == (1600, 6400)


def test_moves_that_the_cloud_keeps_in_its_queue_are_counted_apart_among_those_that_run() -> None:
    limits = {"maxInFlight": 4, "maxInFlightPerSourceHost": 4}
    world = PlanWorld(spec={"limits": limits}, servers=[server(number) for number in range(1, 5)])
    world.step()
    world.follow(world.find(1).name, phase=Phase.RUNNING, reason="Running", is_sent=True)
    world.follow(world.find(2).name, phase=Phase.STARTING, reason="Queued", is_sent=True)
    world.follow(world.find(3).name, phase=Phase.STARTING, reason="Accepted", is_sent=True)
    world.follow(world.find(4).name, phase=Phase.QUEUED, reason="SlotsTaken")
    world.wait()
    world.step()

    counts = world.status.counts
    assert (counts.queued, counts.running, counts.queued_upstream) == (1, 3, 1)
    world.follow(world.find(2).name, phase=Phase.RUNNING, reason="Running")
    world.wait()
    world.step()
    assert (world.status.counts.running, world.status.counts.queued_upstream) == (3, 0)


def test_what_stays_is_told_with_the_reason_of_the_end_and_not_of_the_beginning() -> None:
    exclude = [{"serverID": server_id(4), "reason": "its owner asked"}]
    world = PlanWorld(
        spec=DISABLE | {"exclude": exclude, "limits": {"maxInFlight": 1}},
        servers=[server(number) for number in range(1, 5)],
    )
    for _ in range(2):
        world.step()
        world.wait(2.0)
    world.servers = [row if row.id != server_id(2) else replace(row, status="ERROR") for row in world.servers]
    world.order(PlanVerb.SKIP, server_id(3))
    world.run()

    assert [(row.server_id, row.reason) for row in world.status.preview.not_plain] == [(server_id(4), "Excluded")]
    left = [(row.server_id, row.verdict, row.reason) for row in world.status.left]
    assert left == [
        (server_id(2), "Blocked", "ServerInError"),
        (server_id(4), "Skip", "Excluded"),
        (server_id(3), "Skip", "Skipped"),
    ]
    assert find_condition(world.status.conditions, "Blocked").message == "ServerInError 1: web-2"  # type: ignore[union-attr]


def test_only_blocked_servers_are_called_blocked() -> None:
    world = PlanWorld(spec={"mode": "Validate"}, servers=[server(1, status="ERROR"), server(2, status="SHUTOFF")])
    world.step()

    assert len(world.status.preview.not_plain) == 2
    assert word_blocked(world.status) == "ServerInError 1: web-1"


def test_a_sweep_without_one_service_says_nothing_of_a_service() -> None:
    world = PlanWorld(spec=DISABLE)
    host = PlanHost(name="cmp1", order_time=START)
    for sweep in (replace(world.sweep("cmp1"), services=()), replace(world.sweep("cmp1"), problem="cell 2")):
        assert note_service(host, sweep, world.observe()).host == host
        assert release(host, sweep, world.observe()).host == host
    assert release(host, None, world.observe()).effect is None
    assert release(PlanHost(name="cmp1"), world.sweep("cmp1"), world.observe()).notes == ()


def test_before_the_first_sweep_every_server_is_known_by_its_migrations_only() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    for _ in range(2):
        world.step()
        world.wait(2.0)
    world.run()
    host = world.status.hosts[0]
    assert host.drained_time is not None

    status = world.status.model_copy(update={"phase": PlanPhase.RUNNING, "completion_time": None})
    world.plan = world.plan.model_copy(update={"status": status})
    world.restart()
    world.step()

    assert world.phase == PlanPhase.SUCCEEDED
    assert world.status.progress_text == "1/1"


def test_until_the_hosts_of_the_cloud_were_read_nothing_is_known_of_them() -> None:
    world = PlanWorld(spec=DISABLE)

    assert find_usable(world.observe()) is None
