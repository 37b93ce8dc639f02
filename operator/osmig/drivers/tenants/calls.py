"""The calls that replicate tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.domain.calls import Call

if TYPE_CHECKING:
    from osmig.drivers.tenants.views import ReplicaJob


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateCall(Call):
    """The effect: order one replication, under the intent in ``status.pendingCall``; all it takes was decided on."""

    takes_slot = True

    job: ReplicaJob


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateCall(Call):
    """The effect: order once that a replica be terminated, under the intent in ``status.pendingCall``."""

    replica_id: str
