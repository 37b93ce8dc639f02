"""What keeps a plan from beginning, or from beginning more: the Provider, the time, other plans, people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration_options import Mode
from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.api.plan_options import Approval, OnBlocked, OnExceeded
from osmig.domain.plans import target_sweeps
from osmig.domain.plans.circumstances import find_usable
from osmig.domain.plans.conditions import PlanVerdict, count_charged, word_blocked, word_windows
from osmig.domain.plans.deadlines import is_paused_by_deadline
from osmig.domain.plans.services import is_enabled_again
from osmig.domain.plans.window_end import wants_end
from osmig.domain.plans.windows import judge_windows

if TYPE_CHECKING:
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.observation import PlanObservation


def find_obstacle(observation: PlanObservation) -> PlanVerdict | None:
    """Say why nothing can be looked at now; ``None`` when it can."""
    provider, phase = observation.provider, _phase_without_answer(observation)
    if not provider.is_ready:
        text = provider.message or "the Provider is not ready"
        return PlanVerdict(phase=phase, reason=PlanReason.PROVIDER_NOT_READY, message=text)
    if not target_sweeps.may_look(observation):
        is_about_servers = observation.plan.spec.targets.names_servers
        unknown = "where servers are" if is_about_servers else "whether one is empty"
        others = ", or for servers of their own project a manager's" if is_about_servers else ""
        text = f"the credentials may not see hosts, so {unknown} cannot be known; use an administrator's{others}"
        return PlanVerdict(phase=phase, reason=PlanReason.HOSTS_NOT_VISIBLE, message=text, is_stalled=True)
    if observation.read_error:
        return PlanVerdict(phase=phase, reason=PlanReason.RETRYING, message=observation.read_error)
    return None


def _phase_without_answer(observation: PlanObservation) -> PlanPhase:
    status = observation.status
    return (status.phase or PlanPhase.PENDING) if status.start_time is not None else PlanPhase.WAITING


def is_expired(observation: PlanObservation) -> bool:
    """Whether nothing may be begun any more."""
    not_after = observation.plan.spec.times.not_after_time
    return not_after is not None and observation.now >= not_after


def is_aborted_by_budget(status: PlanStatus, observation: PlanObservation) -> bool:
    """Whether too many moves have failed and the plan says Abort."""
    budget = observation.plan.spec.budget
    return budget.on_exceeded is OnExceeded.ABORT and count_charged(status) > budget.max_failures


def check_start(observation: PlanObservation, status: PlanStatus) -> PlanVerdict | None:
    """Say what keeps the plan from beginning at all; ``None`` when nothing does.

    Args:
        observation: of this moment.
        status: with the preview and the counts of this moment.
    """
    spec = observation.plan.spec
    if status.counts is not None and status.counts.blocked and spec.on_blocked is OnBlocked.REFUSE:
        text = f"nothing was begun, for onBlocked is Refuse: {word_blocked(status)}"
        return PlanVerdict(phase=PlanPhase.FAILED, reason=PlanReason.SERVERS_BLOCKED, message=text)
    claimed = [
        f"{host.name} by {observation.claimed[host.name]}"
        for host in status.hosts
        if _is_claimed(host.name, observation)
    ]
    if claimed:
        text = f"emptied by another plan, which is waited for: {', '.join(claimed)}"
        return PlanVerdict(phase=PlanPhase.WAITING, reason=PlanReason.HOST_CLAIMED, message=text)
    if spec.approval is Approval.MANUAL and status.approved_hash is None:
        hash_ = status.preview.hash if status.preview is not None else ""
        text = f"set the annotation osmig.dev/approve to the hash of the preview, {hash_}"
        return PlanVerdict(phase=PlanPhase.AWAITING_APPROVAL, reason=PlanReason.AWAITING_APPROVAL, message=text)
    not_before = spec.times.not_before_time
    if not_before is not None and observation.now < not_before:
        text = f"not before {not_before:%Y-%m-%dT%H:%M:%SZ}"
        return PlanVerdict(phase=PlanPhase.WAITING, reason=PlanReason.NOT_BEFORE, message=text)
    return None


def check_more(observation: PlanObservation, status: PlanStatus) -> PlanVerdict | None:
    """Say what keeps the plan from beginning more moves now; ``None`` when nothing does."""
    windows = judge_windows(observation.plan.spec.times, observation.now)
    if windows.problem:
        reason = PlanReason.INVALID_SCHEDULE
        return PlanVerdict(phase=PlanPhase.WAITING, reason=reason, message=windows.problem, is_stalled=True)
    if (paused := _check_pauses(observation, status)) is not None:
        return paused
    if (unusable := _check_hosts(observation, status)) is not None:
        return unusable
    if not windows.is_open:
        text = word_windows(windows)
        if wants_end(observation) and any(child.is_in_flight for child in observation.children):
            text += "; what moves is called off, and begins again when they open"
        return PlanVerdict(phase=PlanPhase.WAITING, reason=PlanReason.WINDOW_CLOSED, message=text)
    return None


def _check_pauses(observation: PlanObservation, status: PlanStatus) -> PlanVerdict | None:
    """Say who or what has paused the plan."""
    budget = observation.plan.spec.budget
    if observation.plan.spec.suspend:
        text = "spec.suspend is true; what moves goes on"
        return PlanVerdict(phase=PlanPhase.PAUSED, reason=PlanReason.SUSPENDED, message=text)
    if status.paused_time is not None:
        text = "paused; osmig.dev/resume goes on, and what moves goes on meanwhile"
        return PlanVerdict(phase=PlanPhase.PAUSED, reason=PlanReason.PAUSED, message=text)
    if count_charged(status) > budget.max_failures:
        used = count_charged(status)
        text = f"{used} moves failed, {budget.max_failures} are borne; osmig.dev/resume bears as many again"
        return PlanVerdict(phase=PlanPhase.PAUSED, reason=PlanReason.BUDGET_EXCEEDED, message=text, is_stalled=True)
    if is_paused_by_deadline(observation.plan.spec, status, observation.now):
        seconds = observation.plan.spec.deadline_seconds
        text = f"deadlineSeconds ({seconds}) have passed; osmig.dev/resume grants as many again, or raise them"
        return PlanVerdict(phase=PlanPhase.PAUSED, reason=PlanReason.DEADLINE_EXCEEDED, message=text, is_stalled=True)
    return None


def _check_hosts(observation: PlanObservation, status: PlanStatus) -> PlanVerdict | None:
    """Say which hosts are not as the plan needs them."""
    again = [host.name for host in status.hosts if is_enabled_again(host, observation.sweeps.get(host.name))]
    if observation.plan.spec.disables and again:
        text = f"somebody enabled {', '.join(again)} again; osmig.dev/resume disables it once more, or abort the plan"
        return PlanVerdict(phase=PlanPhase.PAUSED, reason=PlanReason.NOT_DISABLED, message=text, is_stalled=True)
    return _check_destination(observation)


def _check_destination(observation: PlanObservation) -> PlanVerdict | None:
    """Say that servers cannot go where the plan wants them all; a host that does not report comes back by itself."""
    name = observation.plan.spec.destination_host
    if name is None or find_usable(observation) != ():
        return None
    row = next((row for row in observation.cloud_hosts or () if row.name == name), None)
    if row is None:
        why = "is no compute host of the cloud"
    elif any(host.name == name for host in observation.status.hosts):
        why = "is emptied by this plan itself"
    else:
        why = "does not report" if row.is_enabled else "is disabled"
    return PlanVerdict(
        phase=PlanPhase.WAITING,
        reason=PlanReason.DESTINATION_NOT_USABLE,
        message=f"template.placement.destinationHost {name} {why}; servers go there only while it is up and enabled",
        is_stalled=why != "does not report",
    )


def _is_claimed(name: str, observation: PlanObservation) -> bool:
    return name in observation.claimed and observation.plan.spec.mode is Mode.EXECUTE
