"""Synthetic records: built from a server and its actions, for credentials that may not list migrations.

What the newest move has come to is told by its server while that is busy with it, then by the events of its action;
what older ones have come to, by the actions that followed. Where events are hidden, a move that the hypervisor gave up
looks like one that succeeded, until its host (or ``hostId``) is compared.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.errors import NotInThisState, NotPermitted, Unsupported
from osmig.domain.operations import TERMINAL_STAGES, MoveKind, RecordView, Stage
from osmig.drivers.servers.nova import nova
from osmig.drivers.servers.nova.translate import ACTION_KINDS, read_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from osmig.drivers.servers.nova.nova import Nova
    from osmig.drivers.servers.nova.translate import ActionView
    from osmig.drivers.servers.views import ServerView

_CONFIRM, _REVERT, _CANCEL = "confirmresize", "revertresize", "live_migration_cancel"
_COLD_STATUSES = frozenset({"RESIZE", "RESIZING", "VERIFY_RESIZE", "REVERT_RESIZE"})
_ARRIVALS = {
    MoveKind.LIVE: "compute_post_live_migration_at_destination",
    MoveKind.COLD: "compute_finish_resize",
    MoveKind.RESIZE: "compute_finish_resize",
}
"""The event of the last step at the destination."""
_SENT = "compute_live_migration"
_ERROR = "error"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def read(api: Nova, server_id: str) -> tuple[RecordView, ...]:
    """Read a server and its actions and build the records, newest first.

    Raises:
        BackendError: as any read; ``Absent`` when the server is gone.
    """
    # Actions first: a move that is not among them yet cannot be taken for over by a server that is idle still.
    actions = api.actions(server_id)
    server = api.server(server_id)
    records = make_records(server, actions)
    if not records or server.is_in_error or not records[0].is_terminal:
        return records
    return (judge_by_events(records[0], _read_events(api, server_id, records[0].id)), *records[1:])


def make_records(server: ServerView, actions: Sequence[ActionView]) -> tuple[RecordView, ...]:
    """Build one record per move, newest first.

    Args:
        server: read after the actions, so that the newest move is not taken for over before it shows.
        actions: of this server, newest first, as Nova lists them.
    """
    records: list[RecordView] = []
    later: list[ActionView] = []
    for action in actions:
        kind = _kind_of(action)
        if kind is None:
            later.append(action)
            continue
        # those after this move and before the next one
        outcome = _judge_by_actions(action, kind, later)
        stage = outcome if records else _judge_newest(server, kind, outcome, later)
        records.append(_record(server, action, kind, stage))
        later = []
    return tuple(records)


def judge_by_events(record: RecordView, action: Mapping[str, Any]) -> RecordView:
    """Judge the newest move once its server is idle, by the events of its action.

    An action keeps the error of a host that refused before another one took the server, and an abort may come too
    late: only the last step at the destination tells. A server that is idle has that step behind it, or never had it.
    """
    results = {str(event.get("event")): str(event.get("result")).lower() for event in read_events(action)}
    arrival = _ARRIVALS.get(record.kind, "")
    if record.stage in {Stage.ERROR, Stage.CANCELLED} and results.get(arrival, _ERROR) != _ERROR:
        return replace(record, stage=Stage.SUCCEEDED, status=Stage.SUCCEEDED.lower())
    if record.stage is Stage.SUCCEEDED and record.kind is MoveKind.LIVE and _SENT in results and arrival not in results:
        return replace(record, stage=Stage.FAILED, status=Stage.FAILED.lower())
    return record


def is_synthetic(record_id: str) -> bool:
    """Whether an id is an action's and not a record's: Nova numbers its records."""
    return not record_id.isdecimal()


def find_number(api: Nova, server_id: str, operation: str) -> str:
    """Look up Nova's number of the live migration under way, which abort and force-complete need.

    Raises:
        Unsupported: the cloud is too old to tell.
        NotInThisState: none is under way (any more, or yet: Nova lists none that it has only accepted).
        NotPermitted: the policy forbids this list, too.
    """
    if not api.speaks(nova.PROGRESS):
        text = f"The credentials may not list migrations, and the cloud is too old for {operation} without it"
        raise Unsupported(Reason.UNSUPPORTED, text, operation=operation)
    under_way = api.samples(server_id)
    if not under_way:
        text = "Not possible now: the cloud lists no live migration of this server as under way"
        raise NotInThisState("NotInThisState", text, operation=operation)
    return next(iter(under_way))


def _read_events(api: Nova, server_id: str, request_id: str) -> Mapping[str, Any]:
    try:
        return api.action(server_id, request_id)
    except NotPermitted:
        return {}


def _kind_of(action: ActionView) -> MoveKind | None:
    return ACTION_KINDS.get(action.name.lower())


def _record(server: ServerView, action: ActionView, kind: MoveKind, stage: Stage) -> RecordView:
    return RecordView(
        id=action.request_id,
        number=_moment(action.started),
        server_id=server.id,
        stage=stage,
        status=(stage if stage in TERMINAL_STAGES else server.status).lower(),
        type=action.name,
        kind=kind,
        user_id=action.user_id,
        created=action.started,
        is_synthetic=True,
    )


def _moment(started: dt.datetime | None) -> int:
    """Count microseconds: a rank would change when the oldest actions fall off Nova's page."""
    return (started - _EPOCH) // _MICROSECOND if started is not None else 0


def _judge_by_actions(move: ActionView, kind: MoveKind, later: Sequence[ActionView]) -> Stage:
    """Judge a move that is over by what followed it."""
    done = {action.name.lower() for action in later if not action.is_failed}
    if kind is not MoveKind.LIVE and _REVERT in done:
        return Stage.REVERTED
    if kind is not MoveKind.LIVE and _CONFIRM in done:
        return Stage.SUCCEEDED
    if kind is MoveKind.LIVE and _CANCEL in done:
        return Stage.CANCELLED
    return Stage.ERROR if move.is_failed else Stage.SUCCEEDED


def _judge_newest(server: ServerView, kind: MoveKind, outcome: Stage, later: Sequence[ActionView]) -> Stage:
    """Judge the newest move by its server as long as that is busy with it."""
    status = server.status.upper()
    if server.is_in_error:
        return Stage.ERROR
    if kind is MoveKind.LIVE:
        return Stage.RUNNING if status == "MIGRATING" or server.task_state == "migrating" else outcome
    if status == "REVERT_RESIZE" or server.task_state == "resize_reverting":
        return Stage.REVERTING
    if status == "VERIFY_RESIZE":
        return _judge_verify_resize(later)
    is_resizing = status in _COLD_STATUSES or (server.task_state or "").startswith("resize_")
    return Stage.RUNNING if is_resizing else outcome


def _judge_verify_resize(later: Sequence[ActionView]) -> Stage:
    """Nova goes on to show VERIFY_RESIZE, and no task, while it confirms."""
    newest = next((action.name.lower() for action in later if not action.is_failed), "")
    match newest:
        case "confirmresize":
            return Stage.CONFIRMING
        case "revertresize":
            return Stage.REVERTING
        case _:
            return Stage.AWAITING_CONFIRMATION
