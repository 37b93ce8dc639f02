"""The three endpoints, asked over a real socket."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import aiohttp
import pytest
from typing_extensions import override

from fake_clock import FakeClock
from osmig.domain.errors import OperatorError
from osmig.telemetry.health import HealthServer
from osmig.telemetry.metrics import Metrics
from osmig.telemetry.probes import LoopLag, Readiness, Role, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OK = Verdict(ok=True, text="ok")
LOOPBACK = "127.0.0.1"


class Switch:
    """Answers both probes with what a test sets."""

    def __init__(self) -> None:
        """Begin with both well."""
        self.live = OK
        self.ready = OK


def build(switch: Switch, *, port: int = 0, metrics: Metrics | None = None) -> HealthServer:
    return HealthServer(
        host=LOOPBACK,
        port=port,
        metrics=metrics or Metrics(FakeClock()),
        clock=FakeClock(),
        live=lambda: switch.live,
        ready=lambda: switch.ready,
    )


@pytest.fixture
def switch() -> Switch:
    return Switch()


@pytest.fixture
async def client(switch: Switch) -> AsyncIterator[aiohttp.ClientSession]:
    server = build(switch)
    port = await server.start()
    async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as session:
        yield session
    await server.stop()


async def test_metrics_are_plain_text_unless_the_scraper_asks_for_openmetrics(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics") as plain:
        assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "\nosmig_leader 0.0\n" in await plain.text()

    accept = {"Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"}
    async with client.get("/metrics", headers=accept) as openmetrics:
        assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert (await openmetrics.text()).endswith("# EOF\n")


async def test_metrics_are_compressed_for_whoever_accepts_it(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics", headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "osmig_leader" in await packed.text()
    async with client.get("/metrics", headers={"Accept-Encoding": "identity"}) as plain:
        assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize(("path", "probe"), [("/livez", "live"), ("/readyz", "ready")])
async def test_a_probe_answers_200_or_503_with_its_one_line(
    client: aiohttp.ClientSession, switch: Switch, path: str, probe: str
) -> None:
    setattr(switch, probe, Verdict(ok=True, text="standby"))
    async with client.get(path) as good:
        assert (good.status, await good.text()) == (200, "standby\n")

    setattr(switch, probe, Verdict(ok=False, text="not yet"))
    async with client.get(path) as bad:
        assert (bad.status, await bad.text()) == (503, "not yet\n")


async def test_the_index_names_every_endpoint(client: aiohttp.ClientSession) -> None:
    async with client.get("/") as index:
        text = await index.text()
    for path in ("/metrics", "/livez", "/readyz"):
        assert path in text
        async with client.get(path) as served:
            assert served.status == 200


async def test_nothing_can_be_sent_to_it(client: aiohttp.ClientSession) -> None:
    async with client.post("/metrics") as refused:
        assert refused.status == 405
    async with client.get("/debug") as unknown:
        assert unknown.status == 404


async def test_the_chosen_port_is_returned_and_logged(switch: Switch, caplog: pytest.LogCaptureFixture) -> None:
    server = build(switch)
    with caplog.at_level(logging.INFO, logger="osmig"):
        port = await server.start()
    await server.stop()

    (record,) = [record for record in caplog.records if record.getMessage() == "http.listening"]
    assert record.__dict__["port"] == port > 0


async def test_a_taken_port_is_told_by_the_setting_to_change(switch: Switch) -> None:
    first = build(switch)
    port = await first.start()

    second = build(switch, port=port)
    with pytest.raises(OperatorError, match=f"Address already in use.*--http-port {port}") as caught:
        await second.start()
    await second.stop()
    await first.stop()

    assert caught.value.reason == "CannotListen"
    assert LOOPBACK not in caught.value.message


async def test_stopping_frees_the_port_and_may_be_repeated(switch: Switch) -> None:
    first = build(switch)
    await first.stop()
    port = await first.start()
    await first.stop()
    await first.stop()

    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(LOOPBACK, port)


@pytest.mark.parametrize(
    ("readiness", "ok", "text"),
    [
        (Readiness(), False, "not ready: the Lease was not read yet"),
        (Readiness(role=Role.STANDBY), True, "standby"),
        (Readiness(role=Role.LEADER), False, "not ready: the first list of all objects is not complete"),
        (
            Readiness(role=Role.LEADER, has_listed=True),
            False,
            "not ready: the first sweep of all Providers is not complete",
        ),
        (Readiness(role=Role.LEADER, has_listed=True, has_swept=True), True, "leader"),
    ],
)
def test_a_standby_is_ready_by_waiting_and_a_leader_by_having_looked(
    readiness: Readiness, *, ok: bool, text: str
) -> None:
    assert readiness.judge() == Verdict(ok=ok, text=text)


class LateClock(FakeClock):
    """Wakes every sleeper late by ``lateness_s``, and ends the measuring when the script is over."""

    def __init__(self, *lateness_s: float) -> None:
        """Take one lateness per sleep."""
        super().__init__()
        self.script = list(lateness_s)

    @override
    async def sleep(self, seconds: float, /) -> None:
        """Sleep too long, or end."""
        if not self.script:
            raise asyncio.CancelledError
        await super().sleep(seconds + self.script.pop(0))


async def measure(*lateness_s: float) -> tuple[LateClock, LoopLag, list[float]]:
    clock, recorded = LateClock(*lateness_s), list[float]()
    lag = LoopLag(clock, record=recorded.append, limit_s=10)
    with pytest.raises(asyncio.CancelledError):
        await lag.run()
    return clock, lag, recorded


async def test_every_measurement_is_recorded() -> None:
    _, _, recorded = await measure(0, 0.25, 3)

    assert recorded == pytest.approx([0, 0.25, 3])


async def test_a_late_loop_is_reported_with_how_late_and_recovers_with_the_next_measurement() -> None:
    _, late, _ = await measure(12.5)
    assert late.judge() == Verdict(ok=False, text="the event loop is 12.5 s late (limit 10 s)")

    _, recovered, _ = await measure(12.5, 0)
    assert recovered.judge() == OK


async def test_a_measurement_that_is_overdue_counts_before_it_is_made() -> None:
    clock, lag, _ = await measure(0)
    assert lag.judge() == OK

    clock.advance(1 + 10)
    assert lag.judge() == OK
    clock.advance(0.5)
    assert lag.judge() == Verdict(ok=False, text="the event loop is 10.5 s late (limit 10 s)")
