"""What somebody else wrote into a plan's status, and what the rest of it denies: mended before anything is decided.

Phase, ``completionTime`` and the condition ``Finished`` say the same; of the three the one that stands alone is wrong.
Hosts are those of the spec where that names them, and proven empty only with what proves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.names import ConditionStatus, ConditionType
from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.api.plan_status import PlanHost
from osmig.domain.conditions import find_condition
from osmig.domain.phases import is_over
from osmig.domain.plans.phases import PLAN_FINISHED

if TYPE_CHECKING:
    from osmig.api.plan import MigrationPlan
    from osmig.api.plan_status import PlanStatus

_ABORTED = frozenset({PlanReason.ABORTED, PlanReason.BUDGET_EXCEEDED, PlanReason.DEADLINE_EXCEEDED})


def mend(plan: MigrationPlan) -> PlanStatus:
    """Return the status without what contradicts the rest of it; the same where nothing does."""
    status = _mend_end(plan.status)
    hosts = _mend_hosts(plan, status)
    return status if hosts == status.hosts else status.model_copy(update={"hosts": hosts})


def _mend_end(status: PlanStatus) -> PlanStatus:
    finished = find_condition(status.conditions, ConditionType.FINISHED)
    if finished is None or status.phase is None:
        # no step has told yet how it stands
        return status
    has_ended, has_completion_time = status.phase in PLAN_FINISHED, status.completion_time is not None
    over = is_over(
        has_ended=has_ended,
        has_completion_time=has_completion_time,
        finished=finished.status is ConditionStatus.TRUE,
    )
    changes: dict[str, Any] = {}
    if has_ended is not over:
        changes["phase"] = _find_outcome(status) if over else _find_phase(status)
    if has_completion_time is not over:
        changes["completion_time"] = finished.last_transition_time if over else None
    return status.model_copy(update=changes) if changes else status


def _find_phase(status: PlanStatus) -> PlanPhase:
    """Return the phase of a plan that goes on, until the step that is being decided says more."""
    return PlanPhase.RUNNING if status.start_time is not None else PlanPhase.PENDING


def _find_outcome(status: PlanStatus) -> PlanPhase:
    """Return the phase in which a plan ended, as its condition ``Succeeded`` tells."""
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    if succeeded is None:
        return PlanPhase.FAILED
    if succeeded.status is ConditionStatus.TRUE:
        return PlanPhase.SUCCEEDED
    if succeeded.reason == PlanReason.EXPIRED:
        return PlanPhase.EXPIRED
    return PlanPhase.ABORTED if succeeded.reason in _ABORTED else PlanPhase.FAILED


def _mend_hosts(plan: MigrationPlan, status: PlanStatus) -> tuple[PlanHost, ...]:
    hosts, wanted = status.hosts, plan.spec.targets.hosts
    if wanted is not None and hosts and {host.name for host in hosts} != set(wanted):
        known = {host.name: host for host in hosts}
        hosts = tuple(known.get(name, PlanHost(name=name)) for name in sorted(wanted))
    return tuple(
        host.model_copy(update={"drained_time": None})
        if host.drained_time is not None and not _is_proven(host, plan)
        else host
        for host in hosts
    )


def _is_proven(host: PlanHost, plan: MigrationPlan) -> bool:
    """Whether the rest of a host's record agrees that it is proven empty."""
    left = (host.remaining, host.soft_deleted, host.unconfirmed, host.inbound)
    return plan.spec.disables and host.disabled_time is not None and not any(left)
