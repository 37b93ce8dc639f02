"""The text that a scrape gets: made in a thread of its own, once for all who ask within a second, one at a time.

`/metrics` is open to whoever reaches the port. However many ask, and however much there is to tell, the event loop goes
on and the processor is taken for a tenth of the time at most.
"""

from __future__ import annotations

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import exposition, openmetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.registry import Collector

    from osmig.domain.clock import Clock

KEPT_S = 1.0
"""How long a text is good for; scrapers ask every 15 to 60 s."""

KEPT_PER_SECOND = 9.0
"""Or so many times as long as it took to make."""


@dataclass(frozen=True, slots=True)
class Page:
    """One text, ready to be sent.

    Attributes:
        packed: the same by gzip.
    """

    content_type: str
    plain: bytes
    packed: bytes


class Exposition:
    """Makes pages of what a collector yields."""

    def __init__(self, metrics: Collector, clock: Clock) -> None:
        """Collect nothing yet; ``metrics`` is collected in another thread than the caller's."""
        self._metrics = metrics
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")
        self._turn = asyncio.Lock()
        self._pages: dict[bool, tuple[float, Page]] = {}

    async def render(self, accept: str) -> Page:
        """Return the page for a scraper that accepts ``accept``, OpenMetrics if it knows that."""
        wants_open = "application/openmetrics-text" in accept
        async with self._turn:
            now = self._clock.boottime()
            good_until, page = self._pages.get(wants_open, (now, None))
            if page is None or good_until <= now:
                page = await asyncio.get_running_loop().run_in_executor(self._thread, self._make, wants_open)
                made = self._clock.boottime()
                self._pages[wants_open] = (made + max(KEPT_S, KEPT_PER_SECOND * (made - now)), page)
        return page

    def close(self) -> None:
        """Make no more pages."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, wants_open: bool) -> Page:  # noqa: FBT001 - passed by position to a thread
        encode: Callable[[Collector], bytes] = exposition.generate_latest
        content_type = exposition.CONTENT_TYPE_PLAIN_0_0_4
        if wants_open:
            encode, content_type = openmetrics.exposition.generate_latest, openmetrics.exposition.CONTENT_TYPE_LATEST
        plain = encode(self._metrics)
        return Page(content_type, plain, gzip.compress(plain, compresslevel=6, mtime=0))
