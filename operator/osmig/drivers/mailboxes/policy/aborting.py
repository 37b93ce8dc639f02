"""``abort``: the job is deleted while the service lets it be. A code is never used again, so it may be sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, Phase, Reason
from osmig.domain import next_status, orders, pauses
from osmig.domain.conditions import Verdict
from osmig.domain.errors import NotPermitted, Refused, Unsupported
from osmig.domain.observation import Commit
from osmig.drivers.mailboxes.calls import DeleteCall
from osmig.drivers.mailboxes.policy import describing

if TYPE_CHECKING:
    from osmig.domain.calls import Answer
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView


def carry_out(observation: JobObservation, job: JobView) -> Commit:
    """Delete the job, or say why it cannot be."""
    if (pause := pauses.go_on(observation)) is not None:
        return pause
    if job.can_delete is False:
        text = f"the service does not let the job be deleted while it is {job.status or 'in no state that is told'}"
        return _give_up(observation, ControlResult.REJECTED, text)
    verdict = Verdict(phase=Phase.ABORTING, reason=Reason.ABORTING, message=f"deleting the job {job.code}")
    after = next_status.build(observation, verdict, **describing.describe_job(observation, job))
    since_s, repeat_s = observation.since_call_s, observation.timings.run_poll_max_s
    if since_s is not None and since_s < repeat_s:
        return Commit(status=after, due_s=min(observation.timings.run_poll_s, repeat_s - since_s))
    return Commit(status=after, call=DeleteCall(code=job.code))


def answer(observation: JobObservation, answer: Answer) -> Commit:
    """Record what came of it; that the job is gone shows when it is read."""
    status, error = observation.status, answer.error
    order = orders.in_force(status)
    match error:
        case None if order is not None:
            after = orders.mark_sent(status, order, now=observation.now)
            return Commit(status=after, due_s=min(1.0, observation.timings.run_poll_s))
        case Unsupported():
            return _give_up(observation, ControlResult.UNSUPPORTED, error.message)
        case Refused() | NotPermitted():
            return _give_up(observation, ControlResult.REJECTED, error.message)
        case _:
            wait_s = error.retry_after_s if error is not None else None
            return pauses.begin(observation, status, wait_s or observation.timings.retry_s)


def _give_up(observation: JobObservation, result: ControlResult, text: str) -> Commit:
    """Take the order back; the job goes on and is followed."""
    order = orders.in_force(observation.status)
    if order is None:
        return Commit(status=observation.status, due_s=0.0)
    after, notes = orders.give_up(observation.status, order, result, text, now=observation.now)
    return Commit(status=after, notes=notes, due_s=0.0, wait_key=observation.wait_key)
