"""The order: what its answer means, and how its effect is found when there was none (docs/hosting.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import CheckResult, EventReason, Phase, Reason, Verb
from osmig.domain import gating, intents, next_status, orders, outcome, pauses, preflight
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, OutcomeUnknown
from osmig.domain.observation import Commit, Decision, Note
from osmig.drivers.mailboxes.facts import read as read_facts
from osmig.drivers.mailboxes.policy import admitting, checks, choosing, describing
from osmig.drivers.mailboxes.views import JobView

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from osmig.drivers.mailboxes.facts import JobObservation


def answer(observation: JobObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of the order that was sent in this step."""
    error, job = answer.error, read_job(answer)
    match error:
        case None if job is not None:
            return _begin(observation, call, job)
        case None:
            text = "the service accepted the order without naming the job; looking for it"
            return _look_up_effect(observation, call, text)
        case OutcomeUnknown():
            after = intents.describe_unknown(observation, call, error, "looking for the order's effect")
            return pauses.remember(observation, Commit(status=after, due_s=0.0), error.retry_after_s)
        case _:
            return gating.answer_refusal(observation, error)


def read_job(answer: Answer) -> JobView | None:
    """Return the job that an order began; ``None`` where the answer does not tell."""
    made = answer.receipt.made if answer.receipt is not None else None
    return made if isinstance(made, JobView) else None


def _begin(observation: JobObservation, call: PendingCall, job: JobView) -> Commit:
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.PREPARING, message=f"the service took the order: {job.code}")
    described = describing.describe_job(observation, job)
    after = next_status.build(observation, verdict, **described, pending_call=None, failure=None)
    note = Note(reason=EventReason.MIGRATION_STARTED, text=f"the service took the order (attempt {call.attempt})")
    return Commit(status=after, due_s=min(1.0, observation.timings.run_poll_s), notes=(note,))


def _look_up_effect(observation: JobObservation, call: PendingCall, message: str) -> Commit:
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=message)
    return Commit(status=next_status.build(observation, verdict, pending_call=call), due_s=0.0)


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
    if (awaiting := intents.await_effect(observation, call)) is not None:
        return awaiting
    if orders.is_active(observation.status, Verb.ABORT):
        return outcome.abort(observation, "aborted; the order that was sent left no trace at the service")
    if (ended := intents.give_up(observation, call, what="order", where="the service")) is not None:
        return ended
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
