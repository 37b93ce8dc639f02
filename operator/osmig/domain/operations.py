"""What goes on upstream, whoever began it: stages and records, as sweeps list them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stage(StrEnum):
    """Where an upstream operation stands, in words common to all drivers."""

    ACCEPTED = "Accepted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    RUNNING = "Running"
    SWITCHING_OVER = "SwitchingOver"
    AWAITING_CONFIRMATION = "AwaitingConfirmation"
    CONFIRMING = "Confirming"
    REVERTING = "Reverting"
    SUCCEEDED = "Succeeded"
    REVERTED = "Reverted"
    CANCELLED = "Cancelled"
    FAILED = "Failed"
    ERROR = "Error"
    UNKNOWN = "Unknown"


TERMINAL_STAGES = frozenset({Stage.SUCCEEDED, Stage.REVERTED, Stage.CANCELLED, Stage.FAILED, Stage.ERROR})
"""Stages that end an operation; ``ERROR`` only once the server is idle and the record was read again."""


WAITING_STAGES = frozenset({Stage.ACCEPTED, Stage.QUEUED, Stage.PREPARING})
"""Stages before any data moves."""


STALE_AFTER = dt.timedelta(hours=1)
"""A foreign record that upstream has not touched for so long hangs; an hour outweighs any difference of the clocks."""


class MoveKind(StrEnum):
    """What kind of operation an upstream record is."""

    LIVE = "Live"
    COLD = "Cold"
    RESIZE = "Resize"
    EVACUATION = "Evacuation"
    REPLICATION = "Replication"
    MAILBOXES = "Mailboxes"
    OTHER = "Other"
    UNKNOWN = "Unknown"

    def fits(self, wanted: MoveKind) -> bool:
        """Whether a record of this kind may be the move that is looked for; old clouds do not tell."""
        return self in {wanted, MoveKind.UNKNOWN}


TYPE_WORDS: Mapping[MoveKind, str] = MappingProxyType(
    {
        MoveKind.LIVE: "live-migration",
        MoveKind.COLD: "migration",
        MoveKind.RESIZE: "resize",
        MoveKind.EVACUATION: "evacuation",
        MoveKind.REPLICATION: "tenant-replication",
        MoveKind.MAILBOXES: "mailbox-migration",
        MoveKind.OTHER: "other",
        MoveKind.UNKNOWN: "other",
    }
)
"""How users read and filter kinds of operations: the words of Nova, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """One upstream operation (Nova: a row of os-migrations).

    Attributes:
        id: upstream's id as text, the form its other calls want (Nova: the integer, never the uuid).
        number: the same as a number where upstream counts up, to order records by age; else 0.
        status: upstream's word, verbatim.
        type: upstream's word for the kind of move, verbatim; ``None`` where an old cloud does not say.
        kind: what upstream says the record is about.
        uuid: its other name, where the cloud gives one.
        is_synthetic: built from the server and its actions where the credentials may not list records; never swept.
        project_id: whose operation it is, where upstream says so (Nova: of whoever began it, not of the server).
        created, updated: UTC; ``updated`` is ``None`` until the first change.
    """

    id: str
    number: int = 0
    server_id: str = ""
    stage: Stage = Stage.UNKNOWN
    status: str = ""
    type: str | None = None
    kind: MoveKind = MoveKind.LIVE
    uuid: str | None = None
    is_synthetic: bool = False
    source_host: str | None = None
    destination_host: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    created: dt.datetime | None = None
    updated: dt.datetime | None = None

    @property
    def is_terminal(self) -> bool:
        """The record says the operation is over (the server may still be busy)."""
        return self.stage in TERMINAL_STAGES

    def is_stale(self, now: dt.datetime) -> bool:
        """Whether upstream has not touched it for `STALE_AFTER`; a row without dates never is."""
        touched = self.updated or self.created
        return touched is not None and now - touched > STALE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One bulk list of upstream operations.

    Attributes:
        records: rows that are new or changed since the cursor (all non-terminal and some terminal ones if ``is_full``).
        cursor: hand it to the next sweep; ``None`` asks for a full one.
        is_full: every operation these credentials can see and that is not over is in ``records``.
        asked: when upstream answered, by its own clock, which also dates the rows; ``None`` where it does not say.
    """

    records: tuple[RecordView, ...]
    cursor: dt.datetime | None
    is_full: bool
    asked: dt.datetime | None = None
