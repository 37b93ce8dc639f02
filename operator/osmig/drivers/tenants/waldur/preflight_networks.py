"""Whether mappings of networks and subnets fit the source's tenant. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.drivers.tenants.waldur.preflight_messages import FAIL, PASS, SKIPPED, WARN, Verdict, suggest, suggest_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from osmig.api.mappings import SubnetMapping
    from osmig.drivers.tenants.views import ReplicaJob
    from osmig.drivers.tenants.waldur.preflight_facts import Facts
    from osmig.drivers.tenants.waldur.wire import NetworkRow

_MAPPINGS = "spec.tenant.mappings"
_NETWORKS = "spec.tenant.mappings.networks"
_SUBNETS = "spec.tenant.mappings.subnets"
_HIDDEN = "the service account sees no networks of the source tenant"
_HIDDEN_SUBNETS = "the service account does not see the subnets of all networks of the source tenant"


def check_networks(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    """Find networks of others: Waldur leaves them out, and replicates none at all if none is left."""
    if not job.mappings.networks:
        yield _NETWORKS, PASS, "all networks are replicated"
        return
    if facts.networks is None:
        yield _NETWORKS, SKIPPED, _HIDDEN
        return
    known = {row.uuid for row in facts.networks}
    foreign = [number for number, one in enumerate(job.mappings.networks) if canonical_id(one) not in known]
    for number in foreign:
        has = suggest_rows(facts.networks)
        yield f"{_NETWORKS}[{number}]", FAIL, f"the source tenant has no such network; it has {has}"
    if not foreign:
        yield _NETWORKS, PASS, "all are networks of the source tenant"


def check_subnets(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    """Find CIDRs that match nothing, which Waldur ignores, and such that two subnets would have."""
    pairs = job.mappings.subnets
    if not pairs:
        yield _SUBNETS, PASS, "all subnets keep their addresses"
        return
    if facts.networks is None:
        yield _SUBNETS, SKIPPED, _HIDDEN
        return
    if any(row.subnets is None for row in facts.networks):
        yield _SUBNETS, SKIPPED, _HIDDEN_SUBNETS
        return
    wanted = {canonical_id(one) for one in job.mappings.networks}
    selected = _cidrs(row for row in facts.networks if not wanted or row.uuid in wanted)
    left_out = _cidrs(row for row in facts.networks if wanted and row.uuid not in wanted)
    kept = [cidr for cidr in selected if cidr not in {pair.source_cidr for pair in pairs}]
    found = []
    for number, pair in enumerate(pairs):
        found += list(_check_pair(number, pair, selected=selected, left_out=left_out, kept=kept))
    yield from found
    if not found:
        yield _SUBNETS, PASS, "each sourceCIDR is one of the source tenant, and no destinationCIDR is in use"


def check_routers(job: ReplicaJob) -> Iterator[Verdict]:
    """Tell what becomes of static routes and of rules with addresses, which may not be what mappings seem to say.

    The serializer of the replication plugin keeps a route if its destination lies in a subnet of the replica, whatever
    its next hop, and rewrites the CIDR of a rule if it is exactly a mapped one, in whatever network.
    """
    message = "static routes are replicated if their destination lies in a subnet of the replica; others are left out"
    if job.mappings.networks or job.mappings.subnets:
        message += ". Next hops stay as they are, even in networks that are left out, or under addresses that change"
    if job.mappings.subnets:
        message += ". A rule of a security group that names exactly a sourceCIDR gets its destinationCIDR"
    yield _MAPPINGS, PASS, message


def _check_pair(
    number: int, pair: SubnetMapping, *, selected: Sequence[str], left_out: Collection[str], kept: Collection[str]
) -> Iterator[Verdict]:
    if pair.source_cidr not in selected:
        why = "is in a network that networks leaves out" if pair.source_cidr in left_out else "is no subnet there"
        message = f"{pair.source_cidr} {why}; the networks to be replicated have {suggest(selected)}"
        yield f"{_SUBNETS}[{number}].sourceCIDR", FAIL, message
    elif (count := selected.count(pair.source_cidr)) > 1:
        message = f"{count} networks have {pair.source_cidr}; the replica of each gets {pair.destination_cidr}"
        yield f"{_SUBNETS}[{number}].sourceCIDR", WARN, message
    path = f"{_SUBNETS}[{number}].destinationCIDR"
    if pair.destination_cidr in kept:
        yield path, FAIL, f"a subnet that is not mapped keeps {pair.destination_cidr}: map that, too, or take another"
    elif clashing := [cidr for cidr in kept if _overlaps(cidr, pair.destination_cidr)]:
        yield path, WARN, f"{pair.destination_cidr} overlaps with {suggest(clashing)}, which is not mapped"


def _cidrs(networks: Iterator[NetworkRow]) -> list[str]:
    return [part.cidr for row in networks for part in row.subnets or () if part.cidr]


def _overlaps(one: str, other: str) -> bool:
    try:
        return IPv4Network(one, strict=False).overlaps(IPv4Network(other, strict=False))
    except ValueError:
        return False  # an IPv6 subnet keeps its addresses, and clashes with none that can be mapped
