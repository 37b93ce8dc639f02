"""Nova's JSON in our words. Pure, and lenient: old clouds leave fields out and use words of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osmig.domain.operations import MoveKind, RecordView, Stage
from osmig.drivers.servers.views import BytesView, HostView, ProgressView, ServerView, StartTrace, bound_percent
from osmig.net.times import FIRST_YEAR, LAST_YEAR

Json = Mapping[str, Any]

_MAX_WORD = 255
"""Characters that any of Nova's columns holds."""

_MAX_DIGITS = 18

MOVE_KINDS: dict[str, MoveKind] = {
    "live-migration": MoveKind.LIVE,
    "migration": MoveKind.COLD,
    "resize": MoveKind.RESIZE,
    "evacuation": MoveKind.EVACUATION,
}
"""Nova's words for what a record is about, in lower case; every other word is some other kind of move."""

ACTION_KINDS: dict[str, MoveKind] = {
    "live-migration": MoveKind.LIVE,
    "migrate": MoveKind.COLD,
    "resize": MoveKind.RESIZE,
}
"""Nova's words for the actions that move a server and tell what kind of move it is, in lower case."""

STAGES: dict[str, Stage] = {
    "accepted": Stage.ACCEPTED,
    "queued": Stage.QUEUED,
    "preparing": Stage.PREPARING,
    "running": Stage.RUNNING,
    "running (post-copy)": Stage.SWITCHING_OVER,
    "completed": Stage.SUCCEEDED,
    "done": Stage.SUCCEEDED,
    "cancelled": Stage.CANCELLED,
    "failed": Stage.FAILED,
    "error": Stage.ERROR,
    # cold moves
    "pre-migrating": Stage.PREPARING,
    "migrating": Stage.RUNNING,
    "post-migrating": Stage.SWITCHING_OVER,
    "finished": Stage.AWAITING_CONFIRMATION,
    "confirming": Stage.CONFIRMING,
    "confirmed": Stage.SUCCEEDED,
    "reverting": Stage.REVERTING,
    "reverted": Stage.REVERTED,
}
"""Nova's words for where a migration stands, in lower case."""

_CONDUCTOR = "conductor_"
"""How the events begin that Nova's conductor writes when it takes an accepted call up; an old cloud may have others."""
_VERIFY_RESIZE = "VERIFY_RESIZE"
_BUSY_STATUSES = frozenset({"MIGRATING", "RESIZE", "RESIZING", "REVERT_RESIZE", _VERIFY_RESIZE})
"""``RESIZING`` is what hosted clouds say for ``RESIZE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """One entry of a server's os-instance-actions.

    Attributes:
        request_id: Nova's id of the request that asked for it.
        name: Nova's word, such as ``live-migration``, ``confirmResize`` or ``reboot``.
        user_id: who asked; ``None`` for Nova itself.
        started: UTC.
        is_failed: Nova says that it ended in an error.
    """

    request_id: str
    name: str
    user_id: str | None = None
    started: dt.datetime | None = None
    is_failed: bool = False


def to_stage(status: str) -> Stage:
    """Find the stage for a record's status; ``UNKNOWN`` for a word that is not in the table."""
    return STAGES.get(status.strip().lower(), Stage.UNKNOWN)


def to_kind(row: Json) -> MoveKind:
    """Find what a record is about; where an old cloud does not say, only a change of flavor tells a resize."""
    word = text(row, "migration_type")
    if word is not None:
        return MOVE_KINDS.get(word.strip().lower(), MoveKind.OTHER)
    before, after = text(row, "old_instance_type_id"), text(row, "new_instance_type_id")
    is_resize = before is not None and after is not None and before != after
    return MoveKind.RESIZE if is_resize else MoveKind.UNKNOWN


def to_server(row: Json) -> ServerView:
    """Read a server.

    Raises:
        ValueError: it has no id, so it is not a server.
    """
    status = text(row, "status") or ""
    task_state = text(row, "OS-EXT-STS:task_state")
    vm_state = (text(row, "OS-EXT-STS:vm_state") or "").lower()
    is_busy = task_state is not None or status.upper() in _BUSY_STATUSES
    percent = _number(row, "progress")
    return ServerView(
        id=require(row, "id"),
        name=text(row, "name") or "",
        project_id=text(row, "tenant_id") or text(row, "project_id"),
        status=status,
        task_state=task_state,
        host=text(row, "OS-EXT-SRV-ATTR:host"),
        host_id=text(row, "hostId"),
        # Nova shows everybody a name of the host, and an empty one only where there is no host
        is_on_no_host=text(row, "OS-EXT-SRV-ATTR:host") is None and row.get("hostId") == "",
        is_busy=is_busy,
        is_in_error=status.upper() == "ERROR" or vm_state == "error",
        awaits_confirmation=status.upper() == _VERIFY_RESIZE and task_state is None,
        progress_percent=bound_percent(percent) if percent is not None and is_busy else None,
    )


