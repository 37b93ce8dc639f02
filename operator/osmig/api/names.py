"""Every name that users, GitOps tools or RBAC rules may rely on: group, annotations, phases, conditions, reasons.

What the reasons mean is told in `osmig.api.reasons`.
"""

from __future__ import annotations

from enum import StrEnum

GROUP = "osmig.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "openstack-migrations"
FINALIZER = f"{GROUP}/abort"
"""Holds a Migration back until its move has ended, or its record is deleted, as ``deletionPolicy`` says."""

TOKEN_MAX_LENGTH = 63
"""Characters a verb's token may have; the same bound as a label value."""


class MigrationType(StrEnum):
    """Which kind of move; `osmig.api.members` says which fields of a Migration's spec belong to which."""

    LIVE_MIGRATION = "LiveMigration"
    COLD_MIGRATION = "ColdMigration"
    TENANT_REPLICATION = "TenantReplication"
    MAILBOX_MIGRATION = "MailboxMigration"


class ProviderType(StrEnum):
    """Which engine moves; `osmig.api.members` says which fields of a Provider's spec belong to which."""

    OPENSTACK = "OpenStack"
    WALDUR = "Waldur"
    HOSTING = "Hosting"


class Phase(StrEnum):
    """A one-word summary of a Migration for people and printer columns; conditions are the contract."""

    PENDING = "Pending"
    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    STARTING = "Starting"
    RUNNING = "Running"
    AWAITING_CONFIRMATION = "AwaitingConfirmation"
    CONFIRMING = "Confirming"
    REVERTING = "Reverting"
    ABORTING = "Aborting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"
    REVERTED = "Reverted"


class ConditionType(StrEnum):
    """Types of conditions; `Reconciling` and `Stalled` exist only while True, as kstatus expects."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SUCCEEDED = "Succeeded"
    FINISHED = "Finished"
    PROVIDER_READY = "ProviderReady"
    CONVERGING = "Converging"
    AUTHENTICATION_SUCCEEDED = "AuthenticationSucceeded"
    CREDENTIALS_EXPIRING = "CredentialsExpiring"
    MIRRORED = "Mirrored"


class ConditionStatus(StrEnum):
    """The three values of a condition's `status`."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Verb(StrEnum):
    """An order that a user gives by annotating a Migration."""

    ABORT = "abort"
    FORCE_COMPLETE = "force-complete"
    CONFIRM = "confirm"
    REVERT = "revert"
    RUN_NOW = "run-now"
    RETRY = "retry"
    RECONCILE = "reconcile"


class Policy(StrEnum):
    """A field of the spec that makes osmig act by itself, once per attempt, and anew when edited to another order."""

    ON_STALL = "onStall"
    ON_DEADLINE = "onDeadline"
    CONFIRM = "confirm"
    ON_CONFIRM_DEADLINE = "onConfirmDeadline"
    DELETION = "deletionPolicy"


class Trend(StrEnum):
    """Where the data that is left to move is heading."""

    FALLING = "Falling"
    FLAT = "Flat"
    RISING = "Rising"


class CheckResult(StrEnum):
    """What one check before a start found; what may not be looked at is `Skipped`, never `Pass`."""

    PASS = "Pass"  # noqa: S105 - a verdict
    WARN = "Warn"
    FAIL = "Fail"
    SKIPPED = "Skipped"


class ControlResult(StrEnum):
    """How far an order has come; all but `Accepted` are final."""

    ACCEPTED = "Accepted"
    DONE = "Done"
    REJECTED = "Rejected"
    TOO_LATE = "TooLate"
    UNSUPPORTED = "Unsupported"
    SUPERSEDED = "Superseded"


