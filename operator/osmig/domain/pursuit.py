"""Carry out accepted orders on a running move: ask upstream, and ask again until the record is terminal.

A 202 can be lost (docs/openstack.md), and both calls are harmless when repeated, so the accepted order in
``status.controls`` is their write-ahead record (ADR 0002).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, Reason, Verb
from osmig.domain import orders
from osmig.domain.errors import NotPermitted, Refused, Unsupported
from osmig.domain.observation import Decision, Read, VerbCall
from osmig.domain.upstream import Capability, Stage

if TYPE_CHECKING:
    from osmig.domain.errors import BackendError
    from osmig.domain.observation import Answer, Observation
    from osmig.domain.upstream import RecordView

_NEEDED = {Verb.ABORT: Capability.ABORT, Verb.FORCE_COMPLETE: Capability.FORCE_COMPLETE}


def pursue(observation: Observation, record: RecordView, decision: Decision) -> Decision:
    """Add the call of the order in force, if its moment has come, to the decision on a move under way."""
    verb = find_order(observation)
    if verb is None:
        return decision
    if not observation.provider.can(_NEEDED[verb]):
        return _settle(
            observation, decision, verb, ControlResult.UNSUPPORTED, "the Provider's cloud or credentials cannot do it"
        )
    if observation.records is None:
        return Decision(status=observation.status, wants=frozenset({Read.RECORDS}))
    if verb is Verb.FORCE_COMPLETE and record.stage is Stage.SWITCHING_OVER:
        return _answer_post_copy(observation, decision)
    repeat_s = observation.timings.verb_repeat_s
    if not may_send(verb, record.stage, observation):
        return replace(decision, due_s=min(repeat_s, observation.timings.record_poll_s))
    since_s = observation.since_call_s
    if since_s is not None and since_s < repeat_s:
        return replace(decision, due_s=min(repeat_s - since_s, observation.timings.progress_period_s))
    return replace(decision, call=VerbCall(verb=verb, record_id=record.id))


def find_order(observation: Observation) -> Verb | None:
    """Return the accepted order in force; abort outranks force-complete."""
    for verb in (Verb.ABORT, Verb.FORCE_COMPLETE):
        if orders.is_active(observation.status, verb):
            return verb
    return None


def may_send(verb: Verb, stage: Stage, observation: Observation) -> bool:
    """Whether upstream would take the order now (docs/openstack.md); otherwise it is asked later."""
    match stage:
        case Stage.RUNNING:
            return True
        case Stage.QUEUED | Stage.PREPARING:
            return verb is Verb.ABORT and observation.provider.can(Capability.ABORT_QUEUED)
        case Stage.SWITCHING_OVER | Stage.UNKNOWN:
            return verb is Verb.ABORT
        case _:
            return False


def _answer_post_copy(observation: Observation, decision: Decision) -> Decision:
    control = orders.find_control(observation.status.controls, Verb.FORCE_COMPLETE)
    if control is not None and control.sent_time is not None:
        return decision
    return _settle(
        observation, decision, Verb.FORCE_COMPLETE, ControlResult.TOO_LATE, "the move is switching over already"
    )


def answer_verb(observation: Observation, answer: Answer, call: VerbCall) -> Decision:
    """Record what upstream said to an order that was sent in this step; whatever is not final is asked again."""
    status, timings = observation.status, observation.timings
    again = Decision(status=status, due_s=min(timings.verb_repeat_s, timings.progress_period_s))
    if answer.error is None:
        return replace(
            again,
            status=status.model_copy(
                update={"controls": orders.mark_sent(status.controls, call.verb, now=observation.now)}
            ),
        )
    return _answer_error(observation, again, answer.error, call)


def _answer_error(observation: Observation, again: Decision, error: BackendError, call: VerbCall) -> Decision:
    match error:
        case Unsupported():
            return _settle(observation, again, call.verb, ControlResult.UNSUPPORTED, error.message)
        case NotPermitted() if error.reason != Reason.UNAUTHORIZED:
            return _settle(observation, again, call.verb, ControlResult.REJECTED, error.message)
        case Refused() if is_switching(observation, call.record_id):
            return _settle(observation, again, call.verb, ControlResult.TOO_LATE, "the move is switching over already")
        case _:
            return again


def is_switching(observation: Observation, record_id: str) -> bool:
    """Whether the record, as read in this step, was past the point of no return."""
    return any(record.id == record_id and record.stage is Stage.SWITCHING_OVER for record in observation.records or ())


def _settle(observation: Observation, decision: Decision, verb: Verb, result: ControlResult, message: str) -> Decision:
    controls, notes = orders.settle(decision.status.controls, verb, result, message, now=observation.now)
    after = decision.status.model_copy(update={"controls": controls})
    return replace(decision, status=after, notes=(*decision.notes, *notes), due_s=0.0)
