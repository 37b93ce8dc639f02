"""The Lease on the real API server, with shortened timings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from kube_support import Line, open_client
from lab.waiting import eventually_async
from osmig.clock import SystemClock
from osmig.domain.errors import LeadershipLost
from osmig.kube.lease import LEASES, Lease, LeaseTimings, make_identity
from osmig.kube.refs import Call, KubeVerb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.cluster import Cluster
    from osmig.kube.client import KubeClient

TIMINGS = LeaseTimings(duration_s=3.0, renew_deadline_s=2.0, period_s=0.2, call_timeout_s=1.0)
NAME = "osmig"


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with open_client(cluster.kubeconfig) as client:
        yield client


@pytest.fixture
async def line(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Line]:
    async with Line(cluster, cluster.kubeconfig, tmp_path / "kubeconfig") as line:
        yield line


def candidate(client: KubeClient, namespace: str) -> Lease:
    identity = make_identity("host", secrets.token_hex(8))
    return Lease(
        client, SystemClock(), random.random, namespace=namespace, name=NAME, identity=identity, timings=TIMINGS
    )


@contextlib.asynccontextmanager
async def holding(lease: Lease) -> AsyncIterator[asyncio.Task[None]]:
    """Hold ``lease`` in the background, and stop without releasing it, like a process that is killed."""
    task = asyncio.create_task(lease.hold())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def read_spec(client: KubeClient, namespace: str) -> dict[str, Any]:
    return dict((await client.request(Call(KubeVerb.GET, LEASES, namespace, NAME))).body["spec"])


async def write(client: KubeClient, namespace: str, patch: dict[str, Any]) -> None:
    await client.request(Call(KubeVerb.PATCH, LEASES, namespace, NAME), body=patch)


async def test_the_first_candidate_makes_the_lease(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    assert lease.fence() <= 0

    await lease.acquire()

    assert 0 < lease.fence() <= TIMINGS.renew_deadline_s
    spec = await read_spec(client, namespace)
    assert spec["holderIdentity"] == lease.identity
    assert spec["leaseDurationSeconds"] == 3
    assert spec["leaseTransitions"] == 0


async def test_holding_keeps_the_fence_open_past_the_deadline(client: KubeClient, namespace: str) -> None:
    lease = candidate(client, namespace)
    await lease.acquire()
    deadline = time.monotonic() + TIMINGS.renew_deadline_s + 0.5

    async with holding(lease) as task:
        await eventually_async(lambda: time.monotonic() > deadline, what="the first deadline passed")

        assert lease.fence() > 0
        assert not task.done()


async def test_of_several_candidates_one_wins(client: KubeClient, namespace: str) -> None:
    candidates = [candidate(client, namespace) for _ in range(4)]
    tasks = [asyncio.create_task(lease.acquire()) for lease in candidates]
    winner_task = next(iter((await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]))
    winner = candidates[tasks.index(winner_task)]
    deadline = time.monotonic() + 1.5

    async with holding(winner):
        await eventually_async(lambda: time.monotonic() > deadline, what="the others had time to try")
        able = [lease for lease in candidates if lease.fence() > 0]

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert able == [winner]


async def test_a_released_lease_is_taken_at_once(client: KubeClient, namespace: str) -> None:
    first, second = candidate(client, namespace), candidate(client, namespace)
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.5)

    await first.release()

    assert first.fence() <= 0
    await asyncio.wait_for(waiting, TIMINGS.duration_s / 2)
    assert second.fence() > 0
    assert (await read_spec(client, namespace))["leaseTransitions"] == 1


async def test_the_lease_of_a_dead_holder_is_taken_when_its_fence_is_long_closed(
    client: KubeClient, namespace: str
) -> None:
    dead, standby = candidate(client, namespace), candidate(client, namespace)
    await dead.acquire()
    began = time.monotonic()

    await standby.acquire()

    assert TIMINGS.duration_s <= time.monotonic() - began < TIMINGS.duration_s + 3
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
            await asyncio.wait_for(task, 1.5)

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
            await asyncio.wait_for(task, 1.5)

    assert caught.value.reason == "LeaseDeleted"
    assert lease.fence() <= 0


async def test_an_api_server_away_longer_than_the_deadline_ends_the_holder_and_the_standby_goes_on(
    cluster: Cluster, namespace: str
) -> None:
    async with open_client(cluster.kubeconfig) as client:
        lease, standby = candidate(client, namespace), candidate(client, namespace)
        await lease.acquire()
        waiting = asyncio.create_task(standby.acquire())
        async with holding(lease) as task:
            await asyncio.to_thread(cluster.kill_apiserver)
            began = time.monotonic()
            try:
                with pytest.raises(LeadershipLost) as caught:
                    await asyncio.wait_for(task, 10)
                ended = time.monotonic() - began
                fence = lease.fence()
            finally:
                await asyncio.to_thread(cluster.start_apiserver)
        await asyncio.wait_for(waiting, 10)

    assert caught.value.reason == "LeaseExpired"
    assert ended < TIMINGS.renew_deadline_s + 1
    assert fence <= 0


async def test_a_silent_api_server_ends_the_holder_on_time(line: Line, namespace: str) -> None:
    async with open_client(line.kubeconfig) as client:
        lease = candidate(client, namespace)
        await lease.acquire()
        async with holding(lease) as task:
            line.swallow_answers()
            began = time.monotonic()
            with pytest.raises(LeadershipLost):
                await asyncio.wait_for(task, 10)

    assert time.monotonic() - began < TIMINGS.renew_deadline_s + 0.5


async def test_an_outage_shorter_than_the_deadline_is_survived(line: Line, namespace: str) -> None:
    async with open_client(line.kubeconfig) as client:
        lease = candidate(client, namespace)
        await lease.acquire()
        async with holding(lease) as task:
            line.cut()
            await eventually_async(lambda: lease.fence() < 1.2, what="some renewals failed", timeout_s=5)
            line.mend()
            await eventually_async(lambda: lease.fence() > 1.5, what="the Lease was renewed", timeout_s=5)
            assert not task.done()


async def test_a_renewal_whose_answer_was_lost_is_recognised_as_our_own(line: Line, namespace: str) -> None:
    async with open_client(line.kubeconfig) as client:
        lease = candidate(client, namespace)
        await lease.acquire()
        async with holding(lease) as task:
            line.cut_at_answer()
            await eventually_async(lambda: lease.fence() < 1.6, what="an answer was lost", timeout_s=5)
            await eventually_async(lambda: lease.fence() > 1.7, what="the Lease was renewed", timeout_s=5)
            assert not task.done()


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


async def test_a_release_without_an_api_server_does_not_fail(
    line: Line, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_client(line.kubeconfig) as client:
        lease = candidate(client, namespace)
        await lease.acquire()
        line.cut()

        await lease.release()

    assert lease.fence() <= 0
    assert [record.getMessage() for record in caplog.records] == ["lease.not_released"]


async def test_a_candidate_without_the_right_says_so_once_and_goes_on_when_it_is_granted(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    async with open_client(cluster.user_kubeconfig("bob"), on_request=lambda *call: asked.append(call[1])) as client:
        lease = candidate(client, namespace)
        waiting = asyncio.create_task(lease.acquire())
        await eventually_async(lambda: asked.count("403") >= 3, what="it kept trying")

        said = [record for record in caplog.records if record.name == "osmig.kube.lease"]
        assert [(record.getMessage(), record.levelno) for record in said] == [("lease.unavailable", logging.ERROR)]
        assert "get leases (API group coordination.k8s.io) is not allowed" in said[0].__dict__["why"]

        await asyncio.to_thread(grant, cluster, namespace)
        await asyncio.wait_for(waiting, 10)

    assert lease.fence() > 0


def grant(cluster: Cluster, namespace: str) -> None:
    rights = ("--verb=get,create,patch", "--resource=leases.coordination.k8s.io")
    cluster.kubectl("create", "role", "elect", *rights, "--namespace", namespace)
    cluster.kubectl("create", "rolebinding", "elect", "--role=elect", "--user=bob", "--namespace", namespace)
