"""What osmig writes into a plan's status: the ledger of what it did to hosts, the preview, counts and failures.

Servers that go the plain way are counted only; their Migrations have the details. So the status stays small.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from osmig.api.meta import Condition, Generation, Name, Note, StatusModel, Time, Word
from osmig.api.names import ControlResult
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.api.plan_preview import MAX_NOT_PLAIN, Count, Preview, PreviewServer
from osmig.api.plan_servers import MAX_HOSTS
from osmig.api.plan_windows import PlanWindowStatus
from osmig.api.rules import START_TIME_STAYS

Round = Annotated[int, Field(ge=1, le=999)]

MAX_FAILURES = 50
MAX_SKIPS = 1000


class DisabledBy(StrEnum):
    """Who disabled a host's compute service."""

    PLAN = "Plan"
    OTHER = "Other"


class ServiceState(StrEnum):
    """Whether the scheduler may choose a host."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class ServiceBefore(StatusModel):
    """A compute service as it was before the plan did anything to it."""

    state: ServiceState = Field(description="state of the service: Enabled if the scheduler might choose the host.")
    disabled_reason: Name | None = Field(
        default=None, description="disabledReason is the text that the cloud had beside it; absent for none."
    )


class PlanHost(StatusModel):
    """One host: what was done to it, what is left on it, and the proof that nothing is."""

    name: Annotated[str, Field(min_length=1, max_length=255)] = Field(description="name of its compute service.")
    service_id: Word | None = Field(default=None, description="serviceID of its compute service.")
    before: ServiceBefore | None = Field(
        default=None,
        description="before is the service as it was, written down before the first order to change it.",
    )
    order_time: Time | None = Field(
        default=None,
        description="orderTime is when osmig first meant to disable the service, in UTC; absent if it never did.",
    )
    disabled_time: Time | None = Field(
        default=None, description="disabledTime is when the service was first seen disabled, in UTC."
    )
    disabled_by: DisabledBy | None = Field(
        default=None, description="disabledBy says who disabled it: Plan, by its mark, or Other."
    )
    released_time: Time | None = Field(
        default=None, description="releasedTime is when it was seen enabled after osmig ordered so, in UTC."
    )
    remaining: Count | None = Field(default=None, description="remaining servers, without soft-deleted ones.")
    soft_deleted: Count | None = Field(
        default=None, description="softDeleted servers, whose disks the cloud still keeps on the host."
    )
    unconfirmed: Count | None = Field(
        default=None,
        description="unconfirmed cold moves away from the host, whose disks the cloud still keeps on the host.",
    )
    inbound: Count | None = Field(default=None, description="inbound moves that are not over.")
    quiet_sweeps: Count | None = Field(
        default=None, description="quietSweeps that found nothing, in a row; two prove the host drained."
    )
    drained_time: Time | None = Field(
        default=None, description="drainedTime is when the host was proven empty, in UTC; absent while it is not."
    )
    message: Note | None = Field(default=None, description="message tells what keeps the host from being done.")


class PlanBytes(StatusModel):
    """How much data the moves of a plan are: as the cloud reports it, else the memory of the server."""

    total_bytes: Count = Field(default=0, description="totalBytes of all servers that are moved, or will be, in bytes.")
    processed_bytes: Count = Field(default=0, description="processedBytes that have moved, in bytes.")
    remaining_bytes: Count = Field(default=0, description="remainingBytes still to be moved, in bytes.")


class PlanCounts(StatusModel):
    """How many servers stand where."""

    total: Count = Field(default=0, description="total servers that were found, whatever becomes of them.")
    pending: Count = Field(default=0, description="pending servers whose move is not ordered yet, waiting ones too.")
    queued: Count = Field(default=0, description="queued servers whose Migration has not started.")
    running: Count = Field(default=0, description="running moves, with those that the cloud holds back.")
    queued_upstream: Count = Field(
        default=0,
        description=(
            "queuedUpstream counts those of the running moves that the cloud accepted and keeps in its own queue, as "
            "Nova does beyond max_concurrent_live_migrations of a source host."
        ),
    )
    awaiting_confirmation: Count = Field(
        default=0, description="awaitingConfirmation counts cold moves that somebody must confirm or revert."
    )
    succeeded: Count = Field(default=0, description="succeeded moves.")
    failed: Count = Field(default=0, description="failed moves; servers that were broken before are blocked instead.")
    aborted: Count = Field(default=0, description="aborted or reverted moves, and those whose Migration was deleted.")
    skipped: Count = Field(default=0, description="skipped servers, by rule, selector, exclude or the verb skip.")
    blocked: Count = Field(default=0, description="blocked servers, which cannot be moved as they are.")
    joined: Count = Field(default=0, description="joined servers that came after the plan had started.")


class PlanWaveStatus(StatusModel):
    """The wave that is under way, or is next."""

    name: Word = Field(description="name of the wave.")
    index: Count = Field(description="index of the wave, counted from 1.")
    count: Count = Field(description="count of all waves.")
    ready_time: Time = Field(
        description="readyTime is when the wave before was over, or the plan began, in UTC; delaySeconds count from it."
    )
    approved_time: Time | None = Field(
        default=None, description="approvedTime is when somebody approved the wave, in UTC; absent before."
    )
    start_time: Time | None = Field(
        default=None, description="startTime is when the wave began, in UTC; absent while it waits."
    )


class PlanFailure(StatusModel):
    """One move that did not succeed."""

    server_id: Word = Field(description="serverID of the server.")
    name: Name | None = Field(default=None, description="name of the server.")
    migration_name: Name = Field(description="migrationName of the Migration that has the details.")
    reason: Name = Field(description="reason of the Migration's end, one CamelCase word.")
    message: Name | None = Field(default=None, description="message of the Migration's end.")
    time: Time | None = Field(default=None, description="time of the Migration's end, in UTC.")


class PlanControl(StatusModel):
    """The last order given by one verb, and what became of it."""

    verb: PlanVerb = Field(description="verb of the order, the annotation's name after osmig.dev/.")
    token: Word = Field(
        description="token is the annotation's value that was last seen; another value is another order."
    )
    round: Round = Field(description="round the order was given in, counted from 1.")
    result: ControlResult = Field(
        description="result so far. Accepted: will be done. Done, Rejected, TooLate and Superseded are final."
    )
    message: Note | None = Field(default=None, description="message tells why, in one sentence.")
    time: Time = Field(description="time the result was reached, in UTC.")
    field_manager: Name | None = Field(
        default=None,
        description="fieldManager is the tool that set the annotation; anyone may choose it, so it proves nothing.",
    )


class PlanStatus(StatusModel):
    """What osmig found and did."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [START_TIME_STAYS]})

    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description=(
            "conditions are the contract for tools: Succeeded, Finished, Ready, ProviderReady, Approved, WindowOpen,"
            " HostsDisabled, Drained, WithinBudget, WithinDeadline, Blocked, and while True only: Reconciling, Stalled."
        ),
    )
    observed_generation: Generation = Field(
        default=-1, description="observedGeneration is the metadata.generation last acted upon; -1 means none yet."
    )
    phase: PlanPhase | None = Field(
        default=None, description="phase sums the conditions up in one word for people; scripts should read conditions."
    )
    start_time: Time | None = Field(
        default=None,
        description=(
            "startTime is when osmig first meant to change anything, in UTC. From then on a part of the spec is "
            "frozen, and startTime itself can be neither changed nor removed."
        ),
    )
    completion_time: Time | None = Field(
        default=None, description="completionTime is when the outcome was known, in UTC; absent while under way."
    )
    estimated_completion_time: Time | None = Field(
        default=None,
        description=(
            "estimatedCompletionTime if servers go on to move as fast as so far, in UTC; absent before three have."
        ),
    )
    preview: Preview | None = Field(
        default=None, description="preview of what will be done; it stays as it was when the plan started."
    )
    round: Round = Field(default=1, description="round of the plan: 1, and one more with each retry.")
    found_at_start: Count | None = Field(
        default=None, description="foundAtStart counts the servers that were there when the plan started."
    )
    counts: PlanCounts | None = Field(default=None, description="counts of servers by where they stand.")
    bytes: PlanBytes | None = Field(default=None, description="bytes that the moves are.")
    throughput_bytes_per_second: Count | None = Field(
        default=None,
        description="throughputBytesPerSecond of all moves under way together; absent while none reports any.",
    )
    progress_text: Word | None = Field(
        default=None, description="progressText is how many servers are done, of how many. Example: 48/124."
    )
    hosts_text: Word | None = Field(
        default=None, description="hostsText is how many hosts are drained, of how many. Example: 1/2."
    )
    hosts: tuple[PlanHost, ...] = Field(
        default=(),
        max_length=MAX_HOSTS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        description="hosts to empty, as they were looked up once.",
    )
    approved_hash: Word | None = Field(
        default=None, description="approvedHash of the preview that somebody approved; absent before."
    )
    wave: PlanWaveStatus | None = Field(
        default=None,
        description="wave that is under way or waits to begin; absent without waves, and before the start.",
    )
    window: PlanWindowStatus | None = Field(
        default=None, description="window says whether the windows are open; absent without windows."
    )
    paused_time: Time | None = Field(
        default=None, description="pausedTime is since when the plan is paused, in UTC; absent while it is not."
    )
    held_time: Time | None = Field(
        default=None,
        description=(
            "heldTime is since when the plan, once it has begun, is Paused, Waiting or AwaitingApproval, in UTC; "
            "absent while it is not."
        ),
    )
    paused_seconds: Count = Field(
        default=0,
        description=(
            "pausedSeconds since startTime that do not count against deadlineSeconds: those that the plan was held, or "
            "all until the deadline was granted anew."
        ),
    )
    deadline_time: Time | None = Field(
        default=None,
        description=(
            "deadlineTime is when onDeadline takes effect, in UTC; absent while the plan is held, and after the end."
        ),
    )
    forgiven_failures: Count = Field(
        default=0, description="forgivenFailures no longer count against the budget, since somebody resumed the plan."
    )
    skips: tuple[Word, ...] = Field(
        default=(),
        max_length=MAX_SKIPS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="skips are the ids of servers that the verb skip named.",
    )
    failures: tuple[PlanFailure, ...] = Field(
        default=(),
        max_length=MAX_FAILURES,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["migrationName"]},
        description="failures of moves, newest first.",
    )
    left: tuple[PreviewServer, ...] = Field(
        default=(),
        max_length=MAX_NOT_PLAIN,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["serverID"]},
        description=(
            "left lists the servers that the last look showed and that are not moved: blocked ones first, then those "
            "that are skipped. Moves that failed are in failures."
        ),
    )
    controls: tuple[PlanControl, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["verb"]},
        description="controls holds the last order of each verb and what became of it.",
    )
