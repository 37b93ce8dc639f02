"""Looks at hosts, shared by all plans through one Provider: each is made once, however many ask for it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from osmig.domain.errors import BackendError, Unauthorized
from osmig.domain.plans.observation import SWEEP_PERIOD_S

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from osmig.controllers.keys import Key
    from osmig.domain.clock import Clock
    from osmig.domain.plans.sweeps import GroupRow, HostRow, HostSweep
    from osmig.drivers.hosts import HostBackend

KEPT_S = 20 * SWEEP_PERIOD_S
"""How long a sweep is kept that nobody asks for again."""


@dataclass(slots=True)
class _Cloud:
    """What was seen through one connection of one Provider.

    Attributes:
        connection: its number; another one may lead elsewhere.
        sweeps: the newest of each host.
        groups, groups_at: of the whole cloud, and when they were read.
        hosts: the same of all hosts.
        locks: one reading at a time of each host, of the groups (``""``) and of all hosts (``"*"``).
    """

    connection: int
    sweeps: dict[str, HostSweep] = field(default_factory=dict)
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
            sweep = await port.sweep_host(host)
            try:
                groups = await self._read_groups(cloud, port, after)
            except Unauthorized:
                raise
            except BackendError as error:
                sweep = replace(sweep, problem=sweep.problem or f"server groups: {error.message}")
            else:
                ids = {server.id for server in sweep.servers}
                sweep = replace(sweep, groups=tuple(group for group in groups if group.members & ids))
            cloud.sweeps[host] = sweep

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
