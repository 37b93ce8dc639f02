"""The interface between the controllers and clouds whose hosts can be emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from osmig.domain.plans.sweeps import GroupRow, HostRow, HostSweep, ServerRow, ServiceRow, TargetSweep
    from osmig.net.permits import Permit


class HostBackend(Protocol):
    """What lists the servers of hosts and projects, and takes hosts out of service and back.

    Every method may raise the ``BackendError`` family, and no other.
    """

    async def sweep_host(self, host: str) -> HostSweep:
        """Look at a host once: its service first, then its servers, then its moves; without groups.

        What cannot be read makes the sweep incomplete, and says so in ``problem``.

        Raises:
            Unauthorized: the credentials are not accepted any more.
        """
        ...

    async def sweep_project(self, project_id: str, *, is_own: bool = False) -> TargetSweep:
        """Look once at all servers of a project, soft-deleted ones included; without groups.

        What cannot be read makes the look incomplete, and says so in ``problem``.

        Args:
            project_id: of the servers.
            is_own: it is that of the credentials, which are no administrator's: soft-deleted servers are not shown.

        Raises:
            Unauthorized: the credentials are not accepted any more.
        """
        ...

    async def find_server(self, server_id: str) -> ServerRow | None:
        """Read one server, as the lists show it; ``None`` if there is none of this id."""
        ...

    async def list_groups(self) -> tuple[GroupRow, ...]:
        """List all server groups that these credentials see."""
        ...

    async def list_hosts(self) -> tuple[HostRow, ...]:
        """List all compute hosts.

        Raises:
            NotPermitted: the credentials may not.
        """
        ...

    async def service(self, host: str) -> tuple[ServiceRow, ...]:
        """Read the compute services of exactly this name; a host that exists has one."""
        ...

    async def disable(self, service: ServiceRow, reason: str, permit: Permit) -> ServiceRow:
        """Take a host out of service, once, unless somebody has done so; return its service as it is afterwards.

        It is read right before, because an order to a service that is disabled already would overwrite the other's
        reason. The answer may take longer than anybody waits for it; what is read afterwards is the truth.

        Raises:
            Absent: there is no such service.
            OutcomeUnknown: it was sent, and the service cannot be read afterwards.
        """
        ...

    async def enable(self, service: ServiceRow, marker: str, permit: Permit) -> ServiceRow:
        """Put a host back into service, once, if it is disabled and its reason begins with ``marker``.

        Returns the service as it is afterwards: still disabled where the reason is another one.

        Raises:
            Absent, OutcomeUnknown: as ``disable``.
        """
        ...
