"""One HTTP server for ``/metrics``, ``/livez`` and ``/readyz``."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from aiohttp import web

from osmig import __version__
from osmig.domain.errors import CannotListen
from osmig.telemetry.exposition import Exposition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prometheus_client.registry import Collector

    from osmig.domain.clock import Clock
    from osmig.telemetry.probes import Verdict

_INDEX = f"""\
osmig {__version__}
/metrics  Prometheus or OpenMetrics text
/livez    200 while the event loop keeps up
/readyz   200 with leader or standby
"""


MAX_CONNECTIONS = 64
"""Beyond it the oldest connection is closed, so that a probe always gets in."""

MAX_SCRAPES = 8
"""Scrapes that are answered at once; there are one or two scrapers."""

HELD_S = 1.0
"""How long after a scrape its place stays taken, so that nobody scrapes as fast as the loop can answer."""

SCRAPE_S = 10.0
"""How long one scrape may take, waiting and its reader's pace included; Prometheus itself gives up after as long."""


class HealthServer:
    """Serves what Prometheus and the kubelet ask for, without authentication: nothing served is secret.

    Probes run in the event loop and must answer at once, whoever else asks for whatever.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        metrics: Collector,
        clock: Clock,
        live: Callable[[], Verdict],
        ready: Callable[[], Verdict],
    ) -> None:
        """Take where to listen (port 0 is any free one) and what to serve; ``metrics`` is collected in a thread."""
        self._host = host
        self._port = port
        self._exposition = Exposition(metrics, clock)
        self._scrapes = asyncio.Semaphore(MAX_SCRAPES)
        self._listener: asyncio.Server | None = None
        app = web.Application()
        app.router.add_get("/", _serve_index)
        app.router.add_get("/metrics", self._serve_metrics)
        app.router.add_get("/livez", _serve_verdict(live))
        app.router.add_get("/readyz", _serve_verdict(ready))
        # Signals are the app's, and a slow scraper must not delay the release of the Lease.
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.5)

    async def start(self) -> int:
        """Listen, and return the port; ``stop`` afterwards, also when this fails.

        Raises:
            CannotListen: the port is taken or the address is not ours.
        """
        await self._runner.setup()
        try:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self._accept, self._host, self._port)
        except OSError as error:
            # The error's own text names the address.
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else "the host has no address here"
            message = f"cannot serve metrics and probes ({why}): change --http-host or --http-port {self._port}"
            raise CannotListen(reason="CannotListen", message=message) from error
        port: int = self._listener.sockets[0].getsockname()[1]
        logging.getLogger(__name__).info("http.listening", extra={"port": port})
        return port

    async def stop(self) -> None:
        """Stop listening; harmless when not started."""
        if self._listener is not None:
            self._listener.close()
        self._exposition.close()
        await self._runner.cleanup()

    def _accept(self) -> asyncio.BaseProtocol:
        """Take a connection, in place of the oldest if there are too many."""
        server = self._runner.server
        assert server is not None  # noqa: S101 - set up before it listens
        open_now = [handler.transport for handler in server.connections if handler.transport is not None]
        for oldest in open_now[: max(0, len(open_now) + 1 - MAX_CONNECTIONS)]:
            oldest.abort()
        return server()

    async def _serve_metrics(self, request: web.Request) -> web.StreamResponse:
        until = asyncio.get_running_loop().time() + SCRAPE_S
        try:
            async with asyncio.timeout_at(until):
                await self._scrapes.acquire()
        except TimeoutError:
            return web.Response(text="too many scrapes at once\n", status=503)
        try:
            async with asyncio.timeout_at(until):
                return await self._answer_scrape(request)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        finally:
            asyncio.get_running_loop().call_later(HELD_S, self._scrapes.release)

    async def _answer_scrape(self, request: web.Request) -> web.StreamResponse:
        page = await self._exposition.render(request.headers.get("Accept", ""))
        headers, body = {"Content-Type": page.content_type}, page.plain
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers, body = headers | {"Content-Encoding": "gzip"}, page.packed
        response = web.Response(body=body, headers=headers)
        # Sent here, to the end: whoever does not read keeps his place no longer than SCRAPE_S.
        await response.prepare(request)
        await response.write_eof()
        return response


async def _serve_index(_: web.Request) -> web.Response:
    return web.Response(text=_INDEX)


def _serve_verdict(judge: Callable[[], Verdict]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(_: web.Request) -> web.Response:
        verdict = judge()
        return web.Response(text=f"{verdict.text}\n", status=200 if verdict.ok else 503)

    return serve
