"""The order: what its answer means, and how its effect is found when there was none (docs/hosting.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import CheckResult, Phase, Reason
from osmig.domain import gating, named_orders, outcome, pauses, preflight
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent
from osmig.drivers.mailboxes.facts import read as read_facts
from osmig.drivers.mailboxes.policy import admitting, checks, choosing, describing
from osmig.drivers.mailboxes.policy.choosing import JOB

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Commit, Decision
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView


def answer(observation: JobObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the order that was sent in this step."""

    def begin(job: JobView) -> Commit:
        message = f"the service took the order: {job.code}"
        verdict = Verdict(phase=Phase.STARTING, reason=Reason.PREPARING, message=message)
        return named_orders.begin(JOB, observation, call, verdict, **describing.describe_job(observation, job))

    return named_orders.record_answer(JOB, observation, answer, call, begin=begin)


def resolve(observation: JobObservation, call: PendingCall) -> Decision:
    """Find out what became of an order whose answer is not on record: ours after a lost answer, or a dead process's."""
    if observation.failed_fact == "csv" and isinstance(observation.read_error, Absent):
        message = "the order left no trace at the service, and its list is gone meanwhile; it is not sent again"
        return outcome.fail(observation, Reason.CSV_CHANGED, message)
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    if observation.facts.jobs is None:
        return read_facts("jobs")
    name = call.baseline.name if call.baseline is not None else None
    if name is None:
        message = "the name of the list's file was removed from status, so its job cannot be found; nothing is sent"
        return outcome.fail(observation, Reason.RECORD_GONE, message)
    choice = choosing.find_named(observation.facts.jobs.jobs, name, attempt=call.attempt)
    return _resolve_nothing(observation, call, name) if choice is None else admitting.adopt(observation, choice)


def _resolve_nothing(observation: JobObservation, call: PendingCall, name: str) -> Decision:
    """Order again, a bounded number of times, once the slowest possible effect would have shown."""
    if (decided := named_orders.resolve_nothing(JOB, observation, call)) is not None:
        return decided
    csv = observation.facts.csv
    if csv is None:
        return read_facts("csv")
    if admitting.has_changed(observation, csv):
        message = "the order left no trace at the service, and its list changed meanwhile; it is not sent again"
        return outcome.fail(observation, Reason.CSV_CHANGED, message)
    found = checks.check(observation, csv, observation.facts.jobs)
    if failed := [check for check in found if check.result is CheckResult.FAIL]:
        return outcome.fail(
            observation,
            Reason.PREFLIGHT_FAILED,
            preflight.sum_up_failed(failed, gating.describe_unsent(observation)),
            preflight=found,
        )
    return admitting.order(observation, csv, name, sends=call.sends + 1)
