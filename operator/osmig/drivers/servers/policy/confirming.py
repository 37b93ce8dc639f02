"""Confirm and revert: each is sent once, under an intent, on ground of what was read in the same step.

Two confirms at once put a server into ERROR (docs/openstack.md), so both calls go through the same protocol as a start:
everything is read afresh, the intent is written, one call is sent, and a lost answer is looked for before another.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import ConfirmFacts
from osmig.api.migration_changes import change_status
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain import intents, next_status, orders, outcome, pauses
from osmig.domain.calls import Operation
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, NotPermitted, OutcomeUnknown, Refused, Transient, Unsupported
from osmig.domain.observation import Commit, Decision
from osmig.domain.operations import Stage
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import move_status
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.domain.errors import BackendError
    from osmig.domain.observation import Note
    from osmig.domain.operations import RecordView
    from osmig.domain.orders import Order
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import CallLookup, PreStartState

VERBS = frozenset({Verb.CONFIRM, Verb.REVERT})

CALLS = {Verb.CONFIRM: Verb.CONFIRM, Verb.REVERT: Verb.REVERT, Verb.ABORT: Verb.REVERT}
"""What is sent for an order: calling off a cold move that has arrived is reverting it."""

_OPERATIONS = {Verb.CONFIRM: Operation.CONFIRM, Verb.REVERT: Operation.REVERT}
_HANDOVER_POLL_S = 1.0
SAFETY_S = 60.0
"""A move that waits for somebody is looked at this often, whatever else wakes it."""


def is_about(call: PendingCall) -> bool:
    """Whether an intent is one of a confirm or revert."""
    return call.operation in {Operation.CONFIRM, Operation.REVERT}


def name_phase(verb: Verb) -> tuple[Phase, Reason]:
    """Return phase and reason while the cloud carries a confirm or revert out."""
    if verb is Verb.CONFIRM:
        return Phase.CONFIRMING, Reason.CONFIRMING
    return Phase.REVERTING, Reason.REVERTING


def may_confirm(observation: MoveObservation, record: RecordView) -> bool:
    """Whether the cloud's own confirm is far enough away; two at once break the server."""
    window_s, confirm = observation.provider.auto_confirm_s, observation.status.confirm
    # a synthetic record has no time of its own; that the wait was seen is a moment later at most
    began = record.updated or (confirm.start_time if confirm is not None else None)
    if window_s is None or began is None:
        return True
    moment = began + dt.timedelta(seconds=window_s)
    return abs((moment - observation.now).total_seconds()) >= observation.timings.confirm_window_s


def carry_out(observation: MoveObservation, record: RecordView, order: Order, waiting: Commit) -> Decision:
    """Send the order's call under an intent, on ground of what was read in this very step only."""
    verb = CALLS[order.verb]
    since_s = observation.since_call_s
    repeat_s = order.measure_pause_s(observation.now, shortest_s=observation.timings.verb_repeat_s)
    if verb is Verb.CONFIRM and not may_confirm(observation, record):
        return Commit(status=waiting.status, notes=waiting.notes, due_s=SAFETY_S)
    if (pause := pauses.go_on(observation)) is not None:
        return replace(waiting, due_s=pause.due_s, wait_key=pause.wait_key)
    if since_s is not None and since_s < repeat_s:
        return Commit(status=waiting.status, notes=waiting.notes, due_s=repeat_s - since_s)
    pre_start = observation.facts.pre_start
    if pre_start is None or observation.facts.records is None:
        return read_facts("pre_start", "server", "records")
    if not _is_still_awaiting(pre_start, record):
        return Commit(status=waiting.status, notes=waiting.notes, due_s=_HANDOVER_POLL_S)
    return _send(observation, order, verb, waiting, pre_start, record)


def _is_still_awaiting(pre_start: PreStartState, record: RecordView) -> bool:
    active = pre_start.active
    is_same = active is not None and active.id == record.id and active.stage is Stage.AWAITING_CONFIRMATION
    return pre_start.server.awaits_confirmation and is_same


def _send(
    observation: MoveObservation,
    order: Order,
    verb: Verb,
    waiting: Commit,
    pre_start: PreStartState,
    record: RecordView,
) -> Commit:
    phase, reason = name_phase(verb)
    if order.verb is Verb.ABORT:
        phase = Phase.ABORTING
    confirm = waiting.status.confirm
    after = next_status.build(
        observation,
        Verdict(phase=phase, reason=reason, message=f"asking the cloud to {verb} its migration {record.id}"),
        confirm=confirm,
        pending_call=intents.write(observation, _OPERATIONS[verb], baseline=pre_start.baseline),
        **move_status.describe_facts(observation, record),
    )
    return Commit(status=after, notes=waiting.notes, call=VerbCall(verb=verb, record_id=record.id))


