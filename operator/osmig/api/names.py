"""Every name that users, GitOps tools or RBAC rules may rely on: group, annotations, phases, conditions, reasons.

What the reasons mean is told in `osmig.api.reasons`.
"""

from __future__ import annotations

from enum import StrEnum

GROUP = "osmig.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "openstack-migrations"

TOKEN_MAX_LENGTH = 63
"""Characters a verb's token may have; the same bound as a label value."""


class Phase(StrEnum):
    """A one-word summary of a Migration for people and printer columns; conditions are the contract."""

    PENDING = "Pending"
    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    ABORTING = "Aborting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"


class ConditionType(StrEnum):
    """Types of conditions; `Reconciling` and `Stalled` exist only while True, as kstatus expects."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SUCCEEDED = "Succeeded"
    FINISHED = "Finished"
    PROVIDER_READY = "ProviderReady"
    AUTHENTICATION_SUCCEEDED = "AuthenticationSucceeded"


class ConditionStatus(StrEnum):
    """The three values of a condition's `status`."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Verb(StrEnum):
    """An order that a user gives by annotating a Migration."""

    ABORT = "abort"
    FORCE_COMPLETE = "force-complete"
    RECONCILE = "reconcile"


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
    PROVIDER_NOT_READY = "ProviderNotReady"
    PROVIDER_NOT_FOUND = "ProviderNotFound"
    PROVIDER_READY = "ProviderReady"
    INVALID_MANIFEST = "InvalidManifest"
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
    ABORTING = "Aborting"
    UNKNOWN = "Unknown"
    # ended well
    SUCCEEDED = "Succeeded"
    ALREADY_AT_DESTINATION = "AlreadyAtDestination"
    NOT_ON_SOURCE_HOST = "NotOnSourceHost"
    RECORD_GONE = "RecordGone"
    # ended otherwise
    ABORTED = "Aborted"
    CANCELLED_UPSTREAM = "CancelledUpstream"
    HOSTS_NOT_VISIBLE = "HostsNotVisible"
    SERVER_IN_ERROR = "ServerInError"
    SERVER_NOT_FOUND = "ServerNotFound"
    SERVER_NAME_AMBIGUOUS = "ServerNameAmbiguous"
    SERVER_GONE = "ServerGone"
    START_LOST = "StartLost"
    START_REFUSED = "StartRefused"
    NO_VALID_HOST = "NoValidHost"
    PRE_CHECK_FAILED = "PreCheckFailed"
    HYPERVISOR_FAILED = "HypervisorFailed"
    MIGRATION_ERROR = "MigrationError"
    HOST_UNCHANGED = "HostUnchanged"
    UNSUPPORTED = "Unsupported"
    NOT_PERMITTED = "NotPermitted"
    # Provider
    PROBING = "Probing"
    PROBE_SUCCEEDED = "ProbeSucceeded"
    AUTHENTICATED = "Authenticated"
    UNAUTHORIZED = "Unauthorized"
    UNREACHABLE = "Unreachable"
    ENDPOINT_REFUSED = "EndpointRefused"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret


class EventReason(StrEnum):
    """What an Event tells; `osmig.api.reasons.EVENT_REASONS` describes each."""

    MIGRATION_STARTED = "MigrationStarted"
    MIGRATION_ADOPTED = "MigrationAdopted"
    MIGRATION_SUCCEEDED = "MigrationSucceeded"
    MIGRATION_FAILED = "MigrationFailed"
    MIGRATION_ABORTED = "MigrationAborted"
    VERB_ACCEPTED = "VerbAccepted"
    VERB_DONE = "VerbDone"
    VERB_REJECTED = "VerbRejected"
    VERB_TOO_LATE = "VerbTooLate"
    VERB_UNSUPPORTED = "VerbUnsupported"
    VERB_SUPERSEDED = "VerbSuperseded"
    DUPLICATE_START = "DuplicateStart"
    PROVIDER_READY = "ProviderReady"
    PROVIDER_NOT_READY = "ProviderNotReady"


def verb_annotation(verb: Verb) -> str:
    """Name the annotation that carries the token of `verb`, such as ``osmig.dev/abort``."""
    return f"{GROUP}/{verb}"
