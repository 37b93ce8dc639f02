"""The decisions about a job that copies mailboxes, by the stations that all types share (osmig.domain.policy)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Verb
from osmig.domain import named_orders
from osmig.domain.calls import Operation
from osmig.domain.observation import Commit, Decision
from osmig.drivers.mailboxes.calls import CopyCall, DeleteCall, RunNowCall
from osmig.drivers.mailboxes.policy import aborting, admitting, following, run_now, starting
from osmig.drivers.mailboxes.policy.choosing import JOB

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.domain.calls import Answer
    from osmig.drivers.mailboxes.facts import JobObservation


def admit(observation: JobObservation) -> Decision:
    """Decide for a Migration that has ordered nothing."""
    return admitting.admit(observation)


def resolve(observation: JobObservation, call: PendingCall) -> Decision:
    """Decide when an intent is on record: look for its effect, unless a job is known that it was to make."""
    upstream = observation.status.upstream
    if upstream is None:
        return starting.resolve(observation, call)
    return following.follow(observation, upstream, call if call.operation == Operation.RUN_NOW else None)


def follow(observation: JobObservation, upstream: UpstreamFacts) -> Decision:
    """Decide when a job is on record: follow it."""
    return following.follow(observation, upstream)


def answer(observation: JobObservation, answer: Answer) -> Commit:
    """Decide what the answer to the call of this very step means.

    An answer to an intent that somebody else has resolved meanwhile changes nothing on record.
    """
    call = observation.status.pending_call
    is_ours = call is not None and named_orders.is_ours(observation, answer, call)
    match answer.call:
        case CopyCall() if call is not None and is_ours and call.operation == Operation.COPY_MAILBOXES:
            return starting.answer(observation, answer, call)
        case CopyCall():
            return named_orders.answer_late(JOB, observation, answer)
        case RunNowCall() if call is not None and is_ours and call.operation == Operation.RUN_NOW:
            return run_now.answer(observation, answer, call)
        case DeleteCall():
            return aborting.answer(observation, answer)
        case _:
            return Commit(status=observation.status, due_s=0.0)


def refuse(verb: Verb, observation: JobObservation) -> str:
    """Say what the service has no call for."""
    del observation
    if verb in {Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT}:
        return f"the service has no call to {verb} a job"
    return ""
