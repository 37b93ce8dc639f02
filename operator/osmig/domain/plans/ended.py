"""A plan that is over: it gives hosts back when ordered, answers to another generation, and goes after its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.names import ControlResult
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.api.plan_status import PlanStatus
from osmig.domain.plans.decisions import CommitPlan, DeletePlan, ReadCloud
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.services import fresh_sweep, needs_release, oldest_s, pause_s, release
from osmig.domain.plans.verbs import is_active, settle_all

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.domain.observation import Note
    from osmig.domain.plans.decisions import PlanDecision
    from osmig.domain.plans.observation import PlanObservation


def decide_ended(observation: PlanObservation) -> PlanDecision:
    """Decide what is done about a plan that is over."""
    plan, status = observation.plan, observation.status
    if status.observed_generation != plan.metadata.generation:
        return _observe_generation(observation)
    if is_active(status, PlanVerb.RELEASE) or (status.phase is PlanPhase.SUCCEEDED and plan.spec.enables_at_end):
        released = _release(observation)
        if released is not None:
            return released
    return _expire(observation)


def _observe_generation(observation: PlanObservation) -> CommitPlan:
    """A plan that never began is evaluated anew with its new spec; another one takes note of it."""
    status, generation = observation.status, observation.plan.metadata.generation
    if status.start_time is None:
        anew = PlanStatus(
            phase=PlanPhase.PENDING, conditions=status.conditions, controls=status.controls, round=status.round
        )
        return CommitPlan(status=anew, memory=observation.memory, due_s=0.0)
    conditions = tuple(
        condition.model_copy(update={"observed_generation": generation}) for condition in status.conditions
    )
    changes: dict[str, Any] = {"observed_generation": generation, "conditions": conditions}
    return CommitPlan(status=status.model_copy(update=changes), memory=observation.memory, due_s=0.0)


def _release(observation: PlanObservation) -> PlanDecision | None:
    """Enable what this plan disabled, host by host; ``None`` when nothing is left to do."""
    status = observation.status
    open_hosts = [host.name for host in status.hosts if needs_release(host)]
    if not open_hosts:
        return _settle(observation)
    if not observation.provider.is_ready or observation.read_error:
        return CommitPlan(status=status, memory=observation.memory, due_s=SWEEP_PERIOD_S)
    missing = {name: oldest_s(observation, name) for name in open_hosts if fresh_sweep(observation, name) is None}
    if missing:
        return ReadCloud(sweeps=missing)
    changes = tuple(release(host, fresh_sweep(observation, host.name), observation) for host in status.hosts)
    notes: list[Note] = [note for change in changes for note in change.notes]
    hosts = tuple(change.host for change in changes)
    effects = tuple(change.effect for change in changes if change.effect is not None)
    is_done = not any(needs_release(host) for host in hosts)
    return CommitPlan(
        status=status.model_copy(update={"hosts": hosts}),
        effects=effects,
        notes=tuple(notes),
        memory=observation.memory,
        due_s=0.0 if is_done else 1.0 if effects else _measure_pause_s(open_hosts, observation),
    )


def _measure_pause_s(names: Iterable[str], observation: PlanObservation) -> float:
    """Return when the next service may be ordered, or looked at again where nothing was ordered of it."""
    return max(SWEEP_PERIOD_S, min(pause_s(name, observation) for name in names))


def _settle(observation: PlanObservation) -> CommitPlan | None:
    text = "every service that the plan disabled is enabled, or is not the plan's any more"
    status, notes = settle_all(observation.status, (PlanVerb.RELEASE,), ControlResult.DONE, text, observation)
    if not notes:
        return None
    return CommitPlan(status=status, notes=notes, memory=observation.memory, due_s=0.0)


def _expire(observation: PlanObservation) -> PlanDecision:
    status, ttl_s = observation.status, observation.plan.spec.ttl_seconds_after_finished
    if ttl_s is None or status.completion_time is None:
        return CommitPlan(status=status, memory=observation.memory)
    left_s = ttl_s - (observation.now - status.completion_time).total_seconds()
    return DeletePlan() if left_s <= 0 else CommitPlan(status=status, memory=observation.memory, due_s=left_s)
