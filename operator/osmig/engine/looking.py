"""Read the upstream facts that a decision wants, in a fixed order; the first failure ends the reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.domain.errors import BackendError
from osmig.domain.observation import Observation, Read
from osmig.domain.upstream import Explanation, Job, ProgressView

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from osmig.api.migration import Migration
    from osmig.backends.ports import Backend


def describe_job(migration: Migration) -> Job:
    """Return what to move: once started, the id that was resolved then; before, the spec may still be edited."""
    spec, status = migration.spec, migration.status
    resolved = status.server.id if status.start_time is not None and status.server is not None else None
    return Job(
        server_id=resolved or spec.server.id,
        server_name=spec.server.name,
        source_host=spec.source_host,
        destination_host=spec.destination_host,
        block_migration=spec.block_migration,
    )


class Look:
    """Reads for one Migration through its Provider's backend."""

    def __init__(
        self, backend: Backend, *, claimed: Callable[[], Collection[str]], rival: Callable[[str], str]
    ) -> None:
        """Read nothing yet.

        Args:
            backend: the Provider's.
            claimed: request ids that belong to other Migrations.
            rival: by server id, who else of ours has the server, in words fit for status, else empty.
        """
        self._backend = backend
        self._claimed = claimed
        self._rival = rival

    async def read(self, observation: Observation, wants: frozenset[Read]) -> Observation:
        """Return the observation with what was wanted and not there yet, or with the trouble met."""
        for read in Read:
            if read not in wants or has(observation, read):
                continue
            try:
                observation = await self._read(observation, read)
            except BackendError as error:
                if read is Read.EXPLANATION:
                    # the outcome is certain without it
                    observation = replace(observation, explanation=Explanation(reason=None, message=""))
                    continue
                return replace(observation, trouble=error)
        return observation

    async def _read(self, observation: Observation, read: Read) -> Observation:
        job, status = describe_job(observation.migration), observation.status
        server_id = job.server_id or ""
        match read:
            case Read.SURVEY:
                survey = await self._backend.survey(job)
                return replace(observation, survey=survey, rival=self._rival(survey.server.id))
            case Read.FINDING if status.pending_call is not None:
                finding = await self._backend.find(job, status.pending_call, self._claimed())
                return replace(observation, finding=finding)
            case Read.SERVER:
                return replace(observation, server=await self._backend.server(server_id))
            case Read.RECORDS:
                return replace(observation, records=await self._backend.records(server_id))
            case Read.PROGRESS:
                return await self._read_progress(observation, server_id)
            case Read.EXPLANATION:
                request_id = status.upstream.request_id if status.upstream is not None else None
                return replace(observation, explanation=await self._backend.explain(server_id, request_id))
            case _:
                return observation

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


def has(observation: Observation, read: Read) -> bool:
    """Whether a fact was read in this step."""
    facts = {
        Read.SURVEY: observation.survey,
        Read.FINDING: observation.finding,
        Read.SERVER: observation.server,
        Read.RECORDS: observation.records,
        Read.PROGRESS: observation.progress,
        Read.EXPLANATION: observation.explanation,
    }
    return facts[read] is not None
