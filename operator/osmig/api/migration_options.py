"""The optional parts of a Migration's spec: how each kind of move is done, and what osmig does by itself."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import SpecModel
from osmig.api.rules import BACKOFF_WITHIN_ITS_BOUND

MAX_SECONDS = 31_536_000
"""One year: longer waits are mistakes, and times stay within what every tool can show."""


class Mode(StrEnum):
    """Whether to do it or only to look whether it could be done."""

    EXECUTE = "Execute"
    VALIDATE = "Validate"


class BlockMigration(StrEnum):
    """Whether local disks are copied along."""

    AUTO = "Auto"
    NEVER = "Never"
    ALWAYS = "Always"


class OnStall(StrEnum):
    """What to do about a live migration that makes no progress."""

    ALERT = "Alert"
    FORCE_COMPLETE = "ForceComplete"
    ABORT = "Abort"


class OnDeadline(StrEnum):
    """What to do about a move that takes too long."""

    ALERT = "Alert"
    ABORT = "Abort"


class ConfirmBy(StrEnum):
    """Who confirms a cold move."""

    MANUAL = "Manual"
    AUTOMATIC = "Automatic"


class OnConfirmDeadline(StrEnum):
    """What to do about a cold move that nobody confirmed in time."""

    ALERT = "Alert"
    CONFIRM = "Confirm"
    REVERT = "Revert"


class DeletionPolicy(StrEnum):
    """What deleting the object does to a move under way."""

    DETACH = "Detach"
    ABORT = "Abort"


class Convergence(SpecModel):
    """When a live migration counts as stalled, and what happens then."""

    progress_timeout_seconds: int = Field(
        default=300,
        ge=30,
        le=MAX_SECONDS,
        description=(
            "progressTimeoutSeconds without what is left to move falling by 1 percent below its lowest value make the "
            "move stalled. Default: 300."
        ),
    )
    on_stall: OnStall = Field(
        default=OnStall.ALERT,
        description=(
            "onStall says what a stalled move brings about. Alert: the condition Converging and an Event. "
            "ForceComplete: the cloud is asked to end it soon, at the price of a pause. Abort: it is called off. "
            "Default: Alert."
        ),
    )


class LiveOptions(SpecModel):
    """How a live migration is done."""

    block_migration: BlockMigration = Field(
        default=BlockMigration.AUTO,
        description=(
            "blockMigration says whether local disks are copied along. Auto: the cloud decides by the storage. "
            "Never: refuse unless the storage is shared. Always: copy. Default: Auto."
        ),
    )
    convergence: Convergence | None = Field(
        default=None, description="convergence says when the move is stalled and what then. Default: Alert after 300 s."
    )


class ColdOptions(SpecModel):
    """How a cold migration passes its gate."""

    confirm: ConfirmBy = Field(
        default=ConfirmBy.MANUAL,
        description=(
            "confirm says who confirms the move. Manual: the annotation osmig.dev/confirm or revert. Automatic: osmig, "
            "as soon as the server runs at its destination. Default: Manual."
        ),
    )
    confirm_deadline_seconds: int = Field(
        default=72_000,
        ge=60,
        le=MAX_SECONDS,
        description=(
            "confirmDeadlineSeconds is how long the move may await its confirmation. Keep it below the cloud's own "
            "limit, where it has one. Default: 72000 (20 h)."
        ),
    )
    on_confirm_deadline: OnConfirmDeadline = Field(
        default=OnConfirmDeadline.ALERT,
        description=(
            "onConfirmDeadline says what happens then. Alert: an Event and the alert. Confirm or Revert: osmig does it."
            " Default: Alert."
        ),
    )


class AdoptRef(SpecModel):
    """Names a migration of the cloud that is under way already."""

    id: str = Field(
        min_length=1,
        max_length=36,
        pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[1-9][0-9]{0,17})$",
        description=(
            "id of the migration in the cloud: its UUID, or its number as old clouds give it. Nothing is started; it is"
            " followed, and verbs and policies work on it. Example: 4711."
        ),
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
            "StartLost. Default: 0, none."
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
