"""What the checks before an order need to know, read from Waldur without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.api.names import Reason
from osmig.backends.limiting import Priority
from osmig.backends.waldur.probing import read_version
from osmig.backends.waldur.reading import read_runs, unless_forbidden, unless_hidden
from osmig.backends.waldur.requests import (
    LIST_NETWORKS,
    LIST_OFFERING_TYPES,
    LIST_PLANS,
    LIST_TENANT_TYPES,
    READ_OFFERING,
    READ_SOURCE,
)
from osmig.backends.waldur.wire import NamedRow, NetworkRow, OfferingRow, ResourceRow
from osmig.domain.errors import Absent, NotPermitted

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.backends.waldur.requests import Request
    from osmig.backends.waldur.session import WaldurSession
    from osmig.domain.replicas import ReplicaJob, RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one look round brought; ``None`` is what may not be looked at, or was not for want of something else.

    Attributes:
        version: the server's, or ``unknown``.
        source: the resource to replicate.
        is_source_missing: it does not exist, or is not visible.
        networks: of the source's tenant, with their subnets; none at all counts as not visible.
        source_types: volume types of the source's tenant; likewise.
        offering: the destination.
        is_offering_missing: it does not exist, or is not visible.
        plans: of the destination.
        destination_types: volume types of the destination; none at all counts as not visible.
        runs: replications of the source that there are already.
    """

    version: str
    source: ResourceRow | None = None
    is_source_missing: bool = False
    networks: tuple[NetworkRow, ...] | None = None
    source_types: tuple[NamedRow, ...] | None = None
    offering: OfferingRow | None = None
    is_offering_missing: bool = False
    plans: tuple[NamedRow, ...] | None = None
    destination_types: tuple[NamedRow, ...] | None = None
    runs: tuple[RunView, ...] = ()


async def look_round(job: ReplicaJob, session: WaldurSession, runs: tuple[RunView, ...] | None = None) -> Facts:
    """Read what the checks need, and of what only mappings need only that.

    Args:
        job: what is to be replicated.
        session: the connection.
        runs: of the source, as they were read for the start; ``None`` where they were not, and are read here.

    Raises:
        BackendError: as any read; what is missing or not permitted is a fact.
    """
    source_id, offering_id = canonical_id(job.source_resource), canonical_id(job.destination_offering)
    version = await read_version(session, Priority.LOOK)
    source, is_source_missing = await _read_source(session, source_id)
    tenant_id = source.tenant_id if source is not None else None
    maps_types = bool(job.mappings.volume_types)
    offering, is_offering_missing = await _read_offering(session, offering_id)
    return Facts(
        version=version,
        source=source,
        is_source_missing=is_source_missing,
        networks=await _read_networks(session, tenant_id) if tenant_id and _needs_networks(job.mappings) else None,
        source_types=await _read_types(session, LIST_TENANT_TYPES.about(tenant_id))
        if tenant_id and maps_types
        else None,
        offering=offering,
        is_offering_missing=is_offering_missing,
        plans=await _read_plans(session, offering_id) if not is_offering_missing else None,
        destination_types=(
            await _read_types(session, LIST_OFFERING_TYPES.about(offering_id))
            if maps_types and not is_offering_missing
            else None
        ),
        runs=runs if runs is not None else await read_runs(session, source_id, Priority.LOOK),
    )


def _needs_networks(mappings: Mappings) -> bool:
    return bool(mappings.subnets or mappings.networks)


async def _read_source(session: WaldurSession, source_id: str) -> tuple[ResourceRow | None, bool]:
    try:
        row = await session.row(ResourceRow, READ_SOURCE.about(source_id), Priority.LOOK)
    except Absent:
        return None, True
    except NotPermitted as error:
        if error.reason != Reason.NOT_PERMITTED:
            raise
        return None, False
    return row, False


async def _read_offering(session: WaldurSession, offering_id: str) -> tuple[OfferingRow | None, bool]:
    read = session.row(OfferingRow, READ_OFFERING.about(offering_id), Priority.LOOK)
    try:
        return await unless_forbidden(read), False
    except Absent:
        return None, True


async def _read_plans(session: WaldurSession, offering_id: str) -> tuple[NamedRow, ...] | None:
    return await unless_hidden(session.rows(NamedRow, LIST_PLANS.about(offering_id), Priority.LOOK))


async def _read_networks(session: WaldurSession, tenant_id: str) -> tuple[NetworkRow, ...] | None:
    rows = await unless_hidden(session.rows(NetworkRow, LIST_NETWORKS.about(tenant_id), Priority.LOOK))
    return tuple(row for row in rows or () if row.tenant_uuid in (None, tenant_id)) or None


async def _read_types(session: WaldurSession, request: Request) -> tuple[NamedRow, ...] | None:
    return await unless_hidden(session.rows(NamedRow, request, Priority.LOOK)) or None
