"""What the tests of the Nova adapter share: backends on the lab's clouds, permits, and marks."""

from __future__ import annotations

import datetime as dt
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import yaml

from lab.waiting import eventually_async
from osmig.api.migration import PendingCall
from osmig.api.provider import ProviderSpec
from osmig.backends.bounds import Timeouts
from osmig.backends.endpoints import EndpointGuard, EndpointPolicy
from osmig.backends.openstack.factory import NovaFactory
from osmig.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.nova import NovaLab
    from lab.nova_client import Request
    from osmig.backends.openstack.backend import NovaBackend
    from osmig.domain.upstream import RecordView, Survey

LOOPBACK = EndpointPolicy(allowed=("127.0.0.1",))
QUICK = Timeouts(connect_s=2.0, read_s=10.0)

Told = list[tuple[str, str, str]]
"""Service, operation and code of each request, as the observer was told."""


class Permission:
    """A permit that says what it is told to."""

    def __init__(self, *, valid: bool = True) -> None:
        """Begin valid or not."""
        self.valid = valid
        self.asked = 0

    def is_valid(self) -> bool:
        """Answer the transport, and count its questions."""
        self.asked += 1
        return self.valid


GRANTED = Permission()


def spec_for(cloud: str) -> ProviderSpec:
    """Name one cloud of a Secret, and let tests ask as often as they like."""
    reference = {"secretName": "clouds", "cloudName": cloud}
    limits = {"requestsPerSecond": 1000}
    return ProviderSpec.model_validate(
        {"type": "OpenStack", "openstack": {"cloudCredentialsRef": reference}, "limits": limits}
    )


def clouds_yaml(**auth: str) -> bytes:
    """Write a clouds.yaml with one cloud named ``x``; ``auth_type`` is taken out of the rest."""
    cloud = {"auth_type": auth.pop("auth_type", "password"), "auth": auth}
    return yaml.safe_dump({"clouds": {"x": cloud}}).encode()


def make_backend(
    secret: bytes,
    cloud: str = "x",
    *,
    policy: EndpointPolicy = LOOPBACK,
    timeouts: Timeouts = QUICK,
    told: Told | None = None,
) -> NovaBackend:
    """Build a backend as the app does; the caller closes it."""
    heard: Told = [] if told is None else told

    def observer_of(_key: tuple[str, str]) -> Callable[[str, str, str, float], None]:
        return lambda service, operation, code, _seconds: heard.append((service, operation, code))

    factory = NovaFactory(
        EndpointGuard(policy), clock=SystemClock(), timeouts=timeouts, threads=8, observer_of=observer_of
    )
    return factory(("default", "region-one"), spec_for(cloud), {"clouds.yaml": secret})


@asynccontextmanager
async def connected(
    lab: NovaLab, cloud: str = "operator", *, timeouts: Timeouts = QUICK, told: Told | None = None
) -> AsyncIterator[NovaBackend]:
    """Work as one of the lab's users for the length of the block."""
    backend = make_backend(lab.clouds.read_bytes(), cloud, timeouts=timeouts, told=told)
    try:
        yield backend
    finally:
        await backend.close()


def pending(
    survey: Survey, *, operation: str = "live-migrate", request_id: str | None = None, answer: str | None = None
) -> PendingCall:
    """Write down a call as the engine does before it makes it."""
    time = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    return PendingCall(
        operation=operation,
        attempt=1,
        holder="h",
        time=time,
        sends=1,
        request_id=request_id,
        answer=answer,
        mark=survey.mark,
    )


async def record_in(backend: NovaBackend, server_id: str, *words: str) -> RecordView:
    """Wait until the server's newest record has one of these statuses."""

    async def probe() -> RecordView | None:
        records = await backend.records(server_id)
        return records[0] if records and records[0].status in words else None

    found = await eventually_async(probe, what=f"the record is {' or '.join(words)}", timeout_s=20)
    assert found is not None
    return found


async def idle(backend: NovaBackend, server_id: str) -> None:
    """Wait until nothing is under way with the server."""

    async def probe() -> bool:
        return not (await backend.server(server_id)).is_busy

    await eventually_async(probe, what="the server is idle", timeout_s=20)


def posts(lab: NovaLab, server_id: str, *, since: int = 0) -> list[Request]:
    """Return the starts that reached Nova for one server."""
    return [
        request
        for request in lab.control.requests(since=since)
        if request["method"] == "POST" and request["path"].endswith(f"{server_id}/action")
    ]
