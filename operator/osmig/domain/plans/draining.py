"""The proof that a host is empty: two complete sweeps that find nothing, at least 30 s apart, while it is disabled.

One list that is empty proves nothing: what was scheduled before the host was disabled still lands, soft-deleted servers
and unconfirmed cold moves keep their disks there, and a move towards it shows no destination for about a second.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.domain.operations import MoveKind, Stage
from osmig.domain.plans.observation import SWEEP_PERIOD_S, QuietRun
from osmig.domain.plans.scenes import Place

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from osmig.api.plan_status import PlanHost
    from osmig.domain.plans.scenes import PlannedServer
    from osmig.domain.plans.sweeps import HostSweep

QUIET_SWEEPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRest:
    """What one sweep shows to be left of a host.

    Attributes:
        remaining: servers, without soft-deleted ones.
        skipped: of all servers, those that the plan leaves where they are.
        inbound: moves towards it that are not over.
        unconfirmed: cold moves away from it that await a confirmation.
        outbound: moves away from it that are not over.
    """

    remaining: int = 0
    soft_deleted: int = 0
    skipped: int = 0
    inbound: int = 0
    unconfirmed: int = 0
    outbound: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is left."""
        return self.remaining + self.soft_deleted == 0 and not self.is_busy

    @property
    def is_done(self) -> bool:
        """Whether nothing is left but what the plan leaves there."""
        return self.remaining + self.soft_deleted <= self.skipped and not self.is_busy

    @property
    def is_busy(self) -> bool:
        """Whether moves still touch the host."""
        return self.inbound + self.unconfirmed + self.outbound > 0


def count_rest(sweep: HostSweep, skipped: Container[str]) -> HostRest:
    """Count what a sweep shows to be left.

    Args:
        sweep: of one host.
        skipped: ids of all servers that the plan leaves where they are.
    """
    soft_deleted = sum(_is_soft_deleted(server.is_soft_deleted, server.status) for server in sweep.servers)
    open_moves = [record for record in sweep.moves if not record.is_terminal]
    unconfirmed = [
        record
        for record in open_moves
        if record.stage is Stage.AWAITING_CONFIRMATION and record.source_host == sweep.host
    ]
    return HostRest(
        remaining=len(sweep.servers) - soft_deleted,
        soft_deleted=soft_deleted,
        skipped=sum(server.id in skipped for server in sweep.servers),
        inbound=sum(_is_inbound(record.destination_host, record.stage, sweep.host) for record in open_moves),
        unconfirmed=len(unconfirmed),
        outbound=sum(
            record.source_host == sweep.host and record.stage is not Stage.AWAITING_CONFIRMATION
            for record in open_moves
            if record.kind is not MoveKind.OTHER
        ),
    )


def _is_soft_deleted(flag: bool, status: str) -> bool:  # noqa: FBT001 - both say the same, and either is enough
    return flag or status == "SOFT_DELETED"


def _is_inbound(destination: str | None, stage: Stage, host: str) -> bool:
    return destination == host and stage is not Stage.AWAITING_CONFIRMATION


def continue_run(
    run: QuietRun | None, sweep: HostSweep, rest: HostRest, *, must_be_disabled: bool, has_children: bool
) -> QuietRun | None:
    """Take one more sweep into the row of quiet ones; ``None`` when it breaks the row.

    Args:
        run: what earlier sweeps have shown.
        sweep: the newest; the same sweep seen again changes nothing.
        rest: what it shows to be left.
        must_be_disabled: the plan disables the host, so a sweep of an enabled host proves nothing.
        has_children: Migrations of the plan away from this host are under way.
    """
    service = sweep.service
    is_closed = service is not None and (not must_be_disabled or not service.is_enabled)
    if not sweep.is_complete or not is_closed or not rest.is_done or has_children:
        return None
    if run is None:
        return QuietRun(sweep.started_s, sweep.started_s)
    if sweep.started_s - run.last_s < SWEEP_PERIOD_S:
        return run
    return QuietRun(run.first_s, sweep.started_s, run.sweeps + 1)


def is_proven(run: QuietRun | None) -> bool:
    """Whether enough sweeps in a row were quiet."""
    return run is not None and run.sweeps >= QUIET_SWEEPS


def word_rest(host: PlanHost, on_host: Iterable[PlannedServer]) -> str:
    """Say what is left of a host: ``14 servers (11 pending, 2 running, 1 blocked)``."""
    on_host = list(on_host)
    parts = [word_places(on_host)] if on_host else []
    parts += [
        f"{count} {word}"
        for count, word in (
            (host.unconfirmed, "unconfirmed"),
            (host.inbound, "inbound"),
        )
        if count
    ]
    return f"{host.name}: {', '.join(parts) or 'awaits another look'}"


def word_places(planned_servers: Iterable[PlannedServer]) -> str:
    """Say how many servers stand where: ``1 blocked, 11 pending, 2 running``."""
    counts = Counter(_PLACES[planned.place] for planned in planned_servers)
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


_PLACES = {
    Place.PENDING: "pending",
    Place.WAITING: "waiting",
    Place.QUEUED: "queued",
    Place.RUNNING: "running",
    Place.AWAITING: "awaiting confirmation",
    Place.SUCCEEDED: "just moved",
    Place.FAILED: "failed",
    Place.ABORTED: "aborted",
    Place.SKIPPED: "skipped",
    Place.BLOCKED: "blocked",
    Place.GONE: "gone",
}
