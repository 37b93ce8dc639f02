"""Changes to a Migration's status, typed field by field, as pydantic's own ``model_copy`` checks neither name nor type.

Tests hold these tables equal to the models, and mypy to them.
"""

from typing import TypedDict, Unpack

from pydantic import AwareDatetime

from osmig.api.mailbox_facts import MailboxFacts
from osmig.api.meta import Condition
from osmig.api.migration_facts import PlacementFacts, ServerFacts, UpstreamFacts
from osmig.api.migration_intent import PendingCall
from osmig.api.migration_status import (
    Attempt,
    ConfirmFacts,
    Control,
    Failure,
    MigrationStatus,
    PolicyOrder,
    PreflightCheck,
    Progress,
)
from osmig.api.names import Phase
from osmig.api.tenant_facts import TenantFacts


class StatusChanges(TypedDict, total=False):
    """Any fields of `MigrationStatus`."""

    conditions: tuple[Condition, ...]
    observed_generation: int
    phase: Phase | None
    attempt: int | None
    start_time: AwareDatetime | None
    attempt_start_time: AwareDatetime | None
    queued_time: AwareDatetime | None
    deadline_time: AwareDatetime | None
    paused_seconds: int | None
    completion_time: AwareDatetime | None
    server: ServerFacts | None
    placement: PlacementFacts | None
    tenant: TenantFacts | None
    mailboxes: MailboxFacts | None
    upstream: UpstreamFacts | None
    pending_call: PendingCall | None
    progress: Progress | None
    controls: tuple[Control, ...]
    policy_orders: tuple[PolicyOrder, ...]
    preflight: tuple[PreflightCheck, ...]
    confirm: ConfirmFacts | None
    attempts: tuple[Attempt, ...]
    failure: Failure | None


class TenantChanges(TypedDict, total=False):
    """Any fields of `TenantFacts`."""

    source_resource: str | None
    destination_resource: str | None
    destination_name: str | None
    destination_status: str | None
    mapping_hash: str | None
    scope: str | None
    cleanup_order: str | None
    cleanup_deadline_time: AwareDatetime | None


def change_status(status: MigrationStatus, **changes: Unpack[StatusChanges]) -> MigrationStatus:
    """Return a copy of `status` with other values in the fields named."""
    return status.model_copy(update=changes)


def change_tenant(tenant: TenantFacts, **changes: Unpack[TenantChanges]) -> TenantFacts:
    """Return a copy of `tenant` with other values in the fields named."""
    return tenant.model_copy(update=changes)
