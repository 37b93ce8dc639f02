"""The state table of a replication: what the run and its replica say together (docs/waldur.md)."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.drivers.tenants.views import LOST_STAGES, ReplicaStage, RunStage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.drivers.tenants.views import RunView


class Standing(StrEnum):
    """How a replication stands."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    STALLED = "Stalled"
    LOST = "Lost"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


_ALIVE = frozenset(ReplicaStage) - LOST_STAGES

STANDINGS: Mapping[tuple[RunStage, ReplicaStage], Standing] = MappingProxyType(
    {
        **{(RunStage.SCHEDULED, stage): Standing.SCHEDULED for stage in _ALIVE},
        **{(RunStage.SCHEDULED, stage): Standing.STALLED for stage in LOST_STAGES},
        # a replica that is OK while its run is not yet: ports are being created
        **{(RunStage.CREATING, stage): Standing.RUNNING for stage in _ALIVE},
        **{(RunStage.CREATING, stage): Standing.STALLED for stage in LOST_STAGES},
        **{(RunStage.OK, stage): Standing.RUNNING for stage in _ALIVE},
        (RunStage.OK, ReplicaStage.OK): Standing.SUCCEEDED,
        **{(RunStage.OK, stage): Standing.LOST for stage in LOST_STAGES},
        **{(RunStage.ERRED, stage): Standing.FAILED for stage in ReplicaStage},
        **{(RunStage.UNKNOWN, stage): Standing.UNKNOWN for stage in ReplicaStage},
    }
)
"""Every pair that can be met."""


def judge(run: RunView) -> Standing:
    """Return how a replication stands."""
    return STANDINGS[run.stage, run.replica_stage]
