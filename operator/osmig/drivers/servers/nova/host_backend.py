"""The port of hosts, for Nova: each page is one job in a thread, and an order is read back in the job that sent it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Absent, BackendError, NotPermitted, OutcomeUnknown, Transient, Unauthorized
from osmig.domain.plans.sweeps import HostSweep, TargetSweep, estimate_bytes
from osmig.drivers.servers.nova.compute_hosts import ROWS, SERVER_LISTS
from osmig.drivers.servers.nova.host_rows import UNKNOWN, join_hosts
from osmig.drivers.servers.nova.rows import too_many_rows
from osmig.net.bounds import MAX_ROWS
from osmig.net.limiting import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.domain.clock import Clock
    from osmig.domain.operations import RecordView
    from osmig.domain.plans.sweeps import GroupRow, HostRow, ServerRow, ServiceRow
    from osmig.drivers.servers.nova.blocking_calls import BlockingCalls
    from osmig.drivers.servers.nova.compute_hosts import ComputeHosts, ServersOf
    from osmig.net.permits import Permit

T = TypeVar("T")

SILENT_CELL = "a cell of the cloud did not answer"
MAX_SERVER_PAGES = 40
"""A thousand servers of one host or project, each of which may take 10 KiB."""
MAX_LOOK_BYTES = 4 * 2**20
"""Of all of them together: servers usually take 2 KiB."""
MAX_PAGES = 100
MAX_OPEN_MOVES = 1000
"""Of one host, that are not over; a host has a few at once."""
MAX_MEMBERS = 50_000
"""Of all server groups of a cloud together, each kept by its id: Nova takes ten a group unless a site takes more."""


class NovaHosts:
    """The hosts of one Provider (`osmig.drivers.hosts.HostBackend`).

    Args:
        calls: runs its jobs.
        api: its requests.
        clock: dates its sweeps.
    """

    def __init__(self, calls: BlockingCalls, api: ComputeHosts, clock: Clock) -> None:
        self._run = calls.run
        self._api = api
        self._clock = clock

    async def sweep_host(self, host: str) -> HostSweep:
        """Look at a host once: service, servers, moves, page by page; what fails is told in ``problem``."""
        sweep = HostSweep(host=host, started_s=self._clock.boottime(), time=self._clock.now())
        try:
            sweep = replace(sweep, services=await self.service(host))
            sweep = replace(sweep, servers=await self._list_servers("host", host))
            sweep = replace(sweep, moves=await self._list_moves(host))
        except Unauthorized:
            raise
        except BackendError as error:
            return replace(sweep, problem=error.message)
        return replace(sweep, problem=SILENT_CELL) if is_cut_short(sweep) else sweep

    async def sweep_project(self, project_id: str, *, is_own: bool = False) -> TargetSweep:
        """Look once at all servers of a project, page by page; what fails is told in ``problem``."""
        sweep = TargetSweep(project_id=project_id, started_s=self._clock.boottime(), time=self._clock.now())
        try:
            sweep = replace(sweep, servers=await self._list_servers("own" if is_own else "project_id", project_id))
        except Unauthorized:
            raise
        except BackendError as error:
            return replace(sweep, problem=error.message)
        return replace(sweep, problem=SILENT_CELL) if has_silent_rows(sweep.servers) else sweep

    async def find_server(self, server_id: str) -> ServerRow | None:
        """Read one server, or that there is none.

        Raises:
            BackendError: it cannot be known now, as when its cell does not answer.
        """
        try:
            row = await self._run(lambda: self._api.server(server_id), Priority.SWEEP)
        except Absent:
            return None
        if has_silent_rows((row,)) or row.id != server_id:
            text = SILENT_CELL if row.id == server_id else "The cloud answered with another server"
            raise Transient(Reason.UNREACHABLE, text, operation="read-server")
        return row

    async def service(self, host: str) -> tuple[ServiceRow, ...]:
        """Read the compute services of exactly this name."""
        return await self._run(lambda: self._api.services(host), Priority.SWEEP)

    async def list_groups(self) -> tuple[GroupRow, ...]:
        """List all server groups, on pages that are counted, not linked: an empty one is the last."""
        found: list[GroupRow] = []
        for _ in range(MAX_ROWS // ROWS + 1):
            offset = len(found)
            page = await self._run(lambda offset=offset: self._api.group_page(offset), Priority.SWEEP)  # type: ignore[misc]
            if not page:
                return tuple(found)
            found += page
            if sum(len(group.members) for group in found) > MAX_MEMBERS:
                raise too_many_rows(f"{MAX_MEMBERS} members", "list-server-groups")
        raise too_many_rows(f"{MAX_ROWS} rows", "list-server-groups")

    async def list_hosts(self) -> tuple[HostRow, ...]:
        """List all compute hosts with their aggregates and free memory."""
        services = await self._run(self._api.services, Priority.SWEEP)
        aggregates = await self._run(self._api.aggregates, Priority.SWEEP)
        free = await self._list_free_memory()
        return join_hosts(services, aggregates, free)

    async def disable(self, service: ServiceRow, reason: str, permit: Permit) -> ServiceRow:
        """Take a host out of service unless somebody has done so, and read it back."""
        order = {"status": "disabled", "disabled_reason": reason}
        return await self._change(service, "disable-host", order, permit, wanted=lambda now: now.is_enabled)

    async def enable(self, service: ServiceRow, marker: str, permit: Permit) -> ServiceRow:
        """Put a host back into service if ``marker`` begins its reason, and read it back."""

        def is_wanted(now: ServiceRow) -> bool:
            return not now.is_enabled and now.disabled_reason.startswith(marker)

        return await self._change(service, "enable-host", {"status": "enabled"}, permit, wanted=is_wanted)

    async def _change(
        self,
        service: ServiceRow,
        operation: str,
        order: Mapping[str, str],
        permit: Permit,
        *,
        wanted: Callable[[ServiceRow], bool],
    ) -> ServiceRow:
        def change() -> ServiceRow:
            before = self._read_back(service)
            if not wanted(before):
                return before
            try:
                self._api.change(service, order, permit, operation)
            except OutcomeUnknown as error:
                try:
                    return self._read_back(service)
                except BackendError:
                    raise error from None
            return self._read_back(service)

        return await self._run(change, Priority.ORDER, 3)

    def _read_back(self, service: ServiceRow) -> ServiceRow:
        """Read a service anew; another one of the same host, made anew, is not the one that was meant."""
        found = [row for row in self._api.services(service.host) if row.id == service.id]
        if not found or found[0].is_up is None:
            text = "The cloud has no such compute service, or its cell does not answer"
            raise Absent("HostNotFound", text, operation="list-hosts")
        return found[0]

    async def _list_servers(self, key: ServersOf, value: str) -> tuple[ServerRow, ...]:
        kept_bytes = 0

        def read(marker: str | None) -> tuple[tuple[ServerRow, ...], str | None]:
            nonlocal kept_bytes
            rows, following = self._api.server_page(key, value, marker)
            kept_bytes += sum(map(estimate_bytes, rows))
            if kept_bytes > MAX_LOOK_BYTES:
                raise too_many_rows(f"{MAX_LOOK_BYTES >> 20} MiB", SERVER_LISTS[key])
            return rows, following

        return await self._read_pages(read, SERVER_LISTS[key], max_pages=MAX_SERVER_PAGES)

    async def _list_moves(self, host: str) -> tuple[RecordView, ...]:
        def read(marker: str | None) -> tuple[tuple[RecordView, ...], str | None]:
            rows, following = self._api.move_page(host, marker)
            # all that ever moved from or to it is listed; what is over matters to nobody
            return tuple(row for row in rows if not row.is_terminal), following

        return await self._read_pages(read, "list-host-migrations", max_rows=MAX_OPEN_MOVES)

    async def _read_pages(
        self,
        read: Callable[[str | None], tuple[tuple[T, ...], str | None]],
        operation: str,
        *,
        max_pages: int = MAX_PAGES,
        max_rows: int = MAX_ROWS,
    ) -> tuple[T, ...]:
        """Read a list to its end, each page in its turn.

        Raises:
            TooManyRows: it does not come to its end within the bounds.
        """
        found: list[T] = []
        marker: str | None = None
        for _ in range(max_pages):
            rows, marker = await self._run(lambda marker=marker: read(marker), Priority.SWEEP)  # type: ignore[misc]
            found += rows
            if len(found) > max_rows:
                raise too_many_rows(f"{max_rows} rows", operation)
            if marker is None:
                return tuple(found)
        raise too_many_rows(f"{max_pages} pages", operation)

    async def _list_free_memory(self) -> Mapping[str, int | None]:
        try:
            return dict(await self._read_pages(self._api.memory_page, "list-hypervisors"))
        except (NotPermitted, Absent):
            return {}


def is_cut_short(sweep: HostSweep) -> bool:
    """Whether a cell did not answer, which shows in rows that say no more than that they are there."""
    return any(row.is_up is None for row in sweep.services) or has_silent_rows(sweep.servers)


def has_silent_rows(servers: tuple[ServerRow, ...]) -> bool:
    """Whether one of these servers is in a cell that did not answer."""
    return any(row.status.upper() == UNKNOWN for row in servers)
