"""Everything that one decision may depend on, and what a decision says. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol

from typing_extensions import TypeVar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from osmig.api.migration import Migration, MigrationStatus, Progress
    from osmig.api.migration_changes import StatusChanges
    from osmig.api.names import EventReason, Verb
    from osmig.domain.calls import Call
    from osmig.domain.capabilities import Capability
    from osmig.domain.errors import BackendError
    from osmig.domain.operations import RecordView


class Facts(Protocol):
    """What one driver knows of one Migration at one moment; a fact that was not read is ``None``."""

    def describe(self, status: MigrationStatus) -> StatusChanges:
        """Return the fields of the status that these facts tell whatever is decided."""
        ...

    @property
    def learned(self) -> Iterable[RecordView]:
        """Records that were read in this step, for those who know them from sweeps."""
        ...


class UnsweptFacts:
    """Base of the facts of a driver whose sweeps list nothing: what is read is written down where it is judged."""

    __slots__ = ()

    @property
    def learned(self) -> tuple[RecordView, ...]:
        """None."""
        return ()

    def describe(self, status: MigrationStatus) -> StatusChanges:
        """Return nothing."""
        del status
        return {}


F_co = TypeVar("F_co", bound=Facts, default=Facts, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbRequest:
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
        endpoint, project_id: where they lead, as far as upstream tells.
        connection: number of the connection in this process; what is decided on one is not sent on another.
    """

    is_ready: bool
    reason: str = ""
    message: str = ""
    capabilities: frozenset[Capability] = frozenset()
    possible: frozenset[Capability] = frozenset()
    auto_confirm_s: float | None = None
    user_id: str | None = None
    endpoint: str | None = None
    project_id: str | None = None
    connection: int = 0

    def can(self, capability: Capability) -> bool:
        """Whether the cloud and the credentials allow it, as far as the probe could tell."""
        return capability in self.capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHit:
    """The limit of the Provider that blocks a start, if any.

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
class Observation(Generic[F_co]):
    """One moment of one Migration.

    Attributes:
        now: the wall clock, UTC; only written down, never compared with another machine's.
        holder: the random id of this process, for intents.
        verb_requests: verbs seen since verbs were last recorded, oldest first.
        wait_ages_s: for the wait key of the previous decision: how long this process has seen it unchanged.
        since_call_s: how long ago this process last sent the order in force; ``None`` if never.
        sampled: the newest progress this process saw, which may be younger than the recorded one.
        since_progress_s: how long this process has seen ``lowestRemainingBytes`` as it is, in seconds.
        read_error: a read failed; the facts that were read before it are there.
        failed_fact: the fact whose reading failed, for what an absence means depends on it; empty when none did.
        facts: what the driver of the Migration's type knows.
        limit_hit: what the Provider's limits say to a start now, by the hosts that are known so far.
    """

    now: dt.datetime
    holder: str
    migration: Migration
    provider: ProviderView
    facts: F_co
    timings: Timings = field(default_factory=Timings)
    verb_requests: tuple[VerbRequest, ...] = ()
    limit_hit: LimitHit = field(default_factory=LimitHit)
    wait_ages_s: Mapping[str, float] = field(default_factory=dict)
    since_call_s: float | None = None
    sampled: Progress | None = None
    since_progress_s: float = 0.0
    read_error: BackendError | None = None
    failed_fact: str = ""

    @property
    def status(self) -> MigrationStatus:
        """What was recorded."""
        return self.migration.status

    @property
    def newest_progress(self) -> Progress | None:
        """Return the progress seen last, recorded or not: it is written less often than it is read."""
        return self.sampled or self.status.progress

    @property
    def wait_key(self) -> str:
        """Return the wait key of the previous decision; handing it on continues the wait."""
        return next(iter(self.wait_ages_s), "")

    def has_waited(self, wait_key: str, seconds: float) -> bool:
        """Whether this process has seen ``wait_key`` unchanged for that long. After a restart the wait begins anew."""
        return self.wait_ages_s.get(wait_key, 0.0) >= seconds


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


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """A decision that cannot be made yet: the facts named are read, and it is decided again (ADR 0007).

    Attributes:
        names: fields of the driver's facts that are missing.
    """

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class ChangeObject:
    """A change of the Kubernetes object itself, made in a round of its own; the step goes on from there.

    Attributes:
        notes: Events to post after the change.
    """

    change: ObjectChange
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A new status, and at most one call under the intent in it.

    Attributes:
        status: the whole new status.
        call: at most one effect; its intent is in ``status``, which is written first.
        due_s: when to look again, in seconds; ``None`` waits for a change of the object or of upstream.
        wait_key: names what is waited for; the next observation has its age; empty for no wait.
        notes: Events to post after the status was written.
        goes_on: the status only records orders; the step goes on from there.
        claims: from here on this Migration has its server; the step makes sure that no other took it meanwhile.
    """

    status: MigrationStatus
    call: Call | None = None
    due_s: float | None = None
    wait_key: str = ""
    notes: tuple[Note, ...] = ()
    goes_on: bool = False
    claims: bool = False


Decision = ReadFacts | ChangeObject | Commit
"""What one step does."""
