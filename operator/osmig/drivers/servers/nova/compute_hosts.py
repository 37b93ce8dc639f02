"""Nova's calls about hosts, one method each, with the version each of them needs. They block.

Hosts are proven empty by these lists, so none may be cut short: below 2.69 Nova leaves out what is in a cell that does
not answer, and says nothing of it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from osmig.api.names import Reason
from osmig.domain.errors import OutcomeUnknown, Transient, Unsupported
from osmig.drivers.servers.nova.host_rows import (
    MAX_SERVICES_KEPT,
    read_whole,
    to_aggregate,
    to_free_memory,
    to_group_row,
    to_server_row,
    to_service_row,
)
from osmig.drivers.servers.nova.rows import find_marker, read_one
from osmig.drivers.servers.nova.session import Request
from osmig.drivers.servers.nova.translate import text, to_record
from osmig.net.bounds import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.domain.operations import RecordView
    from osmig.domain.plans.sweeps import GroupRow, ServerRow, ServiceRow
    from osmig.drivers.servers.nova.session import ComputeSession, Version
    from osmig.net.permits import Permit

TOLD_CELLS = (2, 69)
"""From here on Nova says which rows it cannot fill in because a cell does not answer."""
SERVERS = (2, 96)
"""Flavor with extra specs (2.47), locked (2.73), pinned zone (2.96)."""
SERVICES = (2, 69)
GROUPS = (2, 64)
MOVES = (2, 80)
HYPERVISORS = (2, 87)
"""The last one that tells the memory."""

SERVER_ROWS = 25
"""Servers per page: each may have 64 KiB of user data and as much metadata, and an answer at most 4 MiB."""
ROWS = 1000

ServersOf = Literal["host", "project_id", "own"]
SERVER_LISTS: Mapping[ServersOf, str] = MappingProxyType(
    {"host": "list-host-servers", "project_id": "list-project-servers", "own": "list-own-servers"}
)
"""By what narrows a list of servers down: what the call is named. ``own`` is the project of the credentials."""

CHANGE_S = 30.0
"""For an order to a service. Nova writes it down at once and then asks the compute, which may be dead, by RPC."""


class ComputeHosts:
    """One cloud's hosts."""

    def __init__(self, session: ComputeSession) -> None:
        self._session = session

    def services(self, host: str | None = None) -> tuple[ServiceRow, ...]:
        """List the compute services, or those of exactly this host, of which two tell as much as more.

        Raises:
            BackendError: as any read; ``NotPermitted`` for all but administrators.
        """
        self._require(TOLD_CELLS, "list-hosts")
        params: dict[str, str | int] = {"binary": "nova-compute"}
        if host is not None:
            params["host"] = host
        body = self._read("list-hosts", "/os-services", SERVICES, params)
        rows = read_whole(body, "services", to_service_row, "list-hosts", max_rows=MAX_ROWS)
        return rows if host is None else tuple(row for row in rows if row.host == host)[:MAX_SERVICES_KEPT]

    def server(self, server_id: str) -> ServerRow:
        """Read one server, as the lists show it.

        Raises:
            Absent: there is none of this id.
        """
        self._require(TOLD_CELLS, "read-server")
        body = self._read("read-server", f"/servers/{server_id}", SERVERS, {})
        return read_one(body, "server", to_server_row, "read-server")

    def server_page(self, key: ServersOf, value: str, marker: str | None) -> tuple[tuple[ServerRow, ...], str | None]:
        """List one page of the servers of a host or a project, soft-deleted ones included.

        Only administrators may ask for these, and for all projects. ``own`` does neither, and takes no ``value``.

        Returns:
            The servers, and the marker of the next page.
        """
        operation = SERVER_LISTS[key]
        self._require(TOLD_CELLS, operation)
        of_all: dict[str, str | int] = {"all_tenants": 1, key: value, "soft_deleted": 1}
        query = _page({**({} if key == "own" else of_all), "limit": SERVER_ROWS}, marker)
        body = self._read(operation, "/servers/detail", SERVERS, query)
        rows = read_whole(body, "servers", to_server_row, operation, max_rows=SERVER_ROWS)
        last = rows[-1].id if rows else None
        return rows, _follow(body.get("servers_links"), last, marker, operation)

    def move_page(self, host: str, marker: str | None) -> tuple[tuple[RecordView, ...], str | None]:
        """List one page of the migrations with the host as source or destination, and the marker of the next."""
        query = _page({"host": host, "limit": ROWS}, marker)
        body = self._read("list-host-migrations", "/os-migrations", MOVES, query)
        rows = read_whole(body, "migrations", to_record, "list-host-migrations", max_rows=ROWS)
        return rows, _follow(body.get("migrations_links"), find_marker(body), marker, "list-host-migrations")

    def group_page(self, offset: int) -> tuple[GroupRow, ...]:
        """List one page of all server groups; none are left when it is empty."""
        query: dict[str, str | int] = {"all_projects": 1, "limit": ROWS, "offset": offset}
        body = self._read("list-server-groups", "/os-server-groups", GROUPS, query)
        return read_whole(body, "server_groups", to_group_row, "list-server-groups", max_rows=ROWS)

    def aggregates(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """List the aggregates with their hosts."""
        body = self._read("list-aggregates", "/os-aggregates", SERVICES, {})
        return read_whole(body, "aggregates", to_aggregate, "list-aggregates", max_rows=MAX_ROWS)

    def memory_page(self, marker: str | None) -> tuple[tuple[tuple[str, int | None], ...], str | None]:
        """Read one page of the hosts' free memory in MiB, as far as the cloud tells it, and the marker of the next."""
        query = _page({"limit": ROWS}, marker)
        body = self._read("list-hypervisors", "/os-hypervisors/detail", HYPERVISORS, query)
        rows = read_whole(body, "hypervisors", to_free_memory, "list-hypervisors", max_rows=ROWS)
        last = text(body["hypervisors"][-1], "id") if rows else None
        return rows, _follow(body.get("hypervisors_links"), last, marker, "list-hypervisors")

    def change(self, service: ServiceRow, order: Mapping[str, str], permit: Permit, operation: str) -> None:
        """Send one order to a service; what came of it is read afterwards.

        Raises:
            OutcomeUnknown: it left, and no answer came within 30 s, or none that is Nova's.
            BackendError: it was not done.
        """
        request = Request(
            operation=operation,
            method="PUT",
            path=f"/os-services/{service.id}",
            microversion=SERVICES,
            json=order,
            within_s=CHANGE_S,
        )
        response = self._session.send(request, permit)
        if response.status_code != 200:  # noqa: PLR2004 - OK
            sentence = f"The answer to {operation} was {response.status_code}, which is not Nova's"
            raise OutcomeUnknown(Reason.NO_ANSWER, sentence, operation=operation)

    def _require(self, version: Version, operation: str) -> None:
        if self._session.version() < version:
            sentence = f"The cloud's Compute API is too old for {operation}: it needs {version[0]}.{version[1]}"
            raise Unsupported(Reason.UNSUPPORTED, sentence, operation=operation)

    def _read(self, operation: str, path: str, version: Version, params: Mapping[str, str | int]) -> Mapping[str, Any]:
        request = Request(operation=operation, method="GET", path=path, microversion=version, params=params)
        return self._session.read(request)


def _page(query: Mapping[str, str | int], marker: str | None) -> Mapping[str, str | int]:
    return query if marker is None else {**query, "marker": marker}


def _follow(links: object, last: str | None, marker: str | None, operation: str) -> str | None:
    """Return the marker of the next page; ``None`` after the last one, which alone has no links.

    Raises:
        Transient: there is more of it that cannot be asked for.
    """
    if not links:
        return None
    if last is None or last == marker:
        sentence = f"The cloud's answer to {operation} does not come to its end"
        raise Transient(Reason.UNREACHABLE, sentence, operation=operation)
    return last
