"""The state table of a replication: what the run and its replica say together (docs/waldur.md)."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.drivers.tenants.views import LOST_STAGES, ReplicaStage, RunStage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.drivers.tenants.views import RunView


class ReplicationState(StrEnum):
    """How a replication stands."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    STALLED = "Stalled"
    LOST = "Lost"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


_ALIVE = frozenset(ReplicaStage) - LOST_STAGES

REPLICATION_STATES: Mapping[tuple[RunStage, ReplicaStage], ReplicationState] = MappingProxyType(
    {
        **{(RunStage.SCHEDULED, stage): ReplicationState.SCHEDULED for stage in _ALIVE},
        **{(RunStage.SCHEDULED, stage): ReplicationState.STALLED for stage in LOST_STAGES},
        # a replica that is OK while its run is not yet: ports are being created
        **{(RunStage.CREATING, stage): ReplicationState.RUNNING for stage in _ALIVE},
        **{(RunStage.CREATING, stage): ReplicationState.STALLED for stage in LOST_STAGES},
        **{(RunStage.OK, stage): ReplicationState.RUNNING for stage in _ALIVE},
        (RunStage.OK, ReplicaStage.OK): ReplicationState.SUCCEEDED,
        **{(RunStage.OK, stage): ReplicationState.LOST for stage in LOST_STAGES},
        **{(RunStage.ERRED, stage): ReplicationState.FAILED for stage in ReplicaStage},
        **{(RunStage.UNKNOWN, stage): ReplicationState.UNKNOWN for stage in ReplicaStage},
    }
)
"""Every pair that can be met."""


def judge(run: RunView) -> ReplicationState:
    """Return how a replication stands."""
    return REPLICATION_STATES[run.stage, run.replica_stage]
