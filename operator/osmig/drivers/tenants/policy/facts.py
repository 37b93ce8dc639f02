"""What a run tells, as fields of a Migration's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from osmig.api.mappings import canonical_id
from osmig.api.migration import Progress, TenantFacts, UpstreamFacts
from osmig.api.migration_changes import TenantChanges, change_tenant
from osmig.drivers.tenants.policy import jobs

if TYPE_CHECKING:
    from typing import Unpack

    from osmig.drivers.tenants.facts import ReplicationObservation
    from osmig.drivers.tenants.views import RunView

SCOPE = (
    "The project with its quotas, networks, subnets, routers and security groups is replicated; servers, volumes, "
    "their data and floating IPs are not, and the source stays as it is. Of static routes only those are replicated "
    "whose destination lies in a subnet of the replica; a rule of a security group that names exactly a mapped "
    "sourceCIDR gets its destinationCIDR."
)

UPSTREAM_TYPE = "openstack-migration"


class RunChanges(TypedDict):
    """The fields of a status that a run tells."""

    upstream: UpstreamFacts
    tenant: TenantFacts
    progress: Progress | None


def describe_tenant(observation: ReplicationObservation, **changes: Unpack[TenantChanges]) -> TenantFacts:
    """Return what is known of the tenant, with ``changes``."""
    before = observation.status.tenant or TenantFacts()
    source = canonical_id(jobs.options_of(observation).source_resource)
    known: TenantChanges = {"source_resource": source, "scope": SCOPE, **changes}
    return change_tenant(before, **known)


def describe_run(observation: ReplicationObservation, run: RunView) -> RunChanges:
    """Return the fields of the status that a run tells."""
    before = observation.status.upstream or UpstreamFacts()
    # validated, not copied: cut to the schema's bounds, and equal to what the API server gives back
    upstream = UpstreamFacts(
        id=run.id,
        type=UPSTREAM_TYPE,
        status=run.status,
        # whoever has seen it once would see it again
        user_id=observation.provider.user_id or before.user_id or run.user_id,
        updated_time=run.updated or before.updated_time,
    )
    replica = observation.facts.replica
    tenant = describe_tenant(observation)
    tenant = TenantFacts.model_validate(
        {
            **tenant.model_dump(),
            "destination_resource": run.replica_id or tenant.destination_resource,
            "destination_name": run.replica_name or tenant.destination_name,
            "destination_status": (replica.status if replica is not None else "") or run.replica_status,
        }
    )
    return {"upstream": upstream, "tenant": tenant, "progress": describe_progress(observation)}


def describe_progress(observation: ReplicationObservation) -> Progress | None:
    """Return how many parts of the replica are there; of the replication itself Waldur tells nothing.

    Where they were never to be seen, the time alone says when they were last looked for.
    """
    replica, known = observation.facts.replica, observation.newest_progress
    if replica is None or (replica.items is None and known is not None and known.items is not None):
        return known
    return Progress(items=replica.items, sample_time=observation.now)
