"""Put together what one decision may depend on: what is known here at once, what only upstream knows when wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from osmig.api.mapping import parse_mapping
from osmig.api.meta import InvalidManifest
from osmig.api.migration import parse_migration
from osmig.api.names import Reason
from osmig.domain import confirming, orders
from osmig.domain.errors import NotPermitted
from osmig.domain.observation import Observation, Timings
from osmig.domain.phases import FINISHED
from osmig.domain.queueing import FREE, Move
from osmig.engine.fitting import MovesServers, ReplicatesTenants
from osmig.engine.keys import Key, Kind
from osmig.engine.looking import ServerLook
from osmig.engine.looking_tenants import TenantLook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.mappings import Mappings
    from osmig.api.migration import Migration, Progress
    from osmig.api.names import Verb
    from osmig.domain.clock import Clock
    from osmig.domain.observation import ProviderView, Read, Slots
    from osmig.domain.upstream import RecordView
    from osmig.engine.inbox import Entry, Inbox
    from osmig.engine.ledger import Ledger
    from osmig.engine.sessions import Session, Sessions
    from osmig.engine.slots import SlotQueue
    from osmig.engine.waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What this process remembers of one Migration; losing it costs a read or a write, never a decision."""

    written_at: float = float("-inf")
    ordered_at: Mapping[Verb, float] = field(default_factory=dict)
    sampled: Progress | None = None


