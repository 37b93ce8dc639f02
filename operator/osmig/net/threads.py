"""Threads that all Providers share, and how many of them one may have at once.

A thread of its own for each Provider would wait most of its life. Each has a bound instead, so that a server that hangs
keeps no more of them than before.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from osmig.net.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.net.limiting import Priority

T = TypeVar("T")

MAX_THREADS = 4096
"""Of all Providers together; a thread is made only when none is idle."""

BUILDERS = 4
"""Connections that are built, and tenants' texts that are parsed, at once."""


SWITCH_S = 0.0005
"""How long a thread computes before another one may. By default it is ten times as long."""


def take_short_turns() -> None:
    """Let the threads of this process take short turns, for the sake of the event loop.

    Wherever the loop waits for a socket, it has to wait for a turn again afterwards: with forty threads that read
    answers, an exchange of two messages took 350 ms, and an order, of a dozen exchanges, minutes on a busy machine. In
    turns of this length it takes 50 ms, and the threads do a fifth less.
    """
    sys.setswitchinterval(SWITCH_S)


@functools.cache
def shared_threads() -> ThreadPoolExecutor:
    """Return the threads that all share; none is made before it is needed."""
    return ThreadPoolExecutor(max_workers=MAX_THREADS, thread_name_prefix="shared")


class ThreadShare:
    """The threads that one Provider may have at once. For one event loop."""

    def __init__(self, threads: int, name: str) -> None:
        """Have no thread yet.

        Args:
            threads: at most, at once; starts and orders have some more (`osmig.net.places`).
            name: of the thread while it works for this Provider, for stack dumps.
        """
        self._places = Places(threads)
        self._name = name

    async def run(self, job: Callable[[], T], priority: Priority) -> T:
        """Wait for a thread and run a job in it, in the context of the caller; who waits is served by priority.

        A caller that is cancelled meanwhile does not stop the job, and its thread counts until the job is over.
        """
        await self._places.acquire(priority)
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        running = shared_threads().submit(context.run, self._work, job)
        running.add_done_callback(lambda _: self._release(loop))
        return await asyncio.wrap_future(running)

    def _work(self, job: Callable[[], T]) -> T:
        thread = threading.current_thread()
        shared_name, thread.name = thread.name, self._name
        try:
            return job()
        finally:
            thread.name = shared_name

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        # the process may end, and its loop with it, while a server still hangs
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._places.release)


@functools.cache
def _builders() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=BUILDERS, thread_name_prefix="build")


async def run_apart(job: Callable[[], T]) -> T:
    """Run a job that only computes in a thread, in the context of the caller.

    Never in the event loop's own threads: in those the names of the API server are resolved, for the Lease, too.
    """
    context = contextvars.copy_context()
    return await asyncio.wrap_future(_builders().submit(context.run, job))
