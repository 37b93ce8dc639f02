"""How each kind of a server's move is done: live with its convergence, cold with its gate."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from osmig.api.meta import SpecModel
from osmig.api.migration_options import MAX_SECONDS


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


class ConfirmBy(StrEnum):
    """Who confirms a cold move."""

    MANUAL = "Manual"
    AUTOMATIC = "Automatic"


class OnConfirmDeadline(StrEnum):
    """What to do about a cold move that nobody confirmed in time."""

    ALERT = "Alert"
    CONFIRM = "Confirm"
    REVERT = "Revert"


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
