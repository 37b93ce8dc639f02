"""Find the effect of a call: actions first, because Nova writes them before it answers (architecture.md §5).

An accepted call is in the server's actions at once, under the request id of its answer, also while the record does
not exist yet; a start that lost a race leaves none. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.calls import Operation
from osmig.domain.operations import MoveKind, RecordView
from osmig.drivers.servers.nova.translate import ACTION_KINDS
from osmig.drivers.servers.records import is_older, pick_record
from osmig.drivers.servers.views import CallLookup, CallLookupKind, ServerView

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from osmig.api.migration import Baseline, PendingCall
    from osmig.drivers.servers.nova.translate import ActionView

ACTIONS: dict[Operation, str] = {
    Operation.LIVE_MIGRATE: "live-migration",
    Operation.COLD_MIGRATE: "migrate",
    Operation.CONFIRM: "confirmResize",
    Operation.REVERT: "revertResize",
}
"""Nova's words for the actions that our calls leave behind."""

MOVE_ACTIONS = frozenset({*ACTION_KINDS, "evacuate"})
END_ACTIONS = frozenset({"confirmresize", "revertresize"})
"""In lower case, as action names are compared."""

_OTHER_ENDS = {Operation.CONFIRM: Operation.REVERT, Operation.REVERT: Operation.CONFIRM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one lookup read.

    Attributes:
        actions: newest first.
        records: of this server, in any order; empty where the credentials may not list them.
    """

    server: ServerView
    actions: Sequence[ActionView]
    records: Sequence[RecordView]


def find_effect(seen: Seen, call: PendingCall, *, claimed: Collection[str], own_user_id: str | None) -> CallLookup:
    """Decide what became of a start, confirm or revert.

    Args:
        seen: the server, its actions and records, read after the call.
        call: the intent: its operation and baseline, and the request id and kind of answer where one came.
        claimed: request ids that belong to other Migrations.
        own_user_id: whose credentials these are, ``None`` where unknown.

    Raises:
        ValueError: the intent's operation is none of ours.
    """
    operation = Operation(call.operation)
    if operation in _OTHER_ENDS:
        return _find_end(seen, call, operation)
    moves = [action for action in new_actions(seen.actions, call.baseline) if action.name.lower() in MOVE_ACTIONS]
    same = [action for action in moves if _is(action, operation)]
    if call.request_id is not None:
        ours = [action for action in same if action.request_id == call.request_id]
        if ours:
            return _adopt(CallLookupKind.OURS, ours[0], seen, call)
    is_conflict = call.answer in {Reason.CONFLICT, Reason.START_REFUSED}
    if call.request_id is not None and not is_conflict:
        return _not_ours(seen, moves)
    candidates = [
        action
        for action in same
        if action.request_id not in claimed and _may_be_ours(action, own_user_id, is_proof_needed=is_conflict)
    ]
    if not candidates:
        return _not_ours(seen, moves)
    kind = CallLookupKind.OURS if len(candidates) == 1 else CallLookupKind.AMBIGUOUS
    return _adopt(kind, candidates[-1], seen, call)


def new_actions(actions: Sequence[ActionView], baseline: Baseline | None) -> Sequence[ActionView]:
    """Return the actions after the baseline, which holds the newest only: the first known action ends them."""
    known = set(baseline.request_ids) if baseline is not None else set()
    fresh: list[ActionView] = []
    for action in actions:
        if action.request_id in known:
            break
        fresh.append(action)
    return fresh


def newest_active(records: Sequence[RecordView]) -> RecordView | None:
    """Pick the newest record that is not over."""
    active = [record for record in records if not record.is_terminal]
    return max(active, key=lambda record: record.number, default=None)


def find_past_hosts(records: Sequence[RecordView]) -> frozenset[str]:
    """Return the hosts that a server was moved away from: the cloud has, or had, hosts of these names."""
    return frozenset(record.source_host for record in records if record.source_host is not None)


def _find_end(seen: Seen, call: PendingCall, operation: Operation) -> CallLookup:
    """Decide what became of a confirm or revert.

    Anybody's is as good as ours. That the server is busy says nothing here: it is, from before the call until after.
    """
    fresh = new_actions(seen.actions, call.baseline)
    same = [action for action in fresh if _is(action, operation)]
    if same:
        oldest = next((action for action in same if action.request_id == call.request_id), same[-1])
        cold = [record for record in seen.records if record.kind.fits(MoveKind.COLD)]
        record = max(cold, key=lambda record: record.number, default=None)
        return CallLookup(kind=CallLookupKind.OURS, server=seen.server, request_id=oldest.request_id, record=record)
    other = _OTHER_ENDS[operation]
    if any(_is(action, other) for action in fresh):
        return CallLookup(
            kind=CallLookupKind.CONFLICT, server=seen.server, detail=f"a {other} that somebody else ordered"
        )
    return CallLookup(kind=CallLookupKind.NOTHING, server=seen.server)


def _is(action: ActionView, operation: Operation) -> bool:
    return action.name.lower() == ACTIONS[operation].lower()


def _may_be_ours(action: ActionView, own_user_id: str | None, *, is_proof_needed: bool) -> bool:
    """Compare users. Not knowing one counts as ours after no answer: adopting can never start a second move."""
    if own_user_id is None or action.user_id is None:
        return not is_proof_needed
    return action.user_id == own_user_id


def _adopt(kind: CallLookupKind, action: ActionView, seen: Seen, call: PendingCall) -> CallLookup:
    """Take an action for our start's, and with it its record, where no other can be meant."""
    previous_id = call.baseline.previous_id if call.baseline is not None else None
    young = [record for record in seen.records if not is_older(record, action.started)]
    wanted = ACTION_KINDS[ACTIONS[Operation(call.operation)]]
    record = pick_record(young, previous_id, kind=wanted, request_id=action.request_id)
    return CallLookup(kind=kind, server=seen.server, request_id=action.request_id, record=record)


def _not_ours(seen: Seen, moves: Sequence[ActionView]) -> CallLookup:
    if moves or seen.server.is_busy:
        return CallLookup(kind=CallLookupKind.CONFLICT, server=seen.server, detail=_describe_conflict(seen, moves))
    return CallLookup(kind=CallLookupKind.NOTHING, server=seen.server)


def _describe_conflict(seen: Seen, moves: Sequence[ActionView]) -> str:
    record = newest_active(seen.records)
    if record is not None:
        return f"migration {record.id} ({record.status})"
    if seen.server.task_state is not None:
        return f"task state {seen.server.task_state}"
    if seen.server.is_busy:
        return f"status {seen.server.status}"
    return f"a {moves[0].name.lower()} that somebody else started"
