"""The service's rows in our words; an address or a password never gets through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from osmig.domain.operations import TYPE_WORDS, MoveKind, RecordView, Stage
from osmig.drivers.mailboxes.hosting.requests import is_code
from osmig.drivers.mailboxes.views import Execution, FailedView, JobStage, JobView, MailboxCounts
from osmig.net.cleaning import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.drivers.mailboxes.hosting.wire import JobRow, MailboxRow

_MAX_WORD = 64
_NO_CODE = "?"
"""Of a job whose code may be anything: it is found and not ordered again, but neither asked for nor shown."""

_STAGES = {
    "validating": JobStage.VALIDATING,
    "to_schedule": JobStage.SCHEDULED,
    "scheduled": JobStage.SCHEDULED,
    "running": JobStage.RUNNING,
    "completed": JobStage.COMPLETED,
    "completed_with_errors": JobStage.COMPLETED_WITH_ERRORS,
    "failed": JobStage.FAILED,
}
_OPERATION_STAGES = {
    JobStage.VALIDATING: Stage.PREPARING,
    JobStage.SCHEDULED: Stage.QUEUED,
    JobStage.RUNNING: Stage.RUNNING,
    JobStage.COMPLETED: Stage.SUCCEEDED,
    JobStage.COMPLETED_WITH_ERRORS: Stage.SUCCEEDED,
    JobStage.FAILED: Stage.FAILED,
    JobStage.UNKNOWN: Stage.UNKNOWN,
}
"""What each state counts as (docs/discovery.md)."""
_DONE = "success"
_FAILED = frozenset({"error", "crashed", "failed"})

_ERRORS = (
    (re.compile(r"auth|login|password|credential", re.IGNORECASE), "login refused"),
    (re.compile(r"certificate|\bssl\b|\btls\b", re.IGNORECASE), "no trusted TLS"),
    (re.compile(r"time.?out|timed out", re.IGNORECASE), "timed out"),
    (re.compile(r"connect|refused|unreachable|resolve|\bdns\b|no route", re.IGNORECASE), "server not reached"),
    (re.compile(r"quota|full|space", re.IGNORECASE), "mailbox full"),
    (re.compile(r"not found|no such|not exist|unknown (?:user|mailbox)", re.IGNORECASE), "mailbox not found"),
)
"""What an error's text has in it, and our words: the text itself names users and servers."""


def read_stage(word: str | None) -> JobStage:
    """Read a job's state."""
    return _STAGES.get((word or "").strip().lower().replace(" ", "_"), JobStage.UNKNOWN)


def cut_word(word: str | None) -> str:
    """Cut one of the service's words to what the status takes; the server may put anything there."""
    words = clean_text(word or "").split()
    return " ".join("…" if "@" in part else part for part in words)[:_MAX_WORD]


def view_job(row: JobRow) -> JobView:
    """Translate one job."""
    flags = {
        Execution.FIRST: row.admin_first_execution_override,
        Execution.SECOND: row.admin_second_execution_override,
    }
    return JobView(
        code=row.code if is_code(row.code) else _NO_CODE,
        stage=read_stage(row.status),
        status=cut_word(row.status),
        detail=cut_word(row.status_detail),
        file_names=tuple(name for name in (row.csv_file_name, row.original_csv_file_name) if name),
        resources=row.resources,
        has_errors=row.resources_has_errors is True,
        can_delete=row.can_delete,
        is_late=row.is_late is True,
        overridden=frozenset(execution for execution, flag in flags.items() if flag),
        first=row.first_execution_date,
        second=row.second_execution_date,
        created=row.created_at,
        updated=row.updated_at,
    )


def view_operation(row: JobRow, customer: str | None) -> RecordView:
    """Translate one job for who counts what goes on; ``customer`` is whose jobs were asked for."""
    job = view_job(row)
    return RecordView(
        id=job.code,
        stage=_OPERATION_STAGES[job.stage],
        status=job.status.lower().replace(" ", "_"),
        type=TYPE_WORDS[MoveKind.MAILBOXES],
        kind=MoveKind.MAILBOXES,
        project_id=customer,
        created=job.created,
        updated=job.updated,
    )


def count_mailboxes(rows: Iterable[MailboxRow]) -> MailboxCounts:
    """Count mailboxes by their states; an unknown one is neither done nor failed."""
    words = [((row.status or "").strip().lower(), row) for row in rows]
    failed = tuple(
        FailedView(address=(row.local_email or "").strip().lower(), error=_tell(row))
        for word, row in words
        if word in _FAILED
    )
    return MailboxCounts(total=len(words), done=sum(word == _DONE for word, _ in words), failed=failed)


def _tell(row: MailboxRow) -> str:
    said = " ".join(text for text in row.error_details or () if text)[:2000]
    return next((words for pattern, words in _ERRORS if pattern.search(said)), "not told in words known here")
