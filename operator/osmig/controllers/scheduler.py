"""Who is due: a heap of due times, one step per key at a time, backoff with jitter, an end to steps that hang."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.controllers.turns import Turns
from osmig.domain.backoff import grow_pause_s
from osmig.domain.errors import (
    CallCut,
    KubeFailure,
    LeadershipLost,
    ObjectGone,
    OperatorError,
    StaleView,
    StepOverdue,
)
from osmig.telemetry.log_context import bind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from osmig.controllers.keys import Key
    from osmig.controllers.turns import Places, Sorting
    from osmig.domain.clock import Clock
    from osmig.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)

BACKOFF_FIRST_S = 1.0
MAX_BACKOFF_S = 60.0
MAX_STEP_S = 300.0
"""The longest step that still gets on: a full sweep of 100 pages at one request per second takes 100 s."""

CUT_EVERY_S = 15.0
"""How often overdue steps are looked for."""

ORDER_GRACE_S = 2.0
"""How long an order waits for the step of its object that was under way when it came: a read may hang for minutes."""


@dataclass(frozen=True, slots=True)
class _Due:
    at: float
    number: int


@dataclass(slots=True)
class _Run:
    """One step under way.

    Attributes:
        must_not_be_cut: something was sent whose answer is not on record yet.
        is_cut: it took too long and was cut off.
        hurrying: waits for it to end, for an order has come.
    """

    task: asyncio.Task[None]
    began: float
    must_not_be_cut: bool = False
    is_cut: bool = False
    hurrying: asyncio.Task[None] | None = None


class Scheduler:
    """Runs ``step(key)`` whenever a key is due; a step says when it is due next, or ``None`` for not before a wake.

    Args:
        step: raises only ``OperatorError`` for what can be expected.
        clock: measures.
        metrics: counts steps.
        random: uniform in [0, 1), for jitter.
        lanes: whose places a key's step takes, as things are when it becomes due or is woken.
        places: how many steps may be under way.
    """

    def __init__(
        self,
        step: Callable[[Key], Awaitable[float | None]],
        *,
        clock: Clock,
        metrics: Metrics,
        random: Callable[[], float],
        lanes: Sorting,
        places: Places,
    ) -> None:
        self._step = step
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._lanes = lanes
        self._turns = Turns(places)
        self._heap: list[tuple[float, int, Key]] = []
        self._due: dict[Key, _Due] = {}
        self._numbers = itertools.count()
        self._running: dict[Key, _Run] = {}
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()
        self._fatal: BaseException | None = None
        metrics.follow_queue(depth=self._count_due, oldest_due_s=self._oldest_due_s)

    def wake(self, key: Key, delay_s: float = 0.0) -> None:
        """Make a key due in ``delay_s`` seconds, or sooner if it already is."""
        at = self._clock.boottime() + delay_s
        run = self._running.get(key)
        if run is not None and run.hurrying is None and self._lanes.has_order(key):
            run.hurrying = asyncio.create_task(self._hurry(key, run), name=f"hurry {key.text}")
        known = self._due.get(key)
        if known is not None and known.at <= at:
            if key in self._turns:
                # what it waits for its turn with may be an order by now
                self._turns.add(key, self._lanes.find(key))
                self._changed.set()
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
        cutting = asyncio.create_task(self._cut_overdue(), name="cut overdue steps")
        try:
            while self._fatal is None:
                key = self._pop()
                if key is None:
                    await self._pause()
                    continue
                task = asyncio.create_task(self._run_step(key), name=f"step {key.text}")
                self._running[key] = _Run(task, self._clock.boottime())
        finally:
            cutting.cancel()
        raise self._fatal

    @contextmanager
    def uncut(self, key: Key) -> Iterator[None]:
        """Let the step of a key take as long as it takes: it sends what must not be sent twice, and records it."""
        run = self._running.get(key)
        if run is None:
            # a step that is made by hand
            yield
            return
        run.must_not_be_cut = True
        try:
            yield
        finally:
            run.must_not_be_cut = False

    async def drain(self, timeout_s: float) -> None:
        """Wait for running steps, at most ``timeout_s``, and cut the others off; call it after ``run()`` was cancelled.

        What a step that is cut off has sent is on record as an intent. Left alone it would hold up kopf, which waits
        for every task it did not find at its start.
        """
        late: set[asyncio.Future[None]] = {run.task for run in self._running.values()}
        over = asyncio.ensure_future(self._clock.sleep(timeout_s))
        while late and not over.done():
            ended, _ = await asyncio.wait({over, *late}, return_when=asyncio.FIRST_COMPLETED)
            late -= ended
        for task in (over, *late):
            task.cancel()

    def _pop(self) -> Key | None:
        """Take whose turn it is."""
        now = self._clock.boottime()
        while self._heap and self._heap[0][0] <= now:
            _, number, key = heapq.heappop(self._heap)
            due = self._due.get(key)
            # _run_step brings back those that run
            if due is not None and due.number == number and key not in self._running:
                self._turns.add(key, self._lanes.find(key))
        taken = self._turns.take()
        if taken is not None:
            del self._due[taken]
        return taken

    async def _cut_overdue(self) -> None:
        """Cut off steps that take too long, but never between an intent and its record."""
        while True:
            await self._clock.sleep(CUT_EVERY_S)
            oldest = self._clock.boottime() - MAX_STEP_S
            for run in self._running.values():
                if run.began <= oldest and not run.must_not_be_cut:
                    run.is_cut = True
                    run.task.cancel()

    async def _hurry(self, key: Key, run: _Run) -> None:
        """Cut off a step that keeps an order waiting, as one that takes too long; the order's own step comes next."""
        await self._clock.sleep(ORDER_GRACE_S)
        run.hurrying = None
        if self._running.get(key) is run and not run.must_not_be_cut and self._lanes.has_order(key):
            run.is_cut = True
            run.task.cancel()

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
            if (hurrying := self._running.pop(key).hurrying) is not None:
                hurrying.cancel()
            self._turns.release(key)
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
        """Run one step; being cancelled from inside, or as overdue, is a failure like others, from outside the end."""
        try:
            return await self._step(key)
        except asyncio.CancelledError:
            task, run = asyncio.current_task(), self._running[key]
            if run.is_cut and task is not None and task.uncancel() == 0:
                message = "the step took too long, or an order came meanwhile, and was cut off; it is made again"
                raise StepOverdue(reason="StepOverdue", message=message) from None
            if task is None or task.cancelling():
                raise
            message = "a call was cut off: its Provider's connection was closed meanwhile"
            raise CallCut(reason="CallCut", message=message) from None

    def _back_off(self, key: Key) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        span_s = grow_pause_s(BACKOFF_FIRST_S, MAX_BACKOFF_S, failures)
        return float(span_s * (0.5 + self._random() / 2))

    def _count_due(self) -> float:
        """Count the keys that are due now and wait for a place; asked from the thread that scrapes."""
        now = self._clock.boottime()
        return float(sum(due.at <= now for due in tuple(self._due.values())))

    def _oldest_due_s(self) -> float:
        now = self._clock.boottime()
        return max((now - due.at for due in tuple(self._due.values()) if due.at <= now), default=0.0)
