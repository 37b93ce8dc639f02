"""What a plan would do to each server, as people approve it: counts, and what is not simply moved live."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import MAX_INT, Name, Note, StatusModel, Time, Word
from osmig.api.plan_names import Judgement

Count = Annotated[int, Field(ge=0, le=MAX_INT)]

MAX_NOT_PLAIN = 200


class PreviewCounts(StatusModel):
    """How many servers were found, by what is done with them."""

    move: Count = Field(default=0, description="move counts servers that are moved live.")
    cold: Count = Field(default=0, description="cold counts servers that are moved cold.")
    skip: Count = Field(default=0, description="skip counts servers that are left where they are.")
    hold: Count = Field(default=0, description="hold counts servers that are waited for, by a rule.")
    wait: Count = Field(default=0, description="wait counts servers that the cloud is busy with.")
    blocked: Count = Field(default=0, description="blocked counts servers that cannot be moved as they are.")
    memory_mib: Count = Field(default=0, description="memoryMiB of all servers that are moved, live or cold.")


class PreviewServer(StatusModel):
    """One server that is not simply moved live."""

    server_id: Word = Field(description="serverID of the server.")
    name: Name | None = Field(default=None, description="name of the server.")
    project_id: Word | None = Field(default=None, description="projectID of the server.")
    host: Name | None = Field(default=None, description="host the server is on.")
    status: Word | None = Field(default=None, description="status of the server, in the cloud's word.")
    verdict: Judgement = Field(description="verdict on it: Move (with a warning), Cold, Skip, Hold, Wait or Blocked.")
    reason: Name = Field(description="reason for the verdict, one CamelCase word. Example: AffinityGroup.")
    message: Note | None = Field(default=None, description="message tells why, and what to do.")


class Preview(StatusModel):
    """What the plan would do, or did, as of its beginning."""

    hash: Word = Field(description="hash over every server, host and verdict, which osmig.dev/approve must name.")
    sample_time: Time = Field(description="sampleTime is when the servers were looked at, in UTC.")
    counts: PreviewCounts = Field(default=PreviewCounts(), description="counts of servers by verdict.")
    free_memory_mib: Count | None = Field(
        default=None,
        description="freeMemoryMiB of all other hosts that the scheduler may choose; absent where unknown.",
    )
    live_timeout_seconds: Count | None = Field(
        default=None,
        description=(
            "liveTimeoutSeconds is after how many seconds Nova gives up the live move of the largest server, if "
            "live_migration_completion_timeout has its default: 800 s per GiB of memory, at least 2 GiB counted, and "
            "as much for each GiB of disk that is copied, which this leaves out. Absent if no server is moved live."
        ),
    )
    not_plain: tuple[PreviewServer, ...] = Field(
        default=(),
        max_length=MAX_NOT_PLAIN,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["serverID"]},
        description="notPlain lists servers that are not simply moved live, blocked ones first.",
    )
    truncated_count: Count = Field(
        default=0, description="truncatedCount is how many more of them there are than the list holds."
    )
