"""When moves of a plan may begin: between two times, and within windows that recur by cron in a time zone."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import SpecModel, Time
from osmig.api.plan_rules import NOT_BEFORE_IS_EARLIER

MAX_WINDOWS = 10


class WindowKind(StrEnum):
    """Whether moves may begin while a window is open, or may not."""

    ALLOW = "Allow"
    DENY = "Deny"


class PlanWindow(SpecModel):
    """A time that comes again and again."""

    name: str = Field(min_length=1, max_length=63, description="name of the window. Example: night.")
    kind: WindowKind = Field(
        default=WindowKind.ALLOW,
        description=(
            "kind of the window. Allow: moves begin only while such a window is open. Deny: none begins while it is "
            "open, whatever else is. Default: Allow."
        ),
    )
    cron: str = Field(
        min_length=9,
        max_length=128,
        pattern=r"^[^\s=]+( [^\s=]+){4}$",
        description=(
            "cron says when the window opens: minute, hour, day of month, month, day of week. Where clocks skip that "
            "time it opens right after; where they repeat it, once if the hour is fixed. Example: 0 22 * * *."
        ),
    )
    duration_seconds: Annotated[int, Field(ge=300, le=604_800)] = Field(
        description="durationSeconds for which the window stays open, 5 minutes to 7 days."
    )


class PlanSchedule(SpecModel):
    """When moves may begin; those under way always end."""

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
    time_zone: str = Field(
        default="UTC",
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_+/-]*$",
        description="timeZone of the windows by its IANA name. Default: UTC. Example: Europe/Rome.",
    )
    windows: tuple[PlanWindow, ...] = Field(
        default=(),
        max_length=MAX_WINDOWS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        description="windows in which moves may, or may not, begin. Default: always open.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> PlanSchedule:
        before, after = self.not_before_time, self.not_after_time
        if before is not None and after is not None and before >= after:
            raise ValueError(NOT_BEFORE_IS_EARLIER["message"])
        return self
