"""Reads that several parts share."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeVar

from osmig.domain.errors import Absent, NotPermitted, NotUnderstood
from osmig.drivers.tenants.waldur.requests import LIST_RUNS
from osmig.drivers.tenants.waldur.translate import view_run
from osmig.drivers.tenants.waldur.wire import RunRow

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from osmig.drivers.tenants.views import RunView
    from osmig.drivers.tenants.waldur.session import WaldurSession
    from osmig.net.limiting import Priority

T = TypeVar("T")

_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


async def read_runs(session: WaldurSession, source_id: str, priority: Priority) -> tuple[RunView, ...]:
    """Read every replication of a source, oldest first; the server ignores a filter that it does not know.

    Args:
        session: the connection.
        source_id: without dashes.
        priority: of the requests.
    """
    rows = await session.rows(RunRow, LIST_RUNS.about(source_id), priority)
    views = {row.uuid: view_run(row) for row in rows if row.src_resource_uuid in (None, source_id)}
    return tuple(sorted(views.values(), key=lambda view: view.created or _LAST))


async def unless_hidden(read: Awaitable[T]) -> T | None:
    """Return what was read; ``None`` where the token's user may not look, or this server has no such thing."""
    try:
        return await unless_forbidden(read)
    except Absent:
        return None


async def unless_forbidden(read: Awaitable[T]) -> T | None:
    """Return what was read; ``None`` where the token's user may not look, or this server has no such request.

    Raises:
        Absent: one may look, and there is nothing.
    """
    try:
        return await read
    except (NotPermitted, NotUnderstood):
        return None
