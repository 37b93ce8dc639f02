"""How a plan goes about it: what each Migration has, how many at once, when, and what of the hosts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import SpecModel
from osmig.api.migration_options import MAX_SECONDS, DeletionPolicy, OnDeadline, Retry
from osmig.api.names import Reason
from osmig.api.plan_rules import REASONS_ONLY_IF_COLD
from osmig.api.server import Host
from osmig.api.server_options import ColdOptions, LiveOptions


class PlanOrder(StrEnum):
    """Which servers go first."""

    SMALLEST_MEMORY_FIRST = "SmallestMemoryFirst"
    LARGEST_MEMORY_FIRST = "LargestMemoryFirst"
    OLDEST_FIRST = "OldestFirst"
    NEWEST_FIRST = "NewestFirst"
    NAME = "Name"


class Approval(StrEnum):
    """Whether somebody must approve the preview."""

    NONE = "None"
    MANUAL = "Manual"


class OnBlocked(StrEnum):
    """What servers that cannot be moved mean for the others."""

    CONTINUE = "Continue"
    REFUSE = "Refuse"


class OnExceeded(StrEnum):
    """What happens once too many moves have failed."""

    PAUSE = "Pause"
    ABORT = "Abort"


class OnPlanDeadline(StrEnum):
    """What happens once a plan has taken too long."""

    ALERT = "Alert"
    PAUSE = "Pause"
    ABORT = "Abort"


class PlanDeletionPolicy(StrEnum):
    """What deleting a plan does to its moves under way."""

    DETACH = DeletionPolicy.DETACH.value
    ABORT = DeletionPolicy.ABORT.value


class ComputeService(StrEnum):
    """What is done to the compute service of each host."""

    DISABLE = "Disable"
    LEAVE = "Leave"


class WhenDisabled(StrEnum):
    """When the compute services of a plan with waves are disabled."""

    ALL_FIRST = "AllFirst"
    PER_WAVE = "PerWave"


class OnFinish(StrEnum):
    """What is done to the compute services after success."""

    LEAVE = "Leave"
    ENABLE = "Enable"


class PlanPlacement(SpecModel):
    """Where the servers shall go."""

    destination_host: Host = Field(
        description=(
            "destinationHost is the compute host that all servers move to. Rarely wise: one host takes all, and the "
            "cloud does not spread them. May not be a host that the plan empties. Example: cmp9."
        )
    )


class PlanRetry(Retry):
    """Which further attempts a Migration of a plan makes by itself.

    Nova tries other hosts before it gives up a move, so another attempt needs a cloud that has changed meanwhile; and
    what one Migration asks of the scheduler, all that failed with it ask, too.
    """

    backoff_seconds: int = Field(
        default=60,
        ge=60,
        le=MAX_SECONDS,
        description=(
            "backoffSeconds before the first of them; doubled for each further one. At most maxBackoffSeconds; the "
            "cloud itself has tried other hosts before. Default: 60."
        ),
    )


class PlanTemplate(SpecModel):
    """Parts of each Migration's spec, with the same names and, but for retry.backoffSeconds, the same defaults."""

    placement: PlanPlacement | None = Field(
        default=None, description="placement says where servers go. Default: the cloud's scheduler chooses for each."
    )
    live: LiveOptions | None = Field(
        default=None, description="live holds the options of live moves. Default: those of a Migration."
    )
    cold: ColdOptions | None = Field(
        default=None, description="cold holds the options of cold moves. Default: those of a Migration."
    )
    deadline_seconds: int = Field(
        default=14_400,
        ge=60,
        le=MAX_SECONDS,
        description="deadlineSeconds is how long one server's move may take. Default: 14400 (4 h).",
    )
    on_deadline: OnDeadline = Field(
        default=OnDeadline.ALERT,
        description="onDeadline says what happens to that move then: Alert or Abort. Default: Alert.",
    )
    retry: PlanRetry | None = Field(
        default=None, description="retry says which further attempts one move makes by itself. Default: none."
    )


_AtOnce = Annotated[int, Field(ge=1, le=1000)]


