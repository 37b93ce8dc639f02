"""One step of a Migration: observe → decide → intent → effect → record → when next.

A step never waits for the upstream operation to end, and nothing that matters lives only here: kill the process at
any line, start it again, and the story goes on.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.meta import InvalidManifest
from osmig.api.migration import Migration, parse_migration
from osmig.api.names import Verb
from osmig.domain import budget
from osmig.domain.budget import Urgency
from osmig.domain.errors import KubeUnavailable, ObjectGone, StaleView
from osmig.domain.machine import decide
from osmig.domain.observation import Answer, Decision, ObjectChange, Observation, ReplicateCall, StartCall, VerbCall
from osmig.domain.queueing import Move
from osmig.engine import effects
from osmig.engine.looking import describe_job
from osmig.engine.observing import Memories, Observer, needs_login, provider_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from osmig.api.migration import MigrationStatus
    from osmig.domain.clock import Clock
    from osmig.engine.inbox import Inbox
    from osmig.engine.keys import Key
    from osmig.engine.permits import Fence
    from osmig.engine.publishing import Publisher
    from osmig.engine.reporting import Reporter
    from osmig.engine.sessions import Sessions
    from osmig.engine.slots import SlotQueue
    from osmig.engine.waits import Waits

_logger = logging.getLogger(__name__)

MAX_ROUNDS = 20
"""Decisions in one step; more would be a loop, and the next step goes on where this one stopped."""

RECORD_RETRY_S = 1.0
RECORD_TRIES = 30


class MigrationStep:
    """Steps Migrations.

    Args:
        inbox: the newest bodies and the verbs seen.
        observer: makes observations.
        sessions: the Providers' connections.
        queue: servers and slots that are taken.
        publisher: writes status and Events, and changes objects.
        reporter: metrics and logs.
        fence: makes permits for calls.
        waits: how long a thing was seen unchanged.
        memories: what the observer remembers.
        clock: measures and stamps.
    """

    def __init__(  # noqa: PLR0913 - what one step reads, writes and wakes
        self,
        *,
        inbox: Inbox,
        observer: Observer,
        sessions: Sessions,
        queue: SlotQueue,
        publisher: Publisher,
        reporter: Reporter,
        fence: Fence,
        waits: Waits,
        memories: Memories,
        clock: Clock,
    ) -> None:
        self._inbox = inbox
        self._observer = observer
        self._sessions = sessions
        self._queue = queue
        self._publisher = publisher
        self._reporter = reporter
        self._fence = fence
        self._waits = waits
        self._memories = memories
        self._clock = clock

    async def step(self, key: Key) -> float | None:
        """Bring one Migration forward; return when to look again, in seconds."""
        entry = self._inbox.get(key)
        if entry is None:
            self._forget(key)
            return None
        try:
            observation: Observation | None = self._observer.observe(key, entry)
        except InvalidManifest as error:
            _logger.error("migration.invalid", extra={"key": key.text, "why": str(error)})  # noqa: TRY400 - the message says it all
            return None
        for _ in range(MAX_ROUNDS):
            assert observation is not None  # noqa: S101 - the loop ends with the last one
            decision = decide(observation)
            if decision.wants:
                observation = await self._look(key, observation, decision)
            elif decision.change is not None:
                observation = await self._change(key, observation, decision, decision.change)
            else:
                observation = await self._commit(key, observation, decision)
            if observation is None:
                return decision.due_s
        return RECORD_RETRY_S

    def _forget(self, key: Key) -> None:
        self._memories.forget(key)
        self._waits.note(key, "")
        self._reporter.forget(key)

    async def _look(self, key: Key, observation: Observation, decision: Decision) -> Observation:
        observation = await self._observer.look(key, observation, decision.wants)
        if needs_login(observation):
            self._refresh(provider_of(key, observation.migration))
        return observation

    def _refresh(self, provider: Key) -> None:
        session = self._sessions.get(provider)
        if session is not None:
            session.wants_refresh = True
            self._reporter.wake(provider)

    async def _change(
        self, key: Key, observation: Observation, decision: Decision, change: ObjectChange
    ) -> Observation | None:
        """Change the object itself; return the next observation of this step, ``None`` when it is over."""
        await self._publisher.change(key, change, decision.notes)
        self._reporter.report_change(key, observation, decision.notes)
        entry = self._inbox.get(key)
        if change is ObjectChange.DELETE or entry is None:
            return None
        return self._observer.carry(key, observation, entry)

    async def _commit(self, key: Key, observation: Observation, decision: Decision) -> Observation | None:
        """Write, post, call; return the next observation of this step, ``None`` when it is over."""
        written_at = self._clock.boottime()
        await self._write(key, observation, decision)
        self._publisher.announce(key, decision.notes)
        self._reporter.report(key, observation, decision)
        self._waits.note(key, decision.waiting_for)
        self._memories.update(key, sampled=decision.status.progress)
        self._inbox.settle(key, observation.asks)
        if decision.is_latch:
            return self._after_latch(key, observation)
        if decision.call is None:
            return None
        self._check_exists(key, observation)
        answer = await effects.perform(
            decision.call,
            backend=self._sessions.find_backend(
                provider_of(key, observation.migration), observation.migration.spec.type
            ),
            describe_job=lambda: describe_job(self._parse(key, observation)),
            permit=self._fence.permit(written_at),
        )
        if isinstance(decision.call, VerbCall):
            ordered_at = self._memories.get(key).ordered_at
            self._memories.update(key, ordered_at={**ordered_at, decision.call.verb: self._clock.boottime()})
        await self._record(key, observation, answer)
        return None

    def _after_latch(self, key: Key, observation: Observation) -> Observation | None:
        """Go on at once with what the latch recorded; ``reconcile`` makes everything be read anew."""
        if any(ask.verb is Verb.RECONCILE for ask in observation.asks):
            provider = provider_of(key, observation.migration)
            self._refresh(provider)
            session, upstream = self._sessions.get(provider), observation.status.upstream
            if session is not None and upstream is not None and upstream.id is not None:
                session.rows.forget(upstream.id)
        entry = self._inbox.get(key)
        return None if entry is None else self._observer.observe(key, entry)

    async def _write(self, key: Key, observation: Observation, decision: Decision) -> None:
        """Write the status if it is worth a write; what it takes is reserved while it is on its way."""
        age_s = self._clock.boottime() - self._memories.get(key).written_at
        if budget.judge(observation.status, decision.status, age_s=age_s) is not Urgency.NOW:
            return
        if _takes(decision):
            self._check_newest(key, observation)
        with self._reserve(key, observation, decision):
            await self._publisher.put(key, decision.status)
        self._memories.update(key, written_at=self._clock.boottime())

    def _reserve(self, key: Key, observation: Observation, decision: Decision) -> AbstractContextManager[None]:
        status = decision.status
        taken = _name_taken(key, observation, status)
        if not _takes(decision) or taken is None:
            return nullcontext()
        placement = status.placement
        move = Move(placement.source_host, placement.destination_host) if placement is not None else Move()
        return self._queue.reserve(
            key,
            taken,
            provider=provider_of(key, observation.migration),
            move=move,
            needs_slot=isinstance(decision.call, (StartCall, ReplicateCall)),
        )

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

    def _check_newest(self, key: Key, observation: Observation) -> None:
        """Refuse to start on ground of an object that has changed meanwhile: it may be suspended, or being deleted."""
        entry = self._inbox.get(key)
        if entry is None or entry.resource_version != observation.migration.metadata.resource_version:
            raise StaleView(reason="Changed", message=f"{key.text} was changed while its start was being decided")

    def _parse(self, key: Key, observation: Observation) -> Migration:
        """Return the Migration as the Inbox has it now: after an own write, that is what was written."""
        entry = self._inbox.get(key)
        return observation.migration if entry is None else parse_migration(entry.body)


def _takes(decision: Decision) -> bool:
    """Whether others must be kept away while this is written: a replication takes no server, but a slot."""
    return decision.takes_server or isinstance(decision.call, ReplicateCall)


def _name_taken(key: Key, observation: Observation, status: MigrationStatus) -> str | None:
    """Name what is taken: the server, or where none is moved, the Migration's own place."""
    if observation.migration.spec.tenant is not None:
        return key.text
    return status.server.id if status.server is not None else None
