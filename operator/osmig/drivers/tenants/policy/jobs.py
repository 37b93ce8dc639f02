"""What a Migration orders: its mappings, wherever they are written, and the job that is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.mappings import Mappings
from osmig.api.tenant import Cleanup
from osmig.drivers.tenants.views import ReplicaJob

if TYPE_CHECKING:
    from osmig.api.tenant import TenantOptions
    from osmig.drivers.tenants.facts import ReplicationObservation


def options_of(observation: ReplicationObservation) -> TenantOptions:
    """Return the options of the replication; the schema demands them for this type."""
    tenant = observation.migration.spec.tenant
    assert tenant is not None  # noqa: S101 - the schema demands it for this type
    return tenant


def wants_cleanup(observation: ReplicationObservation) -> bool:
    """Whether the replica of an aborted replication is to be terminated."""
    return options_of(observation).cleanup is Cleanup.DESTINATION_ON_ABORT


def find_mappings(observation: ReplicationObservation) -> Mappings | None:
    """Return the mappings as they are now; ``None`` when those that are referred to cannot be found."""
    tenant = options_of(observation)
    return observation.facts.referenced if tenant.mapping_ref is not None else tenant.mappings or Mappings()


def resolve_job(observation: ReplicationObservation, *, name: str = "") -> ReplicaJob:
    """Return what is to be replicated, and under which name."""
    tenant = options_of(observation)
    return ReplicaJob(
        source_resource=tenant.source_resource,
        destination_offering=tenant.destination_offering,
        destination_plan=tenant.destination_plan,
        name=name,
        mappings=find_mappings(observation) or Mappings(),
    )
