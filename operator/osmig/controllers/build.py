"""Build the controllers: the one place that wires their parts together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.names import Kind
from osmig.controllers.controller import Dispatcher
from osmig.controllers.deletion_events import DeletionEvents
from osmig.controllers.first_sweep import FirstSweep
from osmig.controllers.inbox import Inbox
from osmig.controllers.intake import Intake
from osmig.controllers.kinds import KINDS
from osmig.controllers.lanes import Lanes
from osmig.controllers.ledger import Ledger
from osmig.controllers.parts import Parts
from osmig.controllers.plan_children import PlanChildren
from osmig.controllers.plan_claims import HostClaims
from osmig.controllers.publishing import Publisher
from osmig.controllers.relisting import Relist
from osmig.controllers.scheduler import Scheduler
from osmig.controllers.sessions import Sessions
from osmig.controllers.slots import SlotQueue
from osmig.controllers.turns import Places

if TYPE_CHECKING:
    from osmig.controllers.controller import Controller
    from osmig.controllers.parts import Dependencies, Periods


@dataclass(frozen=True, slots=True, kw_only=True)
class Controllers:
    """The parts that the application starts, stops and asks."""

    inbox: Inbox
    intake: Intake
    sessions: Sessions
    scheduler: Scheduler
    relist: Relist
    first_sweep: FirstSweep


def build_controllers(given: Dependencies, periods: Periods) -> Controllers:
    """Build the controllers; they do nothing until the scheduler runs."""
    inbox, sessions = Inbox(), Sessions()
    ledger = Ledger(sessions.find_service)
    controllers: dict[Kind, Controller[Any]] = {}
    scheduler = Scheduler(
        Dispatcher(inbox, controllers).step,
        clock=given.clock,
        metrics=given.metrics,
        random=given.random,
        lanes=Lanes(inbox, ledger),
        places=Places.share(periods.workers),
    )
    queue = SlotQueue(ledger=ledger, sessions=sessions, clock=given.clock, wake=scheduler.wake)
    deletion_events = DeletionEvents(inbox=inbox, ledger=ledger, events=given.events)
    children, claims = PlanChildren(inbox, scheduler.wake), HostClaims(sessions.find_service)
    followers = {Kind.MIGRATION: children.note, Kind.PLAN: claims.note}
    intake = Intake(
        inbox,
        ledger,
        scheduler.wake,
        on_claims=queue.refresh,
        on_gone=deletion_events.report,
        followers=followers,
    )
    publisher = Publisher(
        inbox=inbox,
        intake=intake,
        statuses=given.statuses,
        resources=given.resources,
        events=given.events,
        deletion_events=deletion_events,
    )
    parts = Parts(
        given=given,
        periods=periods,
        inbox=inbox,
        ledger=ledger,
        sessions=sessions,
        queue=queue,
        publisher=publisher,
        wake=scheduler.wake,
        children=children,
        claims=claims,
        uncut=scheduler.uncut,
    )
    controllers |= {kind: build(parts) for kind, build in KINDS.items()}
    relist = Relist(
        inbox=inbox,
        intake=intake,
        resources=given.resources,
        clock=given.clock,
        namespaces=given.namespaces,
        period_s=periods.relist_period_s,
    )
    return Controllers(
        inbox=inbox,
        intake=intake,
        sessions=sessions,
        scheduler=scheduler,
        relist=relist,
        first_sweep=FirstSweep(inbox, sessions),
    )
