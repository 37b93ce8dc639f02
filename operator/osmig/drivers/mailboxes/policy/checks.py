"""What is checked before a job is ordered; a finding names a field or a row, never what is in the list."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.migration import PreflightCheck
from osmig.api.names import CheckResult
from osmig.drivers.mailboxes.policy import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobList, MailboxList

KNOWN_PRESETS = ("Standard-SSL", "Standard-no-SSL", "Gmail", "Exchange", "Office 365")
LONGEST_GAP = dt.timedelta(hours=23)
"""An older page of the service's wants the second execution no later than this after the first."""

_OPTIONS = "spec.mailboxes"


def check(observation: JobObservation, csv: MailboxList, known: JobList | None) -> tuple[PreflightCheck, ...]:
    """Check what can be checked by reading.

    Args:
        observation: of this moment.
        csv: the list.
        known: the service's jobs; ``None`` where they were not read.
    """
    return (*_check_list(observation, csv), *_check_times(observation), *_check_service(observation, known))


def _check_list(observation: JobObservation, csv: MailboxList) -> Iterator[PreflightCheck]:
    path = f"{_OPTIONS}.csvSecretRef"
    for problem in csv.problems:
        where = f"row {problem.row}: " if problem.row else ""
        yield _tell("List", CheckResult.FAIL, path, f"{where}{problem.text}")
    if not csv.problems:
        yield _tell("List", CheckResult.PASS, path, f"{csv.rows} mailboxes")
    preset = jobs.options_of(observation).preset
    if preset not in KNOWN_PRESETS:
        text = f"not one of those that are documented ({', '.join(KNOWN_PRESETS)}); the service decides"
        yield _tell("Preset", CheckResult.WARN, f"{_OPTIONS}.preset", text)


def _check_times(observation: JobObservation) -> Iterator[PreflightCheck]:
    options, spec = jobs.options_of(observation), observation.migration.spec
    first, second = options.first_execution_time, options.second_execution_time
    for name, moment in (("firstExecutionTime", first), ("secondExecutionTime", second)):
        if moment is not None:
            is_over = moment <= observation.now
            result, text = (CheckResult.FAIL, "has passed") if is_over else (CheckResult.PASS, "is to come")
            yield _tell("Times", result, f"{_OPTIONS}.{name}", text)
    if second is not None and second - (first or observation.now) > LONGEST_GAP:
        text = "more than 23 h after the first execution, which the service may refuse"
        yield _tell("Times", CheckResult.WARN, f"{_OPTIONS}.secondExecutionTime", text)
    last = second or first
    if last is not None and last > observation.now + dt.timedelta(seconds=spec.deadline_seconds):
        text = "over before the last execution begins, so onDeadline takes effect before the job can end"
        yield _tell("Deadline", CheckResult.WARN, "spec.deadlineSeconds", text)


def _check_service(observation: JobObservation, known: JobList | None) -> Iterator[PreflightCheck]:
    del observation
    if known is not None:
        result = CheckResult.WARN if is_full(known) else CheckResult.PASS
        yield _tell("Jobs", result, None, describe_places(known))
    text = "that the domains and mailboxes exist at the destination cannot be checked; the service checks them itself"
    yield _tell("Destination", CheckResult.SKIPPED, None, text)


def is_full(known: JobList) -> bool:
    """Whether the customer has as many jobs under way as the service allows."""
    return known.under_way >= known.allowed


def describe_places(known: JobList) -> str:
    """Tell how many jobs are under way."""
    return f"{known.under_way}/{known.allowed} jobs of the customer are under way at the service"


def _tell(name: str, result: CheckResult, path: str | None, message: str) -> PreflightCheck:
    return PreflightCheck(check=name, result=result, path=path, message=message)
