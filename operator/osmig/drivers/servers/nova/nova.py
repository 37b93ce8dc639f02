"""The Compute calls that osmig makes, one method each, with the version each of them needs (facts: Nova's API history).

Every method blocks and raises the ``BackendError`` family. Versions are those whose answers were seen; a cloud that
speaks less gets its own highest.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeVar

from osmig.api.names import Reason
from osmig.domain.calls import Operation
from osmig.domain.errors import OutcomeUnknown, Unsupported
from osmig.drivers.servers.nova.classify import request_id_of
from osmig.drivers.servers.nova.rows import find_marker, read_one, read_view, read_views
from osmig.drivers.servers.nova.session import ComputeSession, Request, Version
from osmig.drivers.servers.nova.translate import (
    ActionView,
    text,
    to_action,
    to_host,
    to_progress,
    to_record,
    to_server,
)
from osmig.net.bounds import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import requests

    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.views import HostView, ProgressView, ServerView
    from osmig.net.permits import Permit

SERVER = (2, 1)
"""All that is read of a server is in 2.1, and from 2.69 on an answer may be cut short while a cell is down."""
ACTIONS = (2, 84)
RECORDS = (2, 80)
START_VERSION = (2, 90)

PAGED_RECORDS = (2, 59)
RECORDS_BY_PROJECT = (2, 80)
PAGED_ACTIONS = (2, 58)
ASYNCHRONOUS_START = (2, 34)
"""Below, the request waits for scheduler and pre-check, up to half an hour."""
ABORT = (2, 24)
ABORT_QUEUED = (2, 65)
FORCE_COMPLETE = (2, 22)
COLD_MIGRATE = (2, 1)
COLD_DESTINATION = (2, 56)
"""Below, Nova takes a cold move's destination and ignores it."""
CONFIRM = (2, 1)
PROGRESS = (2, 23)
LOCKED = (2, 9)
"""From here on a server says whether it is locked."""

PAGE_ROWS = 1000
MAX_PAGES = 1000
_ACCEPTED = frozenset({202})
_CONFIRMED = frozenset({202, 204})
"""Nova says 204."""

T = TypeVar("T")


