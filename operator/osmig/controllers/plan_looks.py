"""What was seen of one cloud's hosts and servers: bounded in memory, and dropped once nobody asks for it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from osmig.api.plan_servers import MAX_SERVERS
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.sweeps import HostSweep, estimate_bytes
from osmig.domain.plans.target_sweeps import PERIOD_PER_SERVER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.domain.plans.sweeps import GroupRow, HostRow, ServerRow, ServerSweep, TargetSweep

AnySweep = TypeVar("AnySweep", "HostSweep", "TargetSweep")

KEPT_S = 20 * SWEEP_PERIOD_S
"""How long a sweep is kept that nobody asks for again."""
TARGETS_KEPT_S = KEPT_S + MAX_SERVERS * PERIOD_PER_SERVER_S
"""The same of a look at servers, which is good for longer."""

MAX_CLOUD_BYTES = 16 * 2**20
"""Of all looks through one Provider: 8,000 servers with what servers usually have."""

LOOKS_AT_ONCE = 4
"""Looks through one Provider that are made side by side; each keeps up to 4 MiB until it is over."""

TOO_MUCH = f"the servers that are looked at through this Provider take more than {MAX_CLOUD_BYTES >> 20} MiB"

_RECORD_BYTES, _MEMBER_BYTES = 1024, 128


@dataclass(slots=True)
class CloudLooks:
    """What was seen through one connection of one Provider.

    Attributes:
        connection: its number; another one may lead elsewhere.
        sweeps: the newest of each host.
        target_sweeps: the newest at each project, and at each list of ids.
        rows: the newest of each server that was read by its id, ``None`` for none, and when.
        groups, groups_at: of the whole cloud, by member, and when they were read.
        hosts: the same of all hosts.
        locks: one reading at a time of each host, of each look, of the groups (``""``) and of all hosts (``"*"``).
        places: looks that are made.
        kept_bytes: what all of it may take.
        tidied_at: when what is old was dropped last.
    """

    connection: int
    sweeps: dict[str, HostSweep] = field(default_factory=dict)
    target_sweeps: dict[str, TargetSweep] = field(default_factory=dict)
    rows: dict[str, tuple[ServerRow | None, float]] = field(default_factory=dict)
    groups: dict[str, list[GroupRow]] = field(default_factory=dict)
    groups_at: float = -math.inf
    hosts: tuple[HostRow, ...] | None = None
    hosts_at: float = -math.inf
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKS_AT_ONCE))
    kept_bytes: int = 0
    tidied_at: float = -math.inf

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of one reading."""
        return self.locks.setdefault(name, asyncio.Lock())

    def keep(self, looks: dict[str, AnySweep], name: str, sweep: AnySweep, now_s: float) -> None:
        """Keep a look in the place of an older one; without its servers if there is no room for them."""
        before = looks.pop(name, None)
        self.kept_bytes -= _weigh(before) if before is not None else 0
        size_bytes = _weigh(sweep)
        self.make_room(size_bytes, now_s)
        if self.kept_bytes + size_bytes > MAX_CLOUD_BYTES:
            sweep = replace(sweep, servers=(), groups=(), problem=sweep.problem or TOO_MUCH)
            size_bytes = _weigh(sweep)
        looks[name] = sweep
        self.kept_bytes += size_bytes

    def keep_row(self, server_id: str, row: ServerRow | None, read_at: float) -> None:
        """Keep a server that was read by its id."""
        before, _ = self.rows.get(server_id, (None, 0.0))
        self.kept_bytes += _weigh_row(row) - (_weigh_row(before) if server_id in self.rows else 0)
        self.rows[server_id] = row, read_at

    def keep_groups(self, groups: Iterable[GroupRow], read_at: float) -> None:
        """Keep all groups, by member: each look has those of its servers."""
        self.kept_bytes -= _MEMBER_BYTES * sum(map(len, self.groups.values()))
        by_member: dict[str, list[GroupRow]] = {}
        for group in groups:
            for member in group.members:
                by_member.setdefault(member, []).append(group)
        self.groups, self.groups_at = by_member, read_at
        self.kept_bytes += _MEMBER_BYTES * sum(map(len, by_member.values()))

    def find_groups(self, servers: Iterable[ServerRow]) -> tuple[GroupRow, ...]:
        """Return the groups that have one of these servers."""
        found = {group.id: group for server in servers for group in self.groups.get(server.id, ())}
        return tuple(found.values())

    def clear(self) -> None:
        """Drop everything that was seen; who needs it looks again."""
        self.sweeps, self.target_sweeps, self.rows, self.groups, self.groups_at = {}, {}, {}, {}, -math.inf
        self.kept_bytes = 0

    def make_room(self, size_bytes: int, now_s: float) -> None:
        """Drop what is too old to be of use, if there is no room."""
        if self.kept_bytes + size_bytes > MAX_CLOUD_BYTES:
            self._drop(now_s - SWEEP_PERIOD_S, now_s - SWEEP_PERIOD_S - MAX_SERVERS * PERIOD_PER_SERVER_S)

    def tidy(self, now_s: float) -> None:
        """Drop what nobody has asked for again, now and then."""
        if now_s - self.tidied_at >= SWEEP_PERIOD_S:
            self.tidied_at = now_s
            self._drop(now_s - KEPT_S, now_s - TARGETS_KEPT_S)

    def _drop(self, oldest_s: float, oldest_target_s: float) -> None:
        _drop_old(self.sweeps, oldest_s, self.locks)
        _drop_old(self.target_sweeps, oldest_target_s, self.locks)
        self.rows = {server_id: row for server_id, row in self.rows.items() if row[1] >= oldest_target_s}
        self.locks = {
            name: lock
            for name, lock in self.locks.items()
            if lock.locked() or name in self.sweeps or name in self.target_sweeps
        }
        looks = (*self.sweeps.values(), *self.target_sweeps.values())
        members = _MEMBER_BYTES * sum(map(len, self.groups.values()))
        self.kept_bytes = members + sum(map(_weigh, looks)) + sum(_weigh_row(row) for row, _ in self.rows.values())


def _drop_old(looks: dict[str, AnySweep], oldest_s: float, locks: dict[str, asyncio.Lock]) -> None:
    for name in [name for name, sweep in looks.items() if sweep.started_s < oldest_s]:
        if name not in locks or not locks[name].locked():
            del looks[name]


def _weigh(sweep: ServerSweep) -> int:
    moves = len(sweep.moves) if isinstance(sweep, HostSweep) else 0
    return sum(map(_weigh_row, sweep.servers)) + _RECORD_BYTES * moves


def _weigh_row(row: ServerRow | None) -> int:
    return estimate_bytes(row) if row is not None else _MEMBER_BYTES
