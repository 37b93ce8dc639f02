"""The MigrationPlan: hosts that are emptied and proven to be empty, or servers that are moved, by Migrations.

Here is what a user writes; what osmig writes back is in `osmig.api.plan_status`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from osmig.api.meta import ObjectMeta, SpecModel, parse_metadata, parse_spec, parse_status
from osmig.api.migration_options import MAX_SECONDS, Mode, ProviderRef
from osmig.api.plan_options import (
    Approval,
    ComputeService,
    FailureBudget,
    OnBlocked,
    OnFinish,
    OnPlanDeadline,
    PlanDeletionPolicy,
    PlanFallback,
    PlanLimits,
    PlanMaintenance,
    PlanOrder,
    PlanTemplate,
    WhenDisabled,
)
from osmig.api.plan_rules import (
    APPROVAL_STAYS,
    DESTINATION_IS_NOT_EMPTIED,
    EACH_HOST_IN_ONE_WAVE,
    MAINTENANCE_WANTS_HOSTS,
    POLICY_WANTS_A_DEADLINE,
    VALIDATE_NEEDS_NO_APPROVAL,
    WAVES_WANT_HOSTS,
)
from osmig.api.plan_servers import MAX_HOSTS, PlanExclude, PlanRule, PlanSelector, PlanTargets
from osmig.api.plan_status import PlanStatus
from osmig.api.plan_waves import PlanWave
from osmig.api.plan_windows import PlanSchedule

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAN_FROZEN = (
    "providerRef",
    "mode",
    "targets",
    "selector",
    "rules",
    "fallback.method",
    "waves",
    "maintenance.computeService",
    "maintenance.disable",
)
"""What of a plan's spec may not change once it has started."""


