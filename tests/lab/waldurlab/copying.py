"""What a replication makes in the destination: limits, networks, routes and rules, computed from the source's."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lab.waldurlab.objects import Network, Resource, Subnet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lab.waldurlab.objects import Tenant, VolumeType

_BY_TYPE = "gigabytes_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked POST: what shall be replicated, and where to."""

    source: Resource
    offering: str
    plan: str
    name: str
    mappings: dict[str, Any] | None
    networks: tuple[str, ...] = ()
    cidrs: dict[str, str] = field(default_factory=dict)


def map_limits(wanted: Wanted, types: Mapping[str, VolumeType]) -> dict[str, int]:
    """Return the replica's limits.

    Without any mapped type the limits by type are dropped. With one, those of the others stay under the source's names.
    """
    given = wanted.source.limits
    pairs = (wanted.mappings or {}).get("volume_types") or ()
    limits = {name: limit for name, limit in given.items() if pairs or not name.startswith(_BY_TYPE)}
    names = {_name_of(pair["src_type_uuid"], types): _name_of(pair["dst_type_uuid"], types) for pair in pairs}
    moved = {source: limits.pop(source) for source in names if source in limits}
    for source, limit in moved.items():
        limits[names[source]] = limits.get(names[source], 0) + limit
    return limits


def has_both_kinds(limits: Iterable[str]) -> bool:
    """Whether storage is limited in whole and by type, which a tenant cannot have."""
    return "storage" in limits and any(name.startswith(_BY_TYPE) for name in limits)


def copy_networks(wanted: Wanted, networks: Iterable[Network], tenant: str, new_id: Callable[[], str]) -> list[Network]:
    """Return the replica's networks: those of the source that are chosen, all if none is."""
    copies = []
    for network in networks:
        if network.tenant != wanted.source.tenant or (wanted.networks and network.uuid not in wanted.networks):
            continue
        subnets = [
            Subnet(new_id(), subnet.name, wanted.cidrs.get(subnet.cidr, subnet.cidr), "CREATION_SCHEDULED")
            for subnet in network.subnets
        ]
        copies.append(Network(new_id(), network.name, tenant, subnets, "CREATION_SCHEDULED"))
    return copies


def copy_routes(source: Tenant, networks: Iterable[Network]) -> list[tuple[str, str]]:
    """Return the routes whose destination lies in a subnet of the replica; their nexthops are not looked at."""
    subnets = [ip_network(subnet.cidr) for network in networks for subnet in network.subnets]
    return [
        (destination, nexthop)
        for destination, nexthop in source.routes
        if any(_lies_in(destination, subnet) for subnet in subnets)
    ]


def copy_rules(source: Tenant, cidrs: Mapping[str, str]) -> list[str]:
    """Return the CIDRs of the rules; one that equals a mapped one becomes the destination's."""
    return [cidrs.get(cidr, cidr) for cidr in source.rules]


def _name_of(type_uuid: str, types: Mapping[str, VolumeType]) -> str:
    return _BY_TYPE + types[UUID(type_uuid).hex].name


def _lies_in(destination: str, subnet: Any) -> bool:  # noqa: ANN401 - of either version
    network = ip_network(destination)
    return network.version == subnet.version and bool(network.subnet_of(subnet))
