"""Read the facts that a decision about a tenant's replication wants, in a fixed order; the first failure ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import Absent, NotPermitted
from osmig.domain.observation import Observation, Read
from osmig.domain.replicas import ReplicaStage, ReplicaView
from osmig.domain.replication.cleaning import UNNAMED
from osmig.domain.replication.jobs import resolve_job
from osmig.engine.looking import read_wanted

if TYPE_CHECKING:
    from osmig.backends.ports import TenantBackend


class TenantLook:
    """Reads for one replication through its Provider's backend."""

    def __init__(self, backend: TenantBackend) -> None:
        self._backend = backend

    async def read(self, observation: Observation, wants: frozenset[Read]) -> Observation:
        """Return the observation with what was wanted and not there yet, or with the trouble met.

        That a run is absent is trouble like any other here: what it means is decided on.
        """
        return await read_wanted(observation, wants, self._read)

    async def _read(self, observation: Observation, read: Read) -> Observation:
        upstream = observation.status.upstream
        match read:
            case Read.PREFLIGHT:
                checks = await self._backend.preflight(resolve_job(observation), observation.runs)
                return replace(observation, preflight=checks)
            case Read.RUNS:
                runs = await self._backend.runs(resolve_job(observation).source_resource)
                return replace(observation, runs=runs)
            case Read.RUN if upstream is not None and upstream.id is not None:
                return replace(observation, run=await self._backend.run(upstream.id))
            case Read.REPLICA:
                return replace(observation, replica=await self._read_replica(observation))
            case _:
                return observation

    async def _read_replica(self, observation: Observation) -> ReplicaView:
        """Read the replica; one that cannot be looked at is of no known stage: no outcome depends on it."""
        tenant, run = observation.status.tenant, observation.run
        known = tenant.destination_resource if tenant is not None else None
        replica_id = known or (run.replica_id if run is not None else None)
        unseen = ReplicaView(id=replica_id or "", stage=ReplicaStage.UNKNOWN, status="")
        if replica_id is None:
            return unseen
        order_id = tenant.cleanup_order if tenant is not None else None
        try:
            return await self._backend.replica(replica_id, order_id if order_id != UNNAMED else None)
        except Absent:
            return unseen
        except NotPermitted as error:
            if error.reason == Reason.UNAUTHORIZED:
                raise
            return unseen
