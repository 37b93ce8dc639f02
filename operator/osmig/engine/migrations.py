"""One step of a Migration: observe → decide → intent → effect → record → when next.

A step never waits for the upstream operation to end, and nothing that matters lives only here: kill the process at
any line, start it again, and the story goes on.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from osmig.api.meta import InvalidManifest
from osmig.api.migration import Migration, parse_migration
from osmig.api.names import Reason, Verb
from osmig.domain import budget
from osmig.domain.budget import Urgency
from osmig.domain.errors import KubeUnavailable, NotPermitted, ObjectGone, StaleView
from osmig.domain.machine import decide
from osmig.domain.observation import Answer, Decision, Observation, StartCall, Timings, VerbCall
from osmig.domain.orders import is_active
from osmig.engine import effects
from osmig.engine.keys import Key, Kind
from osmig.engine.looking import Look, describe_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.migration import Progress
    from osmig.backends.ports import Backend
    from osmig.domain.clock import Clock
    from osmig.engine.inbox import Entry, Inbox
    from osmig.engine.ledger import Ledger
    from osmig.engine.permits import Fence
    from osmig.engine.publishing import Publisher
    from osmig.engine.reporting import Reporter
    from osmig.engine.sessions import Sessions
    from osmig.engine.waits import Waits

_logger = logging.getLogger(__name__)

MOST_ROUNDS = 20
"""Decisions in one step; more would be a loop, and the next step goes on where this one stopped."""

RECORD_RETRY_S = 1.0
RECORD_TRIES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What this process remembers of one Migration; losing it costs a read or a write, never a decision."""

    written_at: float = -math.inf
    ordered_at: Mapping[Verb, float] = field(default_factory=dict)
    sampled: Progress | None = None


