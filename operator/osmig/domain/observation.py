"""Everything that one decision may depend on, and what a decision says. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.api.mappings import Mappings
    from osmig.api.migration import Migration, MigrationStatus, PreflightCheck, Progress
    from osmig.api.names import EventReason, Verb
    from osmig.domain.capabilities import Capability
    from osmig.domain.errors import BackendError
    from osmig.domain.replicas import ReplicaJob, ReplicaView, RunView
    from osmig.domain.upstream import (
        Explanation,
        Finding,
        HostView,
        ProgressView,
        Receipt,
        RecordView,
        ServerView,
        Survey,
    )


class Read(StrEnum):
    """One upstream fact that a step may need; the engine reads them in this order."""

    SURVEY = "survey"
    FINDING = "finding"
    SERVER = "server"
    RECORDS = "records"
    PROGRESS = "progress"
    EXPLANATION = "explanation"
    PREFLIGHT = "preflight"
    SOURCE_HOST = "source-host"
    RUNS = "runs"
    RUN = "run"
    REPLICA = "replica"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One value of a verb's annotation that was seen, even if it is gone by now."""

    verb: Verb
    token: str
    field_manager: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderView:
    """What a Migration has to know of its Provider.

    Attributes:
        is_ready: probed, and swept at least once by this process.
        reason, message: why not, fit for a condition.
        capabilities: what the cloud and the credentials can do, as far as the probe could tell.
        possible: what the cloud's version has, whoever asks.
        auto_confirm_s: after how long the cloud itself confirms a cold move; ``None`` for never.
        user_id: whose credentials they are, as far as upstream tells.
    """

    is_ready: bool
    reason: str = ""
    message: str = ""
    capabilities: frozenset[Capability] = frozenset()
    possible: frozenset[Capability] = frozenset()
    auto_confirm_s: float | None = None
    user_id: str | None = None

    def can(self, capability: Capability) -> bool:
        """Whether the cloud and the credentials allow it, as far as the probe could tell."""
        return capability in self.capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Whether a limit of the Provider keeps a start back.

    Attributes:
        limit_of: what is limited, in words fit for status; empty when the start may go ahead.
        used, limit: of that limit.
    """

    limit_of: str = ""
    used: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long to wait for what, in seconds (architecture.md §5 and §6a)."""

    adopt_after_s: float = 70.0
    start_grace_s: float = 120.0
    start_lost_s: float = 60.0
    error_settle_s: float = 2.0
    record_poll_s: float = 2.0
    progress_period_s: float = 5.0
    verb_repeat_s: float = 5.0
    sweep_period_s: float = 10.0
    retry_s: float = 10.0
    stale_record_s: float = 300.0
    confirm_window_s: float = 600.0
    finalizer_s: float = 600.0
    run_poll_s: float = 5.0
    run_poll_max_s: float = 60.0
    not_started_s: float = 600.0
    cleanup_s: float = 18_000.0

    @property
    def resend_after_s(self) -> float:
        """A start whose answer is lost is sent again only after its slowest possible effect would have shown."""
        return max(self.start_grace_s, self.adopt_after_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCall:
    """The effect: send one start, under the intent in ``status.pendingCall``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbCall:
    """The effect: ask upstream once to carry out an order on its record.

    Confirm and revert are sent under an intent in ``status.pendingCall``: two at once break the server. Abort and
    force-complete may be repeated, so the accepted order is intent enough (ADR 0002).
    """

    verb: Verb
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateCall:
    """The effect: order one replication, under the intent in ``status.pendingCall``; all it takes was decided on."""

    job: ReplicaJob


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateCall:
    """The effect: order once that a replica be terminated, under the intent in ``status.pendingCall``."""

    replica_id: str


Call = StartCall | VerbCall | ReplicateCall | TerminateCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of the call made in this very step: a receipt (starts only), nothing more to say, or an error."""

    call: Call
    receipt: Receipt | None = None
    error: BackendError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One moment of one Migration.

    Attributes:
        now: the wall clock, UTC; only written down, never compared with another machine's.
        holder: the random id of this process, for intents.
        asks: verbs seen since the last latch, oldest first.
        rival: who else of ours has the surveyed server, in words fit for status, else empty.
        waited_s: for each label that the previous decision waited for: how long this process has seen it unchanged.
        since_call_s: how long ago this process last sent the order in force; ``None`` if never.
        sampled: the newest progress this process saw, which may be younger than the recorded one.
        trouble: a read failed; the facts that were read before it are there.
        swept: our record, or the one to adopt, as the last sweep saw it.
        owner: which other Migration follows the record to adopt, in words fit for status, else empty.
        slots: what the Provider's limits say to a start now, by the hosts that are known so far.
        preflight: what the engine checked before a start.
        source_host: the compute host that the server leaves.
        referenced: the mappings that ``spec.tenant.mappingRef`` names, as they are now; ``None`` if there are none.
        runs: every replication of the source tenant that the credentials see, oldest first.
        run: the replication that is followed.
        replica: what it makes.
    """

    now: dt.datetime
    holder: str
    migration: Migration
    provider: ProviderView
    timings: Timings = field(default_factory=Timings)
    asks: tuple[Ask, ...] = ()
    rival: str = ""
    owner: str = ""
    slots: Slots = field(default_factory=Slots)
    waited_s: Mapping[str, float] = field(default_factory=dict)
    since_call_s: float | None = None
    sampled: Progress | None = None
    trouble: BackendError | None = None
    survey: Survey | None = None
    finding: Finding | None = None
    server: ServerView | None = None
    records: tuple[RecordView, ...] | None = None
    swept: RecordView | None = None
    progress: ProgressView | None = None
    explanation: Explanation | None = None
    preflight: tuple[PreflightCheck, ...] | None = None
    source_host: HostView | None = None
    referenced: Mappings | None = None
    runs: tuple[RunView, ...] | None = None
    run: RunView | None = None
    replica: ReplicaView | None = None
    answer: Answer | None = None

    @property
    def status(self) -> MigrationStatus:
        """What was recorded."""
        return self.migration.status

    @property
    def newest_progress(self) -> Progress | None:
        """Return the progress seen last, recorded or not: it is written less often than it is read."""
        return self.sampled or self.status.progress

    @property
    def label(self) -> str:
        """Return the label that the previous decision waited for; handing it on lets the wait go on."""
        return next(iter(self.waited_s), "")

    def has_waited(self, label: str, seconds: float) -> bool:
        """Whether this process has seen ``label`` unchanged for that long. After a restart the wait begins anew."""
        return self.waited_s.get(label, 0.0) >= seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One Event for the user. Its text must not hold numbers that change (Events are immutable)."""

    reason: EventReason
    text: str
    is_warning: bool = False


class ObjectChange(StrEnum):
    """A change to the Kubernetes object itself, made in a round of its own."""

    ADD_FINALIZER = "add-finalizer"
    REMOVE_FINALIZER = "remove-finalizer"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one step does.

    Attributes:
        status: the whole new status.
        call: at most one effect; its intent is in ``status``, which is written first.
        due_s: when to look again, in seconds; ``None`` waits for a change of the object or of upstream.
        waiting_for: a label whose age the next observation tells; empty when nothing is waited for.
        notes: Events to post after the status was written.
        wants: reads without which this decision could not be made; the engine reads them and decides again.
        is_latch: the decision only records orders; the step goes on from there.
        takes_server: from here on this Migration has the server; the engine makes sure that no other took it meanwhile.
        change: of the object; nothing else of this decision but its notes counts then, and the step goes on from there.
    """

    status: MigrationStatus
    call: Call | None = None
    due_s: float | None = None
    waiting_for: str = ""
    notes: tuple[Note, ...] = ()
    wants: frozenset[Read] = frozenset()
    is_latch: bool = False
    takes_server: bool = False
    change: ObjectChange | None = None
