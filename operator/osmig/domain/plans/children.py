"""The Migrations that a plan has made, as far as the plan has to know them. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.domain.phases import CONFIRMATION, FINISHED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.api.names import MigrationType, Phase, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildView:
    """One Migration whose controller the plan is.

    Attributes:
        index: how many of the server's Migrations this plan had made with it, from 1; in its name and its label.
        phase: ``None`` until its first step.
        memory_mib: of the server's flavor when the Migration was made; 0 where that is not known.
        reason, message: of its condition ``Succeeded``.
        is_sent: something was sent to the cloud, or may have been (its ``startTime``).
        is_stalled: its condition ``Converging`` is False.
        attempt: the current one, for tokens that are bound to it.
        tokens: by verb, the token on record in its ``controls``.
        is_deleted: somebody is deleting it.
    """

    name: str
    server_id: str
    server_name: str = ""
    index: int = 1
    type: MigrationType
    source_host: str | None = None
    destination_host: str | None = None
    memory_mib: int = 0
    phase: Phase | None = None
    reason: str = ""
    message: str = ""
    is_sent: bool = False
    is_stalled: bool = False
    attempt: int = 1
    tokens: Mapping[Verb, str] = field(default_factory=dict)
    is_deleted: bool = False
    start_time: dt.datetime | None = None
    completion_time: dt.datetime | None = None
    total_bytes: int | None = None
    processed_bytes: int | None = None
    remaining_bytes: int | None = None
    throughput_bytes_per_second: int | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has an outcome."""
        return self.phase in FINISHED

    @property
    def end(self) -> tuple[str, dt.datetime | None]:
        """What tells one end from the next, after a retry."""
        return self.name, self.completion_time

    @property
    def is_awaiting(self) -> bool:
        """Whether its data has arrived and somebody is to confirm or revert, or has just done so."""
        return self.phase in CONFIRMATION

    @property
    def is_in_flight(self) -> bool:
        """Whether it takes one of the plan's places: made and neither finished nor arrived."""
        return not self.is_finished and not self.is_awaiting
