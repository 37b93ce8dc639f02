"""One step of a Migration: observe → decide → intent → effect → record → when next.

A step never waits for the upstream operation to end, and nothing that matters lives only here: kill the process at
any line, start it again, and the story goes on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.meta import InvalidManifest
from osmig.api.names import Verb
from osmig.controllers.observing import Observer, needs_login, provider_of
from osmig.domain.machine import decide
from osmig.domain.observation import ChangeObject, Commit, ObjectChange, Observation, ReadFacts
from osmig.telemetry.log_context import bind

if TYPE_CHECKING:
    from osmig.controllers.inbox import Entry, Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.publishing import Publisher
    from osmig.controllers.reporting import Reporter
    from osmig.controllers.sessions import Sessions
    from osmig.controllers.step_memory import StepMemories
    from osmig.controllers.waits import Waits
    from osmig.controllers.write_ahead import WriteAhead
    from osmig.drivers.driver import Drivers

_logger = logging.getLogger(__name__)

MAX_ROUNDS = 20
"""Decisions in one step; more would be a loop, and the next step goes on where this one stopped."""

GO_ON_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStep:
    """Steps Migrations.

    Attributes:
        inbox: the newest bodies and the verbs seen.
        observer: makes observations.
        drivers: what each type of Migration is.
        write_ahead: writes status, and sends calls under it.
        publisher: changes objects.
        sessions: the Providers' connections.
        reporter: metrics and logs.
        waits: how long a thing was seen unchanged.
        memories: what is remembered of each Migration.
    """

    inbox: Inbox
    observer: Observer
    drivers: Drivers
    write_ahead: WriteAhead
    publisher: Publisher
    sessions: Sessions
    reporter: Reporter
    waits: Waits
    memories: StepMemories

    async def step(self, key: Key) -> float | None:
        """Bring one Migration forward; return the seconds until the next step."""
        entry = self.inbox.get(key)
        if entry is None:
            self._forget(key)
            return None
        with bind(uid=entry.uid):
            return await self._step_entry(key, entry)

    async def _step_entry(self, key: Key, entry: Entry) -> float | None:
        try:
            observation = self.observer.observe(key, entry)
        except InvalidManifest as error:
            _logger.error("migration.invalid", extra={"why": str(error)})  # noqa: TRY400 - the message says it all
            return None
        try:
            return await self._step(key, observation)
        finally:
            self.inbox.drop_parsed(key)

    async def _step(self, key: Key, first: Observation) -> float | None:
        """Decide and carry out until the step is over."""
        observation: Observation | None = first
        due_s: float | None = None
        for _ in range(MAX_ROUNDS):
            assert observation is not None  # noqa: S101 - the loop ends with the last one
            policy = self.drivers.of_migration(observation.migration.spec.type).policy
            match decide(observation, policy):
                case ReadFacts(names):
                    observation = await self._read(key, observation, names)
                case ChangeObject() as decision:
                    observation = await self._change(key, observation, decision)
                case Commit() as decision:
                    observation = await self._commit(key, observation, decision)
                    due_s = decision.due_s
            if observation is None:
                return due_s
        return GO_ON_S

    def _forget(self, key: Key) -> None:
        self.memories.forget(key)
        self.waits.note(key, "")
        self.reporter.forget(key)

    async def _read(self, key: Key, observation: Observation, names: frozenset[str]) -> Observation:
        observation = await self.observer.read(key, observation, names)
        if needs_login(observation):
            self._refresh(provider_of(key, observation.migration))
        return observation

    def _refresh(self, provider: Key) -> None:
        session = self.sessions.get(provider)
        if session is not None:
            session.wants_refresh = True
            self.reporter.wake(provider)

    async def _change(self, key: Key, observation: Observation, decision: ChangeObject) -> Observation | None:
        """Change the object itself; return the next observation of this step, ``None`` when it is over."""
        await self.publisher.change(key, decision.change, decision.notes)
        self.reporter.report_change(key, decision.notes)
        entry = self.inbox.get(key)
        if decision.change is ObjectChange.DELETE or entry is None:
            return None
        return self.observer.carry_over(key, observation, entry)

    async def _commit(self, key: Key, observation: Observation, decision: Commit) -> Observation | None:
        """Write, and call; return the next observation of this step, ``None`` when it is over."""
        await self.write_ahead.commit(key, observation, decision)
        self.inbox.settle(key, observation.verb_requests)
        return self._continue_after_accept(key, observation) if decision.goes_on else None

    def _continue_after_accept(self, key: Key, observation: Observation) -> Observation | None:
        """Continue with the verbs just recorded; ``reconcile`` makes everything be read anew."""
        if any(request.verb is Verb.RECONCILE for request in observation.verb_requests):
            provider = provider_of(key, observation.migration)
            self._refresh(provider)
            session, upstream = self.sessions.get(provider), observation.status.upstream
            if session is not None and upstream is not None and upstream.id is not None:
                session.rows.forget(upstream.id)
        entry = self.inbox.get(key)
        return None if entry is None else self.observer.observe(key, entry)
