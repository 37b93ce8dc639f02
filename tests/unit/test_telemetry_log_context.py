"""Every line below a step names the step's object."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from fake_clock import HeldClock
from log_reading import configured
from osmig.api.names import Kind
from osmig.controllers.inbox import Inbox
from osmig.controllers.keys import Key
from osmig.controllers.lanes import Lanes
from osmig.controllers.ledger import Ledger
from osmig.controllers.scheduler import Scheduler
from osmig.controllers.turns import Places
from osmig.telemetry.log_context import bind
from osmig.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.usefixtures("logging_as_before")

A, B = Key(Kind.MIGRATION, "team-a", "db-07"), Key(Kind.PROVIDER, "team-b", "cloud")


async def steps_of(step: Callable[[Key], Awaitable[float | None]], ended: asyncio.Event) -> None:
    """Run one step of each until all has ended."""
    clock = HeldClock()
    scheduler = Scheduler(
        step,
        clock=clock,
        metrics=Metrics(clock),
        random=lambda: 0.0,
        lanes=Lanes(Inbox(), Ledger()),
        places=Places.share(4),
    )
    for key in (A, B):
        scheduler.wake(key)
    running = asyncio.create_task(scheduler.run())
    await ended.wait()
    await scheduler.drain(5)
    running.cancel()


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_two_steps_at_once_each_name_their_own_object_also_from_tasks_threads_and_libraries() -> None:
    stream, ended = io.StringIO(), asyncio.Event()
    log, both, count = configured(stream), asyncio.Barrier(2), 0

    async def step(key: Key) -> float | None:
        nonlocal count
        await both.wait()
        said = {"says": key.name}
        log.info("deep", extra=said)
        await both.wait()
        await asyncio.to_thread(log.info, "thread", extra=said)
        logging.getLogger("library").warning("of %s", key.name)
        count += 1
        if count == 2:
            ended.set()
        return None

    await steps_of(step, ended)

    lines = lines_of(stream)
    assert len(lines) == 6
    for line in lines:
        key = A if "db-07" in (line.get("says"), line["event"].removeprefix("of ")) else B
        assert (line["kind"], line["namespace"], line["name"]) == key


async def test_a_step_that_crashes_names_its_object_and_nothing_is_bound_after_it() -> None:
    stream, ended = io.StringIO(), asyncio.Event()
    log, left = configured(stream), {A, B}

    async def step(key: Key) -> float | None:
        left.discard(key)
        if not left:
            ended.set()
        raise ZeroDivisionError

    await steps_of(step, ended)
    log.info("after")

    *crashes, after = lines_of(stream)
    assert {(line["kind"], line["namespace"], line["name"]) for line in crashes} == {A, B}
    assert {line["event"] for line in crashes} == {"step.crashed"}
    assert not {"kind", "namespace", "name"} & set(after)


def test_what_is_bound_inside_wins_and_ends_with_its_block() -> None:
    stream = io.StringIO()
    log = configured(stream)
    with bind(namespace="a", name="x"):
        with bind(name="y", token="hunter2"):  # noqa: S106 - to be covered
            log.info("inner")
        log.info("outer")
    inner, outer = lines_of(stream)
    assert (inner["namespace"], inner["name"]) == ("a", "y")
    assert "hunter2" not in json.dumps(inner)
    assert outer["name"] == "x"
    assert "token" not in outer
