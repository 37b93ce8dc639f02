"""What an engine tells us, in our words: stages, servers, records, findings. Backends translate into these."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.migration import Mark
    from osmig.domain.replicas import RunView


class Stage(StrEnum):
    """Where an upstream operation stands, whatever the engine calls it."""

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


class MoveKind(StrEnum):
    """What kind of operation an upstream record is."""

    LIVE = "Live"
    COLD = "Cold"
    RESIZE = "Resize"
    OTHER = "Other"
    UNTOLD = "Untold"

    def fits(self, wanted: MoveKind) -> bool:
        """Whether a record of this kind may be the move that is looked for; old clouds do not tell."""
        return self in {wanted, MoveKind.UNTOLD}


class Operation(StrEnum):
    """The calls that must not happen twice; the word in ``status.pendingCall.operation`` and in metrics."""

    LIVE_MIGRATE = "live-migrate"
    COLD_MIGRATE = "cold-migrate"
    CONFIRM = "confirm"
    REVERT = "revert"
    REPLICATE = "replicate"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to move and how: the part of a Migration that an engine needs.

    Attributes:
        server_id: the server's UUID; ``None`` until a name was resolved.
        server_name: the exact name, when the spec gives no id.
        source_host: where the server must be, or ``None`` for anywhere.
        destination_host: where it must go, or ``None`` for the scheduler's choice.
        block_migration: ``Auto``, ``Never`` or ``Always``; of live moves only.
        kind: ``LIVE`` or ``COLD``.
    """

    server_id: str | None = None
    server_name: str | None = None
    source_host: str | None = None
    destination_host: str | None = None
    block_migration: str = "Auto"
    kind: MoveKind = MoveKind.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerView:
    """A server as upstream shows it now.

    Attributes:
        status: upstream's word, verbatim (``ACTIVE``, ``MIGRATING``, ``VERIFY_RESIZE`` …).
        task_state: upstream's word, verbatim; ``None`` when idle.
        host: the compute host, ``None`` when these credentials cannot see hosts.
        host_id: an opaque hash per project that changes when the server moves.
        is_busy: upstream is doing something with it, or it waits for a confirmation.
        is_in_error: it needs a person.
        awaits_confirmation: a cold move of it has arrived, and nothing else goes on (Nova: VERIFY_RESIZE and no task).
        progress_percent: upstream's own figure for the running operation, 0 to 100, or ``None``.
    """

    id: str
    name: str
    project_id: str | None = None
    status: str = ""
    task_state: str | None = None
    host: str | None = None
    host_id: str | None = None
    is_busy: bool = False
    is_in_error: bool = False
    awaits_confirmation: bool = False
    progress_percent: int | None = None


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
        is_made_up: from the server and its actions, because the credentials may not list records; sweeps tell nothing.
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
    is_made_up: bool = False
    source_host: str | None = None
    destination_host: str | None = None
    user_id: str | None = None
    created: dt.datetime | None = None
    updated: dt.datetime | None = None

    @property
    def is_terminal(self) -> bool:
        """The record says the operation is over (the server may still be busy)."""
        return self.stage in TERMINAL_STAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """One compute host as upstream shows it now.

    Attributes:
        is_up: its compute service reports regularly.
        is_enabled: the scheduler may choose it.
    """

    name: str
    is_up: bool = True
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesView:
    """How much of one medium was moved, in bytes; ``None`` where upstream reported nothing."""

    total: int | None = None
    processed: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """One sample of a running move."""

    memory: BytesView = field(default_factory=BytesView)
    disk: BytesView = field(default_factory=BytesView)
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything that is read before a start, in one go.

    Attributes:
        server: the server, resolved exactly.
        mark: what must be remembered so that the start's effect can be found again.
        active: the newest operation on this server that is not over, whoever started it.
    """

    server: ServerView
    mark: Mark
    active: RecordView | None = None


class FindingKind(StrEnum):
    """What a look for an earlier start brought."""

    OURS = "Ours"
    AMBIGUOUS = "Ambiguous"
    NOTHING = "Nothing"
    RIVAL = "Rival"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of looking for the effect of a start whose answer is unknown.

    Attributes:
        kind: ``OURS`` and ``AMBIGUOUS`` (several candidates, the oldest chosen) carry ``request_id``.
        request_id: upstream's request id of the operation to adopt.
        record: its record, when there is one already.
        server: the server as read in the same look.
        detail: for ``RIVAL``: who moves it, in a few words fit for status.
    """

    kind: FindingKind
    server: ServerView
    request_id: str | None = None
    record: RecordView | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an operation failed, in our own sentence.

    Attributes:
        reason: a ``Reason`` member's value, such as ``NoValidHost`` or ``PreCheckFailed``; ``None`` if unknown.
        message: one line of at most 300 characters, cleaned of URLs, addresses, paths and long hex.
    """

    reason: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Upstream's answer to a call that it accepted.

    Attributes:
        request_id: upstream's id of the request, or of the order that it made of it.
        run: the replication that began, where upstream told it.
    """

    request_id: str | None
    run: RunView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One bulk list of upstream operations.

    Attributes:
        records: rows that are new or changed since the cursor (all non-terminal and some terminal ones if ``is_full``).
        cursor: hand it to the next sweep; ``None`` asks for a full one.
        is_full: every operation these credentials can see and that is not over is in ``records``.
    """

    records: tuple[RecordView, ...]
    cursor: dt.datetime | None
    is_full: bool
