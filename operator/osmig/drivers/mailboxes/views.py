"""What the hosting service reports about its jobs, translated by the adapter, and what is ordered of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.api.mailboxes import DatePreset


class Execution(StrEnum):
    """The two passes of a job: all mails, then what has come since."""

    FIRST = "first"
    SECOND = "second"


class JobStage(StrEnum):
    """Where a job stands."""

    VALIDATING = "Validating"
    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    COMPLETED = "Completed"
    COMPLETED_WITH_ERRORS = "CompletedWithErrors"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


ENDED_STAGES = frozenset({JobStage.COMPLETED, JobStage.COMPLETED_WITH_ERRORS, JobStage.FAILED})
"""Of a job that takes none of the customer's places any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a list, without a word of it.

    Attributes:
        row: counted from 1; 0 where the whole list is meant.
        text: fit for status.
    """

    row: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxList:
    """A list of mailboxes as read from its Secret; its repr shows neither passwords nor addresses.

    Attributes:
        content: what is sent.
        digest: salted and slow to make, so that it may be shown.
        rows: how many mailboxes it has.
        problems: why it cannot be ordered; empty when it can.
        row_of: the row of each local address, in lower case.
    """

    content: str = field(repr=False)
    digest: str
    rows: int = 0
    problems: tuple[Problem, ...] = ()
    row_of: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxJob:
    """What to order.

    Attributes:
        file_name: of the list, by which the job is found again.
        content: the list itself; never shown.
        first: when the first execution begins, UTC; ``None`` begins at once.
        second: when the second one does; ``None`` for never.
        customer: whom an administrator orders for; ``None`` for the Provider's.
    """

    file_name: str
    content: str = field(repr=False)
    preset: str
    first: dt.datetime | None = None
    second: dt.datetime | None = None
    date_preset: DatePreset | None = None
    from_date: dt.date | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job as the service shows it.

    Attributes:
        code: the service's id of it.
        status: the service's word, cleaned; unknown words are kept.
        detail: which execution it speaks of, in its own word, cleaned.
        file_names: all that the service has for the list's file: ours, and what it made of it.
        resources: mailboxes that it counts.
        has_errors: some mailbox failed.
        can_delete: it may be deleted now; ``None`` where it does not say.
        is_late: it says so.
        overridden: executions that somebody ordered to run at once.
        first, second: when the executions are due, UTC.
    """

    code: str
    stage: JobStage = JobStage.UNKNOWN
    status: str = ""
    detail: str = ""
    file_names: tuple[str, ...] = ()
    resources: int | None = None
    has_errors: bool = False
    can_delete: bool | None = None
    is_late: bool = False
    overridden: frozenset[Execution] = frozenset()
    first: dt.datetime | None = None
    second: dt.datetime | None = None
    created: dt.datetime | None = None
    updated: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """Every job that the token sees.

    Attributes:
        jobs: oldest first.
        allowed: jobs that the service allows the customer at once.
    """

    jobs: tuple[JobView, ...]
    allowed: int

    @property
    def under_way(self) -> int:
        """How many take one of the customer's places."""
        return sum(job.stage not in ENDED_STAGES for job in self.jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedView:
    """A mailbox that failed.

    Attributes:
        address: at the destination, to find its row by; never shown.
        error: in a few words of ours.
    """

    address: str = field(repr=False)
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxCounts:
    """How far the mailboxes of a job are."""

    total: int
    done: int
    failed: tuple[FailedView, ...] = ()
