"""What is written into a Migration's status before a call that changes something, to find its effect after a crash."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import MicroTime, Name, StatusModel, Word

AttemptNumber = Annotated[int, Field(ge=1, le=999)]


class Baseline(StatusModel):
    """What the server looked like before a call, so that the call's effect can be told from older ones."""

    request_ids: tuple[Word, ...] = Field(
        default=(),
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="requestIDs of the server's newest actions before the call.",
    )
    previous_id: Word | None = Field(
        default=None, description="previousID is the server's highest migration number before the call. Example: 41."
    )
    host: Name | None = Field(
        default=None, description="host the server was on before the call; absent where the credentials do not see it."
    )
    host_id: Name | None = Field(
        default=None, description="hostID is the cloud's anonymous name of that host, the same for all its servers."
    )
    name: Name | None = Field(
        default=None, description="name that the call gives to what it creates, by which that is found again."
    )
    user_id: Word | None = Field(
        default=None, description="userID of the credentials that the call is made with; others may not see its effect."
    )
    endpoint: Name | None = Field(
        default=None, description="endpoint that the call goes to; its effect is looked for nowhere else."
    )
    project_id: Word | None = Field(
        default=None, description="projectID of the credentials that the call is made with, where they have one."
    )


MAX_WAITED_S = 86_400


class PendingCall(StatusModel):
    """A call that changes something, written down before it is made and removed when it is answered for."""

    operation: Word = Field(
        min_length=1,
        description=(
            "operation to be called: live-migrate, cold-migrate, confirm, revert, replicate, terminate, "
            "copy-mailboxes or run-now."
        ),
    )
    attempt: AttemptNumber = Field(description="attempt the call belongs to, counted from 1.")
    holder: Word = Field(
        min_length=1, description="holder is the random name of the osmig process that wrote this down and may call."
    )
    time: MicroTime = Field(description="time this was written down, in UTC with microseconds.")
    sends: int = Field(ge=0, le=100, description="sends counts how often the call may have been sent in this attempt.")
    request_id: Word | None = Field(
        default=None, description="requestID of the call when an answer carried one. Example: req-1b2c…."
    )
    answer: Word | None = Field(
        default=None,
        description=(
            "answer that came and proves nothing by itself. Conflict: the server was busy. StartRefused: a conflict "
            "without a busy server. ServerError: the cloud failed. Absent: none came (yet)."
        ),
    )
    waited_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MAX_WAITED_S,
        description=(
            "waitedSeconds for which processes of osmig, one after another, have looked for the call's effect in vain."
        ),
    )
    baseline: Baseline | None = Field(
        alias="mark",
        default=None,
        description="mark is what the server looked like before, to find the call's effect after a crash.",
    )
