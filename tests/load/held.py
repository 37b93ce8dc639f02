"""A burst on a clock that moves only when told: the requests of a move depend on what happens, not on the machine.

The whole engine with default timings, its API server in memory, and the scripted cloud of the bench.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from api_samples import migration_body, provider_body
from controller_fakes import ApiServer, FakeEvents
from fake_clock import HeldClock
from load.journal import Journal, JournalReader
from load.scripted_backend import ScriptedFactory
from load.scripted_cloud import ScriptedCloud
from load.scripted_hosts import ScriptedHosts
from load.stage import LIMITS, name_migration, name_server
from osmig.api.names import Kind
from osmig.controllers.build import build_controllers
from osmig.controllers.parts import Dependencies, Periods
from osmig.controllers.provider_connection import ProviderPeriods
from osmig.domain.observation import Timings
from osmig.drivers import DRIVERS
from osmig.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping
    from pathlib import Path

    from osmig.controllers.build import Controllers
    from osmig.domain.plans.sweeps import HostSweep
    from osmig.kube.refs import ObjectRef

CONTACT_S = 5.0
"""Within it a Provider has been contacted."""
SETTLE_S = 60.0
"""Longer than what follows the end of the last move takes."""
MOMENT_S = 0.001
PER_MOVE = {"pre_start": 3, "start": 1, "records": 2, "server": 1}
"""Server, actions and records before the start; the start; its record, and its end; the server after the end."""


class WatchedApiServer(ApiServer):
    """Tells whoever watches of every change of a Migration's status, as the real one does."""

    def __init__(self) -> None:
        """Know the Secret that the Provider names."""
        super().__init__(secrets={("team-a", "clouds"): {"clouds.yaml": b"x"}})
        self.watch: Callable[[Kind, Mapping[str, Any]], None] = lambda *_: None

    @override
    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace a status."""
        stored = await super().put(ref, status)
        self.watch(Kind(ref.kind), stored)
        return stored


class _TimedHosts(ScriptedHosts):
    """Hosts that are looked at a moment later: what begins at the very moment of an order is not after it."""

    @override
    async def sweep_host(self, host: str) -> HostSweep:
        """Look at a host a moment later."""
        assert isinstance(self.cloud.clock, HeldClock)
        self.cloud.clock.advance(MOMENT_S)
        return await super().sweep_host(host)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a burst took.

    Attributes:
        requests: to the cloud, by what they are for.
        phases: of all Migrations at the end.
        starts: how often each server was started.
        writes: of status, for each Migration.
    """

    requests: Mapping[str, int]
    phases: Counter[str]
    starts: Counter[str]
    writes: Counter[str]


@dataclass(frozen=True, slots=True)
class Held:
    """The engine, and what is around it.

    Attributes:
        controllers: not running yet.
        journal: of the requests to the cloud.
    """

    clock: HeldClock
    api: WatchedApiServer
    cloud: ScriptedCloud
    controllers: Controllers
    journal: Path

    @asynccontextmanager
    async def run(self, spec: Mapping[str, Any]) -> AsyncGenerator[None]:
        """Run the engine, with a Provider of this spec that was contacted."""
        running = asyncio.create_task(self.controllers.scheduler.run())
        provider = self.api.add(Kind.PROVIDER, provider_body(spec=dict(spec)))
        self.controllers.intake.offer(Kind.PROVIDER, provider)
        await self.clock.pass_by(CONTACT_S)
        yield
        running.cancel()
        await asyncio.wait({running})


async def play_burst(count: int, *, move_s: float, folder: Path) -> Costs:
    """Apply ``count`` Migrations at once and let time pass until all have ended."""
    held = hold(move_s, folder)
    async with held.run({"limits": dict(LIMITS)}):
        held.api.puts.clear()
        for index in range(count):
            held.controllers.intake.offer(Kind.MIGRATION, held.api.add(Kind.MIGRATION, _describe(index)))
        await held.clock.pass_by(move_s + SETTLE_S)
    return _count(held.api, JournalReader(held.journal).read())


def hold(move_s: float, folder: Path, servers: Collection[str] = ()) -> Held:
    """Build an engine whose moves take so long; ``folder`` takes its journal, and hosts show these servers."""
    clock, api = HeldClock(), WatchedApiServer()
    journal = folder / "journal"
    cloud, calls = ScriptedCloud(clock, move_s), Journal(journal, clock)
    factory = ScriptedFactory(cloud, calls, _TimedHosts(cloud, calls, servers))
    controllers = build_controllers(
        Dependencies(
            clock=clock,
            random=lambda: 0.5,
            metrics=Metrics(clock),
            resources=api.as_resources,
            statuses=api,
            secrets=api.as_secrets,
            events=FakeEvents().as_recorder,
            drivers=DRIVERS,
            factories={"OpenStack": factory},
            fence=lambda: 10.0,
            holder="me",
        ),
        Periods(timings=Timings(), provider=ProviderPeriods()),
    )
    api.watch = controllers.intake.offer
    return Held(clock, api, cloud, controllers, journal)


def _describe(index: int) -> dict[str, Any]:
    body = migration_body(spec={"server": {"id": name_server(index)}})
    body["metadata"] |= {"name": name_migration(index), "uid": f"uid-{index}"}
    return body


def _count(api: ApiServer, journal: JournalReader) -> Costs:
    requests: Counter[str] = Counter()
    for entry in journal.entries:
        requests[entry.method] += entry.requests
    ends = [body.get("status", {}) for key, body in api.objects.items() if key.kind is Kind.MIGRATION]
    return Costs(
        requests=requests,
        phases=Counter(status.get("phase", "") for status in ends),
        starts=Counter(entry.server_id for entry in journal.entries if entry.method == "start"),
        writes=Counter(name for name, _ in api.puts),
    )
