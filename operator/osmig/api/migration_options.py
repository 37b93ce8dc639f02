"""The parts of a Migration's spec that all types share: through which Provider, and what osmig does by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import ObjectName, SpecModel
from osmig.api.names import MigrationType
from osmig.api.rules import BACKOFF_WITHIN_ITS_BOUND

if TYPE_CHECKING:
    from osmig.api.rules import Rule

RECORD_TYPES = (MigrationType.TENANT_REPLICATION, MigrationType.MAILBOX_MIGRATION)
"""Types whose engines delete a finished record, and nothing with it; Nova has no such call."""

RECORDS_CAN_BE_DELETED: Rule = {
    "rule": f"self.deletionPolicy != 'DeleteRecord' || self.type in {[str(name) for name in RECORD_TYPES]}",
    "message": f"DeleteRecord may only be set when type is {' or '.join(RECORD_TYPES)}",
    "reason": "FieldValueForbidden",
    "fieldPath": ".deletionPolicy",
}

MAX_SECONDS = 31_536_000
"""One year: longer waits are mistakes, and times stay within what every tool can show."""


class Mode(StrEnum):
    """Whether to do it or only to look whether it could be done."""

    EXECUTE = "Execute"
    VALIDATE = "Validate"


class OnDeadline(StrEnum):
    """What to do about a move that takes too long."""

    ALERT = "Alert"
    ABORT = "Abort"


class DeletionPolicy(StrEnum):
    """What deleting the object does upstream."""

    DETACH = "Detach"
    ABORT = "Abort"
    DELETE_RECORD = "DeleteRecord"


class ProviderRef(SpecModel):
    """Names a Provider of the same namespace."""

    name: ObjectName = Field(
        description="name of a Provider in the namespace of the Migration. Example: region-one.",
    )


class Retry(SpecModel):
    """Which further attempts are made by themselves."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [BACKOFF_WITHIN_ITS_BOUND]})

    limit: int = Field(
        default=0,
        ge=0,
        le=20,
        description=(
            "limit of further attempts after failures that may pass: NoValidHost, PreCheckFailed, HypervisorFailed, "
            "StartLost, ServerError, Conflict, QuotaExceeded. Default: 0, none."
        ),
    )
    backoff_seconds: int = Field(
        default=30,
        ge=1,
        le=MAX_SECONDS,
        description=(
            "backoffSeconds before the first of them; doubled for each further one. At most maxBackoffSeconds. "
            "Default: 30."
        ),
    )
    max_backoff_seconds: int = Field(
        default=600, ge=1, le=MAX_SECONDS, description="maxBackoffSeconds is the longest pause. Default: 600."
    )

    @model_validator(mode="after")
    def _pauses_fit(self) -> Retry:
        if self.backoff_seconds > self.max_backoff_seconds:
            message = "backoffSeconds may not exceed maxBackoffSeconds"
            raise ValueError(message)
        return self
