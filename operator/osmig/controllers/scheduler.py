"""Who is due: a heap of due times, one step per key at a time, a bounded number of steps, backoff with jitter."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.domain.errors import CallCut, KubeFailure, LeadershipLost, ObjectGone, OperatorError, StaleView
from osmig.telemetry.log_context import bind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from osmig.controllers.keys import Key
    from osmig.domain.clock import Clock
    from osmig.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)

BACKOFF_FIRST_S = 1.0
MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class _Due:
    at: float
    number: int


class Scheduler:
    """Runs ``step(key)`` whenever a key is due; a step says when it is due next, or ``None`` for not before a wake.

    Args:
        step: raises only ``OperatorError`` for what can be expected.
        clock: measures.
        metrics: counts steps.
        random: uniform in [0, 1), for jitter.
        workers: how many steps may run at once.
    """

    def __init__(
        self,
        step: Callable[[Key], Awaitable[float | None]],
        *,
        clock: Clock,
        metrics: Metrics,
        random: Callable[[], float],
        workers: int,
    ) -> None:
        self._step = step
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._places = asyncio.Semaphore(workers)
        self._heap: list[tuple[float, int, Key]] = []
        self._due: dict[Key, _Due] = {}
        self._numbers = itertools.count()
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()
        self._fatal: BaseException | None = None
        metrics.follow_queue(depth=self._count_due, oldest_due_s=self._oldest_due_s)

    def wake(self, key: Key, delay_s: float = 0.0) -> None:
        """Make a key due in ``delay_s`` seconds, or sooner if it already is."""
        at = self._clock.boottime() + delay_s
        known = self._due.get(key)
        if known is not None and known.at <= at:
            return
        # The heap cannot move an entry: the later one stays in it, and its number tells _pop that it is out of date.
        due = _Due(at, next(self._numbers))
        self._due[key] = due
        heapq.heappush(self._heap, (due.at, due.number, key))
        self._changed.set()

    async def run(self) -> None:
        """Run steps until cancelled.

        Raises:
            LeadershipLost: a step met it; the process must end.
        """
        while True:
            await self._places.acquire()
            if self._fatal is not None:
                raise self._fatal
            key = self._pop()
            if key is None:
                self._places.release()
                await self._pause()
                continue
            self._running[key] = asyncio.create_task(self._run_step(key), name=f"step {key.text}")

    async def drain(self, timeout_s: float) -> None:
        """Wait for running steps, at most ``timeout_s``, and cut the others off; call it after ``run()`` was cancelled.

        What a step that is cut off has sent is on record as an intent. Left alone it would hold up kopf, which waits
        for every task it did not find at its start.
        """
        late: set[asyncio.Future[None]] = set(self._running.values())
        over = asyncio.ensure_future(self._clock.sleep(timeout_s))
        while late and not over.done():
            ended, _ = await asyncio.wait({over, *late}, return_when=asyncio.FIRST_COMPLETED)
            late -= ended
        for task in (over, *late):
            task.cancel()

    def _pop(self) -> Key | None:
        """Take the next key that is due and whose last step has ended; ``_run_step`` brings back the others."""
        now = self._clock.boottime()
        while self._heap and self._heap[0][0] <= now:
            _, number, key = heapq.heappop(self._heap)
            due = self._due.get(key)
            if due is not None and due.number == number and key not in self._running:
                del self._due[key]
                return key
        return None

    async def _pause(self) -> None:
        """Wait until something is due or changes."""
        # No wake is lost by this: nothing was awaited since _pop found nothing.
        self._changed.clear()
        changed: asyncio.Future[bool] = asyncio.ensure_future(self._changed.wait())
        waits: set[asyncio.Future[bool]] = {changed}
        if self._heap:
            waits.add(asyncio.ensure_future(self._wait(max(0.0, self._heap[0][0] - self._clock.boottime()))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _wait(self, seconds: float) -> bool:
        await self._clock.sleep(seconds)
        return True

    async def _run_step(self, key: Key) -> None:
        began = self._clock.boottime()
        try:
            with bind(**key.log_fields):
                result, due_s = await self._try_step(key)
        except LeadershipLost as error:
            self._fatal = error
            return
        finally:
            del self._running[key]
            self._places.release()
            if (waiting := self._due.get(key)) is not None:
                # It was woken while it ran, and _pop may have dropped its entry: two steps of one key never overlap.
                heapq.heappush(self._heap, (waiting.at, waiting.number, key))
            self._changed.set()
        self._metrics.count_reconcile(result, duration_s=self._clock.boottime() - began)
        if due_s is not None:
            self.wake(key, due_s)

    async def _try_step(self, key: Key) -> tuple[str, float | None]:
        """Run one step; the only place that catches everything: one bad object never stops the others."""
        try:
            due_s = await self._call_step(key)
        except LeadershipLost:
            raise
        except ObjectGone:
            # a wake that came meanwhile stays: the step has to clean up, or a new object has this name
            self._failures.pop(key, None)
            return "gone", None
        except StaleView:
            return "stale", self._back_off(key)
        except KubeFailure as error:
            _logger.warning("step.kube_unavailable", extra={"reason": error.reason})
            return "error", error.retry_after_s or self._back_off(key)
        except OperatorError as error:
            _logger.warning("step.failed", extra={"reason": error.reason, "why": error.message})
            return "error", self._back_off(key)
        except Exception:
            _logger.exception("step.crashed")
            return "crash", self._back_off(key)
        self._failures.pop(key, None)
        return "success", due_s

    async def _call_step(self, key: Key) -> float | None:
        """Run one step; being cancelled from inside is a failure like others, from outside the end."""
        try:
            return await self._step(key)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            message = "a call was cut off: its Provider's connection was closed meanwhile"
            raise CallCut(reason="CallCut", message=message) from None

    def _back_off(self, key: Key) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        span_s = min(MAX_BACKOFF_S, BACKOFF_FIRST_S * 2.0 ** min(failures, 10))
        return float(span_s * (0.5 + self._random() / 2))

    def _count_due(self) -> float:
        """Count the keys that are due now and wait for a worker."""
        now = self._clock.boottime()
        return float(sum(due.at <= now for due in self._due.values()))

    def _oldest_due_s(self) -> float:
        now = self._clock.boottime()
        return max((now - due.at for due in self._due.values() if due.at <= now), default=0.0)
