"""The end of a job: what it came to, by its word, the mailboxes that failed, and ``onErrors``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import OnErrors
from osmig.api.names import Reason
from osmig.domain import next_status, orders, outcome
from osmig.domain.observation import Commit
from osmig.drivers.mailboxes.facts import read as read_facts
from osmig.drivers.mailboxes.policy import describing, jobs
from osmig.drivers.mailboxes.views import JobStage

if TYPE_CHECKING:
    from osmig.domain.observation import Decision
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView


def end(observation: JobObservation, job: JobView) -> Decision:
    """End by what the job says; its mailboxes are read first, as far as they can be."""
    if (missing := _find_missing(observation, job)) is not None:
        return missing
    described = describing.describe_job(observation, job)
    if job.stage is JobStage.FAILED:
        if orders.wants_abort(observation.status):
            return outcome.abort(observation, "the service ended the job; what was copied stays", **described)
        return outcome.fail(observation, Reason.MAILBOXES_FAILED, "the service failed the job", **described)
    counts = observation.facts.mailboxes
    failed = len(counts.failed) if counts is not None else None
    if not failed and job.stage is JobStage.COMPLETED and not job.has_errors:
        return outcome.succeed(observation, Reason.SUCCEEDED, "the service has copied the mailboxes", **described)
    told = "some mailboxes failed, and the service does not show which"
    if counts is not None and failed:
        told = f"{failed} of {counts.total} mailboxes failed"
    if _tolerates(observation, failed):
        return outcome.succeed(observation, Reason.PARTIALLY_SUCCEEDED, told, **described)
    return outcome.fail(observation, Reason.MAILBOXES_FAILED, told, **described)


def _find_missing(observation: JobObservation, job: JobView) -> Decision | None:
    """Ask for the mailboxes and, where some failed, for the list; what cannot be read for long is done without."""
    counts, failed_fact = observation.facts.mailboxes, observation.failed_fact
    if counts is not None:
        is_wanted = counts.failed and observation.facts.csv is None and failed_fact != "csv"
        return read_facts("csv") if is_wanted else None
    if failed_fact != "mailboxes":
        return read_facts("mailboxes")
    wait_key = f"count:{job.code}"
    if observation.has_waited(wait_key, observation.timings.stale_record_s):
        return None
    error = observation.read_error
    due_s = (error.retry_after_s if error is not None else None) or observation.timings.retry_s
    return Commit(status=next_status.keep_phase(observation), due_s=due_s, wait_key=wait_key)


def _tolerates(observation: JobObservation, failed: int | None) -> bool:
    """Whether so many failures are tolerated; how many there are must be known where there is a limit."""
    options = jobs.options_of(observation)
    if options.on_errors is not OnErrors.TOLERATE:
        return False
    limit = options.max_failed_mailboxes
    return limit is None or (failed is not None and failed <= limit)
