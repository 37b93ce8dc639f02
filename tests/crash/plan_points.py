"""Points round what a plan does to the world: it creates a Migration, and changes a compute service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from osmig.kube.resources import ResourceClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.domain.plans.sweeps import ServiceRow
    from osmig.drivers.hosts import HostBackend
    from osmig.kube.client import KubeClient
    from osmig.kube.refs import Resource
    from osmig.net.permits import Permit

PLAN = "plan"
"""Stands for the operation, of which a plan has one at each point."""


class Points(Protocol):
    """The one point at which calls stand still."""

    async def reach(self, name: str, server_id: str, operation: str) -> None:
        """Wait if this is the point."""
        ...


@dataclass(frozen=True, slots=True)
class PointedHosts:
    """The hosts of a cloud, with points round each order to a service."""

    inner: HostBackend
    point: Points

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        """Hand on what has no point."""
        return getattr(self.inner, name)

    async def disable(self, service: ServiceRow, reason: str, permit: Permit) -> ServiceRow:
        """Disable, and pass the points before the order and after its answer."""
        await self.point.reach("before-disable", service.host, PLAN)
        after = await self.inner.disable(service, reason, permit)
        await self.point.reach("after-disable", service.host, PLAN)
        return after

    async def enable(self, service: ServiceRow, marker: str, permit: Permit) -> ServiceRow:
        """Enable, and pass the same points."""
        await self.point.reach("before-enable", service.host, PLAN)
        after = await self.inner.enable(service, marker, permit)
        await self.point.reach("after-enable", service.host, PLAN)
        return after


@dataclass(frozen=True, slots=True)
class PointedResources:
    """The API server, with points round the creation of an object."""

    inner: ResourceClient
    point: Points

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        """Hand on what has no point."""
        return getattr(self.inner, name)

    async def create(self, resource: Resource, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create, and pass the points before and after."""
        await self.point.reach("before-create", body["metadata"]["name"], PLAN)
        stored = await self.inner.create(resource, body)
        await self.point.reach("after-create", body["metadata"]["name"], PLAN)
        return stored


def make_resources(client: KubeClient, point: Points) -> ResourceClient:
    """Wrap the API server's objects."""
    return cast("ResourceClient", PointedResources(ResourceClient(client), point))
