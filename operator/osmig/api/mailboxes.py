"""Mailboxes to copy to a hosting provider: from which list, when, and what belongs to their type of Migration alone."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field, model_validator

from osmig.api.mailbox_rules import (
    DATE_ONLY_WHEN_CUSTOM,
    EXACTLY_ONE_BEGIN,
    LIMIT_ONLY_WHEN_TOLERATED,
    SECOND_AFTER_FIRST,
)
from osmig.api.meta import ObjectName, SpecModel, Time
from osmig.api.names import MigrationType, Reason
from osmig.api.provider_hosting import CustomerCode
from osmig.api.token_access import SecretKey
from osmig.api.union import Member

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ROWS = 500
"""Mailboxes of one job, as the service documents it."""


class OnErrors(StrEnum):
    """What a job is that ended with mailboxes that failed."""

    FAIL = "Fail"
    TOLERATE = "Tolerate"


class DatePreset(StrEnum):
    """Which mails are copied, by their age."""

    ALL = "All"
    LAST_MONTH = "LastMonth"
    LAST_6_MONTHS = "Last6Months"
    LAST_YEAR = "LastYear"
    CUSTOM = "Custom"


class CsvSecretRef(SpecModel):
    """Points at the list of mailboxes inside a Secret of the same namespace."""

    secret_name: ObjectName = Field(
        description=(
            "secretName is the name of a Secret of type Opaque in the namespace of the Migration; its key endpoint "
            "must hold the URL of the Provider, as the list is sent nowhere else. Example: wave-1."
        ),
    )
    key: SecretKey = Field(
        default="mailboxes.csv", description="key of the Secret that holds the list. Default: mailboxes.csv."
    )


class DateFilter(SpecModel):
    """Which mails are copied."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [DATE_ONLY_WHEN_CUSTOM]})

    preset: DatePreset = Field(
        description="preset of the mails to copy: All, LastMonth, Last6Months, LastYear, or Custom with fromDate."
    )
    from_date: date | None = Field(
        default=None,
        description="fromDate is the first day of mails to copy. Required when preset is Custom. Example: 2026-01-01.",
    )

    @model_validator(mode="after")
    def _date_when_custom(self) -> DateFilter:
        if (self.from_date is not None) != (self.preset is DatePreset.CUSTOM):
            raise ValueError(DATE_ONLY_WHEN_CUSTOM["message"])
        return self


class MailboxesOptions(SpecModel):
    """Mailboxes to copy. Domains and mailboxes must exist at the destination; the sources stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [EXACTLY_ONE_BEGIN, SECOND_AFTER_FIRST, LIMIT_ONLY_WHEN_TOLERATED]
        }
    )

    csv_secret_ref: CsvSecretRef = Field(
        description=(
            "csvSecretRef says where the list of mailboxes is: UTF-8, at most 500 rows of four fields with ; between "
            'them and " around those that need it: address, remote user, remote password, server. With a master user '
            "there are five. A list that changes before the order is sent makes the Migration fail."
        )
    )
    preset: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9]([-_ A-Za-z0-9.]*[A-Za-z0-9])?$",
        description=(
            "preset of the source servers, in the service's word. Examples: Standard-SSL, Standard-no-SSL, Gmail, "
            "Exchange."
        ),
    )
    first_execution_time: Time | None = Field(
        default=None,
        description="firstExecutionTime is when the copying begins, in UTC. Exactly one of this and executeNow is set.",
    )
    execute_now: bool = Field(
        default=False, strict=True, description="executeNow begins the copying as soon as possible. Default: false."
    )
    second_execution_time: Time | None = Field(
        default=None,
        description=(
            "secondExecutionTime is when what has come since is copied again, in UTC; after firstExecutionTime. "
            "Default: never."
        ),
    )
    date_filter: DateFilter | None = Field(
        default=None, description="dateFilter says which mails are copied. Default: the service's own."
    )
    customer_code: CustomerCode | None = Field(
        default=None,
        description=(
            "customerCode of whom an administrator's token acts for. Default: that of the Provider, if it has one."
        ),
    )
    on_errors: OnErrors = Field(
        default=OnErrors.FAIL,
        description=(
            "onErrors says what a job is that ended with mailboxes that failed. Fail: Failed. Tolerate: Succeeded, "
            "reason PartiallySucceeded. Default: Fail."
        ),
    )
    max_failed_mailboxes: int | None = Field(
        default=None,
        ge=0,
        le=MAX_ROWS,
        description="maxFailedMailboxes are tolerated with onErrors Tolerate; more make the job Failed. Default: any.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> MailboxesOptions:
        first, second = self.first_execution_time, self.second_execution_time
        if (first is not None) == self.execute_now:
            raise ValueError(EXACTLY_ONE_BEGIN["message"])
        if first is not None and second is not None and second <= first:
            raise ValueError(SECOND_AFTER_FIRST["message"])
        if self.max_failed_mailboxes is not None and self.on_errors is not OnErrors.TOLERATE:
            raise ValueError(LIMIT_ONLY_WHEN_TOLERATED["message"])
        return self


REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SCHEDULED_UPSTREAM: "The service has the job and waits for the time of its next execution.",
        Reason.LATE: "The service says that the job is late.",
        Reason.RUN_NOW: "The next execution is being ordered at once, as run-now wants it.",
        Reason.PARTIALLY_SUCCEEDED: "Some mailboxes failed, as onErrors tolerates it; status.mailboxes has them.",
        Reason.CSV_CHANGED: "The list of mailboxes changed after it was checked; nothing was sent.",
        Reason.MAILBOXES_FAILED: "The service failed to copy some or all mailboxes; status.mailboxes has them.",
    }
)

_NO_RESCHEDULING = "the service cannot change a job; delete this Migration and make another one"

MEMBERS = (
    Member(
        "mailboxes",
        types=(MigrationType.MAILBOX_MIGRATION,),
        required=True,
        ordered_by=("preset",),
        frozen=(
            *("mailboxes.csvSecretRef", "mailboxes.preset", "mailboxes.firstExecutionTime", "mailboxes.executeNow"),
            *("mailboxes.secondExecutionTime", "mailboxes.dateFilter", "mailboxes.customerCode"),
        ),
        why_frozen={
            "mailboxes.firstExecutionTime": _NO_RESCHEDULING,
            "mailboxes.secondExecutionTime": _NO_RESCHEDULING,
        },
        reasons=REASONS,
    ),
)
"""What the copying of mailboxes adds to a Migration's spec."""
