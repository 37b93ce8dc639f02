"""Lists of migrations within what the credentials may see: all of the cloud, their own project's, or nothing."""

from __future__ import annotations

import datetime as dt
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


class SweepReading:
    """One sweep while its pages are read; keeps what is needed of all rows.

    Attributes:
        since: what changed from then on is asked for; ``None`` for all.
        marker: of the next page; ``None`` before the first one and after the last.
        asked: when the cloud answered the first page, by its own clock.
    """

    def __init__(self, since: dt.datetime | None) -> None:
        self.since = since
        self.marker: str | None = None
        self.asked: dt.datetime | None = None
        self._pages = 0
        self._kept: dict[str, RecordView] = {}
        self._latest: dt.datetime | None = None

    @property
    def has_more(self) -> bool:
        """Whether another page is to be read."""
        return self.marker is not None

    def add(self, rows: Iterable[RecordView], marker: str | None) -> None:
        """Take a page in.

        Raises:
            TooManyRows: the list does not end, or there is more of it than is kept.
        """
        self._pages += 1
        self.marker = marker
        for row in rows:
            changed = row.updated or row.created
            if changed is not None and (self._latest is None or changed > self._latest):
                self._latest = changed
            if self.since is not None or not row.is_terminal:
                self._kept[row.id] = row
        if len(self._kept) > MAX_ROWS:
            raise too_many_rows(f"{MAX_ROWS} moves", "sweep")
        if marker is not None and self._pages >= nova.MAX_PAGES:
            raise too_many_rows(f"{nova.MAX_PAGES} pages", "sweep")

    def finish(self) -> Sweep:
        """Return what was found, and where the next sweep begins.

        A row that is dated ahead of its own answer, by a service whose clock is wrong, must not hide what changes until
        that time comes; nor must an earlier answer, of an API server whose clock is ahead of this one's.
        """
        known = [self._latest - SWEEP_OVERLAP] if self._latest is not None else []
        known += [self.since] if self.since is not None else []
        cursor = max(known, default=None)
        if cursor is not None and self.asked is not None:
            cursor = min(cursor, self.asked - SWEEP_OVERLAP)
        records = tuple(self._kept.values())
        return Sweep(records=records, cursor=cursor, is_full=self.since is None, asked=self.asked)


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

    def begin_sweep(self, since: dt.datetime | None) -> SweepReading:
        """Read the first page of what is not over, or what changed; nothing where the credentials may list nothing.

        Every sweep of a cloud below 2.59 is a full one, because it can neither page nor filter by time.
        """
        if self.scope() is Scope.UNKNOWN:
            return SweepReading(None)
        reading = SweepReading(since if self._nova.speaks(nova.PAGED_RECORDS) else None)
        self.go_on(reading)
        # the first page's date: what changes while the others are read is younger
        reading.asked = read_date(self._session.read_date())
        return reading

    def go_on(self, reading: SweepReading) -> None:
        """Read the next page into a sweep that was begun.

        Raises:
            BackendError: as any read; ``TooManyRows`` for a list that does not end, or with more than is kept.
        """
        try:
            rows, marker = self._nova.record_page(since=reading.since, project_id=self._filter(), marker=reading.marker)
        except NotPermitted:
            self.forget()
            raise
        reading.add(rows, marker)

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