class MigrationStep:
    """Steps Migrations."""

    def __init__(  # noqa: PLR0913 - what one step reads, writes and wakes
        self,
        *,
        inbox: Inbox,
        ledger: Ledger,
        sessions: Sessions,
        publisher: Publisher,
        reporter: Reporter,
        fence: Fence,
        waits: Waits,
        clock: Clock,
        holder: str,
        timings: Timings,
    ) -> None:
        """Do nothing yet.

        Args:
            inbox: the newest bodies and the verbs seen.
            ledger: who has which server, record and request.
            sessions: the Providers' connections.
            publisher: writes status and Events.
            reporter: metrics and logs.
            fence: makes permits for calls.
            waits: how long a thing was seen unchanged.
            clock: measures and stamps.
            holder: the random id of this process.
            timings: how long to wait for what.
        """
        self._inbox = inbox
        self._ledger = ledger
        self._sessions = sessions
        self._publisher = publisher
        self._reporter = reporter
        self._fence = fence
        self._waits = waits
        self._clock = clock
        self._holder = holder
        self._timings = timings
        self._memories: dict[Key, Memory] = {}

    async def step(self, key: Key) -> float | None:
        """Bring one Migration forward; return when to look again, in seconds."""
        entry = self._inbox.get(key)
        if entry is None:
            self._forget(key)
            return None
        try:
            observation = self._observe(key, entry)
        except InvalidManifest as error:
            _logger.error("migration.invalid", extra={"key": key.text, "why": str(error)})  # noqa: TRY400 - the message says it all
            return None
        for _ in range(MOST_ROUNDS):
            decision = decide(observation)
            if decision.wants:
                observation = await self._look(key, observation, decision)
                continue
            after = await self._commit(key, observation, decision)
            if after is None:
                return decision.due_s
            observation = after
        return RECORD_RETRY_S

    def _forget(self, key: Key) -> None:
        self._memories.pop(key, None)
        self._waits.note(key, "")
        self._reporter.forget(key)

    def _observe(self, key: Key, entry: Entry) -> Observation:
        """Start from what is recorded and what the last sweep saw; the rest is read when a decision wants it."""
        migration = parse_migration(entry.body)
        provider = _provider_of(key, migration)
        session, upstream = self._sessions.get(provider), migration.status.upstream
        memory = self._memories.get(key, Memory())
        return Observation(
            now=self._clock.now(),
            holder=self._holder,
            migration=migration,
            provider=self._sessions.view(provider, exists=self._inbox.get(provider) is not None),
            timings=self._timings,
            asks=tuple(entry.asks),
            waited_s=self._waits.ages(key),
            since_call_s=self._since_order_s(memory, migration),
            sampled=memory.sampled,
            swept=session.rows.get(upstream.id) if session is not None and upstream and upstream.id else None,
        )

    def _since_order_s(self, memory: Memory, migration: Migration) -> float | None:
        """Return how long ago the order in force was sent: one that has just taken another's place need not wait."""
        sent = [at for verb, at in memory.ordered_at.items() if is_active(migration.status, verb)]
        return self._clock.boottime() - max(sent) if sent else None

    async def _look(self, key: Key, observation: Observation, decision: Decision) -> Observation:
        provider = _provider_of(key, observation.migration)
        look = Look(
            self._backend(provider),
            claimed=lambda: self._ledger.claimed(key),
            rival=lambda server_id: self._name_rival(key, server_id),
        )
        observation = await look.read(observation, decision.wants)
        if observation.records is not None and (session := self._sessions.get(provider)) is not None:
            session.rows.learn(observation.records)
        if isinstance(observation.trouble, NotPermitted) and observation.trouble.reason == Reason.UNAUTHORIZED:
            self._refresh(provider)
        return observation

    def _backend(self, provider: Key) -> Backend:
        session = self._sessions.get(provider)
        if session is None or session.backend is None:
            # the Provider was deleted or lost its Secret since the decision was made
            raise StaleView(reason=Reason.PROVIDER_NOT_READY, message=f"Provider {provider.name} has no connection")
        return session.backend

    def _name_rival(self, key: Key, server_id: str) -> str:
        rival = self._ledger.find_rival(key, server_id)
        if rival is None:
            return ""
        # names of another namespace are not this tenant's to see
        return f"Migration {rival.name}" if rival.namespace == key.namespace else "a Migration of another namespace"

    def _refresh(self, provider: Key) -> None:
        session = self._sessions.get(provider)
        if session is not None:
            session.wants_refresh = True
            self._reporter.wake(provider)

    async def _commit(self, key: Key, observation: Observation, decision: Decision) -> Observation | None:
        """Write, post, call; return the next observation of this step, ``None`` when it is over."""
        written_at = self._clock.boottime()
        await self._write(key, observation, decision)
        self._publisher.announce(key, decision.notes)
        self._reporter.report(key, observation, decision)
        self._waits.note(key, decision.waiting_for)
        self._remember(key, sampled=decision.status.progress)
        self._inbox.settle(key, observation.asks)
        if decision.is_latch:
            return self._after_latch(key, observation)
        if decision.call is None:
            return None
        self._check_exists(key, observation)
        backend = self._backend(_provider_of(key, observation.migration))
        answer = await effects.perform(
            decision.call,
            backend=backend,
            job=describe_job(self._parse(key, observation)),
            permit=self._fence.permit(written_at),
        )
        if isinstance(decision.call, VerbCall):
            ordered_at = self._memories.get(key, Memory()).ordered_at
            self._remember(key, ordered_at={**ordered_at, decision.call.verb: self._clock.boottime()})
        await self._record(key, observation, answer)
        return None

    def _after_latch(self, key: Key, observation: Observation) -> Observation | None:
        """Go on at once with what the latch recorded; ``reconcile`` makes everything be read anew."""
        if any(ask.verb is Verb.RECONCILE for ask in observation.asks):
            provider = _provider_of(key, observation.migration)
            self._refresh(provider)
            session, upstream = self._sessions.get(provider), observation.status.upstream
            if session is not None and upstream is not None and upstream.id is not None:
                session.rows.forget(upstream.id)
        entry = self._inbox.get(key)
        return None if entry is None else self._observe(key, entry)

    async def _write(self, key: Key, observation: Observation, decision: Decision) -> None:
        """Write the status if it is worth a write; a start's server is reserved while its intent is on the way."""
        age_s = self._clock.boottime() - self._memories.get(key, Memory()).written_at
        if budget.judge(observation.status, decision.status, age_s=age_s) is not Urgency.NOW:
            return
        server_id = decision.status.server.id if decision.status.server is not None else None
        if isinstance(decision.call, StartCall) and server_id is not None:
            if not self._ledger.reserve(key, server_id):
                raise StaleView(reason=Reason.SERVER_BUSY, message="another Migration took the server just now")
            try:
                await self._publisher.put(key, decision.status)
            finally:
                self._ledger.unreserve(key, server_id)
        else:
            await self._publisher.put(key, decision.status)
        self._remember(key, written_at=self._clock.boottime())

    async def _record(self, key: Key, observation: Observation, answer: Answer) -> None:
        """Write down what the call brought, through conflicts and short outages of the API server.

        Should it fail for good, the intent on record makes the next step look for the effect.
        """
        for _ in range(RECORD_TRIES):
            self._check_exists(key, observation)
            now = replace(observation, migration=self._parse(key, observation), answer=answer, now=self._clock.now())
            decision = decide(now)
            try:
                await self._write(key, now, decision)
            except StaleView:
                continue
            except KubeUnavailable as error:
                await self._clock.sleep(error.retry_after_s or RECORD_RETRY_S)
                continue
            self._publisher.announce(key, decision.notes)
            self._reporter.report(key, now, decision)
            self._waits.note(key, decision.waiting_for)
            self._reporter.wake(key, decision.due_s)
            return
        raise StaleView(reason="NotRecorded", message="the answer could not be written; its effect is looked for")

    def _check_exists(self, key: Key, observation: Observation) -> None:
        """Refuse to record on another object of the same name, or on none."""
        entry = self._inbox.get(key)
        if entry is None or entry.uid != observation.migration.metadata.uid:
            raise ObjectGone(reason="NotFound", message=f"{key.text} was deleted while its call was under way")

    def _parse(self, key: Key, observation: Observation) -> Migration:
        """Return the Migration as the Inbox has it now: after an own write, that is what was written."""
        entry = self._inbox.get(key)
        return observation.migration if entry is None else parse_migration(entry.body)

    def _remember(self, key: Key, **changes: Any) -> None:  # noqa: ANN401 - fields of Memory
        self._memories[key] = replace(self._memories.get(key, Memory()), **changes)


def _provider_of(key: Key, migration: Migration) -> Key:
    return Key(Kind.PROVIDER, key.namespace, migration.spec.provider_ref.name)
