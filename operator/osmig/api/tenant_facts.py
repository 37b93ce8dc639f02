"""What Waldur says of a replication: source, replica, and what has been made of it so far."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import MAX_INT, Name, Note, StatusModel, Time, Word

Count = Annotated[int, Field(ge=0, le=MAX_INT)]


class Items(StatusModel):
    """Things that are made one by one."""

    of: Name = Field(description="of tells what is counted. Example: networks and subnets of the replica.")
    total: Count = Field(description="total of them that are known.")
    done: Count = Field(description="done and ready for use.")
    failed: Count = Field(default=0, description="failed to be made.")


class TenantFacts(StatusModel):
    """The tenant and its replica."""

    source_resource: Word | None = Field(
        default=None, description="sourceResource is the UUID of the resource that is replicated, as ordered."
    )
    destination_resource: Word | None = Field(
        default=None, description="destinationResource is the UUID of the replica's marketplace resource."
    )
    destination_name: Name | None = Field(default=None, description="destinationName is the replica's name upstream.")
    destination_status: Word | None = Field(
        default=None, description="destinationStatus of the replica in Waldur's word. Examples: Creating, OK, Erred."
    )
    mapping_hash: Word | None = Field(
        default=None,
        description="mappingHash of the mappings that were checked; another one before the order means MappingChanged.",
    )
    scope: Note | None = Field(default=None, description="scope says in a sentence what is replicated and what is not.")
    cleanup_order: Word | None = Field(
        default=None,
        description=(
            "cleanupOrder is the UUID of the order that terminates the replica, or unnamed where Waldur did not say."
        ),
    )
    cleanup_deadline_time: Time | None = Field(
        default=None,
        description="cleanupDeadlineTime is when the replica must be terminated, or the clean-up is given up, in UTC.",
    )
