"""``decide_plan``: one observation in, one decision out. Total and pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.names import Phase
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.domain.plans import active, contradictions, ended, verbs
from osmig.domain.plans.decisions import CommitPlan
from osmig.domain.plans.fan_out import abort_children
from osmig.domain.plans.phases import PLAN_FINISHED
from osmig.domain.plans.target_sweeps import SERVERS

if TYPE_CHECKING:
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.decisions import PlanDecision
    from osmig.domain.plans.observation import PlanMemory, PlanObservation


def decide_plan(observation: PlanObservation) -> PlanDecision:
    """Decide what one step does.

    New orders are recorded in a write of their own, before anything else. Nothing is begun for a plan that is being
    deleted, nor on ground of a status that could not be read.
    """
    status = observation.status
    if not observation.plan.status_readable:
        return CommitPlan(status=status, memory=observation.memory)
    if (right := _put_right(observation)) is not status:
        return CommitPlan(status=right, memory=observation.memory, due_s=0.0, goes_on=True)
    if (recorded := verbs.accept(observation)) is not None:
        after, notes = recorded
        # somebody is there who wants something: what was refused so far is tried again at once
        asked = replace(observation, memory=replace(observation.memory, orders={}))
        memory = asked.memory if after.round == status.round else begin_anew(asked)
        if verbs.find_control(after, PlanVerb.RECONCILE) != verbs.find_control(status, PlanVerb.RECONCILE):
            memory = look_anew(memory, observation)
        # at once: what is read before anything else is decided may take minutes, or never come
        orders = abort_children(observation) if verbs.is_active(after, PlanVerb.ABORT) else ()
        return CommitPlan(status=after, effects=orders, notes=notes, memory=memory, due_s=0.0, goes_on=not orders)
    if observation.plan.metadata.deletion_timestamp is not None:
        return CommitPlan(status=status, memory=observation.memory)
    remembering = replace(observation, memory=remember_children(observation))
    if status.phase is None and observation.plan.spec.targets.names_servers:
        return _begin_to_look(remembering)
    if status.phase in PLAN_FINISHED:
        return ended.decide_ended(remembering)
    return active.decide_active(remembering)


def _begin_to_look(observation: PlanObservation) -> CommitPlan:
    """Note when the plan was first seen: looks that others made before may show what has been undone since.

    That moment stays, for a long list is read in several steps.
    """
    status = observation.status.model_copy(update={"phase": PlanPhase.PENDING})
    return CommitPlan(status=status, memory=look_anew(observation.memory, observation), due_s=0.0, goes_on=True)


def _put_right(observation: PlanObservation) -> PlanStatus:
    """Return the status without what the rest of it contradicts, nor what the spec was before an edit.

    Of a plan that was edited before it began it is forgotten which hosts it had and what was shown of it; an approval
    stays only if the same is shown again.
    """
    generation = observation.plan.metadata.generation
    status = contradictions.mend(observation.plan)
    is_same = status.observed_generation in {-1, generation}
    if is_same or status.start_time is not None or status.phase in PLAN_FINISHED:
        return status
    return status.model_copy(update={"hosts": (), "preview": None, "observed_generation": generation})


def begin_anew(observation: PlanObservation) -> PlanMemory:
    """Look at every host anew in another round: somebody has mended something that older sweeps do not show."""
    return look_anew(replace(observation.memory, lost=frozenset(), quiet={}), observation)


def look_anew(memory: PlanMemory, observation: PlanObservation) -> PlanMemory:
    """Take no sweep for true that began before this moment."""
    looked_at = [*(host.name for host in observation.status.hosts), SERVERS]
    return replace(memory, look_after_s=dict.fromkeys(looked_at, observation.clock_s))


def remember_children(observation: PlanObservation) -> PlanMemory:
    """Notice which Migrations are over, and which somebody deleted before: none such is made again before ``retry``."""
    memory = observation.memory
    there = {child.name for child in observation.children}
    served = {child.server_id for child in observation.children}
    gone = [child for name, child in memory.seen.items() if name not in there]
    under_way = {child.name: child for child in observation.children if not child.is_finished}
    ended = [child for child in observation.children if child.is_finished]
    newly_over = [*gone, *(child for child in ended if child.end not in memory.ended_s)]
    over_s = {child.source_host: observation.clock_s for child in newly_over if child.source_host is not None}
    moved = {child.server_id for child in observation.children if child.phase is Phase.SUCCEEDED}
    return replace(
        memory,
        over_s={**memory.over_s, **over_s},
        seen=under_way,
        ended_s={child.end: memory.ended_s.get(child.end, observation.clock_s) for child in ended},
        lost=memory.lost | {child.server_id for child in gone if child.server_id not in served},
        moved=memory.moved | moved,
    )
