"""What the tests of the Nova adapter share: backends on the lab's clouds, permits, and marks."""

from __future__ import annotations

import datetime as dt
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import yaml

from lab.waiting import DEADLINE_S, eventually_async
from osmig.api.migration import PendingCall
from osmig.api.provider import ProviderSpec
from osmig.clock import SystemClock
from osmig.domain.calls import Operation
from osmig.domain.errors import Absent
from osmig.drivers.ports import Net
from osmig.drivers.servers.nova.factory import build
from osmig.drivers.servers.views import Job
from osmig.net.bounds import RequestObserver, Timeouts
from osmig.net.endpoints import EndpointGuard, EndpointPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.nova import NovaLab
    from lab.nova_client import Request
    from osmig.domain.clock import Clock
    from osmig.domain.operations import RecordView, Stage
    from osmig.drivers.servers.ports import ServerBackend
    from osmig.drivers.servers.views import PreStartState

LOOPBACK = EndpointPolicy(allowed=("127.0.0.1",))
PATIENT = Timeouts(connect_s=DEADLINE_S, read_s=DEADLINE_S, list_s=DEADLINE_S)
"""For all answers that come: how fast they do depends on the machine."""
"""On a busy machine any answer may be late; what is about lateness says its own times."""

STARTS = (Operation.LIVE_MIGRATE, Operation.COLD_MIGRATE)
ENDS = (Operation.CONFIRM, Operation.REVERT)
"""Of a cold move that awaits confirmation."""

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


OFTEN = 1000
"""Requests per second: tests may ask as often as they like."""


def spec_for(cloud: str, requests_per_second: int = OFTEN) -> ProviderSpec:
    """Name one cloud of a Secret."""
    reference = {"secretName": "clouds", "cloudName": cloud}
    limits = {"requestsPerSecond": requests_per_second}
    return ProviderSpec.model_validate(
        {"type": "OpenStack", "openstack": {"cloudCredentialsRef": reference}, "limits": limits}
    )


def clouds_yaml(**auth: str) -> bytes:
    """Write a clouds.yaml with one cloud named ``x``; ``auth_type`` is taken out of the rest."""
    cloud = {"auth_type": auth.pop("auth_type", "password"), "auth": auth}
    return yaml.safe_dump({"clouds": {"x": cloud}}).encode()


def telling(told: Told) -> Callable[[tuple[str, str]], RequestObserver]:
    """Observe the requests of every Provider, and write them down."""
    return lambda _key: lambda service, operation, code, _seconds: told.append((service, operation, code))


def make_backend(  # noqa: PLR0913 - each has a default that fits most tests
    secret: bytes,
    cloud: str = "x",
    *,
    policy: EndpointPolicy = LOOPBACK,
    timeouts: Timeouts = PATIENT,
    told: Told | None = None,
    clock: Clock | None = None,
    requests_per_second: int = OFTEN,
) -> ServerBackend:
    """Build a backend as the app does; the caller closes it."""
    observer_of = telling([] if told is None else told)
    net = Net(
        guard=EndpointGuard(policy),
        clock=clock or SystemClock(),
        timeouts=timeouts,
        threads=8,
        observer_of=observer_of,
    )
    return build(net, ("default", "region-one"), spec_for(cloud, requests_per_second), {"clouds.yaml": secret})


@asynccontextmanager
async def connected(
    lab: NovaLab, cloud: str = "operator", *, timeouts: Timeouts = PATIENT, told: Told | None = None
) -> AsyncIterator[ServerBackend]:
    """Work as one of the lab's users for the length of the block."""
    backend = make_backend(lab.clouds.read_bytes(), cloud, timeouts=timeouts, told=told)
    try:
        yield backend
    finally:
        await backend.close()


def pending(
    pre_start: PreStartState,
    *,
    operation: str = "live-migrate",
    request_id: str | None = None,
    answer: str | None = None,
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
        baseline=pre_start.baseline,
    )


async def newest(backend: ServerBackend, server_id: str, fits: Callable[[RecordView], bool], what: str) -> RecordView:
    """Wait until the server's newest record fits."""

    async def probe() -> RecordView | None:
        records = await backend.records(server_id)
        return records[0] if records and fits(records[0]) else None

    found = await eventually_async(probe, what=what)
    assert found is not None
    return found


async def record_in(backend: ServerBackend, server_id: str, *words: str) -> RecordView:
    """Wait until the server's newest record has one of these statuses."""
    return await newest(backend, server_id, lambda row: row.status in words, f"the record is {' or '.join(words)}")


async def record_at(backend: ServerBackend, server_id: str, stage: Stage) -> RecordView:
    """Wait until the server's newest record is at this stage."""
    return await newest(backend, server_id, lambda row: row.stage is stage, f"the newest record is {stage}")


async def running(backend: ServerBackend, server_id: str) -> RecordView:
    """Start a live move, and wait until it runs."""
    await backend.start(Job(server_id=server_id), GRANTED)
    return await record_in(backend, server_id, "running")


async def absent(backend: ServerBackend, server_id: str) -> None:
    """Wait until the server is gone."""

    async def probe() -> bool:
        try:
            await backend.server(server_id)
        except Absent as error:
            return error.reason == "ServerNotFound"
        return False

    await eventually_async(probe, what="the server is gone")


async def idle(backend: ServerBackend, server_id: str) -> None:
    """Wait until nothing is under way with the server."""

    async def probe() -> bool:
        return not (await backend.server(server_id)).is_busy

    await eventually_async(probe, what="the server is idle")


def change_service(lab: NovaLab, host: str, **change: object) -> None:
    """Change a compute service as Nova's administrator."""
    services = lab.nova.get("/os-services?binary=nova-compute")["services"]
    identity = next(service["id"] for service in services if service["host"] == host)
    lab.nova.request("PUT", f"/os-services/{identity}", change)


def posts(lab: NovaLab, server_id: str, *, since: int = 0) -> list[Request]:
    """Return the starts that reached Nova for one server."""
    return [
        request
        for request in lab.control.requests(since=since)
        if request["method"] == "POST" and request["path"].endswith(f"{server_id}/action")
    ]
