"""What a step of a plan computes grows with what there is, never with the product of two lists: in instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from instructions import count_instructions
from osmig.domain.operations import MoveKind, RecordView, Stage
from osmig.domain.plans.machine import decide_plan
from osmig.domain.plans.sweeps import GroupRow
from plan_world import DISABLE, PlanWorld, server, server_id

if TYPE_CHECKING:
    from collections.abc import Callable

FEW, MANY = 60, 240
PER_ONE = 400
"""Instructions that one more exclude, host or record may cost by itself; with each of `MANY` servers it is more."""
PER_HOST = 2000
"""The same of a host of the plan, which has a service, a count and a proof."""


def measure(world: PlanWorld) -> int:
    """Count what a decision takes about a plan that has begun and whose looks are young."""
    for _ in range(2):
        world.step()
        world.wait(2.0)
    world.step()
    return count_instructions(lambda: decide_plan(world.observe()))


def make_world(servers: int, **changes: Any) -> PlanWorld:  # noqa: ANN401 - what a world is made of
    """Make a plan for servers that await confirmations, of anti-affinity groups, on one host."""
    spec = DISABLE | {"limits": {"maxInFlight": 2}} | changes.pop("spec", {})
    rows = [server(number, status="VERIFY_RESIZE" if number % 2 else "ACTIVE") for number in range(servers)]
    groups = [
        GroupRow(id=f"g{number}", name="g", policy="anti-affinity", members=frozenset({server_id(number)}))
        for number in range(servers)
    ]
    return PlanWorld(spec=spec, servers=rows, groups=groups, **changes)


def list_excludes(count: int) -> dict[str, Any]:
    return {"exclude": [{"serverID": server_id(10**6 + number), "reason": "owner"} for number in range(count)]}


def list_records(count: int) -> list[RecordView]:
    return [
        RecordView(
            id=str(number),
            server_id=server_id(10**6 + number),
            kind=MoveKind.COLD,
            stage=Stage.AWAITING_CONFIRMATION,
            source_host="cmp1",
        )
        for number in range(count)
    ]


GROWING: dict[str, Callable[[int], dict[str, Any]]] = {
    "excludes": lambda count: {"spec": list_excludes(min(count, 200))},
    "hosts of the cloud": lambda count: {"hosts": ("cmp1", *(f"other-{number}" for number in range(count)))},
    "records": lambda count: {"records": list_records(count)},
}


@pytest.mark.parametrize("what", GROWING)
def test_one_more_of_them_costs_the_same_however_many_servers_there_are(what: str) -> None:
    few, many = (measure(make_world(MANY, **GROWING[what](count))) for count in (2, 200))

    assert many - few < 200 * PER_ONE


def test_a_plan_with_four_times_the_servers_costs_four_times_as_much() -> None:
    few, many = measure(make_world(FEW)), measure(make_world(MANY))

    assert many < 4.4 * few


def test_servers_on_more_hosts_cost_no_more() -> None:
    def spread(hosts: int) -> PlanWorld:
        names = tuple(f"cmp{number}" for number in range(hosts))
        rows = [server(number, host=names[number % hosts]) for number in range(MANY)]
        return PlanWorld(spec=DISABLE | {"targets": {"hosts": list(names)}}, servers=rows, hosts=(*names, "cmp99"))

    assert measure(spread(50)) < measure(spread(1)) + 50 * PER_HOST
