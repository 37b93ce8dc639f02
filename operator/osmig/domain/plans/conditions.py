"""Where a plan stands → the conditions that kstatus, Flux, Argo CD and ``kubectl wait`` read.

A closed time, an awaited approval and ``suspend`` are InProgress; what a person must act upon is Stalled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import ConditionStatus, ConditionType
from osmig.api.plan_names import PlanCondition, PlanPhase, PlanReason
from osmig.api.plan_options import Approval
from osmig.domain.conditions import Claim, find_condition, merge
from osmig.domain.plans.bounding import CONDITION_BYTES, cut_bytes
from osmig.domain.plans.deadlines import is_past_deadline
from osmig.domain.plans.phases import PLAN_FINISHED
from osmig.domain.plans.windows import judge_windows

if TYPE_CHECKING:
    from osmig.api.meta import Condition
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.windows import WindowState

_NAMED_BLOCKED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVerdict:
    """Where a plan stands, in one word, one reason and one sentence.

    Attributes:
        is_stalled: a person must act, though the plan is not over.
        rest: what is left of the hosts that are not drained; empty keeps what was said before.
    """

    phase: PlanPhase
    reason: PlanReason
    message: str = ""
    is_stalled: bool = False
    rest: str = ""


def describe_plan(verdict: PlanVerdict, status: PlanStatus, observation: PlanObservation) -> tuple[Condition, ...]:
    """Derive all conditions of a plan from the status as it will be written."""
    claims = [*_claim_outcome(verdict), *_claim_progress(verdict, observation)]
    claims.append(_claim_approved(verdict, status, observation))
    if observation.plan.spec.times.windows:
        claims.append(_claim_windows(observation))
    if observation.plan.spec.disables:
        claims.append(_claim_disabled(status))
    if not observation.plan.spec.targets.names_servers:
        claims.append(_claim_drained(verdict, status, observation))
    claims += [_claim_budget(status, observation), _claim_blocked(status)]
    if observation.plan.spec.deadline_seconds is not None:
        claims.append(_claim_deadline(status, observation))
    return merge(
        claims,
        before=observation.status.conditions,
        generation=observation.plan.metadata.generation,
        now=observation.now,
    )


def _claim_outcome(verdict: PlanVerdict) -> list[Claim]:
    finished = verdict.phase in PLAN_FINISHED
    is_good = verdict.phase is PlanPhase.SUCCEEDED
    succeeded = _yes_or_no(is_good) if finished else ConditionStatus.UNKNOWN
    return [
        _claim(ConditionType.SUCCEEDED, succeeded, verdict.reason, verdict.message),
        _claim(ConditionType.FINISHED, _yes_or_no(finished), verdict.reason),
        _claim(ConditionType.READY, _yes_or_no(is_good), verdict.reason, verdict.message),
    ]


def _claim_progress(verdict: PlanVerdict, observation: PlanObservation) -> list[Claim]:
    claims = []
    if verdict.phase is not PlanPhase.SUCCEEDED:
        is_stalled = verdict.is_stalled or verdict.phase in PLAN_FINISHED
        kind = ConditionType.STALLED if is_stalled else ConditionType.RECONCILING
        claims.append(_claim(kind, ConditionStatus.TRUE, verdict.reason, verdict.message))
    if verdict.phase not in PLAN_FINISHED:
        provider = observation.provider
        reason = PlanReason.PROVIDER_READY if provider.is_ready else provider.reason or PlanReason.PROVIDER_NOT_READY
        ready = _yes_or_no(provider.is_ready)
        claims.append(
            _claim(ConditionType.PROVIDER_READY, ready, reason, "" if provider.is_ready else provider.message)
        )
    return claims


def _claim_approved(verdict: PlanVerdict, status: PlanStatus, observation: PlanObservation) -> Claim:
    if verdict.phase is PlanPhase.AWAITING_APPROVAL:
        return _claim(PlanCondition.APPROVED, ConditionStatus.FALSE, PlanReason.AWAITING_APPROVAL, verdict.message)
    if status.approved_hash is not None:
        return _claim(PlanCondition.APPROVED, ConditionStatus.TRUE, PlanReason.APPROVED)
    if observation.plan.spec.approval is Approval.NONE:
        return _claim(PlanCondition.APPROVED, ConditionStatus.TRUE, PlanReason.NOT_REQUIRED)
    reason = PlanReason.NOT_APPROVED if verdict.phase in PLAN_FINISHED else PlanReason.AWAITING_APPROVAL
    return _claim(PlanCondition.APPROVED, ConditionStatus.FALSE, reason)


def _claim_windows(observation: PlanObservation) -> Claim:
    windows = judge_windows(observation.plan.spec.times, observation.now)
    if windows.problem:
        return _claim(PlanCondition.WINDOW_OPEN, ConditionStatus.FALSE, PlanReason.INVALID_SCHEDULE, windows.problem)
    reason = PlanReason.OPEN if windows.is_open else PlanReason.WINDOW_CLOSED
    return _claim(PlanCondition.WINDOW_OPEN, _yes_or_no(windows.is_open), reason, word_windows(windows))


def word_windows(windows: WindowState) -> str:
    """Say which windows decide, and until when: ``night until 2026-12-06T04:00:00Z``."""
    names = ", ".join(windows.names) or ("open" if windows.is_open else "closed")
    until = f" until {windows.change_time:%Y-%m-%dT%H:%M:%SZ}" if windows.change_time is not None else ""
    return f"{names}{until}"


def _claim_disabled(status: PlanStatus) -> Claim:
    missing = [host.name for host in status.hosts if host.disabled_time is None]
    released = [host.name for host in status.hosts if host.released_time is not None]
    if released:
        text = f"enabled again: {', '.join(released)}"
        return _claim(PlanCondition.HOSTS_DISABLED, ConditionStatus.FALSE, PlanReason.RELEASED, text)
    if missing or not status.hosts:
        text = f"not disabled yet: {', '.join(missing)}" if missing else ""
        return _claim(PlanCondition.HOSTS_DISABLED, ConditionStatus.FALSE, PlanReason.NOT_DISABLED, text)
    return _claim(PlanCondition.HOSTS_DISABLED, ConditionStatus.TRUE, PlanReason.DISABLED)


def _claim_drained(verdict: PlanVerdict, status: PlanStatus, observation: PlanObservation) -> Claim:
    if status.hosts and all(host.drained_time is not None for host in status.hosts):
        return _claim(PlanCondition.DRAINED, ConditionStatus.TRUE, PlanReason.DRAINED)
    if verdict.reason is PlanReason.MOVED_ALL_SELECTED:
        is_closed = observation.plan.spec.disables
        reason = PlanReason.EXCLUDED_SERVERS_LEFT if is_closed else PlanReason.NOT_DISABLED
        return _claim(PlanCondition.DRAINED, ConditionStatus.FALSE, reason, verdict.rest)
    known = find_condition(observation.status.conditions, PlanCondition.DRAINED)
    rest = verdict.rest or (known.message if known is not None else "")
    is_left = any(host.drained_time is None and (host.remaining or host.soft_deleted) for host in status.hosts)
    reason = PlanReason.SERVERS_LEFT if is_left else PlanReason.NOT_PROVEN
    return _claim(PlanCondition.DRAINED, ConditionStatus.FALSE, reason, rest)


def _claim_budget(status: PlanStatus, observation: PlanObservation) -> Claim:
    used, budget = count_charged(status), observation.plan.spec.budget.max_failures
    text = f"{used} of {budget} failures"
    if used > budget:
        return _claim(PlanCondition.WITHIN_BUDGET, ConditionStatus.FALSE, PlanReason.BUDGET_EXCEEDED, text)
    return _claim(PlanCondition.WITHIN_BUDGET, ConditionStatus.TRUE, PlanReason.WITHIN_BUDGET, text)


def _claim_deadline(status: PlanStatus, observation: PlanObservation) -> Claim:
    text = f"{observation.plan.spec.deadline_seconds} s, while the plan is held not counted"
    if is_past_deadline(observation.plan.spec, status, observation.now):
        return _claim(PlanCondition.WITHIN_DEADLINE, ConditionStatus.FALSE, PlanReason.DEADLINE_EXCEEDED, text)
    return _claim(PlanCondition.WITHIN_DEADLINE, ConditionStatus.TRUE, PlanReason.WITHIN_DEADLINE, text)


def _claim_blocked(status: PlanStatus) -> Claim:
    if status.counts is None or not status.counts.blocked:
        return _claim(PlanCondition.BLOCKED, ConditionStatus.FALSE, PlanReason.NOTHING_BLOCKED)
    return _claim(PlanCondition.BLOCKED, ConditionStatus.TRUE, PlanReason.SERVERS_BLOCKED, word_blocked(status))


def word_blocked(status: PlanStatus) -> str:
    """Say which servers are blocked by cause, in a fixed order: ``AffinityGroup 1: db-1; ServerState 2: a, b``."""
    names: dict[str, list[str]] = {}
    for server in status.left:
        if server.verdict == "Blocked":
            names.setdefault(server.reason, []).append(server.name or server.server_id)
    parts = []
    for reason, found in sorted(names.items()):
        more = f" ({len(found) - _NAMED_BLOCKED} more)" if len(found) > _NAMED_BLOCKED else ""
        parts.append(f"{reason} {len(found)}: {', '.join(found[:_NAMED_BLOCKED])}{more}")
    return "; ".join(parts)[:1024]


def count_charged(status: PlanStatus) -> int:
    """Count the failures that the budget bears: not those before somebody resumed the plan."""
    failed = status.counts.failed if status.counts is not None else 0
    return max(0, failed - status.forgiven_failures)


def _claim(kind: str, status: ConditionStatus, reason: str, message: str = "") -> Claim:
    return Claim(type=kind, status=status, reason=reason, message=cut_bytes(message, CONDITION_BYTES))


def _yes_or_no(is_true: bool) -> ConditionStatus:  # noqa: FBT001 - its one meaning
    return ConditionStatus.TRUE if is_true else ConditionStatus.FALSE