class Memories:
    """What this process remembers of all Migrations."""

    def __init__(self) -> None:
        self._memories: dict[Key, Memory] = {}

    def get(self, key: Key) -> Memory:
        """Return what is remembered of one."""
        return self._memories.get(key, Memory())

    def update(self, key: Key, **changes: Any) -> None:  # noqa: ANN401 - fields of Memory
        """Remember something else of one."""
        self._memories[key] = replace(self.get(key), **changes)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of one that is gone."""
        self._memories.pop(key, None)


class Observer:
    """Makes observations."""

    def __init__(  # noqa: PLR0913 - everything that one decision may depend on
        self,
        *,
        inbox: Inbox,
        ledger: Ledger,
        sessions: Sessions,
        queue: SlotQueue,
        waits: Waits,
        memories: Memories,
        clock: Clock,
        holder: str,
        timings: Timings,
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._sessions = sessions
        self._queue = queue
        self._waits = waits
        self._memories = memories
        self._clock = clock
        self._holder = holder
        self._timings = timings

    def observe(self, key: Key, entry: Entry) -> Observation:
        """Start from what is recorded and what the last sweep saw; the rest is read when a decision wants it.

        Raises:
            InvalidManifest: the spec is not one that this version can follow.
        """
        migration = parse_migration(entry.body)
        provider = provider_of(key, migration)
        session, memory = self._sessions.get(provider), self._memories.get(key)
        observation = Observation(
            now=self._clock.now(),
            holder=self._holder,
            migration=migration,
            provider=self._view(provider, migration),
            timings=self._adjust_timings(provider, session),
            asks=tuple(entry.asks),
            waited_s=self._waits.ages(key),
            since_call_s=self._since_order_s(memory, migration),
            sampled=memory.sampled,
            swept=_find_swept(session, migration),
        )
        return self._relate(key, observation)

    async def look(self, key: Key, observation: Observation, wants: frozenset[Read]) -> Observation:
        """Read from upstream what is wanted.

        Who else has the server and whether a slot is free is looked up after the last read, so that no other step
        runs between that and what is decided on it.

        Raises:
            StaleView: the Provider has no connection any more.
        """
        provider = provider_of(key, observation.migration)
        observation = await self._make_look(key, observation.migration).read(observation, wants)
        session = self._sessions.get(provider)
        if observation.records is not None and session is not None:
            session.rows.learn(observation.records)
        anew = self._relate(key, replace(observation, provider=self._view(provider, observation.migration)))
        # checks of other mappings than those that are ordered prove nothing
        return anew if anew.referenced == observation.referenced else replace(anew, preflight=None)

    def _make_look(self, key: Key, migration: Migration) -> ServerLook | TenantLook:
        match self._sessions.find_backend(provider_of(key, migration), migration.spec.type):
            case MovesServers(servers):
                return ServerLook(servers, claimed=lambda: self._ledger.claimed(key))
            case ReplicatesTenants(tenants):
                return TenantLook(tenants)

    def _view(self, provider: Key, migration: Migration) -> ProviderView:
        return self._sessions.view(provider, migration.spec.type, exists=self._inbox.get(provider) is not None)

    def carry(self, key: Key, earlier: Observation, entry: Entry) -> Observation:
        """Observe anew after a change of the object alone; what was read just before it stays good."""
        anew = self.observe(key, entry)
        known = replace(anew, survey=earlier.survey, records=earlier.records)
        if anew.migration.spec == earlier.migration.spec:
            known = replace(known, runs=earlier.runs, run=earlier.run, replica=earlier.replica)
            if anew.referenced == earlier.referenced:
                known = replace(known, preflight=earlier.preflight)
        return self._relate(key, known)

    def _relate(self, key: Key, observation: Observation) -> Observation:
        """Add what the other Migrations have."""
        migration, survey = observation.migration, observation.survey
        provider = provider_of(key, migration)
        rival = self._ledger.find_rival(key, survey.server.id) if survey is not None else None
        return replace(
            observation,
            rival=_name(rival, key),
            owner=_name(self._find_owner(key, provider, observation), key),
            slots=self._judge_slots(key, provider, observation),
            referenced=self._find_referenced(key, migration),
        )

    def _find_referenced(self, key: Key, migration: Migration) -> Mappings | None:
        """Return the mappings that are referred to as they are now; of those that cannot be read there are none."""
        tenant = migration.spec.tenant
        if tenant is None or tenant.mapping_ref is None:
            return None
        entry = self._inbox.get(Key(Kind.MAPPING, key.namespace, tenant.mapping_ref.name))
        try:
            return parse_mapping(entry.body).spec if entry is not None else None
        except InvalidManifest:
            return None

    def _judge_slots(self, key: Key, provider: Key, observation: Observation) -> Slots:
        status = observation.status
        if status.upstream is not None or status.phase in FINISHED:
            return FREE
        return self._queue.judge(key, provider, _read_move(observation))

    def _find_owner(self, key: Key, provider: Key, observation: Observation) -> Key | None:
        adopt = observation.migration.spec.adopt
        if adopt is None:
            return None
        rows = (*(observation.records or ()), *([observation.swept] if observation.swept else []))
        known = next((row.id for row in rows if adopt.id in {row.id, row.uuid}), adopt.id)
        return self._ledger.find(provider, known, besides=key)

    def _adjust_timings(self, provider: Key, session: Session | None) -> Timings:
        """Let all progress reads together take half of the requests that the Provider's limit allows."""
        if session is None:
            return self._timings
        share_s = self._queue.count_running(provider) / (session.limits.requests_per_second / 2)
        return replace(self._timings, progress_period_s=max(self._timings.progress_period_s, share_s))

    def _since_order_s(self, memory: Memory, migration: Migration) -> float | None:
        """Return how long ago the order in force was sent: one that has just taken another's place need not wait."""
        order = orders.in_force(migration.status)
        verbs = {order.verb, confirming.CALLS.get(order.verb)} if order is not None else set()
        sent = [at for verb, at in memory.ordered_at.items() if verb in verbs]
        return self._clock.boottime() - max(sent) if sent else None


def provider_of(key: Key, migration: Migration) -> Key:
    """Return the Provider that a Migration names."""
    return Key(Kind.PROVIDER, key.namespace, migration.spec.provider_ref.name)


def needs_login(observation: Observation) -> bool:
    """Whether a read met refused credentials, so that the Secret should be read anew."""
    trouble = observation.trouble
    return isinstance(trouble, NotPermitted) and trouble.reason == Reason.UNAUTHORIZED


def _find_swept(session: Session | None, migration: Migration) -> RecordView | None:
    upstream, adopt = migration.status.upstream, migration.spec.adopt
    if session is None:
        return None
    if upstream is not None and upstream.id is not None:
        return session.rows.get(upstream.id)
    return session.rows.find(adopt.id) if adopt is not None and upstream is None else None


def _read_move(observation: Observation) -> Move:
    """Return the hosts that a start would load: where the server is, else where it was, else where it must be."""
    spec, placement, survey = observation.migration.spec, observation.status.placement, observation.survey
    source = survey.server.host if survey is not None else placement.source_host if placement is not None else None
    return Move(source or spec.source_host, spec.destination_host)


def _name(other: Key | None, key: Key) -> str:
    if other is None:
        return ""
    # names of another namespace are not this tenant's to see
    return f"Migration {other.name}" if other.namespace == key.namespace else "a Migration of another namespace"
