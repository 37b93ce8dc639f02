"""What the tests of the Waldur adapter share: backends on the double or on a scripted server, jobs, mappings."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE, make_users
from nova_support import LOOPBACK, PATIENT, Permission, Told, telling
from osmig.api.mappings import Mappings
from osmig.api.provider import ProviderSpec
from osmig.clock import SystemClock
from osmig.drivers.ports import Net
from osmig.drivers.tenants.views import ReplicaJob
from osmig.drivers.tenants.waldur.factory import build
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.waldur import WaldurLab
    from osmig.drivers.tenants.ports import TenantBackend
    from osmig.drivers.tenants.views import RunView
    from osmig.net.endpoints import EndpointPolicy, Resolver

HASTY = Timeouts(connect_s=2.0, read_s=0.5, list_s=0.5)
SHORT = Timeouts(connect_s=10.0, read_s=5.0, list_s=5.0)
GRANTED = Permission()
EXPIRED = Permission(valid=False)
NO_MAPPINGS = Mappings()
MARKER = "shop-3f9a2c1e-1"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""
USERS = {user.name: user.uuid for user in make_users()}
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
    timeouts: Timeouts = PATIENT,
    told: Told | None = None,
    cacert: bytes | None = None,
    resolve: Resolver | None = None,
) -> TenantBackend:
    """Build a backend as the app does; the caller closes it."""
    observer_of = telling([] if told is None else told)
    guard = EndpointGuard(policy, resolve)
    net = Net(guard=guard, clock=SystemClock(), timeouts=timeouts, threads=1, observer_of=observer_of)
    secret = {"token": token.encode()} | ({"cacert": cacert} if cacert else {})
    return build(net, ("default", "waldur"), spec_for(endpoint), secret)


@asynccontextmanager
async def connected(
    lab: WaldurLab, user: str = "owner", *, timeouts: Timeouts = PATIENT, told: Told | None = None
) -> AsyncIterator[TenantBackend]:
    """Work as one of the double's users for the length of the block."""
    backend = make_backend(lab.url, token=lab.token(user), timeouts=timeouts, told=told)
    try:
        yield backend
    finally:
        await backend.close()


def job_for(name: str = MARKER, *, mappings: object = None, **ids: str) -> ReplicaJob:
    """Describe the replication of the double's tenant; ``mappings`` as in a manifest."""
    return ReplicaJob(
        source_resource=ids.get("source", SOURCE),
        destination_offering=ids.get("offering", OFFERING),
        destination_plan=ids.get("plan", PLAN),
        name=name,
        mappings=Mappings.model_validate(mappings) if mappings else NO_MAPPINGS,
    )


def map_subnets(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Map subnets as a manifest does."""
    return [{"sourceCIDR": source, "destinationCIDR": destination} for source, destination in pairs]


def map_type(source: str, destination: str) -> list[dict[str, str]]:
    """Map one volume type as a manifest does."""
    return [{"sourceType": source, "destinationType": destination}]


async def ordered(lab: WaldurLab, **fields: Any) -> RunView:  # noqa: ANN401 - as job_for takes them
    """Order one replication; return it as its answer told."""
    async with connected(lab) as backend:
        receipt = await backend.replicate(job_for(**fields), GRANTED)
    assert receipt.made is not None
    return receipt.made
