"""Slots through the whole engine: limits hold, foreign moves count, and who frees a slot wakes whose turn it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import Lab, fail_put
from domain_samples import record, server
from osmig.api.names import Kind
from osmig.domain.errors import KubeUnavailable
from osmig.domain.operations import Stage
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

TIGHT = {"maxInFlight": 3, "maxInFlightPerSourceHost": 1, "maxInFlightPerDestinationHost": 1}
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def key_of(number: int) -> Key:
    return MIGRATION._replace(name=f"m-{number:03}")


def server_id_of(number: int) -> str:
    return str(UUID(int=number))


async def lab_with_moves(
    count: int, limits: dict[str, int], *, sources: int = 1, destinations: int | None = None
) -> Lab:
    """An engine whose Provider has limits, and new Migrations of a server each, dealt out to hosts."""
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_body(spec={"limits": limits}))
    await lab.step(PROVIDER)
    for number in range(count):
        host = f"from-{number % sources}"
        lab.cloud.views[server_id_of(number)] = replace(server(host), id=server_id_of(number))
        spec: dict[str, Any] = {"server": {"id": server_id_of(number)}}
        if destinations is not None:
            spec["placement"] = {"destinationHost": f"to-{number // sources % destinations}"}
        body = migration_body(spec=spec)
        body["metadata"] |= {"name": key_of(number).name, "uid": f"uid-{number}"}
        lab.offer(Kind.MIGRATION, body)
    lab.cloud.calls.clear()
    return lab


def show_rows(lab: Lab, word: str, *numbers: int) -> None:
    """Let the cloud show the moves of these servers in a state."""
    over = word in {"completed", "failed"}
    rows = {row.server_id: row for row in lab.cloud.rows}
    for number in numbers:
        server_id = server_id_of(number)
        source = lab.cloud.views[server_id].host if server_id not in rows else rows[server_id].source_host
        rows[server_id] = record(
            word, number=1000 + number, server_id=server_id, source_host=source, destination_host=f"at-{number}"
        )
        lab.cloud.views[server_id] = replace(server(f"at-{number}" if over else source, busy=not over), id=server_id)
    lab.cloud.rows = tuple(rows.values())


def phase_of(lab: Lab, number: int) -> str:
    return str(lab.api.status(key_of(number)).get("phase"))


def message_of(lab: Lab, number: int) -> str:
    return str(lab.api.status(key_of(number))["conditions"][0]["message"])


def under_way(lab: Lab, count: int) -> list[int]:
    return [number for number in range(count) if phase_of(lab, number) in {"Starting", "Running"}]


async def test_no_more_start_than_the_limit_and_the_others_say_how_much_of_which_is_used() -> None:
    lab = await lab_with_moves(5, {"maxInFlight": 2, "maxInFlightPerSourceHost": 9})
    await lab.run()
    assert under_way(lab, 5) == [0, 1]
    assert lab.cloud.calls.count("start") == 2
    assert message_of(lab, 4).startswith("2/2 moves through Provider region-one")


async def test_a_full_host_is_named_and_does_not_hold_up_another() -> None:
    lab = await lab_with_moves(4, {"maxInFlightPerSourceHost": 1}, sources=2)
    await lab.run()
    assert under_way(lab, 4) == [0, 1]
    assert message_of(lab, 2).startswith("1/1 moves away from host from-0")
    assert message_of(lab, 3).startswith("1/1 moves away from host from-1")


async def test_a_full_destination_is_named() -> None:
    lab = await lab_with_moves(2, {"maxInFlightPerDestinationHost": 1}, sources=1, destinations=1)
    await lab.run()
    assert message_of(lab, 1).startswith("1/1 moves to host to-0")


async def test_the_end_of_a_move_wakes_the_one_whose_turn_it_is_and_nobody_else() -> None:
    lab = await lab_with_moves(4, {"maxInFlight": 1, "maxInFlightPerSourceHost": 9})
    await lab.run()
    show_rows(lab, "completed", 0)
    await lab.step(PROVIDER)
    lab.cloud.calls.clear()
    for key in (PROVIDER, key_of(0)):
        lab.controllers.scheduler.wake(key)
    await lab.clock.pass_by(9)
    await lab.run()
    assert [phase_of(lab, number) for number in range(4)] == ["Succeeded", "Starting", "Queued", "Queued"]
    assert lab.cloud.calls.count("pre_start") == 1


async def test_raised_limits_wake_as_many_as_they_let_go() -> None:
    lab = await lab_with_moves(4, {"maxInFlight": 1, "maxInFlightPerSourceHost": 9})
    await lab.run()
    changed = provider_body(spec={"limits": {"maxInFlight": 3, "maxInFlightPerSourceHost": 9}})
    lab.api.add(Kind.PROVIDER, changed | {"status": lab.api.status(PROVIDER)})
    lab.show(PROVIDER)
    await lab.run()
    assert under_way(lab, 4) == [0, 1, 2]


async def test_a_foreign_move_holds_a_slot_until_a_sweep_shows_its_end() -> None:
    lab = await lab_with_moves(1, {"maxInFlight": 1})
    foreign = record("running", number=5, server_id="another", updated=lab.clock.now())
    lab.cloud.rows = (foreign,)
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    await lab.run()
    assert message_of(lab, 0).startswith("1/1 moves through Provider region-one")
    lab.cloud.rows = (replace(foreign, stage=Stage.SUCCEEDED, status="completed"),)
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    await lab.run()
    assert phase_of(lab, 0) == "Starting"


async def test_whoever_is_deleted_lets_the_next_in_the_queue_go() -> None:
    lab = await lab_with_moves(3, {"maxInFlight": 1})
    await lab.run()
    for number in (1, 0):
        lab.controllers.intake.remove(Kind.MIGRATION, lab.api.objects.pop(key_of(number)))
    await lab.run()
    assert phase_of(lab, 2) == "Starting"


async def test_a_slot_whose_intent_could_not_be_written_goes_to_the_next() -> None:
    lab = await lab_with_moves(2, {"maxInFlight": 1})
    fail_put(lab, KubeUnavailable("Unreachable", "no answer"))
    with pytest.raises(KubeUnavailable):
        await lab.step(key_of(0))
    await lab.step(key_of(1))
    assert under_way(lab, 2) == [1]


async def test_many_moves_over_few_hosts_never_exceed_a_limit_and_all_end() -> None:
    count, sources = 30, 5
    lab = await lab_with_moves(count, TIGHT, sources=sources, destinations=4)
    most = 0
    for _ in range(200):
        await lab.run(seconds=1)
        running = under_way(lab, count)
        placements = [lab.api.status(key_of(number))["placement"]["sourceHost"] for number in running]
        assert len(running) <= 3
        assert len(set(placements)) == len(placements)
        most = max(most, len(running))
        show_rows(lab, "completed", *running[:1])
        lab.controllers.scheduler.wake(PROVIDER)
        await lab.clock.pass_by(10)
        if all(phase_of(lab, number) == "Succeeded" for number in range(count)):
            break
    assert [number for number in range(count) if phase_of(lab, number) != "Succeeded"] == []
    assert most == 3
    assert lab.cloud.calls.count("start") == count


async def test_a_restarted_process_counts_the_slots_that_its_predecessor_took() -> None:
    lab = await lab_with_moves(3, {"maxInFlight": 1})
    await lab.step(key_of(0))
    again = Lab(api=lab.api, cloud=lab.cloud, holder="the next one")
    for key in (PROVIDER, *map(key_of, range(3))):
        again.show(key)
    await again.step(PROVIDER)
    await again.step(key_of(1))
    assert phase_of(again, 1) == "Queued"


async def test_progress_reads_take_no_more_than_half_of_what_the_provider_may_be_asked() -> None:
    limits = {"maxInFlight": 99, "maxInFlightPerSourceHost": 99, "requestsPerSecond": 2}
    lab = await lab_with_moves(12, limits)
    for number in range(12):
        await lab.step(key_of(number))
    entry = lab.controllers.inbox.get(key_of(0))
    assert entry is not None
    show_rows(lab, "running", *range(12))
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    due = {await lab.step(key_of(number)) for number in range(12)}
    assert due == {12.0}


async def test_stale_foreign_moves_are_counted_by_each_sweep() -> None:
    hung = record(number=5, updated=NOW - timedelta(hours=2))
    lab = Lab(cloud=FakeBackend(rows=(hung, record(number=6, updated=NOW))))
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.step(PROVIDER)
    assert lab.count("osmig_stale_foreign_migrations") == 1
    assert lab.count("osmig_provider_slots") == 10, "as the spec has it by default"


async def test_a_wall_clock_that_is_set_ahead_makes_no_foreign_move_look_left_over() -> None:
    lab = await lab_with_moves(1, {"maxInFlight": 1})
    lab.cloud.rows, lab.cloud.asked = (record(number=6, updated=NOW),), NOW
    lab.clock.ahead_s = 7200.0
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    assert lab.count("osmig_stale_foreign_migrations") == 0
    await lab.step(key_of(0))
    assert phase_of(lab, 0) == "Queued"
