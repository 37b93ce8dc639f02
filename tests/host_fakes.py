"""The hosts of a cloud behind the port, for tests of the controllers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain_samples import NOW
from osmig.domain.errors import Absent
from osmig.domain.plans.sweeps import GroupRow, HostRow, HostSweep, ServerRow, ServiceRow, TargetSweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.domain.operations import RecordView
    from osmig.net.permits import Permit


def service(host: str, *, is_enabled: bool = True, reason: str = "", is_up: bool = True) -> ServiceRow:
    """Describe the compute service of a host; its id is ``service-HOST``."""
    return ServiceRow(
        id=f"service-{host}", host=host, is_up=is_up, is_enabled=is_enabled, disabled_reason=reason, zone="az1"
    )


def server_on(host: str, number: int, *, status: str = "ACTIVE", memory_mib: int = 512) -> ServerRow:
    """Describe one server of a host."""
    return ServerRow(
        id=f"{number:08x}-0000-4000-8000-000000000000",
        name=f"vm-{number}",
        project_id="p",
        status=status,
        host=host,
        memory_mib=memory_mib,
    )


@dataclass
class FakeHosts:
    """A cloud's hosts, which answer from fields; ``fail[method]`` holds what the next calls raise.

    Attributes:
        clock_s: tells the time that sweeps carry.
        orders: every order that reached the cloud: host, and the reason or ``enabled``.
        permits: whether each order's permit was valid when it was asked.
        on_change: called right after an order took effect, before its answer.
        on_sweep: called right after a host was looked at, before the answer.
    """

    services: dict[str, ServiceRow] = field(default_factory=dict)
    servers: list[ServerRow] = field(default_factory=list)
    groups: tuple[GroupRow, ...] = ()
    moves: tuple[RecordView, ...] = ()
    problem: str = ""
    clock_s: Callable[[], float] = lambda: 0.0
    calls: list[str] = field(default_factory=list)
    orders: list[tuple[str, str]] = field(default_factory=list)
    permits: list[bool] = field(default_factory=list)
    fail: dict[str, list[BaseException]] = field(default_factory=dict)
    on_change: Callable[[], object] = lambda: None
    on_sweep: Callable[[], object] = lambda: None

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.clock_s()
        if self.fail.get(name):
            raise self.fail[name].pop(0)

    async def sweep_host(self, host: str) -> HostSweep:
        """Look at one host."""
        self._call("sweep_host")
        sweep = HostSweep(
            host=host,
            started_s=self.clock_s(),
            time=NOW,
            services=tuple(row for row in self.services.values() if row.host == host),
            servers=tuple(row for row in self.servers if row.host == host),
            moves=tuple(row for row in self.moves if host in {row.source_host, row.destination_host}),
            problem=self.problem,
        )
        self.on_sweep()
        return sweep

    async def sweep_project(self, project_id: str, *, is_own: bool = False) -> TargetSweep:
        """Look at the servers of one project."""
        self._call("sweep_own_project" if is_own else "sweep_project")
        servers = tuple(row for row in self.servers if row.project_id == project_id)
        return TargetSweep(
            project_id=project_id, started_s=self.clock_s(), time=NOW, servers=servers, problem=self.problem
        )

    async def find_server(self, server_id: str) -> ServerRow | None:
        """Read one server."""
        self._call("find_server")
        return next((row for row in self.servers if row.id == server_id), None)

    async def list_groups(self) -> tuple[GroupRow, ...]:
        """Return all groups."""
        self._call("list_groups")
        return self.groups

    async def list_hosts(self) -> tuple[HostRow, ...]:
        """Return all hosts."""
        self._call("list_hosts")
        return tuple(
            HostRow(name=row.host, is_up=row.is_up is True, is_enabled=row.is_enabled, zone=row.zone)
            for row in self.services.values()
        )

    async def service(self, host: str) -> tuple[ServiceRow, ...]:
        """Return the services of one name."""
        self._call("service")
        return tuple(row for row in self.services.values() if row.host == host)

    async def disable(self, service: ServiceRow, reason: str, permit: Permit) -> ServiceRow:
        """Disable a host that is enabled."""
        return self._change("disable", service, permit, reason, is_wanted=lambda now: now.is_enabled)

    async def enable(self, service: ServiceRow, marker: str, permit: Permit) -> ServiceRow:
        """Enable a host that bears the marker."""

        def is_wanted(now: ServiceRow) -> bool:
            return not now.is_enabled and now.disabled_reason.startswith(marker)

        return self._change("enable", service, permit, "enabled", is_wanted=is_wanted)

    def _change(
        self, name: str, service: ServiceRow, permit: Permit, order: str, *, is_wanted: Callable[[ServiceRow], bool]
    ) -> ServiceRow:
        self._call(name)
        self.permits.append(permit.is_valid())
        now = self.services.get(service.host)
        if now is None or now.id != service.id:
            raise Absent("HostNotFound", "gone", operation=name)
        if not is_wanted(now):
            return now
        self.orders.append((service.host, order))
        is_enabled = name == "enable"
        self.services[service.host] = replace(now, is_enabled=is_enabled, disabled_reason="" if is_enabled else order)
        self.on_change()
        return self.services[service.host]
