"""Looks at hosts and servers, shared by all plans through one Provider: each is made once, however many ask for it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from osmig.api.plan_servers import MAX_SERVERS
from osmig.domain.errors import BackendError, Unauthorized
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.sweeps import TargetSweep
from osmig.domain.plans.target_sweeps import PERIOD_PER_SERVER_S

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from osmig.api.plan_servers import PlanTargets
    from osmig.controllers.keys import Key
    from osmig.domain.clock import Clock
    from osmig.domain.plans.sweeps import GroupRow, HostRow, HostSweep, ServerRow
    from osmig.drivers.hosts import HostBackend

AnySweep = TypeVar("AnySweep", "HostSweep", "TargetSweep")

KEPT_S = 20 * SWEEP_PERIOD_S
"""How long a sweep is kept that nobody asks for again."""
TARGETS_KEPT_S = KEPT_S + MAX_SERVERS * PERIOD_PER_SERVER_S
"""The same of a look at servers, which is good for longer."""


@dataclass(slots=True)
class _Cloud:
    """What was seen through one connection of one Provider.

    Attributes:
        connection: its number; another one may lead elsewhere.
        sweeps: the newest of each host.
        target_sweeps: the newest at each project, and at each list of ids (`name_targets`).
        rows: the newest of each server that was read by its id, ``None`` for none, and when.
        groups, groups_at: of the whole cloud, and when they were read.
        hosts: the same of all hosts.
        locks: one reading at a time of each host, of each look, of the groups (``""``) and of all hosts (``"*"``).
    """

    connection: int
    sweeps: dict[str, HostSweep] = field(default_factory=dict)
    target_sweeps: dict[str, TargetSweep] = field(default_factory=dict)
    rows: dict[str, tuple[ServerRow | None, float]] = field(default_factory=dict)
    groups: tuple[GroupRow, ...] = ()
    groups_at: float = -math.inf
    hosts: tuple[HostRow, ...] | None = None
    hosts_at: float = -math.inf
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of one reading."""
        return self.locks.setdefault(name, asyncio.Lock())


