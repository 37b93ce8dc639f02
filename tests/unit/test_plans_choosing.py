"""Which Migrations are made next, what they are called, and what is in them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from osmig.api.meta import to_wire
from osmig.api.names import Phase
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.api.provider import Limits
from osmig.api.server_options import BlockMigration, LiveOptions
from osmig.domain.plans.decisions import CreateChild
from osmig.domain.plans.naming import label_child, marker_of, name_child, word_reason
from osmig.domain.plans.sweeps import GroupRow
from plan_samples import plan_body
from plan_world import DISABLE, START, PlanWorld, server, server_id

GO_TO_CMP9 = {"template": {"placement": {"destinationHost": "cmp9"}}}
COLD = {"rules": [{"name": "all", "behavior": "Move", "method": "Cold"}]}


def start(world: PlanWorld) -> list[CreateChild]:
    """Step until the first Migrations are made."""
    world.step()
    world.wait(2.0)
    world.step()
    return world.made(CreateChild)


def first(order: str) -> list[str]:
    """Return the names of servers in the order in which a plan would take them, one at a time."""
    servers = [
        server(1, name="b", memory_mib=4096, created=START - dt.timedelta(days=3)),
        server(2, name="c", memory_mib=1024, created=START - dt.timedelta(days=1)),
        server(3, name="a", memory_mib=2048, created=START - dt.timedelta(days=2)),
        server(4, name="d", memory_mib=2048, created=None),
    ]
    world = PlanWorld(spec=DISABLE | {"order": order, "limits": {"maxInFlight": 1}}, servers=servers)
    world.run()
    names = {row.id: row.name for row in servers}
    return [names[str(effect.spec.server.id)] for effect in world.made(CreateChild) if effect.spec.server]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("SmallestMemoryFirst", "cadb"),
        ("LargestMemoryFirst", "badc"),
        ("OldestFirst", "dbac"),
        ("NewestFirst", "cabd"),
        ("Name", "abcd"),
    ],
)
def test_servers_go_in_the_order_of_the_spec(order: str, names: str) -> None:
    assert first(order) == list(names)


def group(*members: int) -> GroupRow:
    """Make a group whose members must be apart."""
    ids = frozenset(map(server_id, members))
    return GroupRow(id="g", name="db", policy="soft-anti-affinity", members=ids)


@pytest.mark.parametrize(
    ("limits", "made"),
    [
        ({"maxInFlight": 3, "maxInFlightPerSourceHost": 9}, 3),
        ({"maxInFlight": 9, "maxInFlightPerSourceHost": 2}, 2),
        ({"maxInFlight": 9, "maxInFlightPerSourceHost": 9}, 5),
        ({"maxInFlight": 9, "maxInFlightPerSourceHost": 9, "maxInFlightPerServerGroup": 2}, 6),
        ({"maxInFlight": 9, "maxInFlightPerSourceHost": 9, "maxInFlightPerProject": 1}, 2),
    ],
)
def test_no_more_migrations_are_under_way_than_each_limit_says(limits: dict[str, int], made: int) -> None:
    servers = [server(number, project_id="7" if number < 5 else "8") for number in range(1, 8)]
    world = PlanWorld(spec=DISABLE | {"limits": limits}, servers=servers, groups=[group(1, 2, 3)])

    assert len(start(world)) == made
    world.step()
    assert len(world.made(CreateChild)) == made


def test_a_place_is_free_again_when_a_move_has_arrived_and_awaits_its_confirmation() -> None:
    world = PlanWorld(spec=DISABLE | COLD | {"limits": {"maxInFlight": 1}}, servers=[server(1), server(2)])
    (made,) = start(world)

    world.follow(made.name, phase=Phase.AWAITING_CONFIRMATION, is_sent=True)
    world.step()

    assert len(world.made(CreateChild)) == 2
    assert world.status.counts.awaiting_confirmation == 1


def test_a_child_has_what_the_template_says_and_the_source_host() -> None:
    template = {
        "live": {"blockMigration": "Never"},
        "cold": {"confirm": "Automatic"},
        "deadlineSeconds": 600,
        "onDeadline": "Abort",
        "retry": {"limit": 1},
    }
    world = PlanWorld(spec=DISABLE | {"template": template}, servers=[server(1), server(2, status="SHUTOFF")])
    live, cold = sorted(start(world), key=lambda effect: str(effect.spec.type), reverse=True)
    wire: dict[str, Any] = to_wire(live.spec)

    assert wire["providerRef"] == {"name": "region-one"}
    assert wire["placement"] == {"sourceHost": "cmp1"}
    assert wire["server"] == {"id": server_id(1)}
    assert wire["type"] == "LiveMigration"
    assert wire["live"] == {"blockMigration": "Never"}
    assert "cold" not in wire
    assert (wire["deadlineSeconds"], wire["onDeadline"], wire["retry"]["limit"]) == (600, "Abort", 1)
    assert to_wire(cold.spec)["cold"]["confirm"] == "Automatic"
    assert "live" not in to_wire(cold.spec)


def test_all_servers_go_where_the_template_says() -> None:
    world = PlanWorld(spec=DISABLE | GO_TO_CMP9, servers=[server(1)], hosts=("cmp1", "cmp8", "cmp9"))

    (made,) = start(world)

    assert to_wire(made.spec)["placement"] == {"sourceHost": "cmp1", "destinationHost": "cmp9"}
    assert world.status.preview.free_memory_mib == 65536, "of the one host that they go to"


def test_no_more_go_to_one_host_at_once_than_the_limit_says_whatever_else_would_fit() -> None:
    limits = {"maxInFlight": 9, "maxInFlightPerSourceHost": 9, "maxInFlightPerDestinationHost": 2}
    servers = [server(number) for number in range(1, 5)]
    world = PlanWorld(spec=DISABLE | GO_TO_CMP9 | {"limits": limits}, servers=servers)

    assert len(start(world)) == 2
    world.step()
    assert len(world.children) == 2
    world.end(next(iter(world.children)))
    world.step()
    assert len(world.children) == 3

    free = PlanWorld(spec=DISABLE | {"limits": limits}, servers=servers)
    assert len(start(free)) == 4, "nobody knows before the start where the scheduler sends them"


@pytest.mark.parametrize(
    ("within", "made"),
    [
        (Limits(max_in_flight=3, max_in_flight_per_source_host=9, max_in_flight_per_destination_host=9), 3),
        (Limits(max_in_flight=9, max_in_flight_per_source_host=2, max_in_flight_per_destination_host=9), 2),
        (Limits(max_in_flight=9, max_in_flight_per_source_host=9, max_in_flight_per_destination_host=1), 1),
    ],
)
def test_no_more_are_made_at_once_than_the_provider_lets_begin(within: Limits, made: int) -> None:
    limits = {"maxInFlight": 9, "maxInFlightPerSourceHost": 9}
    servers = [server(number) for number in range(1, 8)]
    world = PlanWorld(spec=DISABLE | GO_TO_CMP9 | {"limits": limits}, servers=servers, limits=within)

    assert len(start(world)) == made


def test_what_goes_to_another_host_since_the_template_was_edited_takes_no_place_there() -> None:
    limits = {"maxInFlight": 9, "maxInFlightPerSourceHost": 9, "maxInFlightPerDestinationHost": 1}
    world = PlanWorld(
        spec=DISABLE | GO_TO_CMP9 | {"limits": limits},
        servers=[server(1), server(2)],
        hosts=("cmp1", "cmp8", "cmp9"),
    )
    start(world)

    to_cmp8 = DISABLE | {"template": {"placement": {"destinationHost": "cmp8"}}, "limits": limits}
    world.plan = parse_plan(plan_body(spec=to_cmp8)).model_copy(update={"status": world.status})
    world.step()

    assert [child.destination_host for child in world.children.values()] == ["cmp9", "cmp8"]


@pytest.mark.parametrize("policy", ["Detach", "Abort"])
def test_a_child_is_deleted_as_the_plan_says(policy: str) -> None:
    world = PlanWorld(spec=DISABLE | {"deletionPolicy": policy}, servers=[server()])

    (made,) = start(world)

    assert made.spec.deletion_policy == policy


@pytest.mark.parametrize("template", [None, {}, {"live": {}}, {"retry": {"limit": 2}}])
def test_a_child_lets_nova_decide_by_the_storage_whether_disks_are_copied(template: dict[str, Any] | None) -> None:
    world = PlanWorld(spec={"template": template} if template is not None else {}, servers=[server()])
    world.step()

    (order,) = world.made(CreateChild)
    assert (order.spec.live or LiveOptions()).block_migration is BlockMigration.AUTO


def test_a_child_that_tries_again_waits_for_a_minute_by_default() -> None:
    world = PlanWorld(spec={"template": {"retry": {"limit": 2}}}, servers=[server()])
    world.step()

    (order,) = world.made(CreateChild)
    assert to_wire(order.spec)["retry"] == {"limit": 2, "backoffSeconds": 60, "maxBackoffSeconds": 600}


def test_names_and_labels_of_children_are_those_of_the_objects_of_kubernetes() -> None:
    for name in ("drain", "d" * 253, f"{'d' * 47}-x", "a.b"):
        plan = parse_plan(plan_body(name=name))
        names = {name_child(plan, server_id(number), index) for number in range(20) for index in (1, 2)}
        assert len(names) == 40
        assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?-[a-z2-7]{10}", one) for one in names)
        assert all(len(one) <= 63 for one in names)
        assert not any("--" in one or ".-" in one for one in names)
        for label in label_child(plan, server_id(1), "a host/with spaces", 1).values():
            assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", label)


def test_names_of_children_differ_by_the_uid_of_the_plan() -> None:
    plans = [parse_plan(plan_body(uid=uid)) for uid in ("one", "two")]

    assert len({name_child(plan, server_id(1), 1) for plan in plans}) == 2


def test_the_reason_of_a_service_begins_with_the_marker_and_fits() -> None:
    maintenance = {"computeService": "Disable", "reason": "r" * 100}
    plan = parse_plan(plan_body(name="p" * 253, namespace="n" * 63, spec={"maintenance": maintenance}))

    assert word_reason(plan).startswith(marker_of(plan))
    assert word_reason(plan).endswith("r" * 100)
    assert len(word_reason(plan)) <= 255
    assert word_reason(parse_plan(plan_body())) == "osmig/moves/drain/6f1d2c7b: host is being emptied"


def test_a_server_that_was_deleted_during_its_move_is_neither_failed_nor_counted() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1), server(2)])
    made, _ = start(world)
    world.end(made.name, Phase.FAILED, reason="ServerGone")
    world.servers = world.servers[1:]
    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert (world.status.counts.total, world.status.counts.failed) == (1, 0)


def test_a_failed_move_whose_server_is_on_no_list_any_more_is_tried_again_by_retry() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    (made,) = start(world)
    world.servers = []
    world.end(made.name, Phase.FAILED)
    world.run()
    assert world.phase == PlanPhase.FAILED
    assert world.status.hosts[0].drained_time is not None, "the host is proven empty before the plan ends"
    assert world.status.failures[0].migration_name == made.name

    world.order(PlanVerb.RETRY)
    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert len(world.children) == 1


def test_the_forecast_comes_after_three_moves() -> None:
    world = PlanWorld(spec=DISABLE | {"limits": {"maxInFlight": 1}}, servers=[server(number) for number in range(1, 7)])
    forecasts = []
    for _ in range(9):
        world.step()
        forecasts.append((world.status.counts.succeeded, world.status.estimated_completion_time))
        world.wait()
        for child in list(world.children.values()):
            if not child.is_finished:
                world.end(child.name)

    assert all((end is not None) == (3 <= done < 6) for done, end in forecasts)
    assert all(end > START for _, end in forecasts if end is not None)


MIB = 1024 * 1024


def test_bytes_are_those_that_the_moves_report_and_else_the_memory_of_the_servers() -> None:
    def read() -> tuple[int, int, int]:
        moved = world.status.bytes
        return moved.total_bytes // MIB, moved.processed_bytes // MIB, moved.remaining_bytes // MIB

    limits = {"limits": {"maxInFlight": 2}}
    rows = [server(number, memory_mib=1000 * number) for number in (1, 2, 3)]
    world = PlanWorld(spec=DISABLE | limits, servers=[*rows, server(4, status="ERROR")])
    start(world)
    assert read() == (6000, 0, 6000), "what is not moved does not count"

    # more than there is: memory is copied in passes
    world.follow(world.find(1).name, phase=Phase.RUNNING, total_bytes=1500 * MIB, processed_bytes=1700 * MIB)
    world.follow(world.find(2).name, phase=Phase.RUNNING, total_bytes=2000 * MIB, processed_bytes=500 * MIB)
    world.wait()
    world.step()
    assert read() == (6500, 2000, 4500)

    for number in (1, 2):
        world.end(world.find(number).name)
    world.wait()
    world.step()
    assert read() == (6500, 3500, 3000)


def test_a_look_within_the_second_in_which_a_move_ended_does_not_bring_its_server_back() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    (made,) = start(world)
    world.wait(0.4)
    world.sweeps["cmp1"] = world.sweep("cmp1")
    second = world.now.replace(microsecond=0)
    world.end(made.name)
    world.follow(made.name, completion_time=second)
    world.step()
    assert len(world.children) == 1

    world.servers = [server(1)]
    world.wait()
    world.step()
    assert len(world.children) == 2, "it was brought back"


def test_the_newest_of_several_migrations_of_a_server_counts() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    (made,) = start(world)
    world.end(made.name)
    world.wait()
    world.servers = [server(1)]
    world.step()
    world.children = dict(reversed(world.children.items()))
    world.step()

    assert world.find(1).index == 2
    assert world.status.counts.queued == 1
