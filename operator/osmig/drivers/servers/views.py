"""What a cloud tells of one server and its moves, in our words; its adapter translates into these."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from osmig.domain.operations import MoveKind

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.migration import Baseline
    from osmig.domain.operations import RecordView


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to move and how: the part of a Migration that a backend needs.

    Attributes:
        server_id: the server's UUID; ``None`` until a name was resolved.
        server_name: the exact name, when the spec gives no id.
        source_host: where the server must be, or ``None`` for anywhere.
        source_host_id: the same by the anonymous name of that host.
        destination_host: where it must go, or ``None`` for the scheduler's choice.
        block_migration: ``Auto``, ``Never`` or ``Always``; of live moves only.
        kind: ``LIVE`` or ``COLD``.
    """

    server_id: str | None = None
    server_name: str | None = None
    source_host: str | None = None
    source_host_id: str | None = None
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
        is_on_no_host: it was taken off its host (Nova: SHELVED_OFFLOADED), whoever asks.
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
    is_on_no_host: bool = False
    is_busy: bool = False
    is_in_error: bool = False
    awaits_confirmation: bool = False
    progress_percent: int | None = None


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
class NamedHost:
    """Whether the cloud has a compute host of a name that a spec gives.

    Attributes:
        exists: ``None`` where the credentials may not list compute hosts.
        similar: a host of the cloud whose name differs by case or domain only, where there is none of this name.
    """

    name: str
    exists: bool | None = None
    similar: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesView:
    """How much of one medium was moved, in bytes; ``None`` where upstream reported nothing."""

    total: int | None = None
    processed: int | None = None
    remaining: int | None = None


def bound_percent(percent: float) -> int:
    """Round to a whole number from 0 to 100, whatever upstream's figures come to."""
    return max(0, min(100, round(percent)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """One sample of a running move."""

    memory: BytesView = field(default_factory=BytesView)
    disk: BytesView = field(default_factory=BytesView)
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreStartState:
    """Everything that is read before a start, in one go.

    Attributes:
        server: the server, resolved exactly.
        baseline: the state to compare with when the start's effect is looked up.
        active: the newest operation on this server that is not over, whoever started it.
        past_hosts: hosts that the server was moved away from, as far as its records show.
    """

    server: ServerView
    baseline: Baseline
    active: RecordView | None = None
    past_hosts: frozenset[str] = frozenset()


class CallLookupKind(StrEnum):
    """What a lookup of an earlier call found."""

    OURS = "Ours"
    AMBIGUOUS = "Ambiguous"
    NOTHING = "Nothing"
    CONFLICT = "Conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLookup:
    """The result of the lookup of a call whose answer is unknown.

    Attributes:
        kind: ``OURS`` and ``AMBIGUOUS`` (several candidates, the oldest chosen) carry ``request_id``.
        request_id: upstream's request id of the operation to adopt.
        record: its record, when there is one already.
        server: the server as read in the same lookup.
        detail: for ``CONFLICT``: who moves the server, in a few words fit for status.
    """

    kind: CallLookupKind
    server: ServerView
    request_id: str | None = None
    record: RecordView | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTrace:
    """What upstream shows of a start that it accepted, found by its request id; all unknown where it shows nothing.

    Attributes:
        user_id: who ordered it.
        started: when upstream accepted it.
        shows_events: the credentials see how far it has come.
        began: when upstream began to carry it out, right before it wrote the record and by the same clock; ``None``
            while it has not.
    """

    user_id: str | None = None
    started: dt.datetime | None = None
    shows_events: bool = False
    began: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an operation failed, in our own sentence.

    Attributes:
        reason: a ``Reason`` member's value, such as ``NoValidHost`` or ``PreCheckFailed``; ``None`` if unknown.
        message: one line of at most 300 characters, cleaned of URLs, addresses, paths and long hex.
    """

    reason: str | None
    message: str
