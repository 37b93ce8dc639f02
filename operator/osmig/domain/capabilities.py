"""What a Provider is and what it can do, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt


class Capability(StrEnum):
    """What a Provider's cloud and credentials can do; published in ``Provider.status.capabilities``."""

    LIVE_MIGRATION = "LiveMigration"
    COLD_MIGRATION = "ColdMigration"
    COLD_DESTINATION_HOST = "ColdDestinationHost"
    CONFIRM = "Confirm"
    FOLLOW_BY_SERVER = "FollowByServer"
    DESTINATION_HOST = "DestinationHost"
    ABORT = "Abort"
    ABORT_QUEUED = "AbortQueued"
    FORCE_COMPLETE = "ForceComplete"
    HOSTS = "Hosts"
    PROGRESS = "Progress"
    ALL_MIGRATIONS = "AllMigrations"
    TENANT_REPLICATION = "TenantReplication"
    MAILBOX_MIGRATION = "MailboxMigration"


class Scope(StrEnum):
    """Whose migrations the credentials can list."""

    CLOUD = "Cloud"
    PROJECT = "Project"
    CUSTOMER = "Customer"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a Provider is and may do.

    Attributes:
        endpoint: the URL in use, safe to show.
        api_version: the highest version both sides speak, such as ``2.104``.
        user_id: whose credentials they are; ``None`` where upstream does not tell (admin_token).
        expires: when the credentials themselves expire, UTC; ``None`` where upstream does not tell.
        possible: what the cloud's version has, whoever asks; a right that is missing shows only in an answer.
    """

    endpoint: str
    api_version: str
    capabilities: frozenset[Capability]
    scope: Scope
    possible: frozenset[Capability] = frozenset()
    user_id: str | None = None
    project_id: str | None = None
    expires: dt.datetime | None = None
