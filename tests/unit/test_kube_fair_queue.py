"""Turns and shares of a queue that many owners fill."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from osmig.kube.fair_queue import FairQueue


async def take_all(queue: FairQueue[str]) -> list[str]:
    taken = []
    while len(queue):
        taken.append(await queue.take())
        queue.finish()
    return taken


async def test_turns_go_round_between_owners_and_each_keeps_the_order() -> None:
    queue: FairQueue[str] = FairQueue(share=10, capacity=100)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert queue.put(item[0], item) is None

    assert await take_all(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_an_owner_whose_share_is_full_loses_what_comes_and_nobody_else_does() -> None:
    queue: FairQueue[str] = FairQueue(share=2, capacity=100)
    assert [queue.put("a", f"a{number}") for number in range(4)] == [None, None, "a", "a"]
    assert queue.put("b", "b0") is None

    assert await take_all(queue) == ["a0", "b0", "a1"]


async def test_a_full_queue_drops_the_newest_of_the_one_who_has_most() -> None:
    queue: FairQueue[str] = FairQueue(share=3, capacity=4)
    for item in ("a0", "a1", "a2", "b0"):
        queue.put(item[0], item)

    assert queue.put("c", "c0") == "a"
    assert queue.put("b", "b1") == "b"  # as many as the longest would have: his own is dropped

    assert await take_all(queue) == ["a0", "b0", "c0", "a1"]


async def test_what_was_taken_and_not_finished_is_waited_for() -> None:
    queue: FairQueue[str] = FairQueue(share=1, capacity=1)
    await queue.join()
    queue.put("a", "a0")
    joining = asyncio.create_task(queue.join())
    assert await queue.take() == "a0"
    await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait
    assert not joining.done()
    queue.finish()
    await joining


async def test_the_taker_waits_for_the_first() -> None:
    queue: FairQueue[str] = FairQueue(share=1, capacity=1)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait
    assert not taking.done()
    queue.put("a", "a0")
    assert await taking == "a0"


@given(st.lists(st.sampled_from("abcdef"), max_size=120))
def test_the_queue_is_bounded_and_says_of_each_item_whether_it_was_kept(owners: list[str]) -> None:
    async def story() -> None:
        queue: FairQueue[str] = FairQueue(share=5, capacity=12)
        dropped = [lost for owner in owners if (lost := queue.put(owner, owner)) is not None]
        assert len(queue) <= 12
        taken = await take_all(queue)
        await queue.join()
        assert sorted(taken + dropped) == sorted(owners)
        assert {owner for owner in owners if owners.count(owner) <= 2} <= set(taken)

    asyncio.run(story())
