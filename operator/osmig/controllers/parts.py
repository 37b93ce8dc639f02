"""What the controllers are made of: what comes from outside, how often things happen, and what all kinds share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.ledger import Ledger
    from osmig.controllers.plan_children import PlanChildren
    from osmig.controllers.plan_claims import HostClaims
    from osmig.controllers.provider_connection import ProviderPeriods
    from osmig.controllers.publishing import Publisher, Statuses
    from osmig.controllers.sessions import Sessions
    from osmig.controllers.slots import SlotQueue
    from osmig.domain.clock import Clock
    from osmig.domain.observation import Timings
    from osmig.drivers.entries import Drivers
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
    """How often, how many, how long; all in seconds but ``workers`` (`osmig.controllers.turns.Places`)."""

    timings: Timings
    provider: ProviderPeriods
    call_before_s: float = 5.0
    relist_period_s: float = 600.0
    workers: int = 20


class Wake(Protocol):
    """Makes a key due, as ``osmig.controllers.scheduler.Scheduler`` does."""

    def __call__(self, key: Key, delay_s: float = 0.0) -> None:
        """Step ``key`` in ``delay_s`` seconds at the latest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a kind's controller may be made of.

    Attributes:
        given: from outside.
        periods: how often, how many, how long.
        inbox: the newest bodies and the verbs seen.
        ledger: which Migration has which server, record, Provider and mapping.
        sessions: the Providers' connections.
        queue: who waits for a slot.
        publisher: writes status, changes objects, posts Events.
        wake: makes a key due.
        children: which Migrations are which plan's.
        claims: which plan has which host.
        uncut: lets the step of a key take as long as it takes, until the block ends.
    """

    given: Dependencies
    periods: Periods
    inbox: Inbox
    ledger: Ledger
    sessions: Sessions
    queue: SlotQueue
    publisher: Publisher
    wake: Wake
    children: PlanChildren
    claims: HostClaims
    uncut: Callable[[Key], AbstractContextManager[None]]