def to_record(row: Json) -> RecordView:
    """Read a row of os-migrations.

    Not ``dest_host``: of a live move it is null, of a cold one an address.

    Raises:
        ValueError: it has no id, so it is not a migration.
    """
    status = text(row, "status") or ""
    identity = require(row, "id")
    is_number = identity.isascii() and identity.isdigit() and len(identity) <= _MAX_DIGITS
    return RecordView(
        id=identity,
        number=int(identity) if is_number else 0,
        server_id=text(row, "instance_uuid") or text(row, "server_uuid") or "",
        stage=to_stage(status),
        status=status,
        type=text(row, "migration_type"),
        kind=to_kind(row),
        uuid=text(row, "uuid"),
        source_host=text(row, "source_compute"),
        destination_host=text(row, "dest_compute"),
        user_id=text(row, "user_id"),
        project_id=text(row, "project_id"),
        created=read_time(row, "created_at"),
        updated=read_time(row, "updated_at"),
    )


def to_action(row: Json) -> ActionView:
    """Read an entry of os-instance-actions.

    Raises:
        ValueError: it has no request id.
    """
    return ActionView(
        request_id=require(row, "request_id"),
        name=text(row, "action") or "",
        user_id=text(row, "user_id"),
        started=read_time(row, "start_time"),
        is_failed=(text(row, "message") or "").lower() == "error",
    )


def to_trace(row: Json) -> StartTrace:
    """Read one action with its events; the conductor's tells when the record can be there (osmig's records.py)."""
    listed = row.get("events")
    events = [event for event in listed if isinstance(event, dict)] if isinstance(listed, list) else []
    times = [
        began
        for event in events
        if (text(event, "event") or "").startswith(_CONDUCTOR) and (began := read_time(event, "start_time")) is not None
    ]
    is_begun_elsewhere = bool(events) and not times
    return StartTrace(
        user_id=text(row, "user_id"),
        started=read_time(row, "start_time"),
        shows_events=isinstance(listed, list) and not is_begun_elsewhere,
        began=min(times, default=None),
    )


def to_host(row: Json) -> HostView:
    """Read an entry of os-services; ``state`` and ``status`` default to the better, as old clouds leave them out.

    Raises:
        ValueError: it names no host.
    """
    return HostView(
        name=require(row, "host"),
        is_up=(text(row, "state") or "up").lower() == "up",
        is_enabled=(text(row, "status") or "enabled").lower() == "enabled",
    )


def to_progress(row: Json) -> ProgressView:
    """Read the numbers of a running live migration; a zero is a number."""
    return ProgressView(memory=_bytes(row, "memory"), disk=_bytes(row, "disk"))


def text(row: Json, key: str) -> str | None:
    """Read a word or number as text, cut to what Nova itself holds; ``None`` when missing, null or empty."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)[:_MAX_WORD] or None


def read_events(action: Json) -> list[Json]:
    """Return the events of an action, as far as they are some."""
    events = action.get("events")
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []


def require(row: Json, key: str) -> str:
    """Read a word that must be there.

    Raises:
        ValueError: it is missing, or cannot be shown.
    """
    value = text(row, key)
    if value is None or not value.isprintable():
        message = f"{key} is missing, or nothing that could be one"
        raise ValueError(message)
    return value


def _number(row: Json, key: str) -> int | None:
    value = row.get(key)
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return value if is_number else None


def _bytes(row: Json, medium: str) -> BytesView:
    total, processed, remaining = (
        _not_negative(_number(row, f"{medium}_{part}_bytes")) for part in ("total", "processed", "remaining")
    )
    return BytesView(total=total, processed=processed, remaining=remaining)


def _not_negative(value: int | None) -> int | None:
    return value if value is None or value >= 0 else None


def read_time(row: Json, key: str) -> dt.datetime | None:
    """Read one of Nova's times, which are in UTC and seldom say so."""
    try:
        value = dt.datetime.fromisoformat(text(row, key) or "")
    except ValueError:
        return None
    if not FIRST_YEAR <= value.year < LAST_YEAR:
        return None
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
