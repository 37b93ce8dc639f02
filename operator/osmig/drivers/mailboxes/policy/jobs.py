"""What is ordered of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.drivers.mailboxes.views import MailboxJob

if TYPE_CHECKING:
    from osmig.api.mailboxes import MailboxesOptions
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.views import MailboxList


def options_of(observation: JobObservation) -> MailboxesOptions:
    """Return what the spec says of the mailboxes."""
    options = observation.migration.spec.mailboxes
    assert options is not None  # noqa: S101 - the schema demands it for this type
    return options


def make_job(observation: JobObservation, csv: MailboxList, *, file_name: str) -> MailboxJob:
    """Put together what is ordered."""
    options = options_of(observation)
    wanted = options.date_filter
    return MailboxJob(
        file_name=file_name,
        content=csv.content,
        preset=options.preset,
        first=options.first_execution_time,
        second=options.second_execution_time,
        date_preset=wanted.preset if wanted is not None else None,
        from_date=wanted.from_date if wanted is not None else None,
        customer=options.customer_code,
    )
