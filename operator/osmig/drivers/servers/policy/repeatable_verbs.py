"""Send abort and force-complete for a running move, and repeat them until the record is terminal.

A 202 can be lost (docs/openstack.md), and both calls are harmless when repeated, so the accepted order in
``status.controls`` is their write-ahead record (ADR 0002).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, Verb
from osmig.domain import orders, pauses
from osmig.domain.capabilities import Capability
from osmig.domain.errors import NotPermitted, OutcomeUnknown, Refused, Transient, Unsupported
from osmig.domain.observation import Commit, Decision
from osmig.domain.operations import MoveKind, Stage
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import stale_records
from osmig.drivers.servers.policy.moves import kind_of

if TYPE_CHECKING:
    from osmig.domain.calls import Answer
    from osmig.domain.errors import BackendError
    from osmig.domain.operations import RecordView
    from osmig.domain.orders import Order
    from osmig.drivers.servers.facts import MoveObservation

_NEEDED = {Verb.ABORT: Capability.ABORT, Verb.FORCE_COMPLETE: Capability.FORCE_COMPLETE}


def send_if_due(observation: MoveObservation, record: RecordView, decision: Commit) -> Decision:
    """Add the call of the order in force, if its moment has come, to the decision on a move under way.

    A cold move cannot be called off while its data is moving: it is reverted once it has arrived (`verify_resize`).
    """
    order = orders.in_force(observation.status)
    # an old cloud does not tell a record's kind, the spec does
    is_live = kind_of(observation.migration.spec.type) is MoveKind.LIVE and record.kind.fits(MoveKind.LIVE)
    if order is None or order.verb not in _NEEDED or not is_live:
        return decision
    if _NEEDED[order.verb] not in observation.provider.possible:
        return _settle(observation, decision, order, ControlResult.UNSUPPORTED, "the cloud's version cannot do it")
    if observation.facts.records is None:
        return read_facts("records")
    if order.verb is Verb.FORCE_COMPLETE and record.stage is Stage.SWITCHING_OVER:
        return _answer_post_copy(observation, decision, order)
    repeat_s = order.measure_pause_s(observation.now, shortest_s=observation.timings.verb_repeat_s)
    if not may_send(order.verb, record.stage, observation):
        return replace(decision, due_s=min(observation.timings.verb_repeat_s, observation.timings.record_poll_s))
    if (pause := pauses.go_on(observation)) is not None:
        return replace(decision, wait_key=pause.wait_key)
    since_s = observation.since_call_s
    if since_s is not None and since_s < repeat_s:
        return replace(decision, due_s=min(repeat_s - since_s, observation.timings.progress_period_s))
    return replace(decision, call=VerbCall(verb=order.verb, record_id=record.id))


def may_send(verb: Verb, stage: Stage, observation: MoveObservation) -> bool:
    """Whether upstream would take the order now (docs/openstack.md); otherwise it is asked later."""
    match stage:
        case Stage.RUNNING:
            return True
        case Stage.QUEUED | Stage.PREPARING:
            return verb is Verb.ABORT and Capability.ABORT_QUEUED in observation.provider.possible
        case Stage.SWITCHING_OVER | Stage.UNKNOWN:
            return verb is Verb.ABORT
        case _:
            return False


def _answer_post_copy(observation: MoveObservation, decision: Commit, order: Order) -> Commit:
    if order.is_sent:
        return decision
    return _settle(observation, decision, order, ControlResult.TOO_LATE, "the move is switching over already")


def answer_verb(observation: MoveObservation, answer: Answer, call: VerbCall) -> Commit:
    """Record what upstream said to an order that was sent in this step; whatever is not final is asked again."""
    status, timings = observation.status, observation.timings
    # an order that is repeated must not make the wait for a change of the record begin anew
    rows = (row for row in observation.facts.records or () if row.id == call.record_id)
    quiet = next((stale_records.wait_key_of(observation, row) for row in rows), "")
    again = Commit(status=status, due_s=min(timings.verb_repeat_s, timings.progress_period_s), wait_key=quiet)
    order = orders.in_force(status)
    if order is None or order.verb is not call.verb:
        return again
    if answer.error is None:
        return replace(again, status=orders.mark_sent(status, order, now=observation.now))
    return _answer_error(observation, again, answer.error, order, call)


def _answer_error(
    observation: MoveObservation, again: Commit, error: BackendError, order: Order, call: VerbCall
) -> Commit:
    match error:
        case Unsupported():
            return _settle(observation, again, order, ControlResult.UNSUPPORTED, error.message)
        case NotPermitted():
            return _settle(observation, again, order, ControlResult.REJECTED, error.message)
        case Refused() if is_switching(observation, call.record_id):
            if order.verb is Verb.FORCE_COMPLETE and order.is_sent:
                return again
            return _settle(observation, again, order, ControlResult.TOO_LATE, "the move is switching over already")
        case Transient() if error.retry_after_s is not None:
            return pauses.begin(observation, again.status, error.retry_after_s)
        case OutcomeUnknown() if order.verb is Verb.FORCE_COMPLETE:
            # what switches over or completes from now on may do so because of it
            told = f"the request was sent and is sent again, for its answer is not known: {error.message}"
            return replace(again, status=orders.mark_sent(again.status, order, now=observation.now, told=told))
        case _:
            return replace(again, status=orders.note_refusal(again.status, order, error.message))


def is_switching(observation: MoveObservation, record_id: str) -> bool:
    """Whether the record, as read in this step, was past the point of no return."""
    return any(
        record.id == record_id and record.stage is Stage.SWITCHING_OVER for record in observation.facts.records or ()
    )


def _settle(
    observation: MoveObservation, decision: Commit, order: Order, result: ControlResult, message: str
) -> Commit:
    after, notes = orders.give_up(decision.status, order, result, message, now=observation.now)
    return replace(decision, status=after, notes=(*decision.notes, *notes), due_s=0.0)