class PlanSpec(SpecModel):
    """What the user wants; a part of it is frozen once `status.startTime` is set, see `PLAN_FROZEN`."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                VALIDATE_NEEDS_NO_APPROVAL,
                APPROVAL_STAYS,
                WAVES_WANT_HOSTS,
                MAINTENANCE_WANTS_HOSTS,
                EACH_HOST_IN_ONE_WAVE,
                POLICY_WANTS_A_DEADLINE,
                DESTINATION_IS_NOT_EMPTIED,
            ]
        }
    )

    provider_ref: ProviderRef = Field(description="providerRef names the cloud that holds the hosts.")
    mode: Mode = Field(
        default=Mode.EXECUTE,
        description=(
            "mode of work. Execute: do it. Validate: only look at every server and write the preview; changing it to "
            "Execute afterwards starts the plan. Default: Execute."
        ),
    )
    suspend: bool = Field(
        default=False,
        strict=True,
        description="suspend begins nothing new while true; moves under way go on. Default: false.",
    )
    targets: PlanTargets = Field(description="targets are the hosts to empty, or the servers to move.")
    selector: PlanSelector | None = Field(
        default=None,
        description="selector narrows the servers of the targets down; the others are skipped. Default: all servers.",
    )
    exclude: tuple[PlanExclude, ...] = Field(
        default=(),
        max_length=200,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="exclude names servers that are never touched. Default: none.",
    )
    rules: tuple[PlanRule, ...] = Field(
        default=(),
        max_length=50,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        description=(
            "rules of which the first that matches a server decides. What none matches is moved: cold what is SHUTOFF, "
            "live everything else. No server is ever stopped without a rule that says Cold. Default: none."
        ),
    )
    fallback: PlanFallback | None = Field(
        default=None, description="fallback says what is tried when a live move has failed. Default: nothing."
    )
    template: PlanTemplate | None = Field(
        default=None, description="template holds what every Migration of the plan has in its spec. Default: defaults."
    )
    order: PlanOrder = Field(
        default=PlanOrder.SMALLEST_MEMORY_FIRST,
        description=(
            "order in which servers go: SmallestMemoryFirst, LargestMemoryFirst, OldestFirst, NewestFirst or Name. "
            "Default: SmallestMemoryFirst."
        ),
    )
    waves: tuple[PlanWave, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_HOSTS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        description=(
            "waves in which the hosts are emptied, one after another; a wave is over when no server of its hosts has "
            "anything to wait for. Default: all hosts at once."
        ),
    )
    limits: PlanLimits | None = Field(
        default=None, description="limits say how many moves are under way at once. Default: all at their defaults."
    )
    schedule: PlanSchedule | None = Field(default=None, description="schedule says when. Default: at once.")
    failure_budget: FailureBudget | None = Field(
        default=None, description="failureBudget says how many moves may fail. Default: 3, then the plan pauses."
    )
    on_blocked: OnBlocked = Field(
        default=OnBlocked.CONTINUE,
        description=(
            "onBlocked says what servers that cannot be moved mean at the beginning. Continue: the others are moved. "
            "Refuse: nothing is begun. Default: Continue."
        ),
    )
    approval: Approval = Field(
        default=Approval.NONE,
        description=(
            "approval that the plan needs. None: none. Manual: nothing is begun before the annotation "
            "osmig.dev/approve has the hash of the preview. Default: None."
        ),
    )
    maintenance: PlanMaintenance | None = Field(
        default=None,
        description=(
            "maintenance says what is done to the compute services of the hosts; forbidden where the targets are "
            "servers or a project. Default: nothing."
        ),
    )
    deadline_seconds: Annotated[int, Field(ge=60, le=MAX_SECONDS)] | None = Field(
        default=None,
        description=(
            "deadlineSeconds is how long the whole plan may take once it has begun. The time in which it is Paused, "
            "Waiting (as for a window) or AwaitingApproval does not count. Default: as long as it takes."
        ),
    )
    on_deadline: OnPlanDeadline = Field(
        default=OnPlanDeadline.ALERT,
        description=(
            "onDeadline says what happens then. Alert: an Event and the condition WithinDeadline. Pause: no more moves "
            "begin until osmig.dev/resume. Abort: the moves under way are called off, too. Default: Alert."
        ),
    )
    deletion_policy: PlanDeletionPolicy = Field(
        default=PlanDeletionPolicy.DETACH,
        description=(
            "deletionPolicy of the Migrations that are made from now on, which are deleted with the plan. Detach: "
            "moves under way go on upstream. Abort: they are called off first, for at most 10 minutes each. Compute "
            "services stay as they are. Default: Detach."
        ),
    )
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=MAX_SECONDS)] | None = Field(
        default=None,
        description=(
            "ttlSecondsAfterFinished after the end osmig deletes the plan, and its Migrations with it. Leave it unset "
            "under GitOps. Default: never."
        ),
    )

    @model_validator(mode="after")
    def _nothing_to_approve(self) -> PlanSpec:
        if self.mode is Mode.VALIDATE and self.approval is Approval.MANUAL:
            raise ValueError(VALIDATE_NEEDS_NO_APPROVAL["message"])
        return self

    @model_validator(mode="after")
    def _policy_wants_a_deadline(self) -> PlanSpec:
        if self.on_deadline is not OnPlanDeadline.ALERT and self.deadline_seconds is None:
            raise ValueError(POLICY_WANTS_A_DEADLINE["message"])
        return self

    @model_validator(mode="after")
    def _each_host_in_one_wave(self) -> PlanSpec:
        if self.waves is None:
            return self
        if self.targets.hosts is None:
            raise ValueError(WAVES_WANT_HOSTS["message"])
        if sorted(host for wave in self.waves for host in wave.hosts) != sorted(self.targets.hosts):
            raise ValueError(EACH_HOST_IN_ONE_WAVE["message"])
        return self

    @model_validator(mode="after")
    def _maintenance_wants_hosts(self) -> PlanSpec:
        if self.maintenance is not None and self.targets.names_servers:
            raise ValueError(MAINTENANCE_WANTS_HOSTS["message"])
        return self

    @model_validator(mode="after")
    def _destination_is_not_emptied(self) -> PlanSpec:
        if self.destination_host is not None and self.destination_host in (self.targets.hosts or ()):
            raise ValueError(DESTINATION_IS_NOT_EMPTIED["message"])
        return self

    @property
    def destination_host(self) -> str | None:
        """The host that all servers move to; ``None`` where the cloud's scheduler chooses."""
        placement = self.template.placement if self.template is not None else None
        return placement.destination_host if placement is not None else None

    @property
    def disables(self) -> bool:
        """Whether the compute services of the hosts are disabled."""
        return self.maintenance is not None and self.maintenance.compute_service is ComputeService.DISABLE

    @property
    def disables_per_wave(self) -> bool:
        """Whether a host is disabled only when its wave begins."""
        return self.maintenance is not None and self.maintenance.disable is WhenDisabled.PER_WAVE

    @property
    def enables_at_end(self) -> bool:
        """Whether what the plan disabled is enabled after success."""
        return self.maintenance is not None and self.maintenance.on_finish is OnFinish.ENABLE

    @property
    def bounds(self) -> PlanLimits:
        """How many moves are under way at once, defaults filled in."""
        return self.limits or PlanLimits()

    @property
    def budget(self) -> FailureBudget:
        """How many moves may fail, defaults filled in."""
        return self.failure_budget or FailureBudget()

    @property
    def times(self) -> PlanSchedule:
        """When moves may begin, defaults filled in."""
        return self.schedule or PlanSchedule()


class MigrationPlan(BaseModel):
    """A MigrationPlan as read from the API server.

    Attributes:
        status_readable: false when `status` held something this version cannot read. It then is empty,
            and what was done before is unknown, so nothing may be done on its ground.
    """

    model_config = ConfigDict(frozen=True)

    metadata: ObjectMeta
    spec: PlanSpec
    status: PlanStatus = PlanStatus()
    status_readable: bool = True


def parse_plan(body: Mapping[str, Any]) -> MigrationPlan:
    """Read a MigrationPlan as the API server sent it.

    Raises:
        InvalidManifest: the spec or the metadata is not one that this version can follow.
    """
    status = parse_status(PlanStatus, body)
    return MigrationPlan(
        metadata=parse_metadata(body),
        spec=parse_spec(PlanSpec, body),
        status=status if status is not None else PlanStatus(),
        status_readable=status is not None,
    )
