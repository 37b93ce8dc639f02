"""How each fact about a replication is read from Waldur; what an absent run means is decided on."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from osmig.domain.errors import Absent, NotPermitted
from osmig.drivers.tenants.policy.cleaning import UNNAMED
from osmig.drivers.tenants.policy.jobs import resolve_job
from osmig.drivers.tenants.views import ReplicaStage, ReplicaView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.drivers.driver import Reader, Sources
    from osmig.drivers.tenants.facts import ReplicationFacts, ReplicationObservation
    from osmig.drivers.tenants.ports import TenantBackend

    _Sources: TypeAlias = Sources[TenantBackend]


async def read_preflight(observation: ReplicationObservation, sources: _Sources) -> ReplicationFacts:
    """Check whether the replication would become what its mappings say."""
    facts = observation.facts
    return replace(facts, preflight=await sources.backend.preflight(resolve_job(observation), facts.runs))


async def read_runs(observation: ReplicationObservation, sources: _Sources) -> ReplicationFacts:
    """Read every replication of the source."""
    source = resolve_job(observation).source_resource
    return replace(observation.facts, runs=await sources.backend.runs(source))


async def read_run(observation: ReplicationObservation, sources: _Sources) -> ReplicationFacts:
    """Read the replication that is followed."""
    upstream = observation.status.upstream
    assert upstream is not None  # noqa: S101 - nobody follows what has no id
    assert upstream.id is not None  # noqa: S101
    return replace(observation.facts, run=await sources.backend.run(upstream.id))


async def read_replica(observation: ReplicationObservation, sources: _Sources) -> ReplicationFacts:
    """Read the replica; one that cannot be looked at is of no known stage: no outcome depends on it."""
    return replace(observation.facts, replica=await _read_replica(observation, sources.backend))


async def _read_replica(observation: ReplicationObservation, backend: TenantBackend) -> ReplicaView:
    tenant, run = observation.status.tenant, observation.facts.run
    known = tenant.destination_resource if tenant is not None else None
    replica_id = known or (run.replica_id if run is not None else None)
    unseen = ReplicaView(id=replica_id or "", stage=ReplicaStage.UNKNOWN, status="")
    if replica_id is None:
        return unseen
    order_id = tenant.cleanup_order if tenant is not None else None
    try:
        return await backend.replica(replica_id, order_id if order_id != UNNAMED else None)
    except (Absent, NotPermitted):
        return unseen


READERS: Mapping[str, Reader[ReplicationFacts, TenantBackend]] = MappingProxyType(
    {"preflight": read_preflight, "runs": read_runs, "run": read_run, "replica": read_replica}
)
"""By the name of the fact, in the order in which they are read."""
