"""Build the Observation for one decision: local state at once, facts of upstream when the decision names them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import parse_migration
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.local_state import ControllerLocalState
from osmig.controllers.migration_secrets import MigrationSecrets
from osmig.domain import orders
from osmig.domain.errors import Unauthorized
from osmig.domain.observation import Observation, Timings
from osmig.domain.phases import FINISHED
from osmig.domain.queueing import FREE
from osmig.drivers.driver import Sources
from osmig.net.limiting import hurry

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.controllers.inbox import Entry
    from osmig.controllers.parts import Parts
    from osmig.controllers.sessions import Session
    from osmig.controllers.step_memory import StepMemories, StepMemory
    from osmig.controllers.waits import Waits
    from osmig.domain.observation import LimitHit, ProviderView
    from osmig.drivers.driver import LocalState


class Observer:
    """Makes observations."""

    def __init__(self, parts: Parts, *, waits: Waits, memories: StepMemories) -> None:
        self._inbox, self._ledger, self._sessions, self._queue = parts.inbox, parts.ledger, parts.sessions, parts.queue
        self._drivers, self._secrets = parts.given.drivers, parts.given.secrets
        self._clock, self._holder = parts.given.clock, parts.given.holder
        self._timings = parts.periods.timings
        self._waits, self._memories = waits, memories

    def observe(self, key: Key, entry: Entry) -> Observation:
        """Start from what is recorded and what the last sweep saw; the rest is read when a decision wants it.

        Raises:
            InvalidManifest: the spec is not one that this version can follow.
        """
        migration = entry.parse(parse_migration)
        provider = provider_of(key, migration)
        memory = self._memories.get(key)
        driver = self._drivers.of_migration(migration.spec.type)
        observation = Observation(
            now=self._clock.now(),
            holder=self._holder,
            migration=migration,
            provider=self._view(provider, migration),
            facts=driver.add_local_facts(migration, self._local_state(key, provider), None),
            timings=self._adjust_timings(provider, self._sessions.get(provider)),
            verb_requests=tuple(entry.verb_requests),
            wait_ages_s=self._waits.ages(key),
            since_call_s=self._since_order_s(memory, migration),
            sampled=memory.sampled,
            since_progress_s=max(0.0, self._clock.boottime() - memory.progressed_at),
        )
        return replace(observation, limit_hit=self._judge_limits(key, provider, observation))

    async def read(self, key: Key, observation: Observation, names: frozenset[str]) -> Observation:
        """Read from upstream what is wanted.

        Who else has the server and whether a slot is free is looked up after the last read, so that no other step
        runs between that and what is decided on it.

        Raises:
            ProviderDisconnected: the Provider has no connection any more.
        """
        provider = provider_of(key, observation.migration)
        driver = self._drivers.of_migration(observation.migration.spec.type)
        sources = Sources(
            backend=self._sessions.find_backend(provider, driver.provider_type, observation.provider),
            claimed=lambda: self._ledger.claimed(key),
            read_secret=MigrationSecrets(self._secrets, self._inbox, provider),
        )
        with hurry(is_order=_is_for_order(observation)):
            observation = await driver.read(observation, names, sources)
        # what was read by a connection that was replaced meanwhile says nothing about where the new one leads
        self._sessions.find_backend(provider, driver.provider_type, observation.provider)
        session = self._sessions.get(provider)
        if session is not None:
            session.rows.learn(observation.facts.learned)
        return self._add_local_facts(key, replace(observation, provider=self._view(provider, observation.migration)))

    def _view(self, provider: Key, migration: Migration) -> ProviderView:
        wanted = migration.spec.type
        needed = self._drivers.of_migration(wanted).provider_type
        exists, calls_off = self._inbox.get(provider) is not None, migration.metadata.deletion_timestamp is not None
        return self._sessions.view(provider, wanted, needed, exists=exists, calls_off=calls_off)

    def carry_over(self, key: Key, earlier: Observation, entry: Entry) -> Observation:
        """Observe anew after a change of the object alone; what was read just before it stays good."""
        anew = self.observe(key, entry)
        driver = self._drivers.of_migration(anew.migration.spec.type)
        return self._add_local_facts(key, replace(anew, facts=driver.carry_over(earlier, anew)))

    def _add_local_facts(self, key: Key, observation: Observation) -> Observation:
        """Add what the other Migrations have."""
        migration = observation.migration
        provider = provider_of(key, migration)
        driver = self._drivers.of_migration(migration.spec.type)
        facts = driver.add_local_facts(migration, self._local_state(key, provider), observation.facts)
        related = replace(observation, facts=facts)
        return replace(related, limit_hit=self._judge_limits(key, provider, related))

    def _local_state(self, key: Key, provider: Key) -> LocalState:
        return ControllerLocalState(
            key=key, provider=provider, inbox=self._inbox, ledger=self._ledger, session=self._sessions.get(provider)
        )

    def _judge_limits(self, key: Key, provider: Key, observation: Observation) -> LimitHit:
        status = observation.status
        if status.upstream is not None or status.phase in FINISHED:
            return FREE
        driver = self._drivers.of_migration(observation.migration.spec.type)
        return self._queue.judge(key, provider, driver.find_hosts(observation))

    def _adjust_timings(self, provider: Key, session: Session | None) -> Timings:
        """Let all progress reads together take half of the requests that the Provider's limit allows."""
        if session is None:
            return self._timings
        share_s = self._queue.count_running(provider) / (session.limits.requests_per_second / 2)
        return replace(self._timings, progress_period_s=max(self._timings.progress_period_s, share_s))

    def _since_order_s(self, memory: StepMemory, migration: Migration) -> float | None:
        """Return how long ago the order in force was sent: one that has just taken another's place need not wait."""
        order = orders.in_force(migration.status)
        driver = self._drivers.of_migration(migration.spec.type)
        verbs = {order.verb, driver.carried_out_by.get(order.verb)} if order is not None else set()
        sent = [at for verb, at in memory.ordered_at.items() if verb in verbs]
        return self._clock.boottime() - max(sent) if sent else None


def provider_of(key: Key, migration: Migration) -> Key:
    """Return the Provider that a Migration names."""
    return Key(Kind.PROVIDER, key.namespace, migration.spec.provider_ref.name)


def _is_for_order(observation: Observation) -> bool:
    """Whether what is read decides about an order that the cloud has not accepted yet, or about a deletion."""
    order = orders.in_force(observation.status)
    is_new = bool(observation.verb_requests) or observation.migration.metadata.deletion_timestamp is not None
    return is_new or (order is not None and not order.is_sent)


def needs_login(observation: Observation) -> bool:
    """Whether a read met refused credentials, so that the Secret should be read anew."""
    return isinstance(observation.read_error, Unauthorized)
