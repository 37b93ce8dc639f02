"""When moves of a plan may begin: between two times, and within windows that recur by cron in a time zone."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import Name, SpecModel, StatusModel, Time
from osmig.api.plan_rules import NOT_BEFORE_IS_EARLIER, WINDOW_END_WANTS_WINDOWS

MAX_WINDOWS = 10


class WindowKind(StrEnum):
    """Whether moves may begin while a window is open, or may not."""

    ALLOW = "Allow"
    DENY = "Deny"


class OnWindowEnd(StrEnum):
    """What becomes of moves that are under way when the windows close."""

    FINISH = "Finish"
    ABORT = "Abort"


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
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=(
            "reason that the condition WindowOpen tells while this window decides. Default: none. Example: billing."
        ),
    )


class WindowsState(StrEnum):
    """Whether moves may begin now, as far as the windows decide."""

    OPEN = "Open"
    CLOSED = "Closed"


class PlanWindowStatus(StatusModel):
    """Whether moves may begin by the windows."""

    state: WindowsState = Field(
        default=WindowsState.CLOSED,
        description="state of all windows together. Open: moves may begin. Closed: none may.",
    )
    name: Name | None = Field(
        default=None,
        description="name of the windows that decide now, with commas between them; absent where none is open.",
    )
    next_change_time: Time | None = Field(
        default=None,
        description="nextChangeTime is when the windows open or close next, in UTC; absent if that is far away.",
    )
    closed_time: Time | None = Field(
        default=None,
        description=(
            "closedTime is since when the plan, once it has begun, has seen them closed, in UTC; absent while they are "
            "open."
        ),
    )


class PlanSchedule(SpecModel):
    """When moves may begin, and whether those under way may outlast that time."""

    model_config = ConfigDict(
        json_schema_extra={"x-kubernetes-validations": [NOT_BEFORE_IS_EARLIER, WINDOW_END_WANTS_WINDOWS]}
    )

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
    on_window_end: OnWindowEnd = Field(
        default=OnWindowEnd.FINISH,
        description=(
            "onWindowEnd says what becomes of moves under way when the windows close. Finish: they end. Abort: they "
            "are called off, and begin again in the next window; one that was called off nine times is left. "
            "Default: Finish."
        ),
    )

    @model_validator(mode="after")
    def _in_order(self) -> PlanSchedule:
        before, after = self.not_before_time, self.not_after_time
        if before is not None and after is not None and before >= after:
            raise ValueError(NOT_BEFORE_IS_EARLIER["message"])
        return self

    @model_validator(mode="after")
    def _window_end_wants_windows(self) -> PlanSchedule:
        if self.on_window_end is OnWindowEnd.ABORT and not self.windows:
            raise ValueError(WINDOW_END_WANTS_WINDOWS["message"])
        return self
