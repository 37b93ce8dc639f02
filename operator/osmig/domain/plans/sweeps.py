"""What a cloud tells of a set of servers: those of one compute host, or those that a plan names. Data only.

A driver fills these in; the names of states are upstream's words, verbatim.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.domain.operations import RecordView


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRow:
    """One server as a list in detail shows it.

    Attributes:
        status: such as ``ACTIVE`` or ``SOFT_DELETED``.
        task_state: ``None`` when idle.
        vm_state: the state that no task hides, such as ``active``; empty where the cloud does not tell.
        host: the host the row itself names; ``None`` where it names none, which makes a sweep worth nothing.
        host_id: the cloud's anonymous name of its host, which tells one host of the server's project from another;
            empty where it is on none.
        memory_mib: of its flavor.
        is_locked: ``None`` where the cloud's version does not tell.
        pinned_zone: the availability zone that its owner asked for.
        is_soft_deleted: deleted by its owner and not reclaimed yet: it still has its disk here.
        extra_specs: of its flavor.
    """

    id: str
    name: str
    project_id: str
    status: str
    host: str | None
    host_id: str = ""
    task_state: str | None = None
    vm_state: str = ""
    memory_mib: int = 0
    is_locked: bool | None = None
    pinned_zone: str | None = None
    is_soft_deleted: bool = False
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    created: dt.datetime | None = None

    @property
    def place(self) -> str:
        """Its host by name, or by its anonymous name where names are hidden; empty where neither is told."""
        return self.host or self.host_id


_ROW_BYTES, _TEXT_BYTES = 600, 160
"""What a server takes in memory without its texts, and a text besides its signs."""


def estimate_bytes(row: ServerRow) -> int:
    """Say how much memory a server takes; who owns it may fill its metadata and tags."""
    texts = (row.name, *row.tags, *row.metadata.values())
    return _ROW_BYTES + sum(map(len, texts)) + _TEXT_BYTES * (len(row.tags) + len(row.metadata))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One server group that has a member among the servers.

    Attributes:
        policy: ``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``.
        members: ids of all its servers, wherever they are.
        max_server_per_host: of ``anti-affinity``; 1 where the cloud does not tell.
    """

    id: str
    name: str
    policy: str
    members: frozenset[str]
    max_server_per_host: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """The compute service of one host.

    Attributes:
        is_up: it reports regularly; ``None`` where a cell did not answer (Nova: ``UNKNOWN``).
        is_enabled: the scheduler may choose the host.
        disabled_reason: the text beside it, ``""`` for none.
    """

    id: str
    host: str
    is_up: bool | None
    is_enabled: bool
    disabled_reason: str = ""
    is_forced_down: bool = False
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSweep:
    """One look at a set of servers.

    Attributes:
        started_s: when its first request was sent, by this process's monotonic clock.
        time: the same by the wall clock, UTC, to be shown only.
        servers: every server of the set, soft-deleted ones included.
        groups: those with a member in ``servers``.
        problem: why the look is not complete: an answer failed, a cell was silent, rows of another set, too many
            rows; empty when it is. Only a complete look proves that something is absent.
    """

    started_s: float
    time: dt.datetime
    servers: tuple[ServerRow, ...] = ()
    groups: tuple[GroupRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSweep(ServerSweep):
    """One look at servers that a plan names itself, wherever they are.

    Attributes:
        project_id: whose servers all are; empty where each is named by its id.
        missing: ids that are no server's.
    """

    project_id: str = ""
    missing: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything was read to its end, and no server is of another project."""
        return not self.problem and all(
            server.project_id == self.project_id for server in self.servers if self.project_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSweep(ServerSweep):
    """One look at one host. Its service is read first, so a sweep that says "disabled" was made while it was.

    Attributes:
        services: every compute service of exactly this name; only one may be trusted.
        moves: migrations with the host as source or destination that are not over, and cold ones that await their
            confirmation.
    """

    host: str
    services: tuple[ServiceRow, ...] = ()
    moves: tuple[RecordView, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything was read to its end, and every server says that it is on this very host."""
        return not self.problem and all(server.host == self.host for server in self.servers)

    @property
    def service(self) -> ServiceRow | None:
        """The host's one compute service; ``None`` when there is none, or more than one."""
        return self.services[0] if len(self.services) == 1 else None

    @property
    def is_up(self) -> bool:
        """Whether the host's one compute service reports."""
        return self.service is not None and self.service.is_up is True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """One compute host of the cloud, as a list of all of them shows it: where servers may go.

    Attributes:
        zone: its availability zone.
        aggregates: names of the aggregates it is in.
        free_memory_mib: ``None`` where the cloud does not tell.
    """

    name: str
    is_up: bool = True
    is_enabled: bool = True
    zone: str | None = None
    aggregates: tuple[str, ...] = ()
    free_memory_mib: int | None = None
