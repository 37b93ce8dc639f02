"""The port, for a hosting service."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain.calls import Operation, Receipt
from osmig.domain.capabilities import Capability, Probe, Scope
from osmig.domain.errors import Absent, NotInThisState
from osmig.domain.operations import Sweep
from osmig.drivers.mailboxes.hosting.requests import (
    DELETE,
    LIST_JOBS,
    LIST_MAILBOXES,
    PING,
    READ_JOB,
    is_code,
    of_customer,
    order_execution,
    order_job,
)
from osmig.drivers.mailboxes.hosting.session import LOCATION
from osmig.drivers.mailboxes.hosting.translate import count_mailboxes, view_job, view_operation
from osmig.drivers.mailboxes.hosting.wire import CreatedRow, JobRow, MailboxRow
from osmig.drivers.mailboxes.views import ENDED_STAGES, JobList, JobView
from osmig.net.bounds import MAX_COUNTED_PAGES
from osmig.net.json_reading import UnreadableError
from osmig.net.limiting import Priority
from osmig.net.wire import read_row

if TYPE_CHECKING:
    from osmig.domain.clock import Clock
    from osmig.drivers.mailboxes.hosting.session import HostingSession
    from osmig.drivers.mailboxes.views import Execution, MailboxCounts, MailboxJob
    from osmig.net.answers import Answer
    from osmig.net.permits import Permit

UNTOLD_VERSION = "untold"
SWEEP_PERIOD_S = 60.0
"""A sweep tells no more than that the service answers, and takes one of few requests."""

_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
_RIGHTS = frozenset({Capability.MAILBOX_MIGRATION})


class HostingBackend:
    """One Provider of type Hosting (`osmig.drivers.mailboxes.ports.MailboxBackend`)."""

    service = None  # no job locks anything that another one's could take

    def __init__(
        self, session: HostingSession, *, endpoint: str, clock: Clock, customer: str | None, max_jobs: int
    ) -> None:
        """Work over ``session``; sends nothing yet.

        Args:
            session: the connection; closed with the backend.
            endpoint: that it leads to.
            clock: tells when a sweep began.
            customer: whom an administrator's token acts for.
            max_jobs: that the service allows a customer at once.
        """
        self._session = session
        self._endpoint = endpoint
        self._clock = clock
        self._customer = customer
        self._max_jobs = max_jobs
        self._pinged_at: float | None = None

    async def probe(self) -> Probe:
        """See that the service answers and takes the token. No side effect."""
        await self._ping()
        return Probe(
            endpoint=self._endpoint,
            api_version=UNTOLD_VERSION,
            capabilities=_RIGHTS,
            possible=_RIGHTS,
            scope=Scope.CUSTOMER if self._customer is not None else Scope.UNKNOWN,
        )

    async def sweep(self, since: dt.datetime | None) -> Sweep:
        """See now and then that the service answers and takes the token."""
        del since
        now = self._clock.now()
        if self._pinged_at is None or self._clock.boottime() - self._pinged_at >= SWEEP_PERIOD_S:
            await self._ping()
        return Sweep(records=(), cursor=now, is_full=False)

    async def list_operations(self) -> Sweep:
        """List all jobs that the token sees, or the customer's."""
        request, now = of_customer(LIST_JOBS.about(), self._customer), self._clock.now()
        rows = await self._session.rows(JobRow, request, Priority.PROGRESS, max_pages=MAX_COUNTED_PAGES)
        records = tuple(view_operation(row, self._customer) for row in rows)
        return Sweep(records=records, cursor=now, is_full=True)

    async def jobs(self, customer: str | None) -> JobList:
        """Read every job that the token sees, over all pages, oldest first."""
        request = of_customer(LIST_JOBS.about(), customer or self._customer)
        rows = await self._session.rows(JobRow, request, Priority.START)
        views = sorted((view_job(row) for row in rows), key=lambda view: view.created or _LAST)
        return JobList(jobs=tuple(views), allowed=self._max_jobs)

    async def job(self, code: str) -> JobView:
        """Read one job; ``Absent`` when there is none."""
        _check_code(code, READ_JOB.operation)
        row = await self._session.row(JobRow, READ_JOB.about(code), Priority.READ)
        if row is None:
            raise Absent(Reason.RECORD_GONE, "The service shows no such job", operation=READ_JOB.operation)
        return view_job(row)

    async def mailboxes(self, code: str) -> MailboxCounts:
        """Count the mailboxes of a job."""
        _check_code(code, LIST_MAILBOXES.operation)
        # the end of a job waits for it
        rows = await self._session.rows(MailboxRow, LIST_MAILBOXES.about(code), Priority.READ)
        return count_mailboxes(rows)

    async def copy(self, job: MailboxJob, permit: Permit) -> Receipt[JobView]:
        """Order exactly one job."""
        ordered = replace(job, customer=job.customer or self._customer)
        answer = await self._session.change(order_job(ordered), Priority.START, permit)
        code = _read_created(answer)
        return Receipt(request_id=None, made=JobView(code=code) if code is not None else None)

    async def run_now(self, code: str, execution: Execution, permit: Permit) -> Receipt:
        """Order that an execution begins at once; the answer has no body."""
        _check_code(code, Operation.RUN_NOW)
        await self._session.change(order_execution(code, execution), Priority.ORDER, permit)
        return Receipt(request_id=None)

    async def delete(self, code: str, permit: Permit) -> Receipt:
        """Delete a job; one that is gone is deleted."""
        _check_code(code, DELETE.operation)
        with suppress(Absent):
            await self._session.change(DELETE.about(code), Priority.ORDER, permit)
        return Receipt(request_id=None)

    async def delete_record(self, code: str, permit: Permit) -> Receipt:
        """Delete a job that is over; one that is not would be called off."""
        job = await self.job(code)
        if job.stage not in ENDED_STAGES or job.can_delete is False:
            text = f"The job is {job.status or 'in no state that is told'}, and may not be deleted as a record"
            raise NotInThisState(Reason.CONFLICT, text, operation=DELETE.operation)
        return await self.delete(code, permit)

    async def close(self) -> None:
        """Free connections and threads."""
        await self._session.close()

    async def _ping(self) -> None:
        await self._session.ping(JobRow, of_customer(PING.about(), self._customer), Priority.SWEEP)
        self._pinged_at = self._clock.boottime()


def _read_created(answer: Answer) -> str | None:
    """Return the code of the job that began; ``None`` where the answer does not name it, and it must be looked for."""
    try:
        code = read_row(CreatedRow, answer.content).resource_code
    except UnreadableError:
        code = None
    code = code or answer.headers.get(LOCATION, "").rstrip("/").rpartition("/")[2]
    return code if is_code(code) else None


def _check_code(code: str, operation: str) -> None:
    """Refuse what no job has for a code.

    Raises:
        Absent: nothing of the service's has such a code.
    """
    if not is_code(code):
        raise Absent(Reason.RECORD_GONE, "There is no job of this code", operation=operation)
