"""The policy of server moves (`osmig.domain.policy.Policy`): admission, start, record, confirmation, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.names import Reason, Verb
from osmig.domain import intents, outcome, pauses
from osmig.domain.errors import Absent
from osmig.domain.verbs import is_legal
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.facts import SHOW_SERVER
from osmig.drivers.servers.facts import read as read_facts
from osmig.drivers.servers.policy import admission, confirming, following, repeatable_verbs, starting

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Commit, Decision
    from osmig.drivers.servers.facts import MoveObservation


def admit(observation: MoveObservation) -> Decision:
    """Decide for a Migration that has started nothing."""
    return admission.admit(observation)


def resolve(observation: MoveObservation, call: PendingCall) -> Decision:
    """Decide when an intent is on record: look for its effect."""
    if (blocked := _end_or_wait(observation)) is not None:
        return blocked
    return confirming.resolve(observation, call) if confirming.is_about(call) else starting.resolve(observation, call)


def follow(observation: MoveObservation, upstream: UpstreamFacts) -> Decision:
    """Decide when a start is on record: follow it."""
    return _end_or_wait(observation) or following.follow(observation, upstream)


def _end_or_wait(observation: MoveObservation) -> Decision | None:
    """End when the server is gone, wait while the cloud cannot be asked; ``None`` when all is well.

    Where something else is absent, such as a list that the cloud does not serve, the server itself is looked at.
    """
    if isinstance(observation.read_error, Absent) and observation.provider.is_ready:
        if observation.failed_fact not in SHOW_SERVER:
            return (
                read_facts("server")
                if observation.facts.server is None
                else pauses.wait_for_provider_or_read(observation)
            )
        return outcome.fail(observation, Reason.SERVER_GONE, "the server was deleted while it was being moved")
    return pauses.wait_for_provider_or_read(observation)


def answer(observation: MoveObservation, answer: Answer) -> Commit:
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
            return repeatable_verbs.answer_verb(observation, answer, ordered)
        case _:
            return _answer_late(observation, answer)


def _answer_late(observation: MoveObservation, answer: Answer) -> Commit:
    recorded = observation.status.upstream.request_id if observation.status.upstream else None
    ours = answer.receipt.request_id if answer.receipt else None
    return intents.answer_late(observation, made=ours, followed=recorded, taken="the cloud accepted a start")


def refuse(verb: Verb, observation: MoveObservation) -> str:
    """Say what a move has no call for."""
    if verb is Verb.RUN_NOW:
        return "only a job that copies mailboxes has executions"
    is_forced = verb is Verb.FORCE_COMPLETE and is_legal(verb, observation.status)
    if is_forced and observation.migration.spec.type is not MigrationType.LIVE_MIGRATION:
        return "only a live migration can be forced to complete"
    return ""
