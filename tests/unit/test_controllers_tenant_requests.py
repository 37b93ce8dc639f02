"""How many requests replications make of Waldur: counted, by what each call takes, over an hour of the engine's clock.

What a call takes is held by tests/contract/test_waldur_backend_replicas.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controller_lab import Lab
from osmig.api.names import Kind, Verb
from osmig.api.tenant_facts import Items
from osmig.controllers.keys import Key
from osmig.domain.errors import OutcomeUnknown
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from tenant_fakes import SHOP, WALDUR, replication_body, waldur_body, waldur_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

RUNS = 20
REQUESTS = {"run": 1, "replica": 3, "runs": 1, "sweep": 1, "probe": 4}
CONNECTION = ("sweep", "probe")
"""What keeps the connection up, however many replications there are."""
LOST = OutcomeUnknown("NoAnswer", "no answer", operation="replicate")
ITEMS = Items(of="networks and subnets of the replica", total=4, done=1)


async def running_lab(runs: int = RUNS, *, items: Items | None = ITEMS) -> Lab:
    """An engine that follows replications which Waldur carries out."""
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = waldur_secret()
    lab.offer(Kind.PROVIDER, waldur_body(limits={"maxInFlight": max(1, runs)}))
    await lab.step(WALDUR)
    lab.waldur.stage, lab.waldur.items = RunStage.CREATING, items
    for number in range(runs):
        lab.offer(Kind.MIGRATION, replication_body(name=f"shop-{number}"))
    return lab


def calls_of(lab: Lab) -> list[str]:
    """Return the calls since the last time, without what they are about."""
    calls = [call.split(" ")[0] for call in lab.tenants[-1].calls]
    lab.tenants[-1].calls.clear()
    return calls


def count_requests(calls: Iterable[str]) -> int:
    return sum(REQUESTS[call] for call in calls)


@pytest.mark.parametrize(("items", "runs"), [(ITEMS, RUNS), (None, 2)], ids=["counted", "hidden"])
async def test_a_poll_of_a_replication_takes_two_requests_at_most_on_average(items: Items | None, runs: int) -> None:
    lab = await running_lab(runs, items=items)
    await lab.run(seconds=5)  # ordered
    lab.tenants[0].calls.clear()
    await lab.run(seconds=600)
    first = [call for call in calls_of(lab) if call not in CONNECTION]
    await lab.run(seconds=1200)
    later = calls_of(lab)

    assert first.count("run") >= runs * 10
    assert count_requests(first) <= 2 * first.count("run")
    assert count_requests(call for call in later if call not in CONNECTION) <= 1.8 * later.count("run")
    per_minute = count_requests(later) / 20 + lab.tenants[-1].lists / 30.5
    assert per_minute <= 45, "requests a minute, those that keep the connection up and that only count included"
    assert lab.tenants[-1].lists <= 32, "the list of all is read once a minute"


async def test_what_was_counted_before_a_restart_is_not_counted_again_after_it() -> None:
    lab = await running_lab(1)
    await lab.run(seconds=30)
    key = Key(Kind.MIGRATION, "team-a", "shop-0")
    sampled = lab.api.status(key)["progress"]["sampleTime"]

    again = Lab(api=lab.api, holder="another")
    again.waldur, again.clock.elapsed = lab.waldur, lab.clock.elapsed
    for known in (WALDUR, key):
        again.show(known)
    await again.step(WALDUR)
    await again.step(key)

    assert [call for call in calls_of(again) if call in ("run", "replica")] == ["run"]
    assert again.api.status(key)["progress"]["sampleTime"] == sampled


async def test_reconcile_counts_at_once() -> None:
    lab = await running_lab(1)
    await lab.run(seconds=620)
    calls_of(lab)
    key = Key(Kind.MIGRATION, "team-a", "shop-0")
    lab.annotate(key, **{Verb.RECONCILE: "1"})
    await lab.step(key)

    assert "replica" in calls_of(lab)


async def test_the_runs_of_a_source_are_read_once_for_a_start() -> None:
    lab = await running_lab(1)
    calls_of(lab)
    await lab.run(seconds=5)
    started = calls_of(lab)

    assert started[: started.index("replicate") + 1] == ["runs", "preflight", "replicate"]
    assert started.count("runs") == 1


async def test_the_runs_of_a_source_are_read_once_more_for_an_answer_that_was_lost() -> None:
    lab = await running_lab(1)
    lab.tenants[0].lost.append(LOST)
    calls_of(lab)
    await lab.run(seconds=5)

    calls = calls_of(lab)
    assert len(lab.waldur.orders) == 1
    assert (calls.count("replicate"), calls.count("runs")) == (1, 2)


async def test_a_check_alone_reads_the_runs_by_itself() -> None:
    lab = await running_lab(0)
    lab.offer(Kind.MIGRATION, replication_body(mode="Validate"))
    lab.tenants[0].calls.clear()
    await lab.step(SHOP)

    assert lab.tenants[0].calls == ["preflight runs"]


async def test_a_replication_is_counted_once_more_at_its_end() -> None:
    lab = await running_lab(1)
    await lab.run(seconds=60)
    calls_of(lab)
    lab.waldur.stage, lab.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
    lab.waldur.items = ITEMS.model_copy(update={"done": 4})
    await lab.run(seconds=60)

    assert [call for call in calls_of(lab) if call in ("run", "replica")] == ["run", "replica"]
    progress: dict[str, Any] = lab.api.status(Key(Kind.MIGRATION, "team-a", "shop-0"))["progress"]
    assert (progress["percent"], progress["items"]["done"]) == (100, 4)
