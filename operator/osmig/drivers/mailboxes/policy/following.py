"""After the order: follow the job to its end, which is not the end of its first execution where it has a second."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration_changes import change_status
from osmig.api.names import Phase, Reason, Verb
from osmig.domain import next_status, orders, outcome, pauses, runs
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent
from osmig.domain.observation import Commit, Decision
from osmig.drivers.mailboxes.facts import read as read_facts
from osmig.drivers.mailboxes.policy import aborting, describing, ending, run_now, stages
from osmig.drivers.mailboxes.policy.choosing import JOB
from osmig.drivers.mailboxes.views import ENDED_STAGES, JobStage

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall, UpstreamFacts
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView

_SHOWN_FACTS = frozenset({"mailboxes", "csv"})
"""That one of these cannot be read keeps no job from being followed to its end."""


def follow(observation: JobObservation, upstream: UpstreamFacts, call: PendingCall | None = None) -> Decision:
    """Decide for a Migration whose job is on record; with the intent of a ``run-now``, if there is one."""
    if upstream.id is None:
        message = "the code of the job was removed from status, so it cannot be followed; nothing is ordered again"
        return outcome.fail(observation, Reason.RECORD_GONE, message)
    error, is_ready = observation.read_error, observation.provider.is_ready
    if observation.failed_fact == "job" and isinstance(error, Absent) and is_ready:
        return _answer_gone(observation, upstream.id)
    matters = not is_ready or observation.failed_fact not in _SHOWN_FACTS
    if matters and (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    job = observation.facts.job
    if job is None:
        return read_facts("job")
    if call is not None:
        return run_now.resolve(observation, call, job)
    if stages.is_over(observation, job):
        return ending.end(observation, job)
    return _carry_out(observation, job) or _go_on(observation, job)


def _carry_out(observation: JobObservation, job: JobView) -> Commit | None:
    order = orders.in_force(observation.status)
    match order.verb if order is not None else None:
        case Verb.ABORT:
            return aborting.carry_out(observation, job)
        case Verb.RUN_NOW:
            return run_now.begin(observation, job, _describe(observation, job).phase)
        case _:
            return None


def _go_on(observation: JobObservation, job: JobView) -> Decision:
    if (missing := _find_missing(observation, job)) is not None:
        return missing
    after = next_status.build(observation, _describe(observation, job), **describing.describe_job(observation, job))
    unknown = job.status if job.stage is JobStage.UNKNOWN else ""
    wait_key = f"job:{job.code}:{job.status}"
    return runs.go_on(observation, after, wait_key=wait_key, upstream=JOB.upstream, unknown=unknown)


def _find_missing(observation: JobObservation, job: JobView) -> Decision | None:
    """Ask for the mailboxes while they are copied, now and then, and for the list where some failed."""
    if observation.failed_fact in _SHOWN_FACTS:
        return None
    counts = observation.facts.mailboxes
    if counts is None:
        must_count = job.stage is JobStage.RUNNING and runs.must_count(observation, job.status)
        return read_facts("mailboxes") if must_count else None
    return read_facts("csv") if counts.failed and observation.facts.csv is None else None


def _describe(observation: JobObservation, job: JobView) -> Verdict:
    before = observation.status.phase or Phase.STARTING
    message = f"the service's job is {job.status or 'in no state that is told'}"
    message = f"{message} ({job.detail})" if job.detail else message
    match job.stage:
        case JobStage.VALIDATING:
            phase, reason = Phase.STARTING, Reason.PREPARING
        case JobStage.SCHEDULED:
            phase = Phase.RUNNING if stages.has_run(observation, job) else Phase.STARTING
            reason = Reason.SCHEDULED_UPSTREAM
        case JobStage.RUNNING:
            phase, reason = Phase.RUNNING, Reason.RUNNING
        case _ if job.stage in ENDED_STAGES:
            phase, reason, message = Phase.RUNNING, Reason.SCHEDULED_UPSTREAM, f"{message}; the second execution comes"
        case _:
            phase, reason = before, Reason.UNKNOWN
    if job.is_late and reason is not Reason.UNKNOWN:
        reason, message = Reason.LATE, f"{message}; it is late"
    return Verdict(phase=phase, reason=reason, message=message)


def _answer_gone(observation: JobObservation, code: str) -> Commit:
    """A job that is gone was deleted: by us, or by somebody else if that stays so."""
    if orders.wants_abort(observation.status):
        return outcome.abort(observation, "the job was deleted; what was copied stays")
    wait_key = f"gone:{code}"
    if not observation.has_waited(wait_key, observation.timings.retry_s):
        return Commit(status=next_status.keep_phase(observation), due_s=observation.timings.retry_s, wait_key=wait_key)
    message = f"the service shows no job {code} any more, so its outcome is unknown and nothing is ordered again"
    controls, notes = run_now.give_up(observation)
    known = observation.migration.model_copy(update={"status": change_status(observation.status, controls=controls)})
    ended = outcome.fail(replace(observation, migration=known), Reason.RECORD_GONE, message)
    return replace(ended, notes=(*notes, *ended.notes))
