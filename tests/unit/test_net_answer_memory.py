"""Memory for large answers: granted in one step and in order, given back with the answer, never waited for too long."""

from __future__ import annotations

import asyncio
import threading

import pytest

from lab.waiting import DEADLINE_S
from osmig.net.answer_memory import AnswerMemory, CommonMemory
from osmig.net.bounds import MAX_ANSWER_BYTES
from osmig.net.failures import NoMemoryError

MIB = 2**20


def of_one(max_bytes: int) -> AnswerMemory:
    """Make the memory of one Provider that shares so much with nobody."""
    return AnswerMemory(CommonMemory(max_bytes, max_bytes).of_namespace("a"))


def test_what_is_taken_is_given_back_with_the_answer() -> None:
    memory = of_one(4 * MIB)
    share = memory.take(4 * MIB, 1.0)
    with pytest.raises(NoMemoryError):
        memory.take(1, 0.0)

    del share

    memory.take(4 * MIB, 0.0)


def test_one_provider_has_no_more_than_one_largest_answer_at_once() -> None:
    shared = CommonMemory(2 * MAX_ANSWER_BYTES, 2 * MAX_ANSWER_BYTES).of_namespace("a")
    one, other = AnswerMemory(shared), AnswerMemory(shared)
    share = one.take(MAX_ANSWER_BYTES, 0.0)

    with pytest.raises(NoMemoryError):
        one.take(1, 0.0)
    other.take(MAX_ANSWER_BYTES, 0.0)

    del share


def test_the_providers_of_one_namespace_leave_memory_to_those_of_others() -> None:
    common = CommonMemory(4 * MIB, 2 * MIB)
    shares = [AnswerMemory(common.of_namespace("greedy")).take(MIB, 0.0) for _ in range(2)]
    with pytest.raises(NoMemoryError):
        AnswerMemory(common.of_namespace("greedy")).take(1, 0.0)

    shares += [AnswerMemory(common.of_namespace(name)).take(MIB, 0.0) for name in ("one", "other")]

    with pytest.raises(NoMemoryError):
        AnswerMemory(common.of_namespace("third")).take(1, 0.0)
    del shares


async def test_nobody_waits_behind_those_of_a_namespace_that_has_its_part() -> None:
    common = CommonMemory(4 * MIB, 2 * MIB)
    share = AnswerMemory(common.of_namespace("greedy")).take(2 * MIB, 0.0)
    waiting = [asyncio.create_task(AnswerMemory(common.of_namespace("greedy")).take_async(2 * MIB)) for _ in range(5)]
    await asyncio.wait(waiting, timeout=0)

    await AnswerMemory(common.of_namespace("honest")).take_async(2 * MIB)

    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    del share


def test_what_a_namespace_shares_is_forgotten_with_its_last_provider() -> None:
    common = CommonMemory(4 * MIB, MIB)
    first, second = (AnswerMemory(common.of_namespace("a")) for _ in range(2))
    share = first.take(MIB, 0.0)
    del first
    with pytest.raises(NoMemoryError):
        second.take(1, 0.0)

    del second, share

    assert not common._namespaces  # noqa: SLF001 - names of Providers come and go for ever


def test_what_will_be_no_answer_is_given_back_at_once_and_once() -> None:
    memory = of_one(MIB)
    share = memory.take(MIB, 0.0)

    share.give_back()
    other = memory.take(MIB, 0.0)
    share.give_back()

    with pytest.raises(NoMemoryError):
        memory.take(1, 0.0)
    del share, other


def test_who_gets_nothing_of_the_common_memory_keeps_nothing_of_their_own() -> None:
    common = CommonMemory(MAX_ANSWER_BYTES)
    share = AnswerMemory(common.of_namespace("a")).take(MAX_ANSWER_BYTES, 0.0)
    own = AnswerMemory(common.of_namespace("b"))
    with pytest.raises(NoMemoryError):
        own.take(MAX_ANSWER_BYTES, 0.0)

    del share

    own.take(MAX_ANSWER_BYTES, 0.0)


def test_a_thread_waits_until_another_gives_back() -> None:
    memory = of_one(MIB)
    shares = [memory.take(MIB, 0.0)]
    waiter = threading.Thread(target=lambda: shares.append(memory.take(MIB, DEADLINE_S)))
    waiter.start()

    shares.pop()
    waiter.join(DEADLINE_S)

    assert len(shares) == 1


async def test_a_task_waits_in_the_order_of_asking_and_a_cancelled_one_takes_nothing() -> None:
    memory = of_one(2 * MIB)
    share = memory.take(2 * MIB, 0.0)
    first, cancelled, last = (asyncio.create_task(memory.take_async(MIB)) for _ in range(3))
    await asyncio.wait({first, cancelled, last}, timeout=0)
    cancelled.cancel()
    await asyncio.wait({cancelled})
    assert not first.done()

    del share
    await first
    await last

    with pytest.raises(NoMemoryError):
        memory.take(1, 0.0)
    del first, last
    await asyncio.to_thread(int)  # the loop keeps a task until its own next turn
    memory.take(2 * MIB, 0.0)
