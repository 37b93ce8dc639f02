"""Which servers a plan is about, and what is done with each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import MAX_INT, SpecModel
from osmig.api.plan_rules import EXACTLY_ONE_EXCLUDED, EXACTLY_ONE_TARGET, METHOD_IFF_MOVE
from osmig.api.server import Host

MAX_HOSTS = 50
MAX_SERVERS = 1000
_ONE_TARGET = "Exactly one of hosts, servers, projectID, aggregate and availabilityZone must be set."

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


class PlanServer(SpecModel):
    """One server to move."""

    id: ServerID = Field(description="id of the server. Example: 1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9.")


class PlanTargets(SpecModel):
    """The hosts to empty or the servers to move, by exactly one of five ways to name them."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [EXACTLY_ONE_TARGET]})

    hosts: tuple[Host, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_HOSTS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description=f"hosts to empty, by the names of their compute services. {_ONE_TARGET} Example: [cmp1, cmp2].",
    )
    servers: tuple[PlanServer, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_SERVERS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
        description=f"servers to move, wherever they are; each is moved once. {_ONE_TARGET}",
    )
    project_id: ProjectID | None = Field(
        default=None,
        description=f"projectID whose servers are moved, wherever they are; each is moved once. {_ONE_TARGET}",
    )
    aggregate: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None,
        description=(
            f"aggregate whose hosts are emptied; looked up once, at the beginning. {_ONE_TARGET} Example: rack1."
        ),
    )
    availability_zone: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None,
        description=(
            f"availabilityZone whose hosts are emptied; looked up once, at the beginning. {_ONE_TARGET} Example: az1."
        ),
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> PlanTargets:
        targets = (self.hosts, self.servers, self.project_id, self.aggregate, self.availability_zone)
        if sum(target is not None for target in targets) != 1:
            raise ValueError(EXACTLY_ONE_TARGET["message"])
        return self

    @property
    def names_servers(self) -> bool:
        """Whether servers are named, by their ids or their project, and no hosts."""
        return self.servers is not None or self.project_id is not None


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
            raise ValueError(EXACTLY_ONE_EXCLUDED["message"])
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
            raise ValueError(METHOD_IFF_MOVE["message"])
        return self
