"""Build the controllers: the one place that wires their parts together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import Kind
from osmig.controllers.deletion_events import DeletionEvents
from osmig.controllers.inbox import Inbox
from osmig.controllers.intake import Intake
from osmig.controllers.ledger import Ledger
from osmig.controllers.mappings import MappingStep
from osmig.controllers.migrations import MigrationStep
from osmig.controllers.observing import Observer
from osmig.controllers.permits import Fence
from osmig.controllers.provider_connection import ProviderConnection, ProviderPeriods
from osmig.controllers.providers import ProviderStep
from osmig.controllers.publishing import Publisher
from osmig.controllers.relisting import Relist
from osmig.controllers.reporting import Reporter
from osmig.controllers.scheduler import Scheduler
from osmig.controllers.sessions import Sessions
from osmig.controllers.slots import SlotQueue
from osmig.controllers.step_memory import StepMemories
from osmig.controllers.waits import Waits
from osmig.controllers.write_ahead import WriteAhead

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from osmig.controllers.keys import Key
    from osmig.controllers.publishing import Statuses
    from osmig.domain.clock import Clock
    from osmig.domain.observation import Timings
    from osmig.drivers.driver import Drivers
    from osmig.drivers.ports import BackendFactory
    from osmig.kube.events import EventRecorder
    from osmig.kube.resources import ResourceClient
    from osmig.kube.secrets import SecretReader
    from osmig.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the controllers need from outside.

    Attributes:
        drivers: what can be moved.
        factories: by ``Provider.spec.type``, what makes a backend.
        random: a number in [0, 1), for jitter.
        fence: seconds for which the Lease lets us act.
        holder: the random id of this process, in every intent it writes.
        namespaces: to list; none means all.
    """

    clock: Clock
    random: Callable[[], float]
    metrics: Metrics
    resources: ResourceClient
    statuses: Statuses
    secrets: SecretReader
    events: EventRecorder
    factories: Mapping[str, BackendFactory]
    drivers: Drivers
    fence: Callable[[], float]
    holder: str
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How often, how many, how long; all in seconds but ``workers``."""

    timings: Timings
    provider: ProviderPeriods
    call_before_s: float = 5.0
    relist_period_s: float = 600.0
    workers: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Controllers:
    """The parts that the application starts, stops and asks."""

    inbox: Inbox
    intake: Intake
    sessions: Sessions
    scheduler: Scheduler
    relist: Relist

    def has_swept(self) -> bool:
        """Whether every known Provider was contacted once, with whatever result."""
        return self.sessions.are_attempted(self.inbox.keys(Kind.PROVIDER))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What several kinds of steps work on."""

    inbox: Inbox
    ledger: Ledger
    sessions: Sessions
    queue: SlotQueue
    publisher: Publisher
    scheduler: Scheduler


def build_controllers(given: Dependencies, periods: Periods) -> Controllers:
    """Build the controllers; they do nothing until the scheduler runs."""
    inbox, ledger, sessions = Inbox(), Ledger(), Sessions()
    steps: dict[Kind, Callable[[Key], Awaitable[float | None]]] = {}
    scheduler = Scheduler(
        lambda key: steps[key.kind](key),
        clock=given.clock,
        metrics=given.metrics,
        random=given.random,
        workers=periods.workers,
    )
    queue = SlotQueue(ledger=ledger, sessions=sessions, clock=given.clock, wake=scheduler.wake)
    deletion_events = DeletionEvents(inbox=inbox, ledger=ledger, events=given.events)
    intake = Intake(inbox, ledger, scheduler.wake, on_claims=queue.refresh, on_gone=deletion_events.report)
    publisher = Publisher(
        inbox=inbox,
        intake=intake,
        statuses=given.statuses,
        resources=given.resources,
        events=given.events,
        deletion_events=deletion_events,
    )
    shared = _Shared(
        inbox=inbox, ledger=ledger, sessions=sessions, queue=queue, publisher=publisher, scheduler=scheduler
    )
    steps[Kind.PROVIDER] = _make_provider_step(given, periods, shared).step
    steps[Kind.MAPPING] = MappingStep(
        inbox=inbox, ledger=ledger, publisher=publisher, clock=given.clock, wake=scheduler.wake
    ).step
    steps[Kind.MIGRATION] = _make_migration_step(given, periods, shared).step
    relist = Relist(
        inbox=inbox,
        intake=intake,
        resources=given.resources,
        clock=given.clock,
        namespaces=given.namespaces,
        period_s=periods.relist_period_s,
    )
    return Controllers(inbox=inbox, intake=intake, sessions=sessions, scheduler=scheduler, relist=relist)


def _make_provider_step(given: Dependencies, periods: Periods, shared: _Shared) -> ProviderStep:
    connection = ProviderConnection(
        ledger=shared.ledger,
        queue=shared.queue,
        secrets=given.secrets,
        factories=given.factories,
        metrics=given.metrics,
        drivers=given.drivers,
        clock=given.clock,
        wake=shared.scheduler.wake,
        periods=periods.provider,
    )
    return ProviderStep(
        inbox=shared.inbox,
        ledger=shared.ledger,
        sessions=shared.sessions,
        queue=shared.queue,
        connection=connection,
        publisher=shared.publisher,
        metrics=given.metrics,
        drivers=given.drivers,
        clock=given.clock,
        wake=shared.scheduler.wake,
    )


def _make_migration_step(given: Dependencies, periods: Periods, shared: _Shared) -> MigrationStep:
    waits, memories = Waits(given.clock), StepMemories()
    observer = Observer(
        inbox=shared.inbox,
        ledger=shared.ledger,
        sessions=shared.sessions,
        queue=shared.queue,
        waits=waits,
        memories=memories,
        drivers=given.drivers,
        clock=given.clock,
        holder=given.holder,
        timings=periods.timings,
    )
    reporter = Reporter(given.metrics, shared.scheduler.wake)
    write_ahead = WriteAhead(
        inbox=shared.inbox,
        sessions=shared.sessions,
        queue=shared.queue,
        publisher=shared.publisher,
        reporter=reporter,
        fence=Fence(given.clock, given.fence, call_before_s=periods.call_before_s),
        waits=waits,
        memories=memories,
        drivers=given.drivers,
        clock=given.clock,
    )
    return MigrationStep(
        inbox=shared.inbox,
        observer=observer,
        drivers=given.drivers,
        write_ahead=write_ahead,
        publisher=shared.publisher,
        sessions=shared.sessions,
        reporter=reporter,
        waits=waits,
        memories=memories,
    )
