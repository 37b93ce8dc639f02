"""The Lease on the real API server, with shortened timings."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from kube_support import open_client
from lab.waiting import DEADLINE_S, eventually_async
from lease_support import LASTING, NAME, TIMINGS, candidate, holding
from osmig.domain.errors import LeadershipLost
from osmig.kube.lease import LEASES
from osmig.kube.refs import Call, KubeVerb

if TYPE_CHECKING:
    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient


async def read_spec(client: KubeClient, namespace: str) -> dict[str, Any]:
    return dict((await client.request(Call(KubeVerb.GET, LEASES, namespace, NAME))).body["spec"])


async def write(client: KubeClient, namespace: str, patch: dict[str, Any]) -> None:
    await client.request(Call(KubeVerb.PATCH, LEASES, namespace, NAME), body=patch)


async def test_the_first_candidate_makes_the_lease(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    assert lease.fence() <= 0

    await lease.acquire()

    assert 0 < lease.fence() <= LASTING.renew_deadline_s
    spec = await read_spec(client, namespace)
    assert spec["holderIdentity"] == lease.identity
    assert spec["leaseDurationSeconds"] == LASTING.duration_s
    assert spec["leaseTransitions"] == 0


async def test_holding_keeps_the_fence_open_past_the_deadline(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace, TIMINGS)
    await lease.acquire()
    deadline = time.monotonic() + TIMINGS.renew_deadline_s + 0.5

    async with holding(lease) as task:
        await eventually_async(lambda: time.monotonic() > deadline, what="the first deadline passed")

        assert lease.fence() > 0
        assert not task.done()


async def test_of_several_candidates_one_wins(cluster: Cluster, namespace: str) -> None:
    asked: Counter[int] = Counter()
    async with AsyncExitStack() as stack:
        candidates = [
            candidate(await stack.enter_async_context(open_client(cluster.kubeconfig, on_request=count)), namespace)
            for count in (partial(_count, asked, number) for number in range(4))
        ]
        tasks = [asyncio.create_task(lease.acquire()) for lease in candidates]
        winner_task = next(iter((await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]))
        winner = candidates[tasks.index(winner_task)]

        async with holding(winner):
            asked.clear()
            await eventually_async(lambda: min(asked[number] for number in range(4)) >= 3, what="all tried again")
            able = [lease for lease in candidates if lease.fence() > 0]

        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert able == [winner]


def _count(asked: Counter[int], number: int, *_: object) -> None:
    asked[number] += 1


async def test_a_released_lease_is_taken_at_once(client: KubeClient, namespace: str) -> None:
    first, second = candidate(client, namespace), candidate(client, namespace)
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.5)

    await first.release()

    assert first.fence() <= 0
    # long before it would have expired
    await asyncio.wait_for(waiting, DEADLINE_S)
    assert second.fence() > 0
    assert (await read_spec(client, namespace))["leaseTransitions"] == 1


async def test_the_lease_of_a_dead_holder_is_taken_when_its_fence_is_long_closed(
    client: KubeClient, namespace: str
) -> None:
    dead, standby = candidate(client, namespace, TIMINGS), candidate(client, namespace, TIMINGS)
    await dead.acquire()
    began = time.monotonic()

    await standby.acquire()

    assert time.monotonic() - began >= TIMINGS.duration_s
    assert dead.fence() < TIMINGS.renew_deadline_s - TIMINGS.duration_s


async def test_a_restarted_process_does_not_take_its_predecessors_lease_for_its_own(
    client: KubeClient, namespace: str
) -> None:
    before, after = candidate(client, namespace), candidate(client, namespace)
    await before.acquire()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(after.acquire(), 0.7)

    assert after.fence() <= 0


async def test_a_foreign_holder_ends_ours_at_the_next_renewal(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    await lease.acquire()
    async with holding(lease) as task:
        await write(client, namespace, {"spec": {"holderIdentity": "thief"}})

        with pytest.raises(LeadershipLost) as caught:
            await asyncio.wait_for(task, DEADLINE_S)

    assert caught.value.reason == "LeaseTaken"
    assert lease.fence() <= 0
    assert (await read_spec(client, namespace))["holderIdentity"] == "thief"


async def test_a_foreign_label_does_not_end_the_holder(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    await lease.acquire()
    async with holding(lease) as task:
        await write(client, namespace, {"metadata": {"labels": {"seen": "yes"}}})
        labelled = await read_spec(client, namespace)

        async def has_renewed() -> bool:
            return bool((await read_spec(client, namespace))["renewTime"] > labelled["renewTime"])

        await eventually_async(has_renewed, what="a renewal after the foreign write")
        assert not task.done()


async def test_a_deleted_lease_ends_the_holder(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    await lease.acquire()
    async with holding(lease) as task:
        await client.request(Call(KubeVerb.DELETE, LEASES, namespace, NAME))

        with pytest.raises(LeadershipLost) as caught:
            await asyncio.wait_for(task, DEADLINE_S)

    assert caught.value.reason == "LeaseDeleted"
    assert lease.fence() <= 0


async def test_a_release_overtaken_by_an_own_renewal_still_releases(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    await lease.acquire()
    await write(client, namespace, {"spec": {"renewTime": "2030-01-01T00:00:00.000000Z"}})

    await lease.release()

    assert not (await read_spec(client, namespace)).get("holderIdentity")


async def test_a_release_leaves_another_holder_alone(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    await lease.acquire()
    await write(client, namespace, {"spec": {"holderIdentity": "thief"}})

    await lease.release()

    assert lease.fence() <= 0
    assert (await read_spec(client, namespace))["holderIdentity"] == "thief"
