"""The only sender of a call that changes something upstream (ADR 0002)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from osmig.api.migration import parse_migration
from osmig.controllers.observing import provider_of
from osmig.domain import write_budget
from osmig.domain.errors import AnswerNotRecorded, KubeFailure, ObjectChanged, ObjectGone, StaleView
from osmig.domain.machine import decide_answer
from osmig.domain.queueing import HostPair
from osmig.domain.write_budget import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from osmig.api.migration import Migration, Progress
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.permits import Fence
    from osmig.controllers.publishing import Publisher
    from osmig.controllers.reporting import Reporter
    from osmig.controllers.sessions import Sessions
    from osmig.controllers.slots import SlotQueue
    from osmig.controllers.step_memory import StepMemories
    from osmig.controllers.waits import Waits
    from osmig.domain.calls import Answer, Call
    from osmig.domain.clock import Clock
    from osmig.domain.observation import Commit, Observation
    from osmig.drivers.driver import Driver
    from osmig.drivers.entries import Drivers

RECORD_RETRY_S = 1.0
RECORD_TRIES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAhead:
    """Writes what was decided and sends at most one call under it.

    1. **Reserve.** The server and a slot are taken in memory, so that no other step decides on them meanwhile.
    2. **Intent.** The status, with the intent of the call in it, is written by compare-and-swap; stale means that
       nothing is sent.
    3. **Fence.** The call gets a permit that counts from before that write; the transport asks it right before the
       first byte.
    4. **One request.** The driver sends it once; every failure is an answer.
    5. **Record.** What came of it is decided on and written, through conflicts and outages. Should that fail for good,
       the intent on record makes the next step look for the effect.
    """

    inbox: Inbox
    sessions: Sessions
    queue: SlotQueue
    publisher: Publisher
    reporter: Reporter
    fence: Fence
    waits: Waits
    memories: StepMemories
    drivers: Drivers
    clock: Clock
    uncut: Callable[[Key], AbstractContextManager[None]]

    async def commit(self, key: Key, observation: Observation, decision: Commit) -> None:
        """Carry out one decision; from the intent of a call to its record nobody cuts it off for taking long.

        Raises:
            StaleView: the object, its server or its slot is not what was decided on; or no answer could be recorded.
            ObjectGone: the object does not exist any more, or is another one.
            KubeFailure: no answer from the API server; the write may have happened, and nothing was sent.
        """
        with self.uncut(key) if decision.call is not None else nullcontext():
            await self._carry_out(key, observation, decision)

    async def _carry_out(self, key: Key, observation: Observation, decision: Commit) -> None:
        # From before the write: who takes an intent over counts from when it showed, so our permit ends first.
        written_at = self.clock.boottime()
        await self._put(key, observation, decision)
        if decision.call is None:
            return
        self._check_exists(key, observation)
        answer = await self._send(key, observation, decision.call, written_at=written_at)
        await self._record(key, observation, answer)

    async def _put(self, key: Key, observation: Observation, decision: Commit) -> None:
        """Write the status if that is worth a write, and tell of what was decided."""
        age_s = self.clock.boottime() - self.memories.get(key).written_at
        if write_budget.judge(observation.status, decision.status, age_s=age_s) is Urgency.NOW:
            if decision.claims:
                self._check_newest(key, observation)
            # Reserved before the write: other steps run meanwhile, and the Ledger learns of it only from the answer.
            with self._reserve(key, observation, decision):
                await self.publisher.put(key, decision.status)
            self.memories.update(key, written_at=self.clock.boottime())
        self.publisher.announce(key, decision.notes)
        self.reporter.report(key, observation, decision)
        # Only now: a write that failed must neither begin a wait nor end one.
        self.waits.note(key, decision.wait_key)
        self._remember_progress(key, decision.status.progress)

    def _remember_progress(self, key: Key, progress: Progress | None) -> None:
        known, lowest = (
            self.memories.get(key).sampled,
            progress.lowest_remaining_bytes if progress is not None else None,
        )
        if known is None or lowest is None or known.lowest_remaining_bytes != lowest:
            self.memories.update(key, progressed_at=self.clock.boottime())
        self.memories.update(key, sampled=progress)

    def _reserve(self, key: Key, observation: Observation, decision: Commit) -> AbstractContextManager[None]:
        status = decision.status
        taken = self._driver_of(observation).name_lock(observation.migration, status)
        if not decision.claims or taken is None:
            return nullcontext()
        placement = status.placement
        hosts = HostPair(placement.source_host, placement.destination_host) if placement is not None else HostPair()
        return self.queue.reserve(
            key,
            taken,
            provider=provider_of(key, observation.migration),
            hosts=hosts,
            needs_slot=decision.call is not None and decision.call.takes_slot,
        )

    async def _send(self, key: Key, observation: Observation, call: Call, *, written_at: float) -> Answer:
        driver, permit = self._driver_of(observation), self.fence.permit(written_at)
        provider = provider_of(key, observation.migration)
        backend = self.sessions.find_backend(provider, driver.provider_type, observation.provider)
        answer = await driver.send(backend, call, self._parse(key, observation), permit)
        if (verb := call.carried_out) is not None:
            ordered_at = self.memories.get(key).ordered_at
            self.memories.update(key, ordered_at={**ordered_at, verb: self.clock.boottime()})
        return answer

    async def _record(self, key: Key, observation: Observation, answer: Answer) -> None:
        policy = self._driver_of(observation).policy
        for _ in range(RECORD_TRIES):
            self._check_exists(key, observation)
            now = replace(observation, migration=self._parse(key, observation), now=self.clock.now())
            decision = decide_answer(now, policy, answer)
            try:
                await self._put(key, now, decision)
            except StaleView:
                continue
            except KubeFailure as error:
                await self.clock.sleep(error.retry_after_s or RECORD_RETRY_S)
                continue
            self.reporter.wake(key, decision.due_s)
            return
        raise AnswerNotRecorded(
            reason="NotRecorded", message="the answer could not be written; its effect is looked for"
        )

    def _driver_of(self, observation: Observation) -> Driver[Any, Any]:
        return self.drivers.of_migration(observation.migration.spec.type)

    def _check_exists(self, key: Key, observation: Observation) -> None:
        """Refuse to send for, or record on, another object of the same name, or none."""
        entry = self.inbox.get(key)
        if entry is None or entry.uid != observation.migration.metadata.uid:
            raise ObjectGone(reason="NotFound", message=f"{key.text} was deleted while its call was under way")

    def _check_newest(self, key: Key, observation: Observation) -> None:
        """Refuse to start on ground of an object that has changed meanwhile: it may be suspended, or being deleted."""
        entry = self.inbox.get(key)
        if entry is None or entry.resource_version != observation.migration.metadata.resource_version:
            raise ObjectChanged(reason="Changed", message=f"{key.text} was changed while its start was being decided")

    def _parse(self, key: Key, observation: Observation) -> Migration:
        """Return the Migration as the Inbox has it now: after an own write, that is what was written."""
        entry = self.inbox.get(key)
        return observation.migration if entry is None else entry.parse(parse_migration)
