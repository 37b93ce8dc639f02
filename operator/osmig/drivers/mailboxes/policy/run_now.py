"""``run-now``: the next execution begins at once. Two runs are not harmless, so it is sent once, under an intent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration_changes import change_status
from osmig.api.migration_intent import Baseline
from osmig.api.names import ControlResult, Reason, Verb
from osmig.domain import intents, next_status, orders, pauses
from osmig.domain.calls import Operation
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, OutcomeUnknown, Refused, Transient, Unauthorized, Unsupported
from osmig.domain.observation import Commit
from osmig.drivers.mailboxes.calls import RunNowCall
from osmig.drivers.mailboxes.policy import stages
from osmig.drivers.mailboxes.views import ENDED_STAGES, Execution, JobStage

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.api.names import Phase
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Note
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView

_LOST = "its answer is lost and no effect shows; it is not sent again by itself, another token orders it anew"


def begin(observation: JobObservation, job: JobView, phase: Phase) -> Commit | None:
    """Carry the order out; ``None`` while it has to wait for what the job will be."""
    if (pause := pauses.go_on(observation)) is not None:
        return pause
    if job.stage is JobStage.RUNNING:
        return _settle(observation, ControlResult.REJECTED, "an execution is running")
    if job.stage not in ENDED_STAGES | {JobStage.SCHEDULED}:
        return None
    execution = stages.find_next(observation, job)
    if execution is None:
        return _settle(observation, ControlResult.REJECTED, "no execution is left that could begin")
    baseline = Baseline(name=str(execution))
    verdict = Verdict(phase=phase, reason=Reason.RUN_NOW, message=f"ordering that the {execution} execution begins now")
    intent = intents.write(observation, Operation.RUN_NOW, baseline=baseline)
    after = next_status.build(observation, verdict, pending_call=intent)
    return Commit(status=after, call=RunNowCall(code=job.code, execution=execution))


def answer(observation: JobObservation, answer: Answer, call: PendingCall) -> Commit:
    """Record what came of it."""
    error = answer.error
    match error:
        case None:
            return _settle(observation, ControlResult.DONE, "the service took the order")
        case OutcomeUnknown():
            known = call.model_copy(update={"answer": error.reason})
            after = next_status.keep_phase(observation, pending_call=known)
            return pauses.remember(observation, Commit(status=after, due_s=0.0), error.retry_after_s)
        case Unsupported():
            return _settle(observation, ControlResult.UNSUPPORTED, error.message)
        case Refused():
            return _settle(observation, ControlResult.REJECTED, error.message)
        case Absent():
            return Commit(status=next_status.keep_phase(observation, pending_call=None), due_s=0.0)
        case Transient() | Unauthorized():
            after = next_status.keep_phase(observation, pending_call=None)
            return pauses.begin(observation, after, error.retry_after_s or observation.timings.retry_s)
        case _:
            text = f"{error.message}; it is for administrators"
            return _settle(observation, ControlResult.REJECTED, text)


def resolve(observation: JobObservation, call: PendingCall, job: JobView) -> Commit:
    """Look for the effect of an order whose answer is not on record; nothing is ever sent again for its token."""
    wanted = call.baseline.name if call.baseline is not None else None
    if orders.wants_abort(observation.status):
        return _settle(observation, ControlResult.SUPERSEDED, "abort outranks it")
    has_begun = job.stage is JobStage.RUNNING or wanted in job.overridden or stages.is_over(observation, job)
    if has_begun or (wanted == Execution.FIRST and stages.execution_of(job) is Execution.SECOND):
        return _settle(observation, ControlResult.DONE, "the execution has begun")
    return intents.await_effect(observation, call) or _settle(observation, ControlResult.REJECTED, _LOST)


def give_up(observation: JobObservation) -> tuple[orders.Controls, tuple[Note, ...]]:
    """Answer an order that was sent for a job that is gone: whether it took effect cannot be known any more."""
    status = observation.status
    if status.pending_call is None:
        return status.controls, ()
    told = "its answer is lost, and the job is gone"
    return orders.settle(status.controls, Verb.RUN_NOW, ControlResult.REJECTED, told, now=observation.now)


def _settle(observation: JobObservation, result: ControlResult, message: str) -> Commit:
    status = observation.status
    controls, notes = orders.settle(status.controls, Verb.RUN_NOW, result, message, now=observation.now)
    after = change_status(status, controls=controls, pending_call=None)
    return Commit(status=after, notes=notes, due_s=0.0, wait_key=observation.wait_key)
