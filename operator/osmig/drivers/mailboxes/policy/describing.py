"""What a job tells, as fields of a Migration's status: numbers of rows, never an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from osmig.api.mailbox_facts import MAX_SHOWN_ROWS, FailedMailbox, MailboxFacts
from osmig.api.migration import Items, PreflightCheck, Progress, UpstreamFacts
from osmig.api.names import CheckResult

if TYPE_CHECKING:
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import JobView, MailboxList

UPSTREAM_TYPE = "mailbox-migration"
ITEMS = "mailboxes of the job"
_COUNTED = "Resources"


class JobChanges(TypedDict):
    """The fields of a status that a job tells."""

    upstream: UpstreamFacts
    mailboxes: MailboxFacts
    progress: Progress | None
    preflight: tuple[PreflightCheck, ...]


def describe_list(observation: JobObservation, csv: MailboxList, *, file_name: str | None = None) -> MailboxFacts:
    """Return what is known of the list; the name of its file once it is to be sent."""
    known = observation.status.mailboxes or MailboxFacts()
    changes = {"csv_hash": csv.digest, "rows": csv.rows, "file_name": file_name or known.file_name}
    return known.model_copy(update=changes)


def describe_job(observation: JobObservation, job: JobView) -> JobChanges:
    """Return the fields of the status that a job tells."""
    known = observation.status.mailboxes or MailboxFacts()
    before = observation.status.upstream or UpstreamFacts()
    # validated, not copied: cut to the schema's bounds, and equal to what the API server gives back
    upstream = UpstreamFacts(
        id=job.code,
        type=UPSTREAM_TYPE,
        status=job.status or before.status,
        updated_time=job.updated or before.updated_time,
    )
    mailboxes = MailboxFacts.model_validate(
        {
            **known.model_dump(),
            "resources": job.resources if job.resources is not None else known.resources,
            "execution": job.detail or known.execution,
            "first_execution_time": job.first or known.first_execution_time,
            "second_execution_time": job.second or known.second_execution_time,
            "late": job.is_late or None,
            "failed": _describe_failed(observation, known),
        }
    )
    return {
        "upstream": upstream,
        "mailboxes": mailboxes,
        "progress": _describe_progress(observation),
        "preflight": _compare_counts(observation, mailboxes),
    }


def _describe_failed(observation: JobObservation, known: MailboxFacts) -> tuple[FailedMailbox, ...]:
    """Tell the rows of the mailboxes that failed, where the list is still the one that was ordered."""
    counts, csv = observation.facts.mailboxes, observation.facts.csv
    if counts is None:
        return known.failed
    if csv is None or csv.digest != known.csv_hash:
        return known.failed if counts.failed else ()
    rows = ((csv.row_of.get(mailbox.address), mailbox.error) for mailbox in counts.failed)
    shown = sorted((row, error) for row, error in rows if row is not None)
    return tuple(FailedMailbox(row=row, error=error) for row, error in shown[:MAX_SHOWN_ROWS])


def _describe_progress(observation: JobObservation) -> Progress | None:
    counts = observation.facts.mailboxes
    if counts is None:
        return observation.newest_progress
    items = Items(of=ITEMS, total=counts.total, done=counts.done, failed=len(counts.failed))
    return Progress(items=items, sample_time=observation.now)


def _compare_counts(observation: JobObservation, mailboxes: MailboxFacts) -> tuple[PreflightCheck, ...]:
    """Warn where the service has made another number of mailboxes of the list than it has rows."""
    checks = tuple(check for check in observation.status.preflight if check.check != _COUNTED)
    if mailboxes.resources in {None, mailboxes.rows} or mailboxes.rows is None:
        return checks
    text = f"the service counts {mailboxes.resources} mailboxes, the list has {mailboxes.rows}; look at its panel"
    return (*checks, PreflightCheck(check=_COUNTED, result=CheckResult.WARN, message=text))
