"""Lists of migrations within what the credentials may see: all of the cloud, their own project's, or nothing."""

from __future__ import annotations

import datetime as dt
import itertools
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.capabilities import Scope
from osmig.domain.errors import NotPermitted
from osmig.domain.operations import RecordView, Sweep
from osmig.drivers.servers.nova import nova
from osmig.drivers.servers.nova.rows import too_many_rows
from osmig.net.bounds import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.drivers.servers.nova.nova import Nova
    from osmig.drivers.servers.nova.session import ComputeSession

SWEEP_OVERLAP = dt.timedelta(seconds=30)
"""How far a sweep looks back: Nova dates a change before it commits it, and its services' clocks differ."""


class Listing:
    """Remembers what the credentials may list, and asks accordingly. Its calls block."""

    def __init__(self, session: ComputeSession, api: Nova) -> None:
        self._session = session
        self._nova = api
        self._scope: Scope | None = None
        self._project_id: str | None = None

    def scope(self) -> Scope:
        """Tell whose migrations can be listed, asking the cloud the first time.

        Raises:
            BackendError: as any read; ``NotPermitted`` only for credentials that are refused altogether.
        """
        if self._scope is None:
            self._scope = self._learn()
        return self._scope

    def forget(self) -> None:
        """Learn the scope anew at the next call: roles and policies change."""
        self._scope = None

    def project_id(self) -> str | None:
        """Tell the credentials' own project: from the token, else from one of its servers, else ``None``."""
        if self._project_id is None:
            _, self._project_id = self._session.identity()
        if self._project_id is None:
            self._project_id = next((server.project_id for server, _ in self._nova.servers(limit=1)), None)
        return self._project_id

    def of_server(self, server_id: str) -> tuple[RecordView, ...]:
        """List one server's migrations, newest first.

        Raises:
            NotPermitted: the credentials may list none.
        """
        if self.scope() is Scope.UNKNOWN:
            text = "The cloud's policy forbids to list migrations"
            raise NotPermitted(Reason.NOT_PERMITTED, text, operation="list-migrations")
        return self._nova.records(server_id, project_id=self._filter())

    def sweep(self, since: dt.datetime | None) -> Sweep:
        """List what is not over, or what changed; nothing where the credentials may list nothing.

        Every sweep of a cloud below 2.59 is a full one, because it can neither page nor filter by time.
        """
        if self.scope() is Scope.UNKNOWN:
            return Sweep(records=(), cursor=None, is_full=True)
        if not self._nova.speaks(nova.PAGED_RECORDS):
            since = None
        try:
            rows = iter(self._nova.all_records(since=since, project_id=self._filter()))
            first = tuple(itertools.islice(rows, 1))
            # the first page's date: what changes while the others are read is younger
            return _gather(itertools.chain(first, rows), since, asked=read_date(self._session.read_date()))
        except NotPermitted:
            self.forget()
            raise

    def _filter(self) -> str | None:
        return self.project_id() if self.scope() is Scope.PROJECT else None

    def _learn(self) -> Scope:
        if self._is_listable(None):
            return Scope.CLOUD
        project_id = self.project_id()
        if project_id and self._nova.speaks(nova.RECORDS_BY_PROJECT) and self._is_listable(project_id):
            return Scope.PROJECT
        return Scope.UNKNOWN

    def _is_listable(self, project_id: str | None) -> bool:
        try:
            self._nova.may_list_records(project_id=project_id)
        except NotPermitted:
            return False
        return True


def read_date(header: str) -> dt.datetime | None:
    """Return when an answer was made by its own ``Date``; ``None`` where it has none that can be read."""
    try:
        date = parsedate_to_datetime(header)
        return date.replace(tzinfo=dt.UTC) if date.tzinfo is None else date.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _gather(rows: Iterable[RecordView], since: dt.datetime | None, *, asked: dt.datetime | None) -> Sweep:
    """Keep what is needed of all rows, and go on next time where these end.

    A row that is dated ahead of its own answer, by a service whose clock is wrong, must not hide what changes until
    that time comes.
    """
    kept: dict[str, RecordView] = {}
    latest = None
    for row in rows:
        if len(kept) > MAX_ROWS:
            raise too_many_rows(f"{MAX_ROWS} moves", "sweep")
        changed = row.updated or row.created
        if changed is not None and (latest is None or changed > latest):
            latest = changed
        if since is not None or not row.is_terminal:
            kept[row.id] = row
    cursor = min(latest, asked or latest) - SWEEP_OVERLAP if latest is not None else since
    if since is not None and cursor is not None:
        cursor = max(cursor, since)
    return Sweep(records=tuple(kept.values()), cursor=cursor, is_full=since is None)
