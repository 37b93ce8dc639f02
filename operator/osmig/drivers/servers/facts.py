"""What is known of the move of one server at one moment: read from the cloud, or told by sweeps and by others here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from osmig.api.migration import ServerFacts
from osmig.domain.observation import Observation, ReadFacts

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus, PreflightCheck
    from osmig.api.migration_changes import StatusChanges
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.views import (
        CallLookup,
        Explanation,
        HostView,
        NamedHost,
        PreStartState,
        ProgressView,
        ServerView,
        StartTrace,
    )

FactName: TypeAlias = Literal[
    "pre_start",
    "named_hosts",
    "call_lookup",
    "server",
    "records",
    "start_trace",
    "progress",
    "explanation",
    "preflight",
    "source_host",
]
"""A fact that is read from the cloud; several are read in this order."""

SHOW_SERVER: frozenset[FactName] = frozenset({"pre_start", "call_lookup", "server"})
"""Facts whose reading begins with the server itself: only there does an absence mean that the server is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFacts:
    """What is known of a server's move (`osmig.domain.observation.Facts`).

    Attributes:
        swept: our record, or the one to adopt, as the last sweep saw it.
        conflicting: the other Migration that has the server, as a text fit for status, else empty.
        ahead: the other Migration that waits for a slot to move the server and goes first, likewise.
        owner: which other Migration follows the record to adopt, in words fit for status, else empty.
        named_hosts: the hosts that the spec names, each with whether the cloud has it.
        start_trace: what the cloud shows of the start that it accepted.
        preflight: what was checked before a start.
        source_host: the compute host that the server leaves.
    """

    swept: RecordView | None = None
    conflicting: str = ""
    ahead: str = ""
    owner: str = ""
    pre_start: PreStartState | None = None
    named_hosts: tuple[NamedHost, ...] | None = None
    call_lookup: CallLookup | None = None
    server: ServerView | None = None
    records: tuple[RecordView, ...] | None = None
    start_trace: StartTrace | None = None
    progress: ProgressView | None = None
    explanation: Explanation | None = None
    preflight: tuple[PreflightCheck, ...] | None = None
    source_host: HostView | None = None

    @property
    def newest_server(self) -> ServerView | None:
        """The server as read last in this step."""
        if self.server is not None:
            return self.server
        if self.call_lookup is not None:
            return self.call_lookup.server
        return self.pre_start.server if self.pre_start is not None else None

    @property
    def learned(self) -> tuple[RecordView, ...]:
        """The server's records as read in this step."""
        return self.records or ()

    def describe(self, status: MigrationStatus) -> StatusChanges:
        """Return the field that tells of the server."""
        return {"server": self.describe_server(status)}

    def describe_server(self, status: MigrationStatus) -> ServerFacts | None:
        """Return what is known of the server: the newest view of this step, else what was recorded."""
        view = self.newest_server
        if view is None:
            return status.server
        return ServerFacts(
            id=view.id,
            name=view.name,
            project_id=view.project_id,
            status=view.status or None,
            task_state=view.task_state,
        )


MoveObservation: TypeAlias = Observation[MoveFacts]
"""One moment of a server's move."""


def read(*names: FactName) -> ReadFacts:
    """Ask for facts that a decision lacks."""
    return ReadFacts(frozenset(names))
