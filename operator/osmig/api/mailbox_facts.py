"""What is known of a job that copies mailboxes: never an address, only numbers of rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import MAX_INT, Name, StatusModel, Time, Word

Count = Annotated[int, Field(ge=0, le=MAX_INT)]

MAX_SHOWN_ROWS = 20


class FailedMailbox(StatusModel):
    """One mailbox that was not copied."""

    row: Annotated[int, Field(ge=1, le=MAX_INT)] = Field(description="row of the list, counted from 1.")
    error: Word = Field(description="error in a few words of osmig's own. Example: login refused.")


class MailboxFacts(StatusModel):
    """The job and its list."""

    csv_hash: Word | None = Field(
        default=None,
        description=(
            "csvHash is a salted, slow hash of the list that was checked; another before the order means CSVChanged."
        ),
    )
    rows: Count | None = Field(default=None, description="rows of that list.")
    resources: Count | None = Field(default=None, description="resources that the service counts in its job.")
    execution: Word | None = Field(
        default=None, description="execution that the service speaks of, in its word. Example: first execution."
    )
    first_execution_time: Time | None = Field(
        default=None, description="firstExecutionTime is when the first execution is due at the service, in UTC."
    )
    second_execution_time: Time | None = Field(
        default=None, description="secondExecutionTime is when the second execution is due at the service, in UTC."
    )
    late: bool | None = Field(default=None, description="late is true when the service says that the job is.")
    failed: tuple[FailedMailbox, ...] = Field(
        default=(),
        max_length=MAX_SHOWN_ROWS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["row"]},
        description="failed mailboxes, the first 20; how many there are is in progress.items.",
    )
    file_name: Name | None = Field(
        default=None, description="fileName of the list at the service, by which its job is found again."
    )