class HostSweeps:
    """The newest look at each host of each Provider."""

    def __init__(self, clock: Clock) -> None:
        """Have seen nothing."""
        self._clock = clock
        self._clouds: dict[Key, _Cloud] = {}

    def known(self, provider: Key, connection: int, hosts: Collection[str]) -> Mapping[str, HostSweep]:
        """Return the newest sweeps of some hosts, as far as this connection made any."""
        sweeps = self._cloud(provider, connection).sweeps
        return {host: sweeps[host] for host in hosts if host in sweeps}

    def known_hosts(self, provider: Key, connection: int) -> tuple[HostRow, ...] | None:
        """Return all hosts of the cloud as they were listed last, not longer ago than a sweep is good for."""
        cloud = self._cloud(provider, connection)
        return cloud.hosts if self._is_young(cloud.hosts_at) else None

    async def read(self, provider: Key, connection: int, port: HostBackend, wanted: Mapping[str, float]) -> None:
        """Look at hosts, those side by side that nobody has looked at since the moment that is wanted of each.

        Raises:
            Unauthorized: the credentials are not accepted any more.
        """
        cloud = self._cloud(provider, connection)
        self._tidy(cloud)
        await asyncio.gather(*(self._read_one(cloud, port, host, after) for host, after in wanted.items()))

    def known_targets(self, provider: Key, connection: int, targets: PlanTargets) -> TargetSweep | None:
        """Return the newest look at the servers that a plan names, if this connection made any."""
        return self._cloud(provider, connection).target_sweeps.get(name_targets(targets))

    async def read_targets(
        self,
        provider: Key,
        connection: int,
        port: HostBackend,
        targets: PlanTargets,
        after: float,
        *,
        is_own: bool = False,
    ) -> None:
        """Look at the servers that a plan names, unless somebody has since the moment ``after``.

        Args:
            provider: whose cloud it is.
            connection: its number.
            port: the same.
            targets: the plan's.
            after: by the monotonic clock.
            is_own: the credentials see the servers of their own project only.

        Raises:
            Unauthorized: the credentials are not accepted any more.
        """
        cloud, name = self._cloud(provider, connection), name_targets(targets)
        self._tidy(cloud)
        async with cloud.lock(name):
            known = cloud.target_sweeps.get(name)
            if known is not None and known.started_s > after and not known.problem:
                return
            if targets.project_id is not None:
                sweep = await port.sweep_project(targets.project_id, is_own=is_own)
            else:
                sweep = await self._read_servers(cloud, port, [server.id for server in targets.servers or ()], after)
            cloud.target_sweeps[name] = await self._add_groups(cloud, port, sweep, after)

    async def read_hosts(self, provider: Key, connection: int, port: HostBackend) -> None:
        """List all hosts of the cloud.

        Raises:
            BackendError: they cannot be listed now.
        """
        cloud = self._cloud(provider, connection)
        async with cloud.lock("*"):
            if not self._is_young(cloud.hosts_at):
                cloud.hosts = await port.list_hosts()
                cloud.hosts_at = self._clock.boottime()

    def forget(self, provider: Key) -> None:
        """Drop what was seen of a Provider that is gone."""
        self._clouds.pop(provider, None)

    async def _read_one(self, cloud: _Cloud, port: HostBackend, host: str, after: float) -> None:
        async with cloud.lock(host):
            known = cloud.sweeps.get(host)
            if known is not None and known.started_s > after:
                return
            cloud.sweeps[host] = await self._add_groups(cloud, port, await port.sweep_host(host), after)

    async def _read_servers(self, cloud: _Cloud, port: HostBackend, ids: Sequence[str], after: float) -> TargetSweep:
        """Read servers one by one; those read before a failure, or before the step was cut off, are not read again."""
        sweep = TargetSweep(started_s=self._clock.boottime(), time=self._clock.now())
        for server_id in ids:
            _, read_at = cloud.rows.get(server_id, (None, -math.inf))
            if read_at > after:
                continue
            began_at = self._clock.boottime()
            try:
                cloud.rows[server_id] = await port.find_server(server_id), began_at
            except Unauthorized:
                raise
            except BackendError as error:
                return replace(sweep, problem=error.message)
        rows = {server_id: cloud.rows[server_id] for server_id in ids}
        return replace(
            sweep,
            started_s=min(read_at for _, read_at in rows.values()),
            servers=tuple(row for row, _ in rows.values() if row is not None),
            missing=tuple(server_id for server_id, (row, _) in rows.items() if row is None),
        )

    async def _add_groups(self, cloud: _Cloud, port: HostBackend, sweep: AnySweep, after: float) -> AnySweep:
        try:
            groups = await self._read_groups(cloud, port, after)
        except Unauthorized:
            raise
        except BackendError as error:
            return replace(sweep, problem=sweep.problem or f"server groups: {error.message}")
        ids = {server.id for server in sweep.servers}
        return replace(sweep, groups=tuple(group for group in groups if group.members & ids))

    async def _read_groups(self, cloud: _Cloud, port: HostBackend, after: float) -> tuple[GroupRow, ...]:
        async with cloud.lock(""):
            if not self._is_young(cloud.groups_at) or cloud.groups_at <= after:
                began_at = self._clock.boottime()
                cloud.groups = await port.list_groups()
                cloud.groups_at = began_at
            return cloud.groups

    def _is_young(self, read_at: float) -> bool:
        return self._clock.boottime() - read_at < SWEEP_PERIOD_S

    def _cloud(self, provider: Key, connection: int) -> _Cloud:
        cloud = self._clouds.get(provider)
        if cloud is None or cloud.connection != connection:
            cloud = self._clouds[provider] = _Cloud(connection)
        return cloud

    def _tidy(self, cloud: _Cloud) -> None:
        oldest = self._clock.boottime() - KEPT_S
        for host in [host for host, sweep in cloud.sweeps.items() if sweep.started_s < oldest]:
            if not cloud.lock(host).locked():
                del cloud.sweeps[host], cloud.locks[host]
        oldest = self._clock.boottime() - TARGETS_KEPT_S
        for name in [name for name, sweep in cloud.target_sweeps.items() if sweep.started_s < oldest]:
            if not cloud.lock(name).locked():
                del cloud.target_sweeps[name], cloud.locks[name]
        cloud.rows = {server_id: row for server_id, row in cloud.rows.items() if row[1] >= oldest}


def name_targets(targets: PlanTargets) -> str:
    """Return what the servers that a plan names are kept under; no host has such a name."""
    if targets.project_id is not None:
        return f"/project/{targets.project_id}"
    return f"/servers/{','.join(server.id for server in targets.servers or ())}"
