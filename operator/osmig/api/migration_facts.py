"""What the cloud says of a Migration: its server, where that is, and the cloud's own record of the move."""

from __future__ import annotations

from pydantic import Field

from osmig.api.meta import Name, StatusModel, Time, Word


class ServerFacts(StatusModel):
    """The server, as the cloud describes it."""

    id: Word | None = Field(default=None, description="id of the server (UUID), resolved once from spec.server.")
    name: Name | None = Field(default=None, description="name of the server when it was resolved.")
    project_id: Name | None = Field(default=None, description="projectID is the project that owns the server.")
    status: Word | None = Field(
        default=None, description="status of the server in the cloud's own word. Examples: ACTIVE, MIGRATING, ERROR."
    )
    task_state: Word | None = Field(
        default=None,
        description="taskState of the server in the cloud's own word, absent when idle. Example: migrating.",
    )


class PlacementFacts(StatusModel):
    """Where the server is and where it goes."""

    source_host: Name | None = Field(
        default=None, description="sourceHost is the compute host the current attempt moves the server away from."
    )
    destination_host: Name | None = Field(
        default=None,
        description="destinationHost is the compute host the server moves to; absent until the scheduler chose one.",
    )
    source_host_id: Name | None = Field(
        default=None,
        description=(
            "sourceHostID is the cloud's anonymous name of the source host, by which a move shows even where hosts "
            "are hidden."
        ),
    )


class UpstreamFacts(StatusModel):
    """The cloud's own record of the move, verbatim."""

    id: Word | None = Field(
        default=None, description="id of the migration in the cloud: a UUID, or an integer on old clouds."
    )
    type: Word | None = Field(default=None, description="type of the migration in the cloud's word, as live-migration.")
    status: Word | None = Field(
        default=None,
        description="status of the migration in the cloud's word. Examples: preparing, running, completed.",
    )
    request_id: Word | None = Field(
        default=None,
        description="requestID of the call that started the move; find it in the cloud's logs. Example: req-1b2c….",
    )
    previous_id: Word | None = Field(
        default=None,
        description=(
            "previousID is the server's highest migration number known before the start; a greater one came after. "
            "Example: 41."
        ),
    )
    user_id: Word | None = Field(
        default=None,
        description="userID of the credentials that the record was last seen with; others may not see it.",
    )
    endpoint: Name | None = Field(
        default=None, description="endpoint that the start went to; the move is followed nowhere else."
    )
    project_id: Word | None = Field(
        default=None, description="projectID of the credentials of the start, where they have one."
    )
    updated_time: Time | None = Field(
        default=None, description="updatedTime is when the cloud last changed its record, by its own clock, in UTC."
    )
