"""The policy of replications (`osmig.domain.policy.Policy`): admission, order, run, clean-up, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Verb
from osmig.domain import named_orders
from osmig.domain.calls import Operation
from osmig.domain.observation import Commit, Decision
from osmig.domain.verbs import Column, column_of
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall
from osmig.drivers.tenants.policy import admitting, cleaning, following, jobs, starting
from osmig.drivers.tenants.policy.choosing import RUN

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.domain.calls import Answer
    from osmig.drivers.tenants.facts import ReplicationObservation


def admit(observation: ReplicationObservation) -> Decision:
    """Decide for a Migration that has ordered nothing."""
    return admitting.admit(observation)


def resolve(observation: ReplicationObservation, call: PendingCall) -> Decision:
    """Decide when an intent is on record: look for its effect, unless a run is known already."""
    if call.operation == Operation.TERMINATE:
        return cleaning.resolve(observation, call)
    upstream = observation.status.upstream
    return following.follow(observation, upstream) if upstream is not None else starting.resolve(observation, call)


def follow(observation: ReplicationObservation, upstream: UpstreamFacts) -> Decision:
    """Decide when a run is on record: follow it."""
    return following.follow(observation, upstream)


def answer(observation: ReplicationObservation, answer: Answer) -> Commit:
    """Decide what the answer to the call of this very step means.

    An answer to an intent that somebody else has resolved meanwhile changes nothing on record.
    """
    call = observation.status.pending_call
    is_ours = call is not None and named_orders.is_ours(observation, answer, call)
    match answer.call:
        case ReplicateCall() if call is not None and is_ours and call.operation == Operation.REPLICATE:
            return starting.answer(observation, answer, call)
        case ReplicateCall():
            return named_orders.answer_late(RUN, observation, answer)
        case TerminateCall() if call is not None and is_ours and call.operation == Operation.TERMINATE:
            return cleaning.answer(observation, answer, call)
        case _:
            return Commit(status=observation.status, due_s=0.0)


def refuse(verb: Verb, observation: ReplicationObservation) -> str:
    """Say what Waldur has no call for."""
    if verb in {Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT, Verb.RUN_NOW}:
        return f"Waldur has no call to {verb} a replication"
    is_ordered = column_of(observation.status) is Column.UNDER_WAY
    if verb is Verb.ABORT and is_ordered and not jobs.wants_cleanup(observation):
        return following.NO_CANCEL
    return ""
