"""What a service that copies mailboxes promises: every method may raise the ``BackendError`` family, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from osmig.drivers.ports import Backend

if TYPE_CHECKING:
    from osmig.domain.calls import Receipt
    from osmig.domain.operations import Sweep
    from osmig.drivers.mailboxes.views import Execution, JobList, JobView, MailboxCounts, MailboxJob
    from osmig.net.permits import Permit


class MailboxBackend(Backend, Protocol):
    """What copies mailboxes."""

    async def list_operations(self) -> Sweep:
        """List what these credentials see and is not over, for who only counts; after everything else that waits.

        Raises:
            Transient: the list is longer than is read for that, among other reasons.
        """
        ...

    async def jobs(self, customer: str | None) -> JobList:
        """Read every job that these credentials see, over all pages, oldest first.

        Args:
            customer: whose jobs an administrator asks for; ``None`` for the Provider's.
        """
        ...

    async def job(self, code: str) -> JobView:
        """Read one job.

        Raises:
            Absent: there is none (any more), or it is another customer's (reason ``RecordGone``).
        """
        ...

    async def mailboxes(self, code: str) -> MailboxCounts:
        """Read how far the mailboxes of a job are, over all pages."""
        ...

    async def copy(self, job: MailboxJob, permit: Permit) -> Receipt[JobView]:
        """Order exactly one job: no redirect, no transport retry, no environment.

        Returns:
            The job that began, of which no more than the code is known; none where the answer did not name it.

        Raises:
            Transient: nothing was sent, or upstream said it did nothing (429, permit expired).
            OutcomeUnknown: the answer is lost, or proves nothing (5xx, 3xx).
            Refused: upstream will not do it; reason ``InvalidSpec`` with the fields in the message.
            NotPermitted: the token may not do it, or the customer has no billing profile.
            Unsupported: there is no such call at this endpoint.
        """
        ...

    async def run_now(self, code: str, execution: Execution, permit: Permit) -> Receipt:
        """Order once that an execution begins at once.

        Raises:
            NotInThisState: not while the job is as it is.
            Absent: the job is gone.
            NotPermitted, Transient, OutcomeUnknown, Unsupported: as in ``copy``.
        """
        ...

    async def delete(self, code: str, permit: Permit) -> Receipt:
        """Delete a job, which calls off what it can; one that is gone already is deleted.

        Raises:
            NotInThisState: not while the job is as it is.
            NotPermitted, Transient, OutcomeUnknown, Unsupported: as in ``copy``.
        """
        ...

    async def delete_record(self, code: str, permit: Permit) -> Receipt:
        """Delete a job that is over: what was copied stays.

        Raises:
            NotInThisState: it is not over, or the service does not let it be deleted.
            Absent: it is gone.
        """
        ...
