"""The names that belong to plans alone: phases, verbs, conditions, verdicts, reasons, labels."""

from __future__ import annotations

from enum import StrEnum

from osmig.api.names import GROUP

LABEL_PLAN = f"{GROUP}/plan"
LABEL_PLAN_UID = f"{GROUP}/plan-uid"
LABEL_SERVER_ID = f"{GROUP}/server-id"
LABEL_SOURCE_HOST = f"{GROUP}/source-host"
LABEL_INDEX = f"{GROUP}/index"
LABEL_MEMORY = f"{GROUP}/memory-mib"
LABEL_WAVE = f"{GROUP}/wave"
"""Labels of the Migrations that a plan makes; a value that is no label value is left out or hashed."""


class PlanPhase(StrEnum):
    """A one-word summary of a plan for people and printer columns; conditions are the contract."""

    PENDING = "Pending"
    AWAITING_APPROVAL = "AwaitingApproval"
    WAITING = "Waiting"
    RUNNING = "Running"
    PAUSED = "Paused"
    ABORTING = "Aborting"
    VERIFYING = "Verifying"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"
    EXPIRED = "Expired"


class PlanVerb(StrEnum):
    """An order that a user gives by annotating a MigrationPlan."""

    ABORT = "abort"
    RELEASE = "release"
    RETRY = "retry"
    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    CONFIRM = "confirm"
    REVERT = "revert"
    FORCE_COMPLETE = "force-complete"
    RECONCILE = "reconcile"


class PlanCondition(StrEnum):
    """Types of conditions that only plans have."""

    APPROVED = "Approved"
    WINDOW_OPEN = "WindowOpen"
    HOSTS_DISABLED = "HostsDisabled"
    DRAINED = "Drained"
    WITHIN_BUDGET = "WithinBudget"
    WITHIN_DEADLINE = "WithinDeadline"
    BLOCKED = "Blocked"


class Judgement(StrEnum):
    """What a plan does with one server."""

    MOVE = "Move"
    COLD = "Cold"
    SKIP = "Skip"
    HOLD = "Hold"
    WAIT = "Wait"
    BLOCKED = "Blocked"


class PlanReason(StrEnum):
    """Why a condition of a plan has its status, or why a server is not simply moved."""

    # of a plan
    PROVIDER_NOT_READY = "ProviderNotReady"
    PROVIDER_READY = "ProviderReady"
    WRONG_PROVIDER_TYPE = "WrongProviderType"
    HOSTS_NOT_VISIBLE = "HostsNotVisible"
    HOST_NOT_FOUND = "HostNotFound"
    HOST_DOWN = "HostDown"
    HOST_CLAIMED = "HostClaimed"
    TOO_MANY_HOSTS = "TooManyHosts"
    INVALID_MANIFEST = "InvalidManifest"
    RETRYING = "Retrying"
    NOT_BEFORE = "NotBefore"
    OPEN = "Open"
    WINDOW_CLOSED = "WindowClosed"
    WINDOW_TOO_SHORT = "WindowTooShort"
    INVALID_SCHEDULE = "InvalidSchedule"
    EXPIRED = "Expired"
    AWAITING_APPROVAL = "AwaitingApproval"
    APPROVED = "Approved"
    NOT_APPROVED = "NotApproved"
    NOT_REQUIRED = "NotRequired"
    WAVE_DELAY = "WaveDelay"
    SUSPENDED = "Suspended"
    PAUSED = "Paused"
    RUNNING = "Running"
    VERIFYING = "Verifying"
    ABORTING = "Aborting"
    ABORTED = "Aborted"
    BUDGET_EXCEEDED = "BudgetExceeded"
    WITHIN_BUDGET = "WithinBudget"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    WITHIN_DEADLINE = "WithinDeadline"
    SERVERS_BLOCKED = "ServersBlocked"
    CAME_BACK = "CameBack"
    NOTHING_BLOCKED = "NothingBlocked"
    NAME_TAKEN = "NameTaken"
    MIGRATIONS_REFUSED = "MigrationsRefused"
    TOO_MANY_MIGRATIONS = "TooManyMigrations"
    DISABLING = "Disabling"
    DISABLED = "Disabled"
    NOT_DISABLED = "NotDisabled"
    RELEASED = "Released"
    DRAINED = "Drained"
    NOT_PROVEN = "NotProven"
    SERVERS_LEFT = "ServersLeft"
    EXCLUDED_SERVERS_LEFT = "ExcludedServersLeft"
    INCOMPLETE_SWEEP = "IncompleteSweep"
    SUCCEEDED = "Succeeded"
    ALREADY_DRAINED = "AlreadyDrained"
    MOVED_ALL_SELECTED = "MovedAllSelected"
    VALIDATED = "Validated"
    DESTINATION_NOT_USABLE = "DestinationNotUsable"
    # of a server
    AFFINITY_GROUP = "AffinityGroup"
    ANTI_AFFINITY_GROUP_FULL = "AntiAffinityGroupFull"
    AWAITS_CONFIRMATION = "AwaitsConfirmation"
    BUSY = "Busy"
    LOCKED = "Locked"
    MIGRATING = "Migrating"
    BUILDING = "Building"
    RULE = "Rule"
    EXCLUDED = "Excluded"
    NOT_SELECTED = "NotSelected"
    SKIPPED = "Skipped"
    SOFT_DELETED = "SoftDeleted"
    SERVER_IN_ERROR = "ServerInError"
    SERVER_STATE = "ServerState"
    SERVER_NOT_FOUND = "ServerNotFound"
    METHOD_NOT_POSSIBLE = "MethodNotPossible"
    DEVICE = "Device"
    PINNED_ZONE = "PinnedZone"
    PLAIN = "Plain"
