"""Build the observation for one decision about a plan: its Migrations, the newest looks at hosts, who else has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import Kind
from osmig.api.provider import Limits
from osmig.controllers.keys import Key
from osmig.controllers.plan_effects import EffectResults
from osmig.domain.capabilities import Capability
from osmig.domain.errors import BackendError, ProviderDisconnected, Unauthorized
from osmig.domain.plans.observation import PlanMemory, PlanObservation
from osmig.domain.plans.services import remember_orders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.api.plan import MigrationPlan
    from osmig.controllers.inbox import Entry
    from osmig.controllers.parts import Parts
    from osmig.controllers.plan_children import PlanChildren
    from osmig.controllers.plan_claims import HostClaims
    from osmig.controllers.plan_sweeps import HostSweeps
    from osmig.domain.observation import ProviderView
    from osmig.domain.plans.children import ChildView
    from osmig.domain.plans.decisions import Effect, ReadCloud
    from osmig.domain.plans.sweeps import TargetSweep
    from osmig.drivers.hosts import HostBackend


@dataclass(frozen=True, slots=True)
class Beginning:
    """What stays as it was when a step began, however often it is decided.

    Attributes:
        clock_s: when that was, by the monotonic clock: all that is read in one step is of the same age, or the first of
            many hosts would be too old when the last was read.
        children: the plan's Migrations. One that ends while hosts are read is for the next step, or a host would count
            as looked at after the end that was looked at before.
    """

    clock_s: float
    children: tuple[ChildView, ...]


class PlanObserver:
    """Makes observations of plans, and reads what a decision wants."""

    def __init__(self, parts: Parts, *, children: PlanChildren, claims: HostClaims, sweeps: HostSweeps) -> None:
        self._inbox, self._sessions, self._wake = parts.inbox, parts.sessions, parts.wake
        self._clock = parts.given.clock
        self._drivers = parts.given.drivers
        self._children, self._claims, self._sweeps = children, claims, sweeps
        self._memories: dict[Key, PlanMemory] = {}
        self._results: dict[Key, EffectResults] = {}
        self._read_errors: dict[Key, str] = {}
        self._providers: dict[Key, Key] = {}

    async def begin(self, key: Key, entry: Entry) -> Beginning:
        """Begin a step: what could not be read in the last one is tried again."""
        self._read_errors.pop(key, None)
        uid = entry.uid
        for _ in self._children.read_some(uid):
            await self._clock.sleep(0)
        # no look may count as made after what is known only from here on
        return Beginning(self._clock.boottime(), self._children.list_views(uid))

    def observe(self, key: Key, entry: Entry, plan: MigrationPlan, began: Beginning) -> PlanObservation:
        """Put together what is known; nothing is read for it.

        Args:
            key: the plan.
            entry: as the Inbox has it.
            plan: the same, parsed.
            began: from `begin`.
        """
        provider = self._providers[key] = provider_of(key, plan)
        view = self._view(provider)
        results = self.results(key)
        hosts = [host.name for host in plan.status.hosts]
        return PlanObservation(
            now=self._clock.now(),
            clock_s=began.clock_s,
            plan=plan,
            provider=view,
            limits=session.limits if (session := self._sessions.get(provider)) is not None else Limits(),
            children=began.children,
            sweeps=self._sweeps.known(provider, view.connection, hosts),
            target_sweep=self._known_targets(provider, view, plan),
            cloud_hosts=self._sweeps.known_hosts(provider, view.connection),
            claimed=self._claims.find(key, provider, hosts),
            names_taken=results.pauses.list_names(self._clock.boottime(), is_taken=True),
            names_refused=results.pauses.list_names(self._clock.boottime(), is_taken=False),
            refusal=results.pauses.why,
            problems=results.problems,
            read_error=self._read_errors.get(key, ""),
            verb_requests=tuple(entry.verb_requests),
            memory=self.memory(key),
        )

    def _known_targets(self, provider: Key, view: ProviderView, plan: MigrationPlan) -> TargetSweep | None:
        targets = plan.spec.targets
        return self._sweeps.known_targets(provider, view.connection, targets) if targets.names_servers else None

    async def read(self, key: Key, plan: MigrationPlan, wanted: ReadCloud) -> None:
        """Read what is wanted; what fails is told by the next observation.

        Raises:
            ProviderDisconnected: the Provider has no connection any more.
        """
        provider = provider_of(key, plan)
        view, port = self._view(provider), self.find_port(key, plan)
        if port is None:
            raise ProviderDisconnected(reason="ProviderNotReady", message=f"Provider {provider.name} has no connection")
        try:
            if wanted.cloud_hosts:
                await self._sweeps.read_hosts(provider, view.connection, port)
            if wanted.targets_after_s is not None:
                targets, is_own = plan.spec.targets, not view.can(Capability.HOSTS)
                after_s = wanted.targets_after_s
                await self._sweeps.read_targets(provider, view.connection, port, targets, after_s, is_own=is_own)
            await self._sweeps.read(provider, view.connection, port, wanted.sweeps)
        except BackendError as error:
            self._read_errors[key] = error.message
            if isinstance(error, Unauthorized):
                self._refresh(provider)

    def find_port(self, key: Key, plan: MigrationPlan) -> HostBackend | None:
        """Return the hosts of the plan's Provider; ``None`` while there is no connection."""
        provider = provider_of(key, plan)
        view = self._view(provider)
        if not view.is_ready:
            return None
        needed = self._drivers.find_host_type()
        find = self._drivers.of_provider(needed).find_compute_hosts
        port: HostBackend | None = find and find(self._sessions.find_backend(provider, needed, view))
        return port

    def memory(self, key: Key) -> PlanMemory:
        """Return what was seen of a plan."""
        return self._memories.get(key, PlanMemory())

    def remember(self, key: Key, memory: PlanMemory) -> None:
        """Keep what a decision wants to see again."""
        self._memories[key] = memory

    def note_orders(self, key: Key, effects: Iterable[Effect]) -> None:
        """Note that services may have changed up to now: what was read of them before says nothing any more."""
        self.remember(key, remember_orders(self.memory(key), effects, self._clock.boottime()))

    def results(self, key: Key) -> EffectResults:
        """Return what came of a plan's effects; what is noted there shows in the next observation."""
        return self._results.setdefault(key, EffectResults())

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a plan that is gone."""
        for remembered in (self._memories, self._results, self._read_errors):
            remembered.pop(key, None)
        self._providers.pop(key, None)
        for provider in set(self._sweeps.providers) - set(self._providers.values()):
            self._sweeps.forget(provider)

    def _view(self, provider: Key) -> ProviderView:
        exists = self._inbox.get(provider) is not None
        if not exists:
            self._sweeps.forget(provider)
        return self._sessions.view(provider, Kind.PLAN, self._drivers.find_host_type(), exists=exists)

    def _refresh(self, provider: Key) -> None:
        session = self._sessions.get(provider)
        if session is not None:
            session.wants_refresh = True
            self._wake(provider)


def provider_of(key: Key, plan: MigrationPlan) -> Key:
    """Return the Provider that a plan names."""
    return Key(Kind.PROVIDER, key.namespace, plan.spec.provider_ref.name)