class Nova:
    """One cloud's Compute API."""

    def __init__(self, session: ComputeSession) -> None:
        self._session = session

    def speaks(self, version: Version) -> bool:
        """Whether the cloud offers this microversion."""
        return self._session.version() >= version

    def server(self, server_id: str) -> ServerView:
        """Read one server."""
        body = self._read("read-server", f"/servers/{server_id}", SERVER)
        return read_one(body, "server", to_server, "read-server")

    def servers(self, *, name: str | None = None, limit: int | None = None) -> tuple[tuple[ServerView, bool], ...]:
        """List servers of the credentials' own project, each with whether hosts are visible to us.

        Args:
            name: a regular expression on Nova's side; the caller compares exactly.
            limit: rows at most.
        """
        wanted: dict[str, str | int | None] = {"name": name, "limit": limit}
        params = {key: value for key, value in wanted.items() if value is not None}
        body = self._read("list-servers", "/servers/detail", SERVER, params)
        found = read_views(body, "servers", lambda row: (to_server(row), "OS-EXT-SRV-ATTR:host" in row), "list-servers")
        return tuple(found[:limit])

    def actions(self, server_id: str, *, limit: int | None = None) -> tuple[ActionView, ...]:
        """List what was done to a server, newest first."""
        params = {"limit": limit} if limit is not None and self.speaks(PAGED_ACTIONS) else None
        body = self._read("list-actions", f"/servers/{server_id}/os-instance-actions", ACTIONS, params)
        return tuple(read_views(body, "instanceActions", to_action, "list-actions")[:limit])

    def action(self, server_id: str, request_id: str) -> Mapping[str, Any]:
        """Read one action with its events, as far as the credentials may see them."""
        body = self._read("read-action", f"/servers/{server_id}/os-instance-actions/{request_id}", ACTIONS)
        action = body.get("instanceAction")
        return action if isinstance(action, dict) else {}

    def fault(self, server_id: str) -> str:
        """Read why a server is in ERROR; empty where Nova does not say."""
        body = self._read("read-server", f"/servers/{server_id}", SERVER)
        server = body.get("server")
        fault = server.get("fault") if isinstance(server, dict) else None
        message = fault.get("message") if isinstance(fault, dict) else None
        return message if isinstance(message, str) else ""

    def records(self, server_id: str, *, project_id: str | None) -> tuple[RecordView, ...]:
        """List the migrations of one server, newest first; ``project_id`` for credentials that see only their own."""
        params = {"instance_uuid": server_id} | ({"project_id": project_id} if project_id else {})
        body = self._read("list-migrations", "/os-migrations", RECORDS, params)
        records = read_views(body, "migrations", to_record, "list-migrations")
        # Clouds that filter by nothing they do not know would hand over everything.
        mine = [record for record in records if record.server_id == server_id]
        return tuple(sorted(mine, key=lambda record: record.number, reverse=True))

    def record_page(
        self, *, since: dt.datetime | None, project_id: str | None, marker: str | None = None
    ) -> tuple[tuple[RecordView, ...], str | None]:
        """List one page of migrations, those changed since a moment or all, and the marker of the next one.

        The SDK's own paging sends the integer id as marker, which Nova refuses; it wants the uuid.

        Raises:
            BackendError: as any read; ``TooManyRows`` for a page with more than asked for.
        """
        max_rows = MAX_ROWS
        query: dict[str, str | int] = {"project_id": project_id} if project_id else {}
        if self.speaks(PAGED_RECORDS):
            query["limit"] = max_rows = PAGE_ROWS
            if since is not None:
                query["changes-since"] = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if marker is not None:
            query["marker"] = marker
        body = self._read("sweep", "/os-migrations", RECORDS, query)
        following = find_marker(body)
        rows = tuple(read_views(body, "migrations", to_record, "sweep", max_rows=max_rows))
        return rows, following if following != marker else None

    def may_list_records(self, *, project_id: str | None) -> None:
        """Ask for one migration, only to learn whether that is permitted; raises if not."""
        query: dict[str, str | int] = {"project_id": project_id} if project_id else {}
        if self.speaks(PAGED_RECORDS):
            query["limit"] = 1
        self._read("list-migrations", "/os-migrations", RECORDS, query)

    def progress(self, server_id: str, record_id: str) -> ProgressView | None:
        """Read how far a live migration is; ``None`` while Nova does not list it as under way."""
        return self.samples(server_id).get(record_id)

    def samples(self, server_id: str) -> Mapping[str, ProgressView]:
        """Read how far the live migrations under way are, by id.

        The list, not the single one: a project's role of manager may read only the list.
        """
        body = self._read("read-progress", f"/servers/{server_id}/migrations", RECORDS)
        samples = read_views(body, "migrations", lambda row: (text(row, "id"), to_progress(row)), "read-progress")
        return {record_id: sample for record_id, sample in samples if record_id is not None}

    def sight(self, server_id: str) -> tuple[ServerView, bool, bool | None]:
        """Read one server, whether hosts are visible, and whether it is locked (``None``: the cloud is too old)."""
        body = self._read("read-server", f"/servers/{server_id}", LOCKED)
        server = body.get("server")
        row = server if isinstance(server, dict) else {}
        locked = row.get("locked")
        view = read_view(to_server, row, "read-server")
        return view, "OS-EXT-SRV-ATTR:host" in row, locked if isinstance(locked, bool) else None

    def hosts(self, name: str | None = None) -> tuple[HostView, ...]:
        """List the compute hosts, or the one of this name; ``NotPermitted`` for all but administrators."""
        params = {"binary": "nova-compute"} | ({"host": name} if name is not None else {})
        body = self._read("list-hosts", "/os-services", SERVER, params)
        hosts = read_views(body, "services", to_host, "list-hosts")
        # Clouds that do not filter hand over everything.
        return tuple(host for host in hosts if name is None or host.name == name)

    def live_migrate(
        self, server_id: str, *, host: str | None, block_migration: bool | str, permit: Permit
    ) -> str | None:
        """Ask once for a live migration and return Nova's id of the request."""
        self._require(ASYNCHRONOUS_START, Operation.LIVE_MIGRATE)
        order = {"os-migrateLive": {"host": host, "block_migration": block_migration}}
        return self._act(Operation.LIVE_MIGRATE, server_id, order, START_VERSION, permit)

    def cold_migrate(self, server_id: str, *, host: str | None, permit: Permit) -> str | None:
        """Ask once for a cold migration and return Nova's id of the request.

        Without a host the order is an empty object, the only form that every cloud takes.
        """
        self._require(COLD_MIGRATE if host is None else COLD_DESTINATION, Operation.COLD_MIGRATE)
        order: dict[str, Any] = {"migrate": {} if host is None else {"host": host}}
        return self._act(Operation.COLD_MIGRATE, server_id, order, START_VERSION, permit)

    def confirm(self, server_id: str, permit: Permit) -> None:
        """Ask once to make a cold move final. Two at the same time break the server, which Nova does not prevent."""
        self._act(Operation.CONFIRM, server_id, {"confirmResize": None}, CONFIRM, permit, accepted=_CONFIRMED)

    def revert(self, server_id: str, permit: Permit) -> None:
        """Ask once to take a cold move back."""
        self._act(Operation.REVERT, server_id, {"revertResize": None}, CONFIRM, permit)

    def abort(self, server_id: str, record_id: str, permit: Permit) -> None:
        """Ask once to cancel a live migration."""
        self._require(ABORT, "abort")
        path = f"/servers/{server_id}/migrations/{record_id}"
        self._change(Request(operation="abort", method="DELETE", path=path, microversion=RECORDS), permit)

    def force_complete(self, server_id: str, record_id: str, permit: Permit) -> None:
        """Ask once to end a live migration soon, by pausing the server or by post-copy."""
        self._require(FORCE_COMPLETE, "force-complete")
        path = f"/servers/{server_id}/migrations/{record_id}/action"
        order: dict[str, Any] = {"force_complete": None}
        request = Request(operation="force-complete", method="POST", path=path, microversion=RECORDS, json=order)
        self._change(request, permit)

    def _require(self, version: Version, operation: str) -> None:
        if not self.speaks(version):
            sentence = f"The cloud's Compute API is too old for {operation}: it needs {version[0]}.{version[1]}"
            raise Unsupported(Reason.UNSUPPORTED, sentence, operation=operation)

    def _act(
        self,
        operation: Operation,
        server_id: str,
        order: Mapping[str, Any],
        version: Version,
        permit: Permit,
        *,
        accepted: Collection[int] = _ACCEPTED,
    ) -> str | None:
        path = f"/servers/{server_id}/action"
        request = Request(operation=operation, method="POST", path=path, microversion=version, json=order)
        return self._change(request, permit, accepted=accepted)

    def _change(self, request: Request, permit: Permit, *, accepted: Collection[int] = _ACCEPTED) -> str | None:
        response = self._session.send(request, permit)
        if response.status_code not in accepted:
            raise _unexpected(response, request.operation)
        return request_id_of(response)

    def _read(
        self, operation: str, path: str, version: Version, params: Mapping[str, str | int] | None = None
    ) -> Mapping[str, Any]:
        return self._session.read(
            Request(operation=operation, method="GET", path=path, microversion=version, params=params)
        )


def _unexpected(response: requests.Response, operation: str) -> OutcomeUnknown:
    """A success that Nova never gives: somebody else answered, and what Nova did is not known."""
    sentence = f"The answer to {operation} was {response.status_code}, which is not Nova's"
    return OutcomeUnknown(Reason.NO_ANSWER, sentence, operation=operation)
