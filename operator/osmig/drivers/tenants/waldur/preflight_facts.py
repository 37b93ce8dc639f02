"""What the checks before an order need to know, read from Waldur without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.domain.errors import Absent, NotPermitted
from osmig.drivers.tenants.waldur.probing import filters_types, read_version
from osmig.drivers.tenants.waldur.reading import read_runs, unless_forbidden, unless_hidden
from osmig.drivers.tenants.waldur.requests import (
    LIST_ALL_TYPES,
    LIST_NETWORKS,
    LIST_OFFERING_TYPES,
    LIST_PLANS,
    LIST_TENANT_TYPES,
    READ_OFFERING,
    READ_SOURCE,
)
from osmig.drivers.tenants.waldur.wire import NamedRow, NetworkRow, OfferingRow, PlanRow, ResourceRow
from osmig.net.limiting import Priority

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.drivers.tenants.views import ReplicaJob, RunView
    from osmig.drivers.tenants.waldur.session import WaldurSession
    from osmig.net.requests import Request

NO_OFFERING = "00000000000040008000000000000000"
"""An id that no offering has: a server that lists volume types for it does not filter by offering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTypes:
    """Volume types by where they may be used; disabled ones are in no list. ``None`` is what was not seen.

    Attributes:
        source: of the source's tenant.
        destination: of the destination.
        everywhere: of all services; known where the server does not filter, or where a source type was missed.
        is_unfiltered: the server does not tell which types the destination has.
    """

    source: tuple[NamedRow, ...] | None = None
    destination: tuple[NamedRow, ...] | None = None
    everywhere: tuple[NamedRow, ...] | None = None
    is_unfiltered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What preflight read; ``None`` where the credentials may not read it, or for want of something else.

    Attributes:
        version: the server's, or ``unknown``.
        source: the resource to replicate.
        is_source_missing: it does not exist, or is not visible.
        networks: of the source's tenant, with their subnets; none at all counts as not visible.
        types: volume types; of a place none at all counts as not visible.
        offering: the destination.
        is_offering_missing: it does not exist, or is not visible.
        plans: of the destination.
        runs: replications of the source that there are already.
    """

    version: str
    source: ResourceRow | None = None
    is_source_missing: bool = False
    networks: tuple[NetworkRow, ...] | None = None
    types: VolumeTypes = VolumeTypes()
    offering: OfferingRow | None = None
    is_offering_missing: bool = False
    plans: tuple[PlanRow, ...] | None = None
    runs: tuple[RunView, ...] = ()


async def collect_facts(job: ReplicaJob, session: WaldurSession, runs: tuple[RunView, ...] | None = None) -> Facts:
    """Read what the checks need, and of what only mappings need only that.

    Args:
        job: to be ordered.
        session: the connection.
        runs: replications of the source, where they were read already; ``None`` has them read.

    Raises:
        BackendError: as any read; what is missing or not permitted is a fact.
    """
    source_id, offering_id = canonical_id(job.source_resource), canonical_id(job.destination_offering)
    version = await read_version(session, Priority.READ)
    source, is_source_missing = await _read_source(session, source_id)
    tenant_id = source.tenant_id if source is not None else None
    offering, is_offering_missing = await _read_offering(session, offering_id)
    types = VolumeTypes()
    if job.mappings.volume_types:
        types = await _read_all_types(job, session, tenant_id, None if is_offering_missing else offering_id, version)
    return Facts(
        version=version,
        source=source,
        is_source_missing=is_source_missing,
        networks=await _read_networks(session, tenant_id) if tenant_id and _needs_networks(job.mappings) else None,
        types=types,
        offering=offering,
        is_offering_missing=is_offering_missing,
        plans=await _read_plans(session, offering_id) if not is_offering_missing else None,
        runs=await read_runs(session, source_id, Priority.READ) if runs is None else runs,
    )


def _needs_networks(mappings: Mappings) -> bool:
    return bool(mappings.subnets or mappings.networks)


async def _read_source(session: WaldurSession, source_id: str) -> tuple[ResourceRow | None, bool]:
    try:
        row = await session.row(ResourceRow, READ_SOURCE.about(source_id), Priority.READ)
    except Absent:
        return None, True
    except NotPermitted:
        return None, False
    return row, False


async def _read_offering(session: WaldurSession, offering_id: str) -> tuple[OfferingRow | None, bool]:
    read = session.row(OfferingRow, READ_OFFERING.about(offering_id), Priority.READ)
    try:
        return await unless_forbidden(read), False
    except Absent:
        return None, True


async def _read_plans(session: WaldurSession, offering_id: str) -> tuple[PlanRow, ...] | None:
    return await unless_hidden(session.rows(PlanRow, LIST_PLANS.about(offering_id), Priority.READ))


async def _read_networks(session: WaldurSession, tenant_id: str) -> tuple[NetworkRow, ...] | None:
    rows = await unless_hidden(session.rows(NetworkRow, LIST_NETWORKS.about(tenant_id), Priority.READ))
    return tuple(row for row in rows or () if row.tenant_uuid in (None, tenant_id)) or None


async def _read_all_types(
    job: ReplicaJob, session: WaldurSession, tenant_id: str | None, offering_id: str | None, version: str
) -> VolumeTypes:
    """Read the types of both sides; all there are only where a mapped source type is not in its tenant's list."""
    source = await _list_types(session, LIST_TENANT_TYPES.about(tenant_id)) if tenant_id else None
    destination = await _list_types(session, LIST_OFFERING_TYPES.about(offering_id)) if offering_id else None
    is_unfiltered = bool(destination) and not await _filters_types(session, version)
    everywhere = destination if is_unfiltered else None
    listed = {row.uuid for row in source or ()}
    wanted = {canonical_id(pair.source_type) for pair in job.mappings.volume_types}
    if source and everywhere is None and wanted - listed:
        everywhere = await _list_types(session, LIST_ALL_TYPES.about())
    return VolumeTypes(
        source=source or None,
        destination=None if is_unfiltered else destination or None,
        everywhere=everywhere or None,
        is_unfiltered=is_unfiltered,
    )


async def _filters_types(session: WaldurSession, version: str) -> bool:
    """Find out by the version; where it is not told, by whether an offering that does not exist has types."""
    told = filters_types(version)
    if told is not None:
        return told
    return await _list_types(session, LIST_OFFERING_TYPES.about(NO_OFFERING)) == ()


async def _list_types(session: WaldurSession, request: Request) -> tuple[NamedRow, ...] | None:
    return await unless_hidden(session.rows(NamedRow, request, Priority.READ))
