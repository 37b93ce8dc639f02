"""A flood of scrapes and connections: collected once, in a thread, and no probe waits."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import aiohttp
import pytest
from prometheus_client import Metric
from typing_extensions import override

from fake_clock import FakeClock, give_way_until
from lab.waiting import DEADLINE_S
from osmig.telemetry import health
from osmig.telemetry.exposition import Exposition
from osmig.telemetry.health import MAX_CONNECTIONS, MAX_SCRAPES, HealthServer
from osmig.telemetry.probes import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

LOOPBACK = "127.0.0.1"


class Held:
    """A collector that waits until it is let go, and knows in which threads and how often at once it was asked."""

    def __init__(self, *, size: int = 1) -> None:
        """Tell ``size`` series each time."""
        self.let_go = threading.Event()
        self.asked = threading.Event()
        self.threads: list[int] = []
        self.at_once = self.most = 0
        self._size = size

    def collect(self) -> Iterable[Metric]:
        """Yield one family."""
        self.threads.append(threading.get_ident())
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.asked.set()
        self.let_go.wait(DEADLINE_S)
        family = Metric("held", "x", "gauge")
        for number in range(self._size):
            family.add_sample("held", {"name": f"{number:0>200}"}, 1)
        self.at_once -= 1
        yield family


class MovingClock(FakeClock):
    """A clock by which each look at it takes what it is told."""

    look_s = 0.0

    @override
    def boottime(self) -> float:
        """Look, and let the time pass that a collection takes."""
        self.advance(self.look_s)
        return super().boottime()


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def port(held: Held) -> AsyncIterator[int]:
    ok = Verdict(ok=True, text="ok")
    server = HealthServer(host=LOOPBACK, port=0, metrics=held, clock=FakeClock(), live=lambda: ok, ready=lambda: ok)
    yield await server.start()
    held.let_go.set()
    await server.stop()


async def ask(port: int, path: str) -> tuple[int, str]:
    """Ask over a connection of its own."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
        session.get(f"http://{LOOPBACK}:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_fifty_scrapes_at_once_are_one_collection_off_the_loop_and_no_probe_waits(
    port: int, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HELD_S", 0.0)
    scrapes = [asyncio.create_task(ask(port, "/metrics")) for _ in range(50)]
    await asyncio.to_thread(held.asked.wait)
    assert await ask(port, "/livez") == (200, "ok\n"), "while it is collected"
    held.let_go.set()
    assert {status for status, _ in await asyncio.gather(*scrapes)} == {200}
    assert (len(held.threads), held.most) == (1, 1)
    assert held.threads[0] != threading.get_ident()


async def test_whoever_scrapes_all_the_time_waits_for_a_place_and_in_the_end_gets_none(
    port: int, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.let_go.set()
    monkeypatch.setattr(health, "HELD_S", 3600.0)
    assert [(await ask(port, "/metrics"))[0] for _ in range(MAX_SCRAPES)] == [200] * MAX_SCRAPES
    monkeypatch.setattr(health, "SCRAPE_S", 0.1)
    assert await ask(port, "/metrics") == (503, "too many scrapes at once\n")


async def test_a_page_is_kept_for_a_second_or_nine_times_as_long_as_it_took(held: Held) -> None:
    held.let_go.set()
    clock = MovingClock()
    exposition = Exposition(held, clock)
    for accept in ("", "text/plain", "application/openmetrics-text; version=9.9", "application/openmetrics-text"):
        await exposition.render(accept)
    assert len(held.threads) == 2, "one of each kind, whatever else the scraper says"
    clock.advance(1.0)
    clock.look_s = 10.0
    await exposition.render("")
    assert len(held.threads) == 3
    clock.look_s = 0.0
    clock.advance(89.0)
    await exposition.render("")
    assert len(held.threads) == 3
    clock.advance(1.0)
    await exposition.render("")
    assert len(held.threads) == 4
    exposition.close()


async def test_of_too_many_connections_the_oldest_is_closed_and_a_probe_gets_in(port: int) -> None:
    idle = [await asyncio.open_connection(LOOPBACK, port) for _ in range(2 * MAX_CONNECTIONS)]
    assert await ask(port, "/livez") == (200, "ok\n")
    closed = [reader.at_eof() or reader.exception() is not None for reader, _ in idle]
    assert not any(closed[MAX_CONNECTIONS + 2 :])
    assert all(closed[:MAX_CONNECTIONS])
    for _, writer in idle:
        writer.close()


async def test_a_scraper_that_does_not_read_keeps_its_place_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "SCRAPE_S", 0.5)
    monkeypatch.setattr(health, "HELD_S", 0.0)
    ok, big = Verdict(ok=True, text="ok"), Held(size=50_000)
    big.let_go.set()
    server = HealthServer(host=LOOPBACK, port=0, metrics=big, clock=FakeClock(), live=lambda: ok, ready=lambda: ok)
    port = await server.start()
    await server._exposition.render("")  # noqa: SLF001 - what takes the time is not what is tested
    deaf = []
    for _ in range(MAX_SCRAPES):
        scraper = socket.create_connection((LOOPBACK, port))
        scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        deaf.append(scraper)
    await give_way_until(server._scrapes.locked)  # noqa: SLF001 - nobody else gets a place
    while (await ask(port, "/metrics"))[0] != 200:
        continue
    for scraper in deaf:
        scraper.close()
    await server.stop()
