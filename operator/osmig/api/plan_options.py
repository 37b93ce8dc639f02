"""The parts of a MigrationPlan's spec: which servers, how each is moved, how many at once, and what of their hosts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import MAX_INT, SpecModel, Time
from osmig.api.migration_options import MAX_SECONDS, OnDeadline, Retry
from osmig.api.plan_rules import (
    EXACTLY_ONE_EXCLUDED,
    EXACTLY_ONE_TARGET,
    METHOD_IFF_MOVE,
    NOT_BEFORE_IS_EARLIER,
)
from osmig.api.server import Host
from osmig.api.server_options import ColdOptions, LiveOptions

MAX_HOSTS = 50

ServerID = Annotated[str, Field(min_length=36, max_length=36, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
ProjectID = Annotated[str, Field(min_length=1, max_length=64)]
_Status = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Z_]+$")]
_Text = Annotated[str, Field(max_length=255)]
_Tag = Annotated[str, Field(min_length=1, max_length=60)]


class Behavior(StrEnum):
    """What a rule does with the servers that it matches."""

    MOVE = "Move"
    SKIP = "Skip"
    HOLD = "Hold"


class Method(StrEnum):
    """How a server is moved."""

    LIVE = "Live"
    COLD = "Cold"


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


class ComputeService(StrEnum):
    """What is done to the compute service of each host."""

    DISABLE = "Disable"
    LEAVE = "Leave"


class OnFinish(StrEnum):
    """What is done to the compute services after success."""

    LEAVE = "Leave"
    ENABLE = "Enable"


class PlanTargets(SpecModel):
    """The hosts to empty, by exactly one of three ways to name them."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [EXACTLY_ONE_TARGET]})

    hosts: tuple[Host, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_HOSTS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="hosts to empty, by the names of their compute services. Example: [cmp1, cmp2].",
    )
    aggregate: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None,
        description="aggregate whose hosts are emptied; looked up once, at the beginning. Example: rack1.",
    )
    availability_zone: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None,
        description="availabilityZone whose hosts are emptied; looked up once, at the beginning. Example: az1.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> PlanTargets:
        if sum(target is not None for target in (self.hosts, self.aggregate, self.availability_zone)) != 1:
            message = "exactly one of hosts, aggregate and availabilityZone must be set"
            raise ValueError(message)
        return self


class MetadataMatch(SpecModel):
    """One key of a server's metadata, and the values that fit."""

    key: str = Field(min_length=1, max_length=255, description="key of the server's metadata. Example: tier.")
    values: tuple[_Text, ...] = Field(
        min_length=1,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="values of which one must be there. Example: [web].",
    )


class PlanSelector(SpecModel):
    """Narrows the servers of the hosts down; all that is set must fit."""

    statuses: tuple[_Status, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="statuses of which the server must have one. Default: any. Example: [ACTIVE, PAUSED].",
    )
    match_metadata: tuple[MetadataMatch, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"]},
        description="matchMetadata of which all must fit. Default: any.",
    )
    match_tags: tuple[_Tag, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="matchTags that the server must have, all of them. Default: any.",
    )


class PlanExclude(SpecModel):
    """Servers that are never touched."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [EXACTLY_ONE_EXCLUDED]})

    server_id: ServerID | None = Field(
        default=None, description="serverID of the server. Exactly one of serverID and projectID must be set."
    )
    project_id: ProjectID | None = Field(
        default=None, description="projectID of the servers. Exactly one of serverID and projectID must be set."
    )
    reason: str = Field(
        min_length=1, max_length=255, description="reason that is shown with each of them. Example: owner asked."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> PlanExclude:
        if (self.server_id is None) == (self.project_id is None):
            message = "exactly one of serverID and projectID must be set"
            raise ValueError(message)
        return self


class RuleMatch(SpecModel):
    """Which servers a rule is for; all that is set must fit."""

    statuses: tuple[_Status, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="statuses of which the server must have one. Default: any. Example: [SHUTOFF].",
    )
    min_memory_mib: Annotated[int, Field(ge=0, le=MAX_INT)] | None = Field(
        default=None,
        description="minMemoryMiB that the server's flavor must have at least. Default: any. Example: 262144.",
    )
    metadata: MetadataMatch | None = Field(
        default=None, description="metadata that the server must have. Its owner may set it. Default: any."
    )


class PlanRule(SpecModel):
    """What is done with the servers that match; of several rules the first decides."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [METHOD_IFF_MOVE]})

    name: str = Field(
        min_length=1, max_length=63, description="name of the rule, shown with what it decides. Example: big-databases."
    )
    match: RuleMatch | None = Field(default=None, description="match says which servers. Default: all.")
    behavior: Behavior = Field(
        description=(
            "behavior for these servers. Move: they are moved. Skip: they are left where they are, and the host is not "
            "empty. Hold: the plan waits until they are gone or another rule is the first that matches."
        )
    )
    method: Method | None = Field(
        default=None,
        description=(
            "method of the move. Live: the server keeps running. Cold: it is stopped for the copy, if it runs, and its "
            "move awaits a confirmation. Required when behavior is Move, else forbidden."
        ),
    )

    @model_validator(mode="after")
    def _method_iff_move(self) -> PlanRule:
        if (self.behavior is Behavior.MOVE) != (self.method is not None):
            message = "method is required when behavior is Move, and forbidden otherwise"
            raise ValueError(message)
        return self


class PlanTemplate(SpecModel):
    """Parts of each Migration's spec, with the same names and defaults."""

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
    retry: Retry | None = Field(
        default=None, description="retry says which further attempts one move makes by itself. Default: none."
    )


_AtOnce = Annotated[int, Field(ge=1, le=1000)]


class PlanLimits(SpecModel):
    """How many moves of the plan may be ordered and not arrived at once; the Provider's limits hold besides."""

    max_in_flight: _AtOnce = Field(default=6, description="maxInFlight moves of the whole plan. Default: 6.")
    max_in_flight_per_source_host: _AtOnce = Field(
        default=2, description="maxInFlightPerSourceHost moves away from one host. Default: 2."
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


class PlanSchedule(SpecModel):
    """When moves may begin."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [NOT_BEFORE_IS_EARLIER]})

    not_before_time: Time | None = Field(
        default=None, description="notBeforeTime before which nothing is changed, in UTC. Default: at once."
    )
    not_after_time: Time | None = Field(
        default=None,
        description=(
            "notAfterTime after which nothing is begun any more, in UTC; moves under way end. A plan that is kept in "
            "git should have it: when it is applied again somewhere, the hosts are not emptied again. Default: never."
        ),
    )

    @model_validator(mode="after")
    def _in_order(self) -> PlanSchedule:
        before, after = self.not_before_time, self.not_after_time
        if before is not None and after is not None and before >= after:
            message = "notBeforeTime must be earlier than notAfterTime"
            raise ValueError(message)
        return self


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


class PlanMaintenance(SpecModel):
    """What is done to the compute services of the hosts."""

    compute_service: ComputeService = Field(
        description=(
            "computeService of each host. Disable: all hosts are disabled before the first server moves, unless "
            "somebody else did it. Leave: nothing; new servers may come, and no host is called drained."
        )
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="reason that the cloud shows beside the disabled service. Example: CHG0031337 firmware.",
    )
    on_finish: OnFinish = Field(
        default=OnFinish.LEAVE,
        description=(
            "onFinish says what happens to the services after success. Leave: they stay disabled. Enable: those that "
            "this plan disabled are enabled, if its mark is still there. Default: Leave."
        ),
    )
