"""The course of a server's move: admission, start, record, gate, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import EventReason
from osmig.domain import admission, confirming, following, outcome, pursuit, starting
from osmig.domain.observation import Decision, Note, StartCall, VerbCall

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.domain.observation import Answer, Observation


def admit(observation: Observation) -> Decision:
    """Decide for a Migration that has started nothing."""
    return admission.admit(observation)


def resolve(observation: Observation, call: PendingCall) -> Decision:
    """Decide when an intent is on record: look for its effect."""
    if (held := outcome.hold_out(observation)) is not None:
        return held
    return confirming.resolve(observation, call) if confirming.is_about(call) else starting.resolve(observation, call)


def follow(observation: Observation, upstream: UpstreamFacts) -> Decision:
    """Decide when a start is on record: follow it."""
    return outcome.hold_out(observation) or following.follow(observation, upstream)


def answer(observation: Observation, answer: Answer) -> Decision:
    """Decide what the answer to the call of this very step means."""
    call = observation.status.pending_call
    if call is not None and confirming.is_about(call) and isinstance(answer.call, StartCall):
        # the start is on record for long: its late answer must not drop the intent of a confirm or revert
        call = None
    match answer.call:
        case StartCall() if call is not None and (answer.error is None or call.holder == observation.holder):
            return starting.answer_start(observation, answer, call)
        case VerbCall() as ordered if ordered.verb in confirming.VERBS:
            return confirming.answer(observation, answer, ordered)
        case VerbCall() as ordered:
            return pursuit.answer_verb(observation, answer, ordered)
        case _:
            return _answer_late(observation, answer)


def _answer_late(observation: Observation, answer: Answer) -> Decision:
    """Somebody else resolved the intent meanwhile: their record stands, and a second start must not stay unseen."""
    recorded = observation.status.upstream.request_id if observation.status.upstream else None
    ours = answer.receipt.request_id if answer.receipt else None
    notes: tuple[Note, ...] = ()
    if ours is not None and ours != recorded:
        followed = f"{recorded} is followed" if recorded is not None else "none is followed"
        text = f"the cloud accepted a start that was given up: {followed}, {ours} is not"
        notes = (Note(reason=EventReason.DUPLICATE_START, text=text, is_warning=True),)
    return Decision(status=observation.status, due_s=0.0, notes=notes)
