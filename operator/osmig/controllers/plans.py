"""One step of a MigrationPlan: observe → decide → status → effects → when next.

The plan never moves a server itself: it makes Migrations, which have everything that a single move has. What it does
besides, to compute services, is on record before it is sent (ADR 0036).
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from osmig.api.names import Kind
from osmig.api.plan import parse_plan
from osmig.controllers.permits import Fence
from osmig.controllers.plan_deciding import PlanDecider
from osmig.controllers.plan_effects import PlanEffects
from osmig.controllers.plan_observing import PlanObserver, provider_of
from osmig.controllers.plan_sweeps import HostSweeps
from osmig.domain.observation import ObjectChange
from osmig.domain.plans.decisions import CommitPlan, DeletePlan, ReadCloud
from osmig.domain.plans.write_budget import judge_plan, measure_wait_s
from osmig.domain.write_budget import Urgency
from osmig.telemetry.plans import sample_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from osmig.api.plan import MigrationPlan
    from osmig.controllers.inbox import Entry, Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Parts
    from osmig.controllers.plan_claims import HostClaims
    from osmig.controllers.plan_observing import Beginning
    from osmig.controllers.publishing import Publisher
    from osmig.domain.clock import Clock
    from osmig.domain.plans.decisions import PlanDecision
    from osmig.domain.plans.observation import PlanObservation
    from osmig.telemetry.metrics import Metrics

MAX_ROUNDS = 10
"""Decisions in one step; more would be a loop, and the next step goes on where this one stopped."""

GO_ON_S = 1.0


@dataclass(frozen=True, kw_only=True)
class PlanController:
    """Steps MigrationPlans.

    Attributes:
        inbox: the newest bodies and the verbs seen.
        observer: makes observations.
        publisher: writes status, posts Events.
        effects: makes Migrations and changes services.
        decider: makes the decisions.
        claims: which plan has which host.
        clock: measures how old a write is.
        metrics: show where each plan stands.
        uncut: lets a step take as long as it takes.
        written_at: when each plan's status was written last, by the clock.
    """

    inbox: Inbox
    observer: PlanObserver
    publisher: Publisher
    effects: PlanEffects
    decider: PlanDecider
    claims: HostClaims
    clock: Clock
    metrics: Metrics
    uncut: Callable[[Key], AbstractContextManager[None]]
    written_at: dict[Key, float] = field(default_factory=dict)

    parse: ClassVar = staticmethod(parse_plan)

    async def step(self, key: Key, entry: Entry, parsed: MigrationPlan) -> float | None:
        """Bring one plan forward; return the seconds until the next step."""
        plan, now, began = parsed, entry, await self.observer.begin(key, entry)
        for _ in range(MAX_ROUNDS):
            if (decision := await self._decide(key, now, plan, began)) is None:
                return GO_ON_S
            observation, decided = decision
            match decided:
                case ReadCloud() as wanted:
                    await self.observer.read(key, plan, wanted)
                case DeletePlan():
                    await self.publisher.change(key, ObjectChange.DELETE, ())
                    return None
                case CommitPlan() as commit:
                    wait_s = await self._commit(key, observation, commit)
                    if not commit.goes_on:
                        return _find_sooner(commit.due_s, wait_s)
            found = self.inbox.get(key)
            if found is None:
                return None
            now, plan = found, found.parse(parse_plan)
        return GO_ON_S

    async def _decide(
        self, key: Key, entry: Entry, plan: MigrationPlan, began: Beginning
    ) -> tuple[PlanObservation, PlanDecision] | None:
        """Decide; ``None`` if the plan changed meanwhile, or somebody ordered something: that was not seen."""
        seen = (entry.uid, entry.resource_version, len(entry.verb_requests))
        observation = self.observer.observe(key, entry, plan, began)
        decided = await self.decider.decide(observation)
        now = self.inbox.get(key)
        if now is None or (now.uid, now.resource_version, len(now.verb_requests)) != seen:
            return None
        return observation, decided

    async def reject(self, key: Key, entry: Entry, why: str) -> None:
        """Leave a plan alone that this version cannot follow: its hosts stay as they are."""

    async def forget(self, key: Key) -> None:
        """Drop what is remembered of a plan that is gone."""
        self.observer.forget(key)
        self.written_at.pop(key, None)
        self.metrics.forget_plan(key.namespace, key.name)

    async def _commit(self, key: Key, observation: PlanObservation, decision: CommitPlan) -> float:
        """Write the status if that is worth a write, and only then do what was decided.

        Returns the seconds until a write that was put off is worth it; infinite when none was.

        Raises:
            StaleView: the plan has changed since, or another plan took a host; nothing was done.
        """
        with self.uncut(key) if decision.effects else nullcontext():
            wait_s = await self._put(key, observation, decision)
            if observation.plan.status_readable:
                self.metrics.observe_plan(sample_plan(observation.plan, decision.status))
                self.metrics.count_controls(Kind.PLAN, observation.status.controls, decision.status.controls)
            self.observer.remember(key, decision.memory)
            self.publisher.announce(key, decision.notes)
            self.inbox.settle(key, observation.verb_requests)
            if observation.verb_requests:
                self.observer.results(key).pauses.clear()
            if decision.effects:
                port = self.observer.find_port(key, observation.plan)
                try:
                    await self.effects.carry_out(key, decision.effects, port, self.observer.results(key))
                finally:
                    self.observer.note_orders(key, decision.effects)
        return wait_s

    async def _put(self, key: Key, observation: PlanObservation, decision: CommitPlan) -> float:
        age_s = self.clock.boottime() - self.written_at.get(key, float("-inf"))
        if judge_plan(observation.status, decision.status, age_s=age_s) is not Urgency.NOW:
            return measure_wait_s(observation.status, decision.status, age_s=age_s)
        with self._reserve(key, observation, decision):
            await self.publisher.put(key, decision.status)
        self.written_at[key] = self.clock.boottime()
        return math.inf

    def _reserve(self, key: Key, observation: PlanObservation, decision: CommitPlan) -> AbstractContextManager[None]:
        """Hold the hosts of a plan that begins, or begins again: other steps run while that is written."""
        after = decision.status
        if after.start_time is None or after.completion_time is not None:
            return nullcontext()
        hosts = [host.name for host in after.hosts]
        return self.claims.reserve(key, provider_of(key, observation.plan), hosts)


def _find_sooner(due_s: float | None, wait_s: float) -> float | None:
    soonest_s = min(math.inf if due_s is None else due_s, wait_s)
    return None if math.isinf(soonest_s) else soonest_s


def build(parts: Parts) -> PlanController:
    """Build the controller of MigrationPlans."""
    given = parts.given
    fence = Fence(given.clock, given.fence, call_before_s=parts.periods.call_before_s)
    sweeps = HostSweeps(given.clock)
    return PlanController(
        inbox=parts.inbox,
        observer=PlanObserver(parts, children=parts.children, claims=parts.claims, sweeps=sweeps),
        publisher=parts.publisher,
        effects=PlanEffects(inbox=parts.inbox, publisher=parts.publisher, fence=fence, clock=given.clock),
        decider=PlanDecider(),
        claims=parts.claims,
        clock=given.clock,
        metrics=given.metrics,
        uncut=parts.uncut,
    )
