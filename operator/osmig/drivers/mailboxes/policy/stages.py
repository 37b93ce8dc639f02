"""What a job's words say: which execution it is about, which comes next, and whether the job is over."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.names import Phase
from osmig.drivers.mailboxes.policy import jobs
from osmig.drivers.mailboxes.views import ENDED_STAGES, Execution, JobStage

if TYPE_CHECKING:
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView

_GRACE = dt.timedelta(hours=1)
"""So long after its time a second execution that was ordered is awaited, and the job not taken for over."""


def execution_of(job: JobView) -> Execution | None:
    """Return the execution that a job's words are about; ``None`` where they tell none."""
    detail = job.detail.lower()
    return next((execution for execution in (Execution.SECOND, Execution.FIRST) if execution in detail), None)


def is_over(observation: JobObservation, job: JobView) -> bool:
    """Whether nothing more comes: the end of the first execution is not the end of a job that has a second."""
    if job.stage not in ENDED_STAGES:
        return False
    if job.stage is JobStage.FAILED or execution_of(job) is Execution.SECOND:
        return True
    second = job.second or jobs.options_of(observation).second_execution_time
    return second is None or observation.now >= second + _GRACE


def has_run(observation: JobObservation, job: JobView) -> bool:
    """Whether the first execution has begun; its mailboxes were counted then, whatever phase came after."""
    was_seen = observation.status.phase is Phase.RUNNING or observation.newest_progress is not None
    return was_seen or job.stage in ENDED_STAGES | {JobStage.RUNNING}


def find_next(observation: JobObservation, job: JobView) -> Execution | None:
    """Return the execution that has not begun; ``None`` when none is left."""
    if (
        not has_run(observation, job)
        and Execution.FIRST not in job.overridden
        and execution_of(job) is not Execution.SECOND
    ):
        return Execution.FIRST
    second = job.second or jobs.options_of(observation).second_execution_time
    is_second_running = job.stage is JobStage.RUNNING and execution_of(job) is Execution.SECOND
    return None if second is None or Execution.SECOND in job.overridden or is_second_running else Execution.SECOND
