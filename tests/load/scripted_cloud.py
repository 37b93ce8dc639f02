"""A cloud behind the port, in the operator's own process: every move goes the same way, by the clock alone.

A start is accepted, its record appears at once, the move prepares, runs for a while and completes; a moment later the
server is idle. Rows change as often as Nova's do: while a move runs, its progress touches the row every few seconds, so
that every sweep lists it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import Refused
from osmig.domain.operations import RecordView, Stage
from osmig.drivers.servers.views import ServerView

if TYPE_CHECKING:
    from datetime import datetime

    from osmig.domain.clock import Clock

HOSTS = 25
PREPARE_S, RUN_S, SETTLE_S = 0.2, 0.5, 0.3
"""From the start until ``preparing`` and until ``running``; from ``completed`` until the server is idle."""
TICK_S = 5.0
"""How often progress touches a row, as with libvirt."""

_STAGES = {
    "accepted": Stage.ACCEPTED,
    "preparing": Stage.PREPARING,
    "running": Stage.RUNNING,
    "completed": Stage.SUCCEEDED,
    "cancelled": Stage.CANCELLED,
}


@dataclass(slots=True)
class Movement:
    """One move: when it began, and when it was called off, if it was."""

    number: int
    server_id: str
    source: str
    destination: str
    began: datetime
    duration_s: float
    ended: datetime | None = None

    def status(self, now: datetime) -> str:
        """Return Nova's word for it."""
        if self.ended is not None:
            return "cancelled"
        age_s = (now - self.began).total_seconds()
        if age_s < PREPARE_S:
            return "accepted"
        if age_s < RUN_S:
            return "preparing"
        return "running" if age_s < RUN_S + self.duration_s else "completed"

    def updated(self, now: datetime) -> datetime | None:
        """Return when its row last changed."""
        match self.status(now):
            case "accepted":
                return None
            case "preparing":
                return self.began + timedelta(seconds=PREPARE_S)
            case "running":
                running_s = (now - self.began).total_seconds() - RUN_S
                return self.began + timedelta(seconds=RUN_S + running_s // TICK_S * TICK_S)
            case "completed":
                return self.began + timedelta(seconds=RUN_S + self.duration_s)
            case _:
                return self.ended

    def is_busy(self, now: datetime) -> bool:
        """Whether the server has not settled yet."""
        if self.ended is not None:
            return False
        return (now - self.began).total_seconds() < RUN_S + self.duration_s + SETTLE_S

    def view(self, now: datetime) -> RecordView:
        """Return its row."""
        status = self.status(now)
        return RecordView(
            id=str(self.number),
            number=self.number,
            server_id=self.server_id,
            stage=_STAGES[status],
            status=status,
            type="live-migration",
            uuid=f"10000000-0000-4000-8000-{self.number:012d}",
            source_host=self.source,
            destination_host=self.destination,
            created=self.began,
            updated=self.updated(now),
        )


@dataclass(slots=True)
class ScriptedCloud:
    """All servers there could be, and the moves that were started; lost with the process.

    Attributes:
        closed: hosts that take no server in.
    """

    clock: Clock
    duration_s: float
    moves: dict[str, Movement] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def host(self, server_id: str) -> str:
        """Return where a server is."""
        known, home = self.moves.get(server_id), int(server_id[-12:]) % HOSTS
        if known is None or known.ended is not None:
            return f"cmp{home}"
        return known.source if known.status(self.clock.now()) != "completed" else known.destination

    def server(self, server_id: str) -> ServerView:
        """Return a server."""
        move = self.moves.get(server_id)
        is_busy = move is not None and move.is_busy(self.clock.now())
        host = self.host(server_id)
        return ServerView(
            id=server_id,
            name=f"vm-{server_id[-5:]}",
            project_id="0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            status="MIGRATING" if is_busy else "ACTIVE",
            task_state="migrating" if is_busy else None,
            host=host,
            host_id=f"{int(host.removeprefix('cmp')):056x}",
            is_busy=is_busy,
        )

    def records(self, server_id: str) -> tuple[RecordView, ...]:
        """Return the rows of one server."""
        move = self.moves.get(server_id)
        return () if move is None else (move.view(self.clock.now()),)

    def start(self, server_id: str) -> Movement:
        """Start a move.

        Raises:
            Refused: the server is moving, so somebody started it twice.
        """
        if server_id in self.moves and self.moves[server_id].is_busy(self.clock.now()):
            raise Refused(Reason.START_REFUSED, "the server is being moved", operation="start")
        source = self.host(server_id)
        number = int(source.removeprefix("cmp"))
        others = (f"cmp{(number + step) % HOSTS}" for step in range(1, HOSTS))
        target = next(host for host in others if host not in self.closed)
        move = Movement(len(self.moves) + 1, server_id, source, target, self.clock.now(), self.duration_s)
        self.moves[server_id] = move
        return move
