"""One step of a Migration: observe → decide → intent → effect → record → when next.

A step never waits for the upstream operation to end, and nothing that matters lives only here: kill the process at
any line, start it again, and the story goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from osmig.api.migration import parse_migration
from osmig.api.names import Verb
from osmig.controllers.observing import Observer, needs_login, provider_of
from osmig.controllers.permits import Fence
from osmig.controllers.reporting import Reporter
from osmig.controllers.step_memory import StepMemories
from osmig.controllers.waits import Waits
from osmig.controllers.write_ahead import WriteAhead
from osmig.domain.machine import decide
from osmig.domain.observation import ChangeObject, Commit, ObjectChange, Observation, ReadFacts

if TYPE_CHECKING:
    from osmig.api.migration import Migration
    from osmig.controllers.inbox import Entry, Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Parts
    from osmig.controllers.publishing import Publisher
    from osmig.controllers.sessions import Sessions
    from osmig.drivers.entries import Drivers

MAX_ROUNDS = 20
"""Decisions in one step; more would be a loop, and the next step goes on where this one stopped."""

GO_ON_S = 1.0


@dataclass(frozen=True, kw_only=True)
class MigrationController:
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

    parse: ClassVar = staticmethod(parse_migration)

    async def step(self, key: Key, entry: Entry, _: Migration) -> float | None:
        """Bring one Migration forward; return the seconds until the next step."""
        return await self._step(key, self.observer.observe(key, entry))

    async def reject(self, key: Key, entry: Entry, why: str) -> None:
        """Leave a Migration alone that this version cannot follow: its status is somebody else's."""

    async def forget(self, key: Key) -> None:
        """Drop what is remembered of a Migration that is gone."""
        self.memories.forget(key)
        self.waits.note(key, "")
        self.reporter.forget(key)

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

    async def _read(self, key: Key, observation: Observation, names: frozenset[str]) -> Observation:
        observation = await self.observer.read(key, observation, names)
        if needs_login(observation):
            self._refresh(provider_of(key, observation.migration))
        return observation

    def _refresh(self, provider: Key, *, is_asked: bool = False) -> None:
        session = self.sessions.get(provider)
        if session is not None:
            session.wants_refresh = True
            session.wants_login |= is_asked
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
            self._refresh(provider, is_asked=True)
            session, upstream = self.sessions.get(provider), observation.status.upstream
            if session is not None and upstream is not None and upstream.id is not None:
                session.rows.forget(upstream.id)
        entry = self.inbox.get(key)
        return None if entry is None else self.observer.observe(key, entry)


def build(parts: Parts) -> MigrationController:
    """Build the controller of Migrations."""
    given, periods = parts.given, parts.periods
    waits, memories = Waits(given.clock), StepMemories()
    observer = Observer(parts, waits=waits, memories=memories)
    reporter = Reporter(given.metrics, parts.wake)
    write_ahead = WriteAhead(
        inbox=parts.inbox,
        sessions=parts.sessions,
        queue=parts.queue,
        publisher=parts.publisher,
        reporter=reporter,
        fence=Fence(given.clock, given.fence, call_before_s=periods.call_before_s),
        waits=waits,
        memories=memories,
        drivers=given.drivers,
        clock=given.clock,
        uncut=parts.uncut,
    )
    return MigrationController(
        inbox=parts.inbox,
        observer=observer,
        drivers=given.drivers,
        write_ahead=write_ahead,
        publisher=parts.publisher,
        sessions=parts.sessions,
        reporter=reporter,
        waits=waits,
        memories=memories,
    )
