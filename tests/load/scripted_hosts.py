"""The hosts of a scripted cloud behind the port: a population of servers, spread evenly, all of which may be moved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING

from load.scripted_cloud import HOSTS
from osmig.domain.plans.sweeps import GroupRow, HostRow, HostSweep, ServerRow, ServiceRow

if TYPE_CHECKING:
    from collections.abc import Collection

    from load.journal import Journal
    from load.scripted_cloud import ScriptedCloud
    from osmig.net.permits import Permit

PAGE_ROWS = 1000
"""Nova's default ``max_limit``."""
MEMORY_MIB = 16 * 1024
LIST_REQUESTS = 3
"""Services, aggregates and hypervisors."""


def make_services() -> dict[str, ServiceRow]:
    """Make the service of each host."""
    names = [f"cmp{number}" for number in range(HOSTS)]
    return {
        name: ServiceRow(id=f"service-{name}", host=name, is_up=True, is_enabled=True, zone="az1") for name in names
    }


@dataclass(slots=True)
class ScriptedHosts:
    """Hosts of a ``ScriptedCloud``; lost with the process.

    Attributes:
        population: ids of the servers that there are.
    """

    cloud: ScriptedCloud
    journal: Journal
    population: Collection[str] = ()
    services: dict[str, ServiceRow] = field(default_factory=make_services)

    async def sweep_host(self, host: str) -> HostSweep:
        """Look at a host: its service, its servers page by page, and its moves."""
        now, started_s = self.cloud.clock.now(), self.cloud.clock.boottime()
        servers = tuple(self._row(server) for server in self.population if self.cloud.host(server) == host)
        found = (move.view(now) for move in self.cloud.moves.values() if host in {move.source, move.destination})
        moves = tuple(move for move in found if not move.is_terminal)
        self.journal.note(
            "sweep_host", 1 + ceil(max(1, len(servers)) / PAGE_ROWS) + ceil(max(1, len(moves)) / PAGE_ROWS)
        )
        services = (self.services[host],)
        return HostSweep(host=host, started_s=started_s, time=now, services=services, servers=servers, moves=moves)

    async def list_groups(self) -> tuple[GroupRow, ...]:
        """Have no groups."""
        self.journal.note("list_groups")
        return ()

    async def list_hosts(self) -> tuple[HostRow, ...]:
        """List all hosts."""
        self.journal.note("list_hosts", LIST_REQUESTS)
        return tuple(HostRow(name=row.host, is_enabled=row.is_enabled, zone=row.zone) for row in self.services.values())

    async def service(self, host: str) -> tuple[ServiceRow, ...]:
        """Read one service."""
        self.journal.note("service")
        return tuple(row for row in self.services.values() if row.host == host)

    async def disable(self, service: ServiceRow, reason: str, permit: Permit) -> ServiceRow:
        """Disable a host: read, change, read."""
        return self._change(service.host, permit, is_enabled=False, reason=reason)

    async def enable(self, service: ServiceRow, marker: str, permit: Permit) -> ServiceRow:
        """Enable a host."""
        assert self.services[service.host].disabled_reason.startswith(marker)
        return self._change(service.host, permit, is_enabled=True, reason="")

    def _change(self, host: str, permit: Permit, *, is_enabled: bool, reason: str) -> ServiceRow:
        assert permit.is_valid()
        self.journal.note("change_service", 3)
        self.services[host] = replace(self.services[host], is_enabled=is_enabled, disabled_reason=reason)
        (self.cloud.closed.discard if is_enabled else self.cloud.closed.add)(host)
        return self.services[host]

    def _row(self, server_id: str) -> ServerRow:
        view = self.cloud.server(server_id)
        return ServerRow(
            id=server_id,
            name=view.name or server_id,
            project_id=view.project_id or "",
            status=view.status,
            task_state=view.task_state,
            host=view.host,
            memory_mib=MEMORY_MIB,
        )
