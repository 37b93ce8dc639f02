"""Looks at hosts and servers, shared by all plans through one Provider: each is made once, however many ask for it."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.controllers.plan_looks import MAX_CLOUD_BYTES, TOO_MUCH, CloudLooks
from osmig.domain.errors import BackendError, Unauthorized
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.sweeps import TargetSweep

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from osmig.api.plan_servers import PlanTargets
    from osmig.controllers.keys import Key
    from osmig.controllers.plan_looks import AnySweep
    from osmig.domain.clock import Clock
    from osmig.domain.plans.sweeps import HostRow, HostSweep
    from osmig.drivers.hosts import HostBackend

MAX_ALL_BYTES = 64 * 2**20
"""Of all looks through all Providers; beyond, whoever has the largest part loses it first."""


class HostSweeps:
    """The newest look at each host of each Provider."""

    def __init__(self, clock: Clock) -> None:
        """Have seen nothing."""
        self._clock = clock
        self._clouds: dict[Key, CloudLooks] = {}

    def known(self, provider: Key, connection: int, hosts: Collection[str]) -> Mapping[str, HostSweep]:
        """Return the newest sweeps of some hosts, as far as this connection made any."""
        cloud = self._find(provider, connection)
        return {host: cloud.sweeps[host] for host in hosts if host in cloud.sweeps} if cloud is not None else {}

    def known_hosts(self, provider: Key, connection: int) -> tuple[HostRow, ...] | None:
        """Return all hosts of the cloud as they were listed last, not longer ago than a sweep is good for."""
        cloud = self._find(provider, connection)
        return cloud.hosts if cloud is not None and self._is_young(cloud.hosts_at) else None

    async def read(self, provider: Key, connection: int, port: HostBackend, wanted: Mapping[str, float]) -> None:
        """Look at hosts, those side by side that nobody has looked at since the moment that is wanted of each.

        Raises:
            Unauthorized: the credentials are not accepted any more.
        """
        cloud = self._cloud(provider, connection)
        await asyncio.gather(*(self._read_one(cloud, port, host, after) for host, after in wanted.items()))

    def known_targets(self, provider: Key, connection: int, targets: PlanTargets) -> TargetSweep | None:
        """Return the newest look at the servers that a plan names, if this connection made any."""
        cloud = self._find(provider, connection)
        return cloud.target_sweeps.get(name_targets(targets)) if cloud is not None else None

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
        async with cloud.lock(name), cloud.places:
            known = cloud.target_sweeps.get(name)
            if known is not None and known.started_s > after and not known.problem:
                return
            if targets.project_id is not None:
                sweep = await port.sweep_project(targets.project_id, is_own=is_own)
            else:
                sweep = await self._read_servers(cloud, port, [server.id for server in targets.servers or ()], after)
            sweep = await self._add_groups(cloud, port, sweep, after)
            cloud.keep(cloud.target_sweeps, name, sweep, self._clock.boottime())
            self._bound()

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

    @property
    def providers(self) -> tuple[Key, ...]:
        """Through which anything was seen that is kept."""
        return tuple(self._clouds)

    def forget(self, provider: Key) -> None:
        """Drop what was seen of a Provider that is gone."""
        self._clouds.pop(provider, None)

    async def _read_one(self, cloud: CloudLooks, port: HostBackend, host: str, after: float) -> None:
        async with cloud.lock(host), cloud.places:
            known = cloud.sweeps.get(host)
            if known is not None and known.started_s > after:
                return
            sweep = await self._add_groups(cloud, port, await port.sweep_host(host), after)
            cloud.keep(cloud.sweeps, host, sweep, self._clock.boottime())
            self._bound()

    async def _read_servers(
        self, cloud: CloudLooks, port: HostBackend, ids: Sequence[str], after: float
    ) -> TargetSweep:
        """Read servers one by one; those read before a failure, or before the step was cut off, are not read again."""
        sweep = TargetSweep(started_s=self._clock.boottime(), time=self._clock.now())
        for server_id in ids:
            _, read_at = cloud.rows.get(server_id, (None, -math.inf))
            if read_at > after:
                continue
            began_at = self._clock.boottime()
            cloud.make_room(0, began_at)
            if cloud.kept_bytes > MAX_CLOUD_BYTES:
                return replace(sweep, problem=TOO_MUCH)
            try:
                cloud.keep_row(server_id, await port.find_server(server_id), began_at)
            except Unauthorized:
                raise
            except BackendError as error:
                return replace(sweep, problem=error.message)
        if not all(server_id in cloud.rows for server_id in ids):
            return replace(sweep, problem=TOO_MUCH)
        rows = {server_id: cloud.rows[server_id] for server_id in ids}
        return replace(
            sweep,
            started_s=min(read_at for _, read_at in rows.values()),
            servers=tuple(row for row, _ in rows.values() if row is not None),
            missing=tuple(server_id for server_id, (row, _) in rows.items() if row is None),
        )

    async def _add_groups(self, cloud: CloudLooks, port: HostBackend, sweep: AnySweep, after: float) -> AnySweep:
        try:
            await self._read_groups(cloud, port, after)
        except Unauthorized:
            raise
        except BackendError as error:
            return replace(sweep, problem=sweep.problem or f"server groups: {error.message}")
        return replace(sweep, groups=cloud.find_groups(sweep.servers))

    async def _read_groups(self, cloud: CloudLooks, port: HostBackend, after: float) -> None:
        async with cloud.lock(""):
            if not self._is_young(cloud.groups_at) or cloud.groups_at <= after:
                began_at = self._clock.boottime()
                cloud.keep_groups(await port.list_groups(), began_at)

    def _is_young(self, read_at: float) -> bool:
        return self._clock.boottime() - read_at < SWEEP_PERIOD_S

    def _find(self, provider: Key, connection: int) -> CloudLooks | None:
        cloud = self._clouds.get(provider)
        return cloud if cloud is not None and cloud.connection == connection else None

    def _cloud(self, provider: Key, connection: int) -> CloudLooks:
        cloud = self._find(provider, connection)
        if cloud is None:
            cloud = self._clouds[provider] = CloudLooks(connection)
        cloud.tidy(self._clock.boottime())
        return cloud

    def _bound(self) -> None:
        """Drop the looks of whoever has the largest part of them, as long as all take too much."""
        while sum(cloud.kept_bytes for cloud in self._clouds.values()) > MAX_ALL_BYTES:
            max(self._clouds.values(), key=lambda cloud: cloud.kept_bytes).clear()


def name_targets(targets: PlanTargets) -> str:
    """Return what the servers that a plan names are kept under; no host has such a name."""
    if targets.project_id is not None:
        return f"/project/{targets.project_id}"
    ids = ",".join(server.id for server in targets.servers or ())
    return f"/servers/{hashlib.sha256(ids.encode()).hexdigest()}"
