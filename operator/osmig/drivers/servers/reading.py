"""How each fact about a server's move is read from the cloud."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from osmig.domain.errors import Absent, BackendError, NotPermitted
from osmig.drivers.servers.jobs import describe_job
from osmig.drivers.servers.views import Explanation, HostView, ProgressView, StartTrace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.drivers.driver import Reader, Sources
    from osmig.drivers.servers.facts import MoveFacts, MoveObservation
    from osmig.drivers.servers.ports import ServerBackend

    _Sources: TypeAlias = Sources[ServerBackend]


async def read_pre_start_state(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read the server as it is before a start."""
    return replace(
        observation.facts, pre_start=await sources.backend.pre_start_state(describe_job(observation.migration))
    )


async def read_named_hosts(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Ask whether the cloud has the hosts that the spec names."""
    spec = observation.migration.spec
    names = [name for name in (spec.source_host, spec.destination_host) if name is not None]
    return replace(observation.facts, named_hosts=await sources.backend.named_hosts(names))


async def find_effect(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Look for the effect of the call whose intent is on record."""
    call, job = observation.status.pending_call, describe_job(observation.migration)
    assert call is not None  # noqa: S101 - nobody looks without an intent
    return replace(observation.facts, call_lookup=await sources.backend.find_effect(job, call, sources.claimed()))


async def read_server(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read the server as it is now."""
    return replace(observation.facts, server=await sources.backend.server(_server_id(observation)))


async def read_records(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read the server's records."""
    return replace(observation.facts, records=await sources.backend.records(_server_id(observation)))


async def read_start_trace(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read what the cloud shows of our start; of a migration that was adopted no request is known."""
    upstream = observation.status.upstream
    request_id = upstream.request_id if upstream is not None else None
    trace = StartTrace()
    if request_id is not None:
        trace = await sources.backend.start_trace(_server_id(observation), request_id)
    return replace(observation.facts, start_trace=trace)


async def read_progress(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read one sample; when the cloud has none, the move may just have ended, so its record is read too."""
    facts, upstream = observation.facts, observation.status.upstream
    record_id = upstream.id if upstream is not None else None
    sample = await sources.backend.progress(_server_id(observation), record_id) if record_id is not None else None
    if sample is not None:
        return replace(facts, progress=sample)
    records = facts.records
    if records is None:
        records = await sources.backend.records(_server_id(observation))
    return replace(facts, progress=ProgressView(), records=records)


async def read_explanation(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read why it failed, if that can be read: the outcome is certain without it."""
    upstream = observation.status.upstream
    request_id = upstream.request_id if upstream is not None else None
    try:
        explanation = await sources.backend.explain(_server_id(observation), request_id)
    except BackendError:
        explanation = Explanation(reason=None, message="")
    return replace(observation.facts, explanation=explanation)


async def read_preflight(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Check whether the move could be done."""
    return replace(observation.facts, preflight=await sources.backend.preflight(describe_job(observation.migration)))


async def read_source_host(observation: MoveObservation, sources: _Sources) -> MoveFacts:
    """Read the host that the server leaves; one that cannot be looked at is taken as up, for that is no verdict."""
    placement = observation.status.placement
    name = (placement.source_host if placement is not None else None) or observation.migration.spec.source_host
    host = HostView(name=name or "")
    if name is not None:
        with suppress(Absent, NotPermitted):
            host = await sources.backend.host(name)
    return replace(observation.facts, source_host=host)


def _server_id(observation: MoveObservation) -> str:
    return describe_job(observation.migration).server_id or ""


READERS: Mapping[str, Reader[MoveFacts, ServerBackend]] = MappingProxyType(
    {
        "pre_start": read_pre_start_state,
        "named_hosts": read_named_hosts,
        "call_lookup": find_effect,
        "server": read_server,
        "records": read_records,
        "start_trace": read_start_trace,
        "progress": read_progress,
        "explanation": read_explanation,
        "preflight": read_preflight,
        "source_host": read_source_host,
    }
)
"""By the name of the fact, in the order in which they are read."""
