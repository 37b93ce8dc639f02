"""Read the facts that a decision about a server's move wants, in a fixed order; the first failure ends the reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.names import Reason
from osmig.domain.errors import Absent, BackendError, NotPermitted
from osmig.domain.observation import Observation, Read
from osmig.domain.upstream import Explanation, HostView, Job, MoveKind, ProgressView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from osmig.api.migration import Migration
    from osmig.backends.ports import ServerBackend


_KINDS = {MigrationType.LIVE_MIGRATION: MoveKind.LIVE, MigrationType.COLD_MIGRATION: MoveKind.COLD}


def describe_job(migration: Migration) -> Job:
    """Return what to move: once started, the id that was resolved then; before, the spec may still be edited."""
    spec, status = migration.spec, migration.status
    is_begun = status.start_time is not None or status.upstream is not None
    resolved = status.server.id if is_begun and status.server is not None else None
    return Job(
        server_id=resolved or spec.server_id,
        server_name=spec.server_name,
        source_host=spec.source_host,
        destination_host=spec.destination_host,
        block_migration=spec.block_migration,
        kind=_KINDS[spec.type],
    )


class ServerLook:
    """Reads for one move of a server through its Provider's backend."""

    def __init__(self, backend: ServerBackend, *, claimed: Callable[[], Collection[str]]) -> None:
        """Read nothing yet; ``claimed`` tells the request ids that belong to other Migrations."""
        self._backend = backend
        self._claimed = claimed

    async def read(self, observation: Observation, wants: frozenset[Read]) -> Observation:
        """Return the observation with what was wanted and not there yet, or with the trouble met."""
        return await read_wanted(observation, wants, self._read)

    async def _read(self, observation: Observation, read: Read) -> Observation:
        server_id = describe_job(observation.migration).server_id or ""
        match read:
            case Read.SERVER:
                return replace(observation, server=await self._backend.server(server_id))
            case Read.RECORDS:
                return replace(observation, records=await self._backend.records(server_id))
            case Read.PROGRESS:
                return await self._read_progress(observation, server_id)
            case Read.EXPLANATION:
                return replace(observation, explanation=await self._read_explanation(observation, server_id))
            case _:
                return await self._read_for_call(observation, read)

    async def _read_for_call(self, observation: Observation, read: Read) -> Observation:
        """Read what a call depends on: before it is made, or to find out what became of it."""
        migration, call = observation.migration, observation.status.pending_call
        job = describe_job(migration)
        match read:
            case Read.SURVEY:
                return replace(observation, survey=await self._backend.survey(job))
            case Read.FINDING if call is not None:
                return replace(observation, finding=await self._backend.find(job, call, self._claimed()))
            case Read.PREFLIGHT:
                return replace(observation, preflight=await self._backend.preflight(job))
            case Read.SOURCE_HOST:
                return replace(observation, source_host=await self._read_source_host(migration))
            case _:
                return observation

    async def _read_explanation(self, observation: Observation, server_id: str) -> Explanation:
        """Read why it failed, if that can be read: the outcome is certain without it."""
        upstream = observation.status.upstream
        try:
            return await self._backend.explain(server_id, upstream.request_id if upstream is not None else None)
        except BackendError:
            return Explanation(reason=None, message="")

    async def _read_source_host(self, migration: Migration) -> HostView:
        """Read the host that the server leaves; one that cannot be looked at is taken as up, for that is no verdict."""
        placement = migration.status.placement
        name = (placement.source_host if placement is not None else None) or migration.spec.source_host
        if name is None:
            return HostView(name="")
        try:
            return await self._backend.host(name)
        except Absent:
            return HostView(name=name)
        except NotPermitted as error:
            if error.reason == Reason.UNAUTHORIZED:
                raise
            return HostView(name=name)

    async def _read_progress(self, observation: Observation, server_id: str) -> Observation:
        """Read one sample; when upstream has none, the move may just have ended, so its record is read too."""
        upstream = observation.status.upstream
        record_id = upstream.id if upstream is not None else None
        sample = await self._backend.progress(server_id, record_id) if record_id is not None else None
        if sample is not None:
            return replace(observation, progress=sample)
        records = observation.records
        if records is None:
            records = await self._backend.records(server_id)
        return replace(observation, progress=ProgressView(), records=records)


async def read_wanted(
    observation: Observation, wants: frozenset[Read], read_one: Callable[[Observation, Read], Awaitable[Observation]]
) -> Observation:
    """Return the observation with what was wanted and not there yet, or with the first trouble met."""
    for read in Read:
        if read not in wants or has(observation, read):
            continue
        try:
            observation = await read_one(observation, read)
        except BackendError as error:
            return replace(observation, trouble=error)
    return observation


def has(observation: Observation, read: Read) -> bool:
    """Whether a fact was read in this step."""
    facts = {
        Read.SURVEY: observation.survey,
        Read.FINDING: observation.finding,
        Read.SERVER: observation.server,
        Read.RECORDS: observation.records,
        Read.PROGRESS: observation.progress,
        Read.EXPLANATION: observation.explanation,
        Read.PREFLIGHT: observation.preflight,
        Read.SOURCE_HOST: observation.source_host,
        Read.RUNS: observation.runs,
        Read.RUN: observation.run,
        Read.REPLICA: observation.replica,
    }
    return facts[read] is not None