class PlanLimits(SpecModel):
    """How many moves of the plan may be ordered and not arrived at once; the Provider's limits hold besides."""

    max_in_flight: _AtOnce = Field(default=6, description="maxInFlight moves of the whole plan. Default: 6.")
    max_in_flight_per_source_host: _AtOnce = Field(
        default=2, description="maxInFlightPerSourceHost moves away from one host. Default: 2."
    )
    max_in_flight_per_destination_host: _AtOnce | None = Field(
        default=None,
        description=(
            "maxInFlightPerDestinationHost moves to the host that template.placement names; where the cloud's "
            "scheduler chooses, no one knows before the start which host that is. Default: the Provider's limit alone."
        ),
    )
    max_in_flight_per_server_group: _AtOnce = Field(
        default=1,
        description=(
            "maxInFlightPerServerGroup moves of members of one server group; more than one may fail, for the cloud "
            "judges anti-affinity before the others have arrived. Default: 1."
        ),
    )
    max_in_flight_per_project: _AtOnce | None = Field(
        default=None, description="maxInFlightPerProject moves of servers of one project. Default: no such limit."
    )


class FailureBudget(SpecModel):
    """How many moves may fail before the plan stops by itself."""

    max_failures: int = Field(
        default=3,
        ge=0,
        le=1000,
        description="maxFailures that are borne; one more exceeds the budget. Default: 3.",
    )
    on_exceeded: OnExceeded = Field(
        default=OnExceeded.PAUSE,
        description=(
            "onExceeded says what happens then. Pause: no more moves begin until osmig.dev/resume. Abort: the moves "
            "under way are called off, too. Default: Pause."
        ),
    )


class FallbackMethod(StrEnum):
    """What is tried when a live move has failed."""

    NONE = "None"
    COLD = "Cold"


class FallbackReason(StrEnum):
    """Ends of a live move after which a cold one may be tried, as the Migration's condition Succeeded has them."""

    PRE_CHECK_FAILED = Reason.PRE_CHECK_FAILED.value
    START_REFUSED = Reason.START_REFUSED.value
    STALLED = Reason.STALLED.value
    DEADLINE_EXCEEDED = Reason.DEADLINE_EXCEEDED.value
    HYPERVISOR_FAILED = Reason.HYPERVISOR_FAILED.value


class PlanFallback(SpecModel):
    """What is tried when a live move has failed: it costs the server a stop, so nothing is, unless this says so."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [REASONS_ONLY_IF_COLD]})

    method: FallbackMethod = Field(
        description=(
            "method that is tried. None: none. Cold: the server is stopped for the copy, and its move awaits a "
            "confirmation, see template.cold."
        )
    )
    on_reasons: tuple[FallbackReason, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=len(FallbackReason),
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description=(
            "onReasons of failed live moves after which it is tried. Allowed only if method is Cold. "
            "Default: PreCheckFailed, StartRefused and Stalled."
        ),
    )

    @model_validator(mode="after")
    def _reasons_only_if_cold(self) -> PlanFallback:
        if self.on_reasons is not None and self.method is not FallbackMethod.COLD:
            raise ValueError(REASONS_ONLY_IF_COLD["message"])
        return self

    @property
    def reasons(self) -> tuple[FallbackReason, ...]:
        """Reasons after which the method is tried, defaults filled in."""
        return self.on_reasons or _FALLBACK_REASONS


_FALLBACK_REASONS = (FallbackReason.PRE_CHECK_FAILED, FallbackReason.START_REFUSED, FallbackReason.STALLED)


class PlanMaintenance(SpecModel):
    """What is done to the compute services of the hosts."""

    compute_service: ComputeService = Field(
        description=(
            "computeService of each host. Disable: it is disabled before the first server moves, unless somebody else "
            "did it. Leave: nothing; new servers may come, and no host is called drained."
        )
    )
    disable: WhenDisabled = Field(
        default=WhenDisabled.ALL_FIRST,
        description=(
            "disable says when. AllFirst: all hosts at the beginning, so no server moves twice. PerWave: the hosts of "
            "a wave when it begins, so servers of earlier waves may land on hosts of later ones. Default: AllFirst."
        ),
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=(
            "reason that the cloud shows beside the disabled service. Default: none. Example: CHG0031337 firmware."
        ),
    )
    on_finish: OnFinish = Field(
        default=OnFinish.LEAVE,
        description=(
            "onFinish says what happens to the services after success. Leave: they stay disabled. Enable: those that "
            "this plan disabled are enabled, if its mark is still there. Default: Leave."
        ),
    )
