"""Build the next status of a plan and what is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.names import ConditionStatus, ControlResult, EventReason
from osmig.api.plan_names import PlanCondition, PlanPhase, PlanReason, PlanVerb
from osmig.api.plan_options import OnPlanDeadline
from osmig.domain.conditions import find_condition
from osmig.domain.observation import Note
from osmig.domain.plans.bounding import bound_status
from osmig.domain.plans.conditions import describe_plan
from osmig.domain.plans.deadlines import count_time, is_aborted_by_deadline, measure_left_s
from osmig.domain.plans.decisions import CommitPlan
from osmig.domain.plans.fan_out import abort_children, order_children
from osmig.domain.plans.gates import is_aborted_by_budget
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.phases import PLAN_FINISHED, PLAN_HELD
from osmig.domain.plans.services import describe_left
from osmig.domain.plans.verbs import is_active, settle_all
from osmig.domain.plans.window_end import end_window, note_windows, tell_end

if TYPE_CHECKING:
    from osmig.api.meta import Condition
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.conditions import PlanVerdict
    from osmig.domain.plans.decisions import Effect
    from osmig.domain.plans.observation import PlanMemory, PlanObservation

QUIET_WAIT_S = 300.0
"""How often a plan that waits for people or a time is looked at, in seconds."""

_PASSING = frozenset(
    {PlanReason.INCOMPLETE_SWEEP, PlanReason.RETRYING, PlanReason.HOST_CLAIMED, PlanReason.DESTINATION_NOT_USABLE}
)
"""What neither people nor a time ends, and nobody tells the end of: it is looked at again as often as hosts are."""

_PAST_DEADLINE = {
    OnPlanDeadline.ALERT: "the plan goes on",
    OnPlanDeadline.PAUSE: "no more moves begin until osmig.dev/resume",
    OnPlanDeadline.ABORT: "no more moves begin, and those under way are called off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a step does besides its verdict.

    Attributes:
        effects: to be made, before the orders to Migrations.
        notes: Events.
        due_s: when to look again; ``None`` chooses by the phase.
        memory: ``None`` keeps the one that was observed.
    """

    effects: tuple[Effect, ...] = ()
    notes: tuple[Note, ...] = ()
    due_s: float | None = None
    memory: PlanMemory | None = None


def build(
    observation: PlanObservation, verdict: PlanVerdict, status: PlanStatus, work: Work | None = None
) -> CommitPlan:
    """Make the decision that a verdict comes to; orders to Migrations go along whatever else there is to do.

    Args:
        observation: of this moment.
        verdict: where the plan stands.
        status: the new one, but for phase, conditions and the results of orders.
        work: what else is done.
    """
    work = work or Work()
    status = count_time(status, verdict.phase, observation.plan.spec, observation.now)
    status = note_windows(status, observation)
    orders: tuple[Effect, ...] = ()
    notes = work.notes
    if wants_abort(status, observation):
        orders = abort_children(observation)
    else:
        status, orders, told = order_children(observation, status)
        ends = end_window(status, observation)
        orders, notes = (*orders, *ends), (*notes, *told, *tell_end(observation.status, ends))
    changes: dict[str, Any] = {
        "phase": verdict.phase,
        "observed_generation": observation.plan.metadata.generation,
        "conditions": describe_plan(verdict, status, observation),
    }
    notes += _tell_deadline(changes["conditions"], verdict, observation)
    if verdict.phase in PLAN_FINISHED:
        status, told = _close(status, verdict, observation)
        notes += told
        changes |= {"completion_time": observation.now, "estimated_completion_time": None, "paused_time": None}
    return CommitPlan(
        status=bound_status(status.model_copy(update=changes)),
        effects=(*work.effects, *orders),
        notes=notes,
        due_s=_measure_due_s(observation, verdict, status, orders) if work.due_s is None else work.due_s,
        memory=work.memory or observation.memory,
    )


def wants_abort(status: PlanStatus, observation: PlanObservation) -> bool:
    """Whether the plan is to be called off, by a person, by its budget or by its deadline."""
    return (
        is_active(status, PlanVerb.ABORT)
        or is_aborted_by_budget(status, observation)
        or is_aborted_by_deadline(observation.plan.spec, status, observation.now)
    )


def _tell_deadline(
    conditions: tuple[Condition, ...], verdict: PlanVerdict, observation: PlanObservation
) -> tuple[Note, ...]:
    """Tell once that the deadline has passed; not of a plan that ended in the same step for another reason."""
    has_ended = verdict.phase in PLAN_FINISHED and verdict.reason is not PlanReason.DEADLINE_EXCEEDED
    if has_ended or _is_late(observation.status.conditions) or not _is_late(conditions):
        return ()
    spec = observation.plan.spec
    text = f"onDeadline: the plan takes longer than {spec.deadline_seconds} s; {_PAST_DEADLINE[spec.on_deadline]}"
    return (Note(reason=EventReason.POLICY_ACTED, text=text, is_warning=True),)


def _is_late(conditions: tuple[Condition, ...]) -> bool:
    found = find_condition(conditions, PlanCondition.WITHIN_DEADLINE)
    return found is not None and found.status is ConditionStatus.FALSE


def _close(
    status: PlanStatus, verdict: PlanVerdict, observation: PlanObservation
) -> tuple[PlanStatus, tuple[Note, ...]]:
    """Give accepted orders their result, and tell how it ended and what stays disabled."""
    is_aborted = verdict.phase is PlanPhase.ABORTED
    result = ControlResult.DONE if is_aborted else ControlResult.TOO_LATE
    text = "the plan was aborted" if is_aborted else f"the plan ended before it took effect ({verdict.phase})"
    status, notes = settle_all(status, (PlanVerb.ABORT,), result, text, observation)
    others = (PlanVerb.CONFIRM, PlanVerb.REVERT, PlanVerb.FORCE_COMPLETE)
    status, more = settle_all(status, others, ControlResult.TOO_LATE, "the plan is over", observation)
    is_good = verdict.phase is PlanPhase.SUCCEEDED
    told = dict.fromkeys(str(word) for word in (verdict.phase, verdict.reason, verdict.message) if word)
    end = Note(reason=EventReason.PLAN_FINISHED, text=": ".join(told)[:1000], is_warning=not is_good)
    left = describe_left(observation.plan.model_copy(update={"status": status}))
    returns = is_good and observation.plan.spec.enables_at_end
    return status, (*notes, *more, end, *((left,) if left is not None and not returns else ()))


def _list_left_s(observation: PlanObservation, status: PlanStatus) -> list[float]:
    """Return the seconds to the deadline, if it is to come."""
    left_s = measure_left_s(observation.plan.spec, status, observation.now)
    return [left_s] if left_s is not None and left_s > 0 else []


def _measure_due_s(
    observation: PlanObservation, verdict: PlanVerdict, status: PlanStatus, orders: tuple[Effect, ...]
) -> float:
    if verdict.phase in PLAN_FINISHED:
        return 0.0
    is_quiet = verdict.phase in PLAN_HELD and verdict.reason not in _PASSING and observation.provider.is_ready
    longest_s = QUIET_WAIT_S if is_quiet and not orders else SWEEP_PERIOD_S
    change = status.window.next_change_time if status.window is not None else None
    moments = (observation.plan.spec.times.not_before_time, change)
    left = [(moment - observation.now).total_seconds() for moment in moments if moment is not None]
    deadline = [] if verdict.phase in PLAN_HELD else _list_left_s(observation, status)
    return min([longest_s, *(left_s for left_s in left if left_s > 0), *deadline])
