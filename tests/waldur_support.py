"""What the tests of the Waldur adapter share: backends on the double or on a scripted server, jobs, mappings."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE
from nova_support import LOOPBACK, Permission, Told
from osmig.api.mappings import Mappings
from osmig.api.provider import ProviderSpec
from osmig.backends.bounds import Timeouts
from osmig.backends.endpoints import EndpointGuard
from osmig.backends.waldur.factory import WaldurFactory
from osmig.clock import SystemClock
from osmig.domain.replicas import ReplicaJob

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.waldur import WaldurLab
    from osmig.backends.endpoints import EndpointPolicy, Resolver
    from osmig.backends.waldur.backend import WaldurBackend

QUICK = Timeouts(connect_s=2.0, read_s=10.0)
HASTY = Timeouts(connect_s=2.0, read_s=0.5)
SHORT = Timeouts(connect_s=5.0, read_s=2.0)
GRANTED = Permission()
EXPIRED = Permission(valid=False)
NO_MAPPINGS = Mappings()
TOKEN = "a-token-that-nobody-may-see"  # noqa: S105 - of no server


def spec_for(endpoint: str, *, key: str = "token") -> ProviderSpec:
    """Name one Waldur, and let tests ask as often as they like."""
    waldur = {"endpoint": endpoint, "tokenRef": {"secretName": "waldur", "key": key}}
    return ProviderSpec.model_validate({"type": "Waldur", "waldur": waldur, "limits": {"requestsPerSecond": 1000}})


def make_backend(  # noqa: PLR0913 - one for each thing that a test may want otherwise
    endpoint: str,
    *,
    token: str = TOKEN,
    policy: EndpointPolicy = LOOPBACK,
    timeouts: Timeouts = QUICK,
    told: Told | None = None,
    cacert: bytes | None = None,
    resolve: Resolver | None = None,
) -> WaldurBackend:
    """Build a backend as the app does; the caller closes it."""
    heard: Told = [] if told is None else told

    def observer_of(_key: tuple[str, str]) -> Callable[[str, str, str, float], None]:
        return lambda service, operation, code, _seconds: heard.append((service, operation, code))

    factory = WaldurFactory(
        EndpointGuard(policy, resolve), clock=SystemClock(), timeouts=timeouts, observer_of=observer_of
    )
    secret = {"token": token.encode()} | ({"cacert": cacert} if cacert else {})
    return factory(("default", "waldur"), spec_for(endpoint), secret)


@asynccontextmanager
async def connected(
    lab: WaldurLab, user: str = "owner", *, timeouts: Timeouts = QUICK, told: Told | None = None
) -> AsyncIterator[WaldurBackend]:
    """Work as one of the double's users for the length of the block."""
    backend = make_backend(lab.url, token=lab.token(user), timeouts=timeouts, told=told)
    try:
        yield backend
    finally:
        await backend.close()


def job_for(name: str = "shop-3f9a2c1e-1", *, mappings: object = None, **ids: str) -> ReplicaJob:
    """Describe the replication of the double's tenant; ``mappings`` as in a manifest."""
    return ReplicaJob(
        source_resource=ids.get("source", SOURCE),
        destination_offering=ids.get("offering", OFFERING),
        destination_plan=ids.get("plan", PLAN),
        name=name,
        mappings=Mappings.model_validate(mappings) if mappings else NO_MAPPINGS,
    )
