"""What a Provider is asked to tell of migrations that nobody declared here, and what it tells."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from osmig.api.meta import MAX_INT, MicroTime, Note, SpecModel, StatusModel, Word

if TYPE_CHECKING:
    from osmig.api.rules import Rule

MAX_FILTERS = 64
MAX_TYPES = 16
"""Types that are counted by name; the cloud's other words are one."""

Count = Annotated[int, Field(ge=0, le=MAX_INT)]
HostFilter = Annotated[str, Field(min_length=1, max_length=255)]
ProjectFilter = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[-._A-Za-z0-9]+$")]
TypeFilter = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[-_a-z0-9]+$")]


MIRROR_ONLY_WHAT_CAN_BE_ADOPTED: Rule = {
    "rule": "self.type == 'OpenStack' || !has(self.discovery) || self.discovery.mode != 'Mirror'",
    "message": "may be Mirror only when type is OpenStack",
    "reason": "FieldValueForbidden",
    "fieldPath": ".discovery.mode",
}
"""A mirror adopts what it follows, and of replications and of jobs that copy mailboxes nothing can be adopted."""


class DiscoveryMode(StrEnum):
    """How much osmig tells of migrations that others started."""

    OFF = "Off"
    COUNT = "Count"
    MIRROR = "Mirror"


class DiscoveryFilters(SpecModel):
    """Which migrations of others are mirrored; one passes that fits every list which is not empty."""

    hosts: tuple[HostFilter, ...] = Field(
        default=(),
        max_length=MAX_FILTERS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="hosts that a migration leaves or goes to, by exact name. Default: any. Example: cmp1.",
    )
    project_ids: tuple[ProjectFilter, ...] = Field(
        default=(),
        max_length=MAX_FILTERS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="projectIDs of whoever began them, which the cloud tells from 2.80 on. Default: any.",
    )
    types: tuple[TypeFilter, ...] = Field(
        default=(),
        max_length=MAX_FILTERS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description=(
            "types of migration in the words of status.upstream.byType. Default: any. Examples: live-migration, "
            "migration."
        ),
    )

    @model_validator(mode="after")
    def _each_once(self) -> DiscoveryFilters:
        for name in ("hosts", "project_ids", "types"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                message = f"each of {name} may be named only once"
                raise ValueError(message)
        return self


class Discovery(SpecModel):
    """How much osmig tells of migrations that nobody declared here."""

    mode: DiscoveryMode = Field(
        default=DiscoveryMode.COUNT,
        description=(
            "mode of discovery. Off: nothing is listed to be counted. Count: status.upstream counts what the "
            "credentials see. Mirror: each live one also gets a Migration that follows it; type must be OpenStack. "
            "Default: Count."
        ),
    )
    filters: DiscoveryFilters | None = Field(
        default=None, description="filters of what is mirrored; counts know none. Default: everything."
    )
    max_mirrored: int = Field(
        default=500,
        ge=1,
        le=2000,
        description=(
            "maxMirrored Migrations at most, those that have ended and await their deletion included; "
            "status.upstream.notMirrored counts the rest. Default: 500."
        ),
    )


class UpstreamScope(StrEnum):
    """How much of a cloud the credentials let osmig see."""

    CLOUD = "Cloud"
    PROJECT = "Project"
    CUSTOMER = "Customer"
    UNKNOWN = "Unknown"


class UpstreamType(StatusModel):
    """How many migrations of one type are not over."""

    type: Word = Field(
        min_length=1,
        description="type in the cloud's word, other for words that osmig does not know. Example: live-migration.",
    )
    count: Count = Field(description="count of those that are not over.")


class UpstreamCounts(StatusModel):
    """How many migrations of the cloud are in which state, whoever started them."""

    scope: UpstreamScope | None = Field(
        default=None,
        description=(
            "scope of what the credentials can see: Cloud (all projects or customers), Project (their own), Customer "
            "(one customer's) or Unknown. The counts beside it cover no more than that."
        ),
    )
    running: Count | None = Field(
        default=None,
        description="running counts the migrations that are under way; absent when they cannot be counted.",
    )
    queued: Count | None = Field(default=None, description="queued counts the migrations that wait in the cloud.")
    awaiting_confirmation: Count | None = Field(
        default=None,
        description="awaitingConfirmation counts the resized servers that wait for their owner to confirm or revert.",
    )
    by_type: tuple[UpstreamType, ...] = Field(
        default=(),
        max_length=MAX_TYPES,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description="byType counts the same migrations by what the cloud calls them.",
    )
    mirrored: Count | None = Field(
        default=None, description="mirrored counts those that have a Migration because discovery.mode is Mirror."
    )
    not_mirrored: Count | None = Field(
        default=None,
        description="notMirrored counts those that should have one and do not; the condition Mirrored says why.",
    )
    sample_time: MicroTime | None = Field(
        default=None,
        description="sampleTime when these counts were first found; it stays while the same ones are found again.",
    )
    message: Note | None = Field(
        default=None, description="message says why something is not counted; absent when everything in scope is."
    )
