"""A server to move: which one, from where to where, and what belongs to its types of Migration alone."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import SpecModel
from osmig.api.names import MigrationType, Reason
from osmig.api.union import Member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.rules import Rule

Host = Annotated[str, Field(min_length=1, max_length=255)]
HostID = Annotated[str, Field(min_length=56, max_length=56, pattern=r"^[0-9a-f]{56}$")]

EXACTLY_ONE_OF_ID_AND_NAME: Rule = {
    "rule": "has(self.id) != has(self.name)",
    "message": "exactly one of id and name must be set",
}

ADOPT_IS_NEVER_VALIDATED: Rule = {
    "rule": "!has(self.adopt) || self.mode != 'Validate'",
    "message": "may not be set when mode is Validate",
    "reason": "FieldValueForbidden",
    "fieldPath": ".adopt",
}
"""There is nothing to check before a start that was made already."""


class ServerRef(SpecModel):
    """Names one server by exactly one of id and name."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [EXACTLY_ONE_OF_ID_AND_NAME]})

    id: str | None = Field(
        default=None,
        min_length=36,
        max_length=36,
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description=(
            "id of the server, a UUID in lower case. Exactly one of id and name must be set. "
            "Example: 1b2c3d4e-0000-4000-8000-0123456789ab."
        ),
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description=(
            "name of the server, matched exactly; it must be unambiguous among the servers the credentials see, and "
            "is resolved once. Exactly one of id and name must be set. Example: db-07."
        ),
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> ServerRef:
        if (self.id is None) == (self.name is None):
            message = "exactly one of id and name must be set"
            raise ValueError(message)
        return self


class Placement(SpecModel):
    """Where the server is expected and where it shall go."""

    source_host: Host | None = Field(
        default=None,
        description=(
            "sourceHost is the compute host the server must be on; elsewhere nothing is sent. Name it to make applying "
            "the same manifest again harmless. Default: wherever the server is. Example: cmp1."
        ),
    )
    source_host_id: HostID | None = Field(
        default=None,
        description=(
            "sourceHostID is the same by the cloud's anonymous name of that host, the server's hostId, which is "
            "another one for each project. For credentials that see no hosts. It says nothing of a move that is "
            "adopted. Default: wherever the server is."
        ),
    )
    destination_host: Host | None = Field(
        default=None,
        description=(
            "destinationHost is the compute host to move to; a server that is already there counts as moved. "
            "Default: the cloud's scheduler chooses. Example: cmp2."
        ),
    )


class AdoptRef(SpecModel):
    """Names a migration of the cloud that is under way already."""

    id: str = Field(
        min_length=1,
        max_length=36,
        pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[1-9][0-9]{0,17})$",
        description=(
            "id of the migration in the cloud: its UUID, or its number as old clouds give it. Nothing is started; it is"
            " followed, and verbs and policies work on it. Example: 4711."
        ),
    )


REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SERVER_BUSY: "The server is in the middle of something else; the move starts when that is over.",
        Reason.ACCEPTED: "The cloud accepted the order.",
        Reason.QUEUED: "The cloud keeps the move in its own queue.",
        Reason.PREPARING: "The cloud prepares both hosts.",
        Reason.RUNNING: "Data is being moved.",
        Reason.POST_COPY: "The server already runs at its destination and fetches the rest of its memory from there.",
        Reason.SWITCHING_OVER: "The data has moved; the server is being handed over to its destination.",
        Reason.AWAITING_CONFIRMATION: "The server runs at its destination; somebody must confirm or revert the move.",
        Reason.CONFIRMING: "The move is being confirmed; the copy at the source is being removed.",
        Reason.REVERTING: "The server is going back to its source host.",
        Reason.RECORD_MISSING: "The server is being moved, and the cloud has no record of it; see the runbook.",
        Reason.SOURCE_HOST_DOWN: "The compute service of the source host is down, so nothing goes on; see the runbook.",
        Reason.FALLING: "The data left to move is falling.",
        Reason.FLAT: "The data left to move has not fallen for progressTimeoutSeconds.",
        Reason.DIVERGING: "The data left to move grows: the server writes faster than it is copied.",
        Reason.NO_DATA: "The cloud reports no numbers for this move.",
        Reason.CONFIRMED_UPSTREAM: "The server was moved, and the move confirmed in the cloud, by nobody here.",
        Reason.RECORD_STALE: "The record did not end and its server is idle; where the server is decides.",
        Reason.ALREADY_AT_DESTINATION: "The server was at its destination already; nothing was sent.",
        Reason.NOT_ON_SOURCE_HOST: (
            "The server is not on sourceHost; nothing was sent. Success when no destinationHost was asked for."
        ),
        Reason.REVERTED: "The server is back on its source host, by the verb revert.",
        Reason.REVERTED_UPSTREAM: "The server is back on its source host; the move was reverted in the cloud.",
        Reason.CONFIRM_DEADLINE_EXCEEDED: "Nobody confirmed in time, and onConfirmDeadline reverted the move.",
        Reason.STALLED: "The move made no progress, and onStall called it off.",
        Reason.CANCELLED_UPSTREAM: "The move was called off in the cloud, by nobody here.",
        Reason.ADOPT_REFUSED: "The migration in adopt.id cannot be followed; the message tells why. Nothing was sent.",
        Reason.HOSTS_NOT_VISIBLE: "Hosts were named, and the credentials may not see hosts; nothing was sent.",
        Reason.HOST_NOT_FOUND: (
            "The cloud has no compute host of the name in sourceHost or destinationHost; the message names one that "
            "differs by case or domain only. Nothing was sent."
        ),
        Reason.SERVER_IN_ERROR: "The server is in state ERROR.",
        Reason.SERVER_NOT_FOUND: "No such server is visible to the credentials; nothing was sent.",
        Reason.SERVER_NAME_AMBIGUOUS: "Several servers have this name; name one by its id.",
        Reason.SERVER_GONE: "The server was deleted during the move.",
        Reason.START_LOST: "The cloud took the order and dropped it before it began.",
        Reason.QUOTA_EXCEEDED: "The cloud refuses the order because a quota of the project is used up.",
        Reason.NO_VALID_HOST: "The cloud's scheduler found no host that can take the server.",
        Reason.PRE_CHECK_FAILED: "The cloud's check of the two hosts refused the move.",
        Reason.HYPERVISOR_FAILED: "The hypervisor gave up; the server still runs on its source host.",
        Reason.MIGRATION_ERROR: "The cloud marks the move as failed and does not say why.",
        Reason.HOST_UNCHANGED: "The cloud says completed and the server is where it was; see the runbook.",
        Reason.ERROR_ON_DESTINATION: "The server is in state ERROR on its destination host; see the runbook.",
        Reason.NOT_AWAITING_CONFIRMATION: (
            "The cloud says finished, but the server does not wait for a confirmation; see the runbook."
        ),
    }
)

_MOVES = (MigrationType.LIVE_MIGRATION, MigrationType.COLD_MIGRATION)

MEMBERS = (
    Member("server", types=_MOVES, required=True, ordered_by=("name", "id"), frozen=("server",), reasons=REASONS),
    Member("placement", types=_MOVES, frozen=("placement",)),
    Member("live", types=(MigrationType.LIVE_MIGRATION,), frozen=("live.blockMigration",)),
    Member("cold", types=(MigrationType.COLD_MIGRATION,)),
    Member("adopt", types=_MOVES, frozen=("adopt",)),
)
"""What the moves of servers add to a Migration's spec."""
