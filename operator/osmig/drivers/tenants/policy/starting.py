"""The order: what its answer means, and how its effect is found when there was none (docs/waldur.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.domain import named_orders, outcome, pauses
from osmig.domain.conditions import Verdict
from osmig.drivers.tenants.facts import read as read_facts
from osmig.drivers.tenants.policy import admitting, choosing, facts, jobs, visibility
from osmig.drivers.tenants.policy.choosing import RUN

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Commit, Decision
    from osmig.drivers.tenants.facts import ReplicationObservation
    from osmig.drivers.tenants.views import RunView


def answer(observation: ReplicationObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the order that was sent in this step."""

    def begin(run: RunView) -> Commit:
        message = f"Waldur took the order; the replica is {run.replica_name or 'not named yet'}"
        verdict = Verdict(phase=Phase.STARTING, reason=Reason.SCHEDULED, message=message)
        return named_orders.begin(RUN, observation, call, verdict, **facts.describe_run(observation, run))

    return named_orders.record_answer(RUN, observation, answer, call, begin=begin)


def resolve(observation: ReplicationObservation, call: PendingCall) -> Decision:
    """Find out what became of an order whose answer is not on record: ours after a lost answer, or a dead process's."""
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    if observation.facts.runs is None:
        return read_facts("runs")
    name = call.baseline.name if call.baseline is not None else None
    choice = choosing.find_named(observation.facts.runs, name, attempt=call.attempt) if name else None
    if choice is not None:
        return admitting.adopt(observation, choice)
    if name is None:
        message = "the name of the replica was removed from status, so it cannot be found; nothing more is sent"
        return outcome.fail(observation, Reason.RECORD_GONE, message)
    user_id = call.baseline.user_id if call.baseline is not None else None
    if visibility.may_be_hidden(observation, user_id):
        return visibility.wait_for_token_of_user(observation)
    return _resolve_nothing(observation, call, name)


def _resolve_nothing(observation: ReplicationObservation, call: PendingCall, name: str) -> Decision:
    """Order again, a bounded number of times, once the slowest possible effect would have shown."""
    if (decided := named_orders.resolve_nothing(RUN, observation, call)) is not None:
        return decided
    mappings = jobs.find_mappings(observation)
    if mappings is None or admitting.has_changed(observation, mappings):
        message = "the order left no trace in Waldur, and its mappings changed meanwhile; it is not sent again"
        return outcome.fail(observation, Reason.MAPPING_CHANGED, message)
    return admitting.order(observation, name, sends=call.sends + 1)
