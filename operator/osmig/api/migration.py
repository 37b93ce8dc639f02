"""The Migration: one server moved, one tenant replicated, or one list of mailboxes copied, once.

Here is what a user writes; what osmig writes back is in `osmig.api.migration_status` and offered here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from osmig.api.mailbox_facts import FailedMailbox, MailboxFacts
from osmig.api.mailboxes import DateFilter, DatePreset, MailboxesOptions, OnErrors
from osmig.api.members import MIGRATION_MEMBERS
from osmig.api.meta import ObjectMeta, SpecModel, Time, parse_metadata, parse_spec, parse_status
from osmig.api.migration_facts import PlacementFacts, ServerFacts, UpstreamFacts
from osmig.api.migration_intent import Baseline, PendingCall
from osmig.api.migration_options import (
    MAX_SECONDS,
    RECORD_TYPES,
    RECORDS_CAN_BE_DELETED,
    DeletionPolicy,
    Mode,
    OnDeadline,
    ProviderRef,
    Retry,
)
from osmig.api.migration_status import (
    Attempt,
    ConfirmFacts,
    Control,
    Failure,
    MigrationStatus,
    PolicyOrder,
    PreflightCheck,
    Progress,
    Transfer,
)
from osmig.api.names import MigrationType
from osmig.api.server import ADOPT_IS_NEVER_VALIDATED, AdoptRef, Placement, ServerRef
from osmig.api.server_options import (
    BlockMigration,
    ColdOptions,
    ConfirmBy,
    Convergence,
    LiveOptions,
    OnConfirmDeadline,
    OnStall,
)
from osmig.api.tenant import TenantOptions
from osmig.api.tenant_facts import Items, TenantFacts
from osmig.api.union import check_members

__all__ = [
    "AdoptRef",
    "Attempt",
    "Baseline",
    "BlockMigration",
    "ColdOptions",
    "ConfirmBy",
    "ConfirmFacts",
    "Control",
    "Convergence",
    "DateFilter",
    "DatePreset",
    "DeletionPolicy",
    "FailedMailbox",
    "Failure",
    "Items",
    "LiveOptions",
    "MailboxFacts",
    "MailboxesOptions",
    "Migration",
    "MigrationSpec",
    "MigrationStatus",
    "MigrationType",
    "Mode",
    "OnConfirmDeadline",
    "OnDeadline",
    "OnErrors",
    "OnStall",
    "PendingCall",
    "Placement",
    "PlacementFacts",
    "PolicyOrder",
    "PreflightCheck",
    "Progress",
    "ProviderRef",
    "Retry",
    "ServerFacts",
    "ServerRef",
    "TenantFacts",
    "TenantOptions",
    "Transfer",
    "UpstreamFacts",
    "parse_migration",
]


class MigrationSpec(SpecModel):
    """What the user wants; most of it is frozen once `status.startTime` is set, see `osmig.api.crds.FROZEN`."""

    model_config = ConfigDict(
        json_schema_extra={"x-kubernetes-validations": [ADOPT_IS_NEVER_VALIDATED, RECORDS_CAN_BE_DELETED]}
    )

    provider_ref: ProviderRef = Field(
        description="providerRef names the cloud that holds the server, or the service that replicates or copies."
    )
    type: MigrationType = Field(
        description=(
            "type of the move. LiveMigration: the server keeps running while its memory is copied. ColdMigration: the "
            "server is stopped, its disk copied, and somebody confirms or reverts. TenantReplication: Waldur creates a "
            "tenant like another one, without its servers and volumes. MailboxMigration: a hosting provider copies "
            "mailboxes from other servers."
        )
    )
    mode: Mode = Field(
        default=Mode.EXECUTE,
        description=(
            "mode of work. Execute: do it. Validate: only check whether it could be done, and send nothing; changing "
            "it to Execute afterwards starts the move. Default: Execute."
        ),
    )
    server: ServerRef | None = Field(
        default=None,
        description=(
            "server to be moved, by exactly one of id and name. Required when type is LiveMigration or ColdMigration."
        ),
    )
    placement: Placement | None = Field(
        default=None, description="placement says where from and where to. Default: from anywhere, to any host."
    )
    live: LiveOptions | None = Field(
        default=None, description="live holds the options of a LiveMigration. Default: all at their defaults."
    )
    cold: ColdOptions | None = Field(
        default=None, description="cold holds the options of a ColdMigration. Default: all at their defaults."
    )
    tenant: TenantOptions | None = Field(
        default=None, description="tenant to be replicated. Required when type is TenantReplication."
    )
    mailboxes: MailboxesOptions | None = Field(
        default=None, description="mailboxes to be copied. Required when type is MailboxMigration."
    )
    adopt: AdoptRef | None = Field(
        default=None,
        description=(
            "adopt names a migration that is under way already; present, nothing is started. May not be set when mode "
            "is Validate. Default: start."
        ),
    )
    suspend: bool = Field(
        default=False,
        strict=True,
        description=(
            "suspend holds the start, and further attempts, back while true; a move under way goes on. Default: false."
        ),
    )
    deadline_seconds: int = Field(
        default=14_400,
        ge=60,
        le=MAX_SECONDS,
        description=(
            "deadlineSeconds is how long all attempts together may take, the wait for a confirmation not counted. "
            "Default: 14400 (4 h)."
        ),
    )
    on_deadline: OnDeadline = Field(
        default=OnDeadline.ALERT,
        description=(
            "onDeadline says what happens then. Alert: an Event and the alert. Abort: call it off. Default: Alert."
        ),
    )
    retry: Retry | None = Field(
        default=None, description="retry says which further attempts are made by themselves. Default: none."
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.DETACH,
        description=(
            "deletionPolicy says what deleting the object does upstream. Detach: nothing, a move under way goes on. "
            "Abort: a move under way is called off first, for at most 10 minutes. DeleteRecord: the record of one that "
            "has ended is deleted first, for at most 10 minutes; one under way is left alone; only where type is "
            "TenantReplication or MailboxMigration. Default: Detach."
        ),
    )
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=MAX_SECONDS)] | None = Field(
        default=None,
        description=(
            "ttlSecondsAfterFinished after the end osmig deletes the object. Leave it unset under GitOps. Default: "
            "never."
        ),
    )

    @model_validator(mode="after")
    def _members_match_type(self) -> MigrationSpec:
        check_members(self, MIGRATION_MEMBERS, self.type)
        if self.adopt is not None and self.mode is Mode.VALIDATE:
            message = "adopt may not be set when mode is Validate"
            raise ValueError(message)
        if self.deletion_policy is DeletionPolicy.DELETE_RECORD and self.type not in RECORD_TYPES:
            raise ValueError(RECORDS_CAN_BE_DELETED["message"])
        return self

    @property
    def server_id(self) -> str | None:
        """The id of the server as ordered, ``None`` when it is named, or no server is moved."""
        return self.server.id if self.server else None

    @property
    def server_name(self) -> str | None:
        """The exact name of the server as ordered."""
        return self.server.name if self.server else None

    @property
    def source_host(self) -> str | None:
        """The host the server must be on, ``None`` for any."""
        return self.placement.source_host if self.placement else None

    @property
    def source_host_id(self) -> str | None:
        """The anonymous name of the host the server must be on, ``None`` for any."""
        return self.placement.source_host_id if self.placement else None

    @property
    def source(self) -> str | None:
        """The host the server must be on, by its name or else by its anonymous name; ``None`` for any."""
        return self.source_host or self.source_host_id

    @property
    def destination_host(self) -> str | None:
        """The host to move to, ``None`` to let the scheduler choose."""
        return self.placement.destination_host if self.placement else None

    @property
    def block_migration(self) -> BlockMigration:
        """Whether local disks are copied along, defaults filled in."""
        return (self.live or LiveOptions()).block_migration

    @property
    def convergence(self) -> Convergence:
        """When a live migration counts as stalled, defaults filled in."""
        return (self.live or LiveOptions()).convergence or Convergence()

    @property
    def cold_options(self) -> ColdOptions:
        """How a cold move is confirmed, defaults filled in."""
        return self.cold or ColdOptions()

    @property
    def retries(self) -> Retry:
        """Which further attempts are made, defaults filled in."""
        return self.retry or Retry()


class Migration(BaseModel):
    """A Migration as read from the API server.

    Attributes:
        status_readable: false when `status` held something this version cannot read. It then is empty but for
            `start_time`; what was sent before is unknown, so nothing may be sent on its ground.
    """

    model_config = ConfigDict(frozen=True)

    metadata: ObjectMeta
    spec: MigrationSpec
    status: MigrationStatus = MigrationStatus()
    status_readable: bool = True


def parse_migration(body: Mapping[str, Any]) -> Migration:
    """Read a Migration as the API server sent it.

    Raises:
        InvalidManifest: the spec or the metadata is not one that this version can follow.
    """
    status = parse_status(MigrationStatus, body)
    return Migration(
        metadata=parse_metadata(body),
        spec=parse_spec(MigrationSpec, body),
        status=status if status is not None else MigrationStatus(start_time=_rescue_start_time(body)),
        status_readable=status is not None,
    )


def _rescue_start_time(body: Mapping[str, Any]) -> Time | None:
    """Keep the one fact that says a call may have been made."""
    status = body.get("status")
    try:
        return TypeAdapter(Time | None).validate_python(
            status.get("startTime") if isinstance(status, Mapping) else None
        )
    except ValidationError:
        return None
