"""What osmig writes into a Migration's status: everything a step needs to go on after a crash, and what people read.

Texts are cut to their bounds when a model is built, so that the API server never refuses a write for a wordy upstream.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from osmig.api.mailbox_facts import MailboxFacts
from osmig.api.meta import MAX_INT, Condition, Generation, MicroTime, Name, Note, StatusModel, Time, Word
from osmig.api.migration_facts import PlacementFacts, ServerFacts, UpstreamFacts
from osmig.api.migration_intent import AttemptNumber, PendingCall
from osmig.api.names import CheckResult, ControlResult, Phase, Policy, Trend, Verb
from osmig.api.rules import START_TIME_STAYS
from osmig.api.tenant_facts import Items, TenantFacts

Bytes = Annotated[int, Field(ge=0, le=MAX_INT)]


class Transfer(StatusModel):
    """How many bytes of one medium have moved."""

    total_bytes: Bytes | None = Field(default=None, description="totalBytes to be moved, in bytes.")
    processed_bytes: Bytes | None = Field(
        default=None,
        description="processedBytes moved so far, in bytes; may exceed totalBytes, as memory is copied in passes.",
    )
    remaining_bytes: Bytes | None = Field(
        default=None, description="remainingBytes still to be moved, in bytes; grows while the server writes faster."
    )


class Progress(StatusModel):
    """How far the move is; a number appears only when the cloud reported one."""

    percent: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None, description="percent of the bytes that have moved, 0 to 100; absent when unknown, 100 on success."
    )
    memory: Transfer | None = Field(default=None, description="memory of the server that has moved.")
    disk: Transfer | None = Field(default=None, description="disk that has moved; absent without block migration.")
    items: Items | None = Field(
        default=None, description="items that are made one by one; of a replication, as far as they may be seen."
    )
    sample_time: MicroTime | None = Field(
        default=None, description="sampleTime is when these numbers were read, in UTC with microseconds."
    )
    lowest_remaining_bytes: Bytes | None = Field(
        default=None,
        description="lowestRemainingBytes is the least memory and disk ever left to move in this attempt, in bytes.",
    )
    last_progress_time: Time | None = Field(
        default=None,
        description="lastProgressTime is when lowestRemainingBytes last fell by 1 percent or more, in UTC.",
    )
    throughput_bytes_per_second: Bytes | None = Field(
        default=None, description="throughputBytesPerSecond that were copied lately, memory and disk together."
    )
    eta_seconds: Annotated[int, Field(ge=0, le=MAX_INT)] | None = Field(
        default=None,
        description="etaSeconds until nothing is left to move if it goes on as lately; absent while nothing falls.",
    )
    trend: Trend | None = Field(
        default=None, description="trend of the data left to move: Falling, Flat or Rising, against its lowest value."
    )


class Control(StatusModel):
    """The last order given by one verb, and what became of it."""

    verb: Verb = Field(description="verb of the order, the annotation's name after osmig.dev/.")
    token: Word = Field(
        description=(
            "token is the annotation's value that was last seen; another value is another order. Cut to 64 characters."
        )
    )
    attempt: AttemptNumber = Field(description="attempt the order is bound to, counted from 1.")
    result: ControlResult = Field(
        description=(
            "result so far. Accepted: will be done. Done, Rejected, TooLate, Unsupported (by the cloud), Superseded "
            "(by another order) are final."
        )
    )
    message: Note | None = Field(default=None, description="message tells why, in one sentence.")
    time: Time = Field(description="time the result was reached, in UTC.")
    sent_time: Time | None = Field(
        default=None,
        description=(
            "sentTime is when the cloud first accepted the request to carry it out, or may have: of a force-complete "
            "also when one was sent whose answer is not known; in UTC."
        ),
    )
    field_manager: Name | None = Field(
        default=None,
        description=(
            "fieldManager is the tool that set the annotation, as managedFields says; anyone may choose it, so it "
            "proves nothing. Example: kubectl-annotate."
        ),
    )


class PolicyOrder(StatusModel):
    """What a policy of the spec did in the current attempt: ordered something, which it does once, or only told."""

    policy: Policy = Field(
        description="policy that acted: onStall, onDeadline, confirm, onConfirmDeadline, deletionPolicy."
    )
    verb: Verb | None = Field(
        default=None, description="verb that it ordered; absent when it only told, as Alert does."
    )
    time: Time = Field(description="time it acted, in UTC.")
    sent_time: Time | None = Field(
        default=None,
        description=(
            "sentTime is when the cloud first accepted the request to carry it out, or may have: of a force-complete "
            "also when one was sent whose answer is not known; in UTC."
        ),
    )
    given_up_time: Time | None = Field(
        default=None,
        description="givenUpTime is when its order was taken back, in UTC: it cannot be done, or came too late.",
    )


class PreflightCheck(StatusModel):
    """One check before a start."""

    check: Word = Field(min_length=1, description="check in one CamelCase word. Example: DestinationHost.")
    result: CheckResult = Field(
        description="result of the check: Pass, Warn, Fail, or Skipped where the credentials may not look."
    )
    path: Name | None = Field(
        default=None, description="path of the field that was checked. Example: spec.placement.destinationHost."
    )
    message: Note | None = Field(default=None, description="message tells what was found and what to do.")


class ConfirmFacts(StatusModel):
    """The gate of a cold move."""

    start_time: Time | None = Field(
        default=None, description="startTime is when the move began to await its confirmation, in UTC."
    )
    deadline_time: Time | None = Field(
        default=None, description="deadlineTime is when onConfirmDeadline takes effect, in UTC."
    )
    end_time: Time | None = Field(
        default=None, description="endTime is when the wait was over, in UTC; absent while the move awaits."
    )
    decision: Verb | None = Field(
        default=None, description="decision that was carried out: confirm or revert; absent while awaited."
    )


class Attempt(StatusModel):
    """One attempt that has ended."""

    number: AttemptNumber = Field(description="number of the attempt, counted from 1.")
    upstream_id: Word | None = Field(default=None, description="upstreamID of the migration in the cloud.")
    source_host: Name | None = Field(default=None, description="sourceHost the server was on before.")
    destination_host: Name | None = Field(default=None, description="destinationHost the server was sent to.")
    outcome: Phase = Field(
        json_schema_extra={"enum": [Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.REVERTED]},
        description="outcome of the attempt: Succeeded, Failed, Aborted or Reverted.",
    )
    reason: Name | None = Field(default=None, description="reason for the outcome, one CamelCase word.")
    start_time: Time | None = Field(default=None, description="startTime of the attempt, in UTC.")
    end_time: Time | None = Field(default=None, description="endTime of the attempt, in UTC.")


class Failure(StatusModel):
    """Why the Migration did not succeed."""

    reason: Name = Field(min_length=1, description="reason as one CamelCase word, the same as in Succeeded.")
    message: Note | None = Field(default=None, description="message for people, one sentence.")
    retryable: bool | None = Field(
        default=None, description="retryable is true when the same order may well succeed later, as after NoValidHost."
    )
    next_retry_time: Time | None = Field(
        default=None,
        description="nextRetryTime is when the next attempt, or the next try in it, begins, in UTC; absent for none.",
    )


class MigrationStatus(StatusModel):
    """What osmig found and did; deleting it does not make osmig forget a move, the API server refuses that."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [START_TIME_STAYS]})

    @property
    def is_late(self) -> bool | None:
        """Whether upstream says that it is late; ``None`` where it speaks of no such thing."""
        return None if self.mailboxes is None else self.mailboxes.late is True

    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description=(
            "conditions are the contract for tools: Succeeded (Unknown until decided), Finished (True after every "
            "outcome), Ready (True after success), ProviderReady, Converging (of a live move under way), and while "
            "True only: Reconciling, Stalled."
        ),
    )
    observed_generation: Generation = Field(
        default=-1, description="observedGeneration is the metadata.generation last acted upon; -1 means none yet."
    )
    phase: Phase | None = Field(
        default=None, description="phase sums the conditions up in one word for people; scripts should read conditions."
    )
    attempt: AttemptNumber | None = Field(default=None, description="attempt under way or last made, counted from 1.")
    start_time: Time | None = Field(
        default=None,
        description=(
            "startTime is when osmig first meant to call the cloud, in UTC. From then on the spec is frozen, and "
            "startTime itself can be neither changed nor removed."
        ),
    )
    attempt_start_time: Time | None = Field(
        default=None, description="attemptStartTime is when the current attempt first meant to call the cloud, in UTC."
    )
    queued_time: MicroTime | None = Field(
        default=None, description="queuedTime is since when the Migration waits for a slot; earlier ones go first."
    )
    deadline_time: Time | None = Field(
        default=None,
        description="deadlineTime is when onDeadline takes effect, in UTC; absent while a confirmation is awaited.",
    )
    paused_seconds: Annotated[int, Field(ge=0, le=MAX_INT)] | None = Field(
        default=None, description="pausedSeconds spent awaiting confirmations, by which deadlineTime was put off."
    )
    completion_time: Time | None = Field(
        default=None, description="completionTime is when the outcome was known, in UTC; absent while under way."
    )
    server: ServerFacts | None = Field(default=None, description="server as the cloud describes it.")
    placement: PlacementFacts | None = Field(default=None, description="placement before and after the move.")
    tenant: TenantFacts | None = Field(default=None, description="tenant that is replicated, and its replica.")
    mailboxes: MailboxFacts | None = Field(default=None, description="mailboxes that are copied, and their job.")
    upstream: UpstreamFacts | None = Field(
        default=None, description="upstream is the cloud's own record of the move, in its own words."
    )
    pending_call: PendingCall | None = Field(
        default=None,
        description=(
            "pendingCall is a call to the cloud that was written down before being made; gone when its effect is known."
        ),
    )
    progress: Progress | None = Field(default=None, description="progress of the data; only numbers the cloud gave.")
    controls: tuple[Control, ...] = Field(
        default=(),
        max_length=10,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["verb"]},
        description="controls holds the last order of each verb and what became of it.",
    )
    policy_orders: tuple[PolicyOrder, ...] = Field(
        default=(),
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["policy"]},
        description="policyOrders holds what the spec's policies did in the current attempt.",
    )
    preflight: tuple[PreflightCheck, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description=(
            "preflight holds what was checked before a start; of servers, only mode Validate fills it. Each start of "
            "the current attempt that the cloud turned down without doing anything is a check named Start."
        ),
    )
    confirm: ConfirmFacts | None = Field(default=None, description="confirm is the gate of a cold move.")
    attempts: tuple[Attempt, ...] = Field(
        default=(),
        max_length=5,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["number"]},
        description="attempts that have ended, the last five.",
    )
    failure: Failure | None = Field(default=None, description="failure tells why the outcome is not success.")
