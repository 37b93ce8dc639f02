"""What to move: the part of a Migration that a cloud needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.drivers.servers.policy.moves import kind_of
from osmig.drivers.servers.views import Job

if TYPE_CHECKING:
    from osmig.api.migration import Migration


def describe_job(migration: Migration) -> Job:
    """Return what to move: once started, the id that was resolved then; before, the spec may still be edited."""
    spec, status = migration.spec, migration.status
    is_begun = status.start_time is not None or status.upstream is not None
    resolved = status.server.id if is_begun and status.server is not None else None
    return Job(
        server_id=resolved or spec.server_id,
        server_name=spec.server_name,
        source_host=spec.source_host,
        source_host_id=spec.source_host_id,
        destination_host=spec.destination_host,
        block_migration=spec.block_migration,
        kind=kind_of(spec.type),
    )
