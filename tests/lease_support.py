"""What the tests of the Lease on the real API server share: candidates, and holding in the background."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from typing import TYPE_CHECKING, Final

from osmig.clock import SystemClock
from osmig.kube.lease import Lease, LeaseTimings, make_identity

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from osmig.kube.client import KubeClient

TIMINGS = LeaseTimings(duration_s=6.0, renew_deadline_s=4.0, period_s=0.2, call_timeout_s=1.0)
"""For what is about a Lease that expires: short, and still longer than a busy machine keeps a process waiting."""
LASTING = LeaseTimings(duration_s=600.0, renew_deadline_s=500.0, period_s=0.2, call_timeout_s=1.0)
"""For everything else: no Lease expires within a test, so what happens had another cause."""
NAME: Final = "osmig"


def candidate(client: KubeClient, namespace: str, timings: LeaseTimings = LASTING) -> Lease:
    """Make a Lease of a holder of its own, on the real clock."""
    identity = make_identity("host", secrets.token_hex(8))
    return Lease(
        client, SystemClock(), random.random, namespace=namespace, name=NAME, identity=identity, timings=timings
    )


@contextlib.asynccontextmanager
async def holding(lease: Lease) -> AsyncGenerator[asyncio.Task[None]]:
    """Hold ``lease`` in the background, and stop without releasing it, like a process that is killed."""
    task = asyncio.create_task(lease.hold())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
