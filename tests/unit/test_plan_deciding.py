"""A large plan is decided on beside the event loop, on ground of what still holds, and kept small in between."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import SERVER_ID, migration_body, provider_body
from controller_fakes import PROVIDER
from controller_lab import Lab
from fake_clock import give_way_until, settle
from host_fakes import FakeHosts, server_on, service
from osmig.api.names import Kind
from osmig.controllers.inbox import Inbox
from osmig.controllers.keys import Key
from osmig.controllers.plan_children import AT_A_STRETCH, PlanChildren
from osmig.controllers.plan_deciding import LARGE, PlanDecider, count_known
from osmig.controllers.plans import GO_ON_S
from osmig.domain.plans.decisions import CommitPlan, CreateChild
from osmig.domain.plans.machine import decide_plan
from osmig.domain.plans.naming import name_child_of
from osmig.net.bounds import LARGE_BYTES
from osmig.net.json_reading import take_turn
from plan_samples import UID, plan_body
from plan_world import PlanWorld, server
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAN = Key(Kind.PLAN, "team-a", "drain")


def test_a_large_plan_takes_next_to_nothing_of_the_event_loop() -> None:
    world = PlanWorld(servers=[server(number) for number in range(4000)])
    world.step()
    observation = world.observe()
    began_s = time.thread_time()
    expected = decide_plan(observation)
    whole_s = time.thread_time() - began_s

    async def story() -> None:
        decider = PlanDecider()
        began_s = time.thread_time()
        decided = await decider.decide(observation)
        assert time.thread_time() - began_s < whole_s / 4
        assert decided == expected

    asyncio.run(story())


def test_a_small_plan_is_decided_on_at_once() -> None:
    world = PlanWorld(servers=[server(1)])
    world.step()
    assert count_known(world.observe()) < LARGE
    step = PlanDecider().decide(world.observe())
    with pytest.raises(StopIteration) as ended:
        step.send(None)
    assert isinstance(ended.value.value, CommitPlan)


class LargeDrain:
    """A plan for a host with many servers."""

    def __init__(self) -> None:
        """Let the plan be known."""
        servers = [server_on("cmp1", number) for number in range(LARGE + 50)]
        self.hosts = FakeHosts(services={name: service(name) for name in ("cmp1", "cmp2")}, servers=servers)
        self.lab = Lab(cloud=FakeBackend(compute_hosts=self.hosts))
        self.hosts.clock_s = self.tick
        self.lab.offer(Kind.PROVIDER, provider_body())
        self.lab.offer(Kind.PLAN, plan_body(namespace="team-a"))

    def tick(self) -> float:
        """Tell the time of a request; no two are sent at the same moment."""
        self.lab.clock.advance(0.001)
        return self.lab.clock.boottime()

    def made(self) -> list[str]:
        """Return the Migrations that were made."""
        return [change for change in self.lab.api.changes if change.startswith("create")]


@contextmanager
def deciding_held() -> Iterator[Callable[[], None]]:
    """Keep the turn from large plans until it is let go, or the block ends."""
    has_it, go = threading.Event(), threading.Event()

    def hold() -> None:
        with take_turn(LARGE_BYTES + 1):
            has_it.set()
            go.wait()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        has_it.wait()
        try:
            yield go.set
        finally:
            go.set()


async def begin_deciding(drain: LargeDrain) -> asyncio.Future[float | None]:
    """Begin a step, and let it come to its decision."""
    await drain.lab.step(PROVIDER)
    step = asyncio.ensure_future(drain.lab.step(PLAN))
    await give_way_until(lambda: "sweep_host" in drain.hosts.calls)
    await settle()
    assert not step.done()
    return step


def test_what_is_ordered_while_a_large_plan_is_decided_on_is_obeyed_first() -> None:
    async def story() -> None:
        drain = LargeDrain()
        with deciding_held() as let_go:
            step = await begin_deciding(drain)
            drain.lab.suspend(PLAN)
            let_go()
            assert await step == GO_ON_S
        assert drain.made() == []
        await drain.lab.step(PLAN)
        assert drain.made() == []
        assert drain.lab.api.status(PLAN)["phase"] == "Paused"

    asyncio.run(story())


def test_a_large_plan_that_is_deleted_while_it_is_decided_on_does_nothing() -> None:
    async def story() -> None:
        drain = LargeDrain()
        with deciding_held() as let_go:
            step = await begin_deciding(drain)
            drain.lab.controllers.intake.remove(Kind.PLAN, drain.lab.api.objects.pop(PLAN))
            let_go()
            await step
        assert drain.made() == []

    asyncio.run(story())


def test_a_large_plan_makes_its_migrations() -> None:
    async def story() -> None:
        drain = LargeDrain()
        await drain.lab.step(PROVIDER)
        await drain.lab.step(PLAN)
        drain.lab.show(PLAN)
        await drain.lab.step(PLAN)
        assert len(drain.made()) == 2

    asyncio.run(story())


def test_after_a_restart_many_migrations_are_read_a_few_at_a_stretch() -> None:
    inbox = Inbox()
    children = PlanChildren(inbox, lambda _key, _delay_s=0.0: None)
    for index in range(1, 4 * AT_A_STRETCH + 1):
        offer_child(inbox, children, index)
    pauses = list(children.read_some(UID))
    assert len(pauses) == 4
    assert list(children.read_some(UID)) == []
    assert len(children.list_views(UID)) == 4 * AT_A_STRETCH
    offer_child(inbox, children, 1, version=2)
    assert list(children.read_some(UID)) == []


def offer_child(inbox: Inbox, children: PlanChildren, index: int, *, version: int = 1) -> None:
    body: dict[str, Any] = migration_body(spec={"server": {"id": SERVER_ID}})
    owner = {"apiVersion": "osmig.dev/v1alpha1", "kind": "MigrationPlan", "name": "drain", "uid": UID}
    body["metadata"] |= {
        "name": name_child_of("drain", UID, SERVER_ID, index),
        "uid": f"c-{index}",
        "resourceVersion": str(version),
        "labels": {"osmig.dev/index": str(index)},
        "ownerReferences": [{**owner, "controller": True}],
    }
    inbox.offer(Kind.MIGRATION, body)
    children.note(Key(Kind.MIGRATION, "team-a", body["metadata"]["name"]), body)


def test_a_plan_is_kept_as_text_between_its_steps() -> None:
    async def story() -> None:
        drain = LargeDrain()
        await drain.lab.step(PROVIDER)
        await drain.lab.step(PLAN)
        entry = drain.lab.controllers.inbox.get(PLAN)
        assert entry is not None
        assert isinstance(entry.kept, bytes)
        assert entry.parsed is None
        assert entry.body["status"]["phase"] == "Running"

    asyncio.run(story())


def test_what_was_seen_through_a_provider_goes_with_its_last_plan() -> None:
    async def story() -> None:
        drain = LargeDrain()
        await drain.lab.step(PROVIDER)
        await drain.lab.step(PLAN)
        looks = drain.hosts.calls.count("sweep_host")
        body = drain.lab.api.objects.pop(PLAN)
        drain.lab.controllers.intake.remove(Kind.PLAN, body)
        await drain.lab.step(PLAN)
        drain.lab.offer(Kind.PLAN, plan_body(namespace="team-a", uid="another"))
        await drain.lab.step(PLAN)
        assert drain.hosts.calls.count("sweep_host") == looks + 1

    asyncio.run(story())


def test_a_creation_is_the_effect_of_a_large_decision() -> None:
    world = PlanWorld(servers=[server(number) for number in range(LARGE + 1)])
    world.step()
    assert world.made(CreateChild)
