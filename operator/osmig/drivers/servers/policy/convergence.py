"""Whether a move gets anywhere: the condition Converging, and a source host that is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import ConditionStatus, Reason, Trend
from osmig.domain import policies
from osmig.domain.conditions import Converging
from osmig.domain.operations import Stage
from osmig.drivers.servers.policy import stale_records

if TYPE_CHECKING:
    from osmig.api.migration import Progress
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.facts import MoveObservation


@dataclass(frozen=True, slots=True, kw_only=True)
class StallCheck:
    """What stands in the way of a move, as far as is known.

    Attributes:
        reason, message: of a named split state; ``None`` while there is none.
        converging: the condition; ``None`` for moves that cannot be measured.
        needs_source_host: the source host must be looked at first.
        wait_key: of the wait for any change of the record.
    """

    reason: Reason | None = None
    message: str = ""
    converging: Converging | None = None
    needs_source_host: bool = False
    wait_key: str = ""


def judge(
    observation: MoveObservation, record: RecordView, progress: Progress | None, *, is_measured: bool
) -> StallCheck:
    """Judge a move that upstream has begun and not ended.

    A dead source compute leaves its record running for ever (docs/openstack.md): neither numbers nor record change. Its
    host is looked at only then.
    """
    wait_key = stale_records.wait_key_of(observation, record)
    converging = describe_convergence(observation, progress) if is_measured else None
    is_quiet = observation.has_waited(wait_key, _longest_quiet_s(observation))
    if is_measured and policies.measure_stall_s(observation, progress) is not None:
        is_quiet = policies.is_stalled(observation, progress)
    if not is_quiet or record.stage is Stage.UNKNOWN:
        return StallCheck(converging=converging, wait_key=wait_key)
    if observation.facts.source_host is None:
        return StallCheck(needs_source_host=True, converging=converging, wait_key=wait_key)
    if observation.facts.source_host.is_up:
        return StallCheck(converging=converging, wait_key=wait_key)
    reason = Reason.SOURCE_HOST_DOWN
    message = f"the compute service of {observation.facts.source_host.name} is down (runbook {reason})"
    return StallCheck(reason=reason, message=message, converging=converging, wait_key=wait_key)


def _longest_quiet_s(observation: MoveObservation) -> float:
    return max(observation.timings.stale_record_s, observation.migration.spec.convergence.progress_timeout_seconds)


def describe_convergence(observation: MoveObservation, progress: Progress | None) -> Converging:
    """Return the condition Converging of a live move whose data is moving."""
    if policies.measure_stall_s(observation, progress) is None or progress is None:
        return Converging(
            status=ConditionStatus.UNKNOWN, reason=Reason.NO_DATA, message="the cloud reports no numbers for this move"
        )
    timeout_s = observation.migration.spec.convergence.progress_timeout_seconds
    if not policies.is_stalled(observation, progress):
        return Converging(status=ConditionStatus.TRUE, reason=Reason.FALLING, message="")
    if progress.trend is Trend.RISING:
        message = f"the server writes faster than it is copied, for more than {timeout_s} s"
        return Converging(status=ConditionStatus.FALSE, reason=Reason.DIVERGING, message=message)
    message = f"what is left to copy has not fallen for more than {timeout_s} s"
    return Converging(status=ConditionStatus.FALSE, reason=Reason.FLAT, message=message)