class Reason(StrEnum):
    """Why a condition has its status; `osmig.api.reasons.REASONS` describes each."""

    # before anything is sent
    VALIDATING = "Validating"
    RETRYING = "Retrying"
    SERVER_BUSY = "ServerBusy"
    SLOTS_TAKEN = "SlotsTaken"
    SUSPENDED = "Suspended"
    PROVIDER_NOT_READY = "ProviderNotReady"
    PROVIDER_NOT_FOUND = "ProviderNotFound"
    PROVIDER_READY = "ProviderReady"
    INVALID_MANIFEST = "InvalidManifest"
    WRONG_PROVIDER_TYPE = "WrongProviderType"
    MAPPING_NOT_FOUND = "MappingNotFound"
    # under way
    STARTING = "Starting"
    CONFLICT = "Conflict"
    SERVER_ERROR = "ServerError"
    NO_ANSWER = "NoAnswer"
    AWAITING_RECORD = "AwaitingRecord"
    AMBIGUOUS_START = "AmbiguousStart"
    ACCEPTED = "Accepted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    RUNNING = "Running"
    POST_COPY = "PostCopy"
    SWITCHING_OVER = "SwitchingOver"
    AWAITING_CONFIRMATION = "AwaitingConfirmation"
    CONFIRMING = "Confirming"
    REVERTING = "Reverting"
    ABORTING = "Aborting"
    SCHEDULED = "Scheduled"
    NOT_STARTED = "NotStarted"
    CREATING = "Creating"
    TOKEN_OF_ANOTHER_USER = "TokenOfAnotherUser"  # noqa: S105 - a reason, not a secret
    CREDENTIALS_OF_ANOTHER_CLOUD = "CredentialsOfAnotherCloud"
    TERMINATING_DESTINATION = "TerminatingDestination"
    SCHEDULED_UPSTREAM = "ScheduledUpstream"
    LATE = "Late"
    RUN_NOW = "RunNow"
    RECORD_MISSING = "RecordMissing"
    SOURCE_HOST_DOWN = "SourceHostDown"
    # converging or not
    FALLING = "Falling"
    FLAT = "Flat"
    DIVERGING = "Diverging"
    NO_DATA = "NoData"
    UNKNOWN = "Unknown"
    # ended well
    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    VALIDATED = "Validated"
    CONFIRMED_UPSTREAM = "ConfirmedUpstream"
    ALREADY_AT_DESTINATION = "AlreadyAtDestination"
    NOT_ON_SOURCE_HOST = "NotOnSourceHost"
    RECORD_GONE = "RecordGone"
    RECORD_STALE = "RecordStale"
    # ended otherwise
    ABORTED = "Aborted"
    REVERTED = "Reverted"
    REVERTED_UPSTREAM = "RevertedUpstream"
    CONFIRM_DEADLINE_EXCEEDED = "ConfirmDeadlineExceeded"
    STALLED = "Stalled"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    CANCELLED_UPSTREAM = "CancelledUpstream"
    PREFLIGHT_FAILED = "PreflightFailed"
    MAPPING_CHANGED = "MappingChanged"
    CSV_CHANGED = "CSVChanged"
    INVALID_SPEC = "InvalidSpec"
    REPLICATION_FAILED = "ReplicationFailed"
    WALDUR_STALLED = "WaldurStalled"
    DESTINATION_LOST = "DestinationLost"
    CLEANUP_FAILED = "CleanupFailed"
    MAILBOXES_FAILED = "MailboxesFailed"
    ADOPT_REFUSED = "AdoptRefused"
    HOSTS_NOT_VISIBLE = "HostsNotVisible"
    HOST_NOT_FOUND = "HostNotFound"
    SERVER_IN_ERROR = "ServerInError"
    SERVER_NOT_FOUND = "ServerNotFound"
    SERVER_NAME_AMBIGUOUS = "ServerNameAmbiguous"
    SERVER_GONE = "ServerGone"
    START_LOST = "StartLost"
    START_REFUSED = "StartRefused"
    QUOTA_EXCEEDED = "QuotaExceeded"
    NO_VALID_HOST = "NoValidHost"
    PRE_CHECK_FAILED = "PreCheckFailed"
    HYPERVISOR_FAILED = "HypervisorFailed"
    MIGRATION_ERROR = "MigrationError"
    HOST_UNCHANGED = "HostUnchanged"
    ERROR_ON_DESTINATION = "ErrorOnDestination"
    NOT_AWAITING_CONFIRMATION = "NotAwaitingConfirmation"
    UNSUPPORTED = "Unsupported"
    NOT_PERMITTED = "NotPermitted"
    # Provider
    PROBING = "Probing"
    PROBE_SUCCEEDED = "ProbeSucceeded"
    AUTHENTICATED = "Authenticated"
    UNAUTHORIZED = "Unauthorized"
    EXPIRES_SOON = "ExpiresSoon"
    UNREACHABLE = "Unreachable"
    ENDPOINT_REFUSED = "EndpointRefused"
    TOO_MANY_ROWS = "TooManyRows"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    LINTED = "Linted"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    MIRRORED = "Mirrored"
    PARTLY_MIRRORED = "PartlyMirrored"
    NAMESPACE_REFUSES = "NamespaceRefuses"


class EventReason(StrEnum):
    """What an Event tells; `osmig.api.reasons.EVENT_REASONS` describes each."""

    MIGRATION_STARTED = "MigrationStarted"
    MIGRATION_ADOPTED = "MigrationAdopted"
    MIGRATION_SUCCEEDED = "MigrationSucceeded"
    MIGRATION_FAILED = "MigrationFailed"
    MIGRATION_ABORTED = "MigrationAborted"
    MIGRATION_REVERTED = "MigrationReverted"
    MIGRATION_RETRYING = "MigrationRetrying"
    CONFIRMATION_AWAITED = "ConfirmationAwaited"
    POLICY_ACTED = "PolicyActed"
    UNKNOWN_STATE = "UnknownState"
    TOKEN_ALREADY_USED = "TokenAlreadyUsed"  # noqa: S105 - an annotation's value
    FINALIZER_LEFT = "FinalizerLeft"
    RECORD_LEFT = "RecordLeft"
    MIGRATION_LEFT = "MigrationLeft"
    VERB_ACCEPTED = "VerbAccepted"
    VERB_DONE = "VerbDone"
    VERB_REJECTED = "VerbRejected"
    VERB_TOO_LATE = "VerbTooLate"
    VERB_UNSUPPORTED = "VerbUnsupported"
    VERB_SUPERSEDED = "VerbSuperseded"
    DUPLICATE_START = "DuplicateStart"
    STALE_RECORD = "StaleRecord"
    PLAN_STARTED = "PlanStarted"
    PLAN_FINISHED = "PlanFinished"
    NO_EXPIRY = "NoExpiry"
    HOST_DRAINED = "HostDrained"
    SERVICE_DISABLED = "ServiceDisabled"
    SERVICE_ENABLED = "ServiceEnabled"
    SERVICE_NOT_OURS = "ServiceNotOurs"
    SERVICE_LEFT_DISABLED = "ServiceLeftDisabled"
    PROVIDER_READY = "ProviderReady"
    PROVIDER_NOT_READY = "ProviderNotReady"
    PROVIDER_GONE = "ProviderGone"
    CREDENTIALS_EXPIRING = "CredentialsExpiring"


def verb_annotation(verb: StrEnum) -> str:
    """Name the annotation that carries the token of `verb`, such as ``osmig.dev/abort``."""
    return f"{GROUP}/{verb}"


class Kind(StrEnum):
    """A kind whose objects are stepped."""

    MIGRATION = "Migration"
    PROVIDER = "Provider"
    MAPPING = "MigrationMapping"
    PLAN = "MigrationPlan"
