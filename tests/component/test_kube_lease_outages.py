"""The Lease while the API server is away, silent or says no, with shortened timings."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from kube_support import Line, open_client
from lab.waiting import DEADLINE_S, eventually_async
from lease_support import LASTING, TIMINGS, candidate, holding
from osmig.domain.errors import LeadershipLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.cluster import Cluster
    from osmig.kube.lease import Lease, LeaseTimings


@asynccontextmanager
async def held_over(
    line: Line, namespace: str, timings: LeaseTimings = LASTING, unanswered: list[str] | None = None
) -> AsyncIterator[tuple[Lease, asyncio.Task[None]]]:
    """Hold a Lease over a line that can be cut; the task ends when it is lost.

    Args:
        line: to the API server.
        namespace: of the Lease.
        timings: by default it does not expire within the test.
        unanswered: collects the requests that got no answer.
    """

    def note(operation: str, code: str, _seconds: float) -> None:
        if unanswered is not None and code == "no-answer":
            unanswered.append(operation)

    async with open_client(line.kubeconfig, on_request=note) as client:
        lease = candidate(client, namespace, timings)
        await lease.acquire()
        async with holding(lease) as task:
            yield lease, task


async def test_an_api_server_away_longer_than_the_deadline_ends_the_holder_and_the_standby_goes_on(
    cluster: Cluster, namespace: str
) -> None:
    async with open_client(cluster.kubeconfig) as client:
        lease, standby = candidate(client, namespace, TIMINGS), candidate(client, namespace, TIMINGS)
        await lease.acquire()
        waiting = asyncio.create_task(standby.acquire())
        async with holding(lease) as task:
            await asyncio.to_thread(cluster.kill_apiserver)
            try:
                with pytest.raises(LeadershipLost) as caught:
                    await asyncio.wait_for(task, DEADLINE_S)
                fence = lease.fence()
            finally:
                await asyncio.to_thread(cluster.start_apiserver)
        await asyncio.wait_for(waiting, DEADLINE_S)

    assert caught.value.reason == "LeaseExpired"
    assert fence <= 0


async def test_a_silent_api_server_ends_the_holder(line: Line, namespace: str) -> None:
    """At which moment is shown on a clock of the test's own, in ``tests/unit/test_kube_lease.py``."""
    async with held_over(line, namespace, TIMINGS) as (_, task):
        line.swallow_answers()
        with pytest.raises(LeadershipLost):
            await asyncio.wait_for(task, DEADLINE_S)


async def test_an_outage_shorter_than_the_deadline_is_survived(line: Line, namespace: str) -> None:
    unanswered: list[str] = []
    async with held_over(line, namespace, unanswered=unanswered) as (lease, task):
        line.cut()
        await eventually_async(lambda: len(unanswered) >= 3, what="some renewals failed")
        before = lease.fence()
        line.mend()
        await eventually_async(lambda: lease.fence() > before, what="the Lease was renewed")
        assert not task.done()


async def test_a_renewal_whose_answer_was_lost_is_recognised_as_our_own(line: Line, namespace: str) -> None:
    unanswered: list[str] = []
    async with held_over(line, namespace, unanswered=unanswered) as (lease, task):
        line.cut_at_answer()
        await eventually_async(lambda: unanswered, what="an answer was lost")
        before = lease.fence()
        await eventually_async(lambda: lease.fence() > before, what="the Lease was renewed")
        assert not task.done()


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
        await asyncio.wait_for(waiting, DEADLINE_S)

    assert lease.fence() > 0


def grant(cluster: Cluster, namespace: str) -> None:
    rights = ("--verb=get,create,patch", "--resource=leases.coordination.k8s.io")
    cluster.kubectl("create", "role", "elect", *rights, "--namespace", namespace)
    cluster.kubectl("create", "rolebinding", "elect", "--role=elect", "--user=bob", "--namespace", namespace)
