"""A proxy in front of the API server that answers in its place when told to, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import aiohttp
import yaml
from aiohttp import web

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"
_OURS = "/apis/osmig.dev/"
_KIND = re.compile(r"/apis?/(?:[^/]+/)?v[^/]+/(?:namespaces/[^/]+/)?([^/]+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What comes instead of an answer.

    Attributes:
        status, body, headers: of the answer; status 0 closes the connection without one.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class KubeProxy:
    """Passes everything on over plain HTTP, but what it was told to answer itself; a context manager.

    Attributes:
        kubeconfig: like the given one, but through the proxy.
        served: how many faults were answered, by sort and kind.
    """

    def __init__(self, kubeconfig: Path, target: Path) -> None:
        """Prepare a proxy to the cluster of ``kubeconfig``; ``target`` is where its own goes."""
        self.kubeconfig = target
        self.served: Counter[tuple[str, str]] = Counter()
        self._config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        self._faults: dict[tuple[str, str], Fault] = {}
        self._streams: set[web.StreamResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def inject(self, what: str, plural: str, fault: Fault) -> None:
        """Answer the next request of a sort (``list``, ``watch``, ``write``, ``read``) to a kind with a fault."""
        self._faults[what, plural] = fault

    def say(self, line: bytes) -> None:
        """Put a line into every watch that is open."""
        asyncio.run_coroutine_threadsafe(self._say(line), self._loop).result(30)

    def cut(self) -> None:
        """Close every watch that is open, in the middle of what it says."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(30)

    def count_watches(self) -> int:
        """Count the watches that are open."""
        return len(self._streams)

    async def _start(self) -> None:
        cluster = self._config["clusters"][0]["cluster"]
        self._upstream = cluster["server"].rstrip("/")
        context = ssl.create_default_context(cafile=cluster.get("certificate-authority"))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0), auto_decompress=False
        )
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr] # noqa: SLF001 - it tells nowhere else
        cluster["server"] = f"http://{LOOPBACK}:{port}"
        cluster.pop("certificate-authority", None)
        self.kubeconfig.write_text(yaml.safe_dump(self._config), encoding="utf-8")

    async def _stop(self) -> None:
        await self._cut()
        await self._session.close()
        await self._runner.cleanup()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _say(self, line: bytes) -> None:
        for stream in tuple(self._streams):
            with contextlib.suppress(ConnectionError):
                await stream.write(line + b"\n")

    async def _cut(self) -> None:
        for stream in tuple(self._streams):
            with contextlib.suppress(ConnectionError):
                await stream.write(b'{"type":"ADDED","object":{"metad')
            if stream._req is not None and stream._req.transport is not None:  # noqa: SLF001 - no other way to its end
                stream._req.transport.abort()  # noqa: SLF001 - the same

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sort, plural = _sort(request), _find_plural(request.path)
        if (fault := self._faults.pop((sort, plural), None)) is not None:
            self.served[sort, plural] += 1
            if fault.status == 0:
                assert request.transport is not None
                request.transport.abort()
            return web.Response(status=fault.status or 502, body=fault.body, headers=fault.headers)
        return await self._pass_on(request, is_watch=sort == "watch" and request.path.startswith(_OURS))

    async def _pass_on(self, request: web.Request, *, is_watch: bool) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            request.method,
            f"{self._upstream}{request.raw_path}",
            headers=headers,
            data=await request.read() or None,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            if is_watch:
                self._streams.add(response)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            finally:
                self._streams.discard(response)
            return response


_HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}


def _find_plural(path: str) -> str:
    """Return which kind a request is about, empty for none."""
    found = _KIND.match(path)
    return found[1] if found else ""


def _sort(request: web.Request) -> str:
    if request.method in {"PUT", "PATCH"}:
        return "write"
    if request.method != "GET":
        return "other"
    if request.query.get("watch") == "true":
        return "watch"
    return "list" if "limit" in request.query else "read"