def answer(observation: MoveObservation, answer_: Answer, call: VerbCall) -> Commit:
    """Record what came of the call that was sent in this step."""
    pending = observation.status.pending_call
    if pending is None or not is_about(pending) or pending.holder != observation.holder:
        # somebody else resolved the intent meanwhile; the cloud's record tells what came of it
        return Commit(status=observation.status, due_s=0.0)
    error = answer_.error
    if error is None:
        return _done(observation, call.verb)
    if isinstance(error, OutcomeUnknown):
        known = pending.model_copy(update={"request_id": error.request_id, "answer": error.reason})
        awaiting = Commit(status=change_status(observation.status, pending_call=known), due_s=0.0)
        return pauses.remember(observation, awaiting, error.retry_after_s)
    if isinstance(error, Absent):
        return outcome.fail(observation, Reason.SERVER_GONE, error.message)
    return _answer_error(observation, error)


def _done(observation: MoveObservation, verb: Verb) -> Commit:
    """The cloud took it (now, or before a crash): the order is sent, and the record is followed to its end."""
    status = observation.status
    order = orders.in_force(status)
    if order is not None and CALLS.get(order.verb) is verb:
        status = orders.mark_sent(status, order, now=observation.now)
    confirm = (status.confirm or ConfirmFacts()).model_copy(update={"decision": verb})
    after = change_status(status, pending_call=None, confirm=confirm)
    return Commit(status=after, due_s=_HANDOVER_POLL_S)


def _answer_error(observation: MoveObservation, error: BackendError) -> Commit:
    """Nothing was done: drop the intent; the order stays in force unless it can never be carried out."""
    order = orders.in_force(observation.status)
    status = change_status(observation.status, pending_call=None)
    notes: tuple[Note, ...] = ()
    if order is not None and isinstance(error, Unsupported):
        status, notes = orders.give_up(status, order, ControlResult.UNSUPPORTED, error.message, now=observation.now)
    elif order is not None and isinstance(error, NotPermitted):
        status, notes = orders.give_up(status, order, ControlResult.REJECTED, error.message, now=observation.now)
    verdict = Verdict(
        phase=_phase_after_refusal(observation), reason=Reason.AWAITING_CONFIRMATION, message=error.message
    )
    after = next_status.build(
        observation, verdict, pending_call=None, policy_orders=status.policy_orders, controls=status.controls
    )
    if isinstance(error, Transient) and error.retry_after_s is not None:
        return replace(pauses.begin(observation, after, error.retry_after_s), notes=notes)
    # refused: it came late, the move was decided elsewhere, and its record shows it in a moment
    due_s = _HANDOVER_POLL_S if isinstance(error, Refused) else observation.timings.retry_s
    return Commit(status=after, notes=notes, due_s=due_s)


def _phase_after_refusal(observation: MoveObservation) -> Phase:
    return Phase.ABORTING if orders.wants_abort(observation.status) else Phase.AWAITING_CONFIRMATION


def resolve(observation: MoveObservation, call: PendingCall) -> Decision:
    """Find out what became of a confirm or revert whose answer is not on record."""
    call_lookup = observation.facts.call_lookup
    if call_lookup is None:
        return read_facts("call_lookup")
    verb = Verb.CONFIRM if call.operation == Operation.CONFIRM else Verb.REVERT
    if call_lookup.kind in {CallLookupKind.OURS, CallLookupKind.AMBIGUOUS}:
        return _done(observation, verb)
    if call_lookup.kind is CallLookupKind.CONFLICT or not call_lookup.server.awaits_confirmation:
        return _resolve_decided(observation, call, call_lookup, verb)
    is_answered = call.answer == Reason.SERVER_ERROR and call.request_id is not None
    if (awaiting := intents.await_effect(observation, call, 0.0 if is_answered else None)) is not None:
        return awaiting
    verdict = Verdict(
        phase=_phase_after_refusal(observation),
        reason=Reason.AWAITING_CONFIRMATION,
        message=f"the {verb} that was sent left no trace in the cloud",
    )
    wait_key = observation.wait_key if pauses.go_on(observation) is not None else ""
    return Commit(status=next_status.build(observation, verdict, pending_call=None), due_s=0.0, wait_key=wait_key)


def _resolve_decided(observation: MoveObservation, call: PendingCall, call_lookup: CallLookup, verb: Verb) -> Commit:
    """The move was decided: the record tells how. Without an action that shows by whom, look again.

    Nova changes the server first and writes the action afterwards, so that for a moment our own call looks like
    somebody else's. If none shows in time, Nova is slow, and the call that was sent is taken for the one that decided.
    """
    if call_lookup.kind is not CallLookupKind.NOTHING:
        return Commit(status=change_status(observation.status, pending_call=None), due_s=0.0)
    wait_s = None if call_lookup.server.is_busy else _HANDOVER_POLL_S
    if (awaiting := intents.await_effect(observation, call, wait_s)) is not None:
        return replace(awaiting, due_s=_HANDOVER_POLL_S)
    return _done(observation, verb)
