"""A whole engine on an API server, a cloud and a clock in memory; steps are called by hand or by its scheduler."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from api_samples import migration_body, provider_body
from controller_fakes import PROVIDER, ApiServer, FakeEvents
from domain_samples import SERVER_ID
from fake_clock import HeldClock
from osmig.api.names import Kind
from osmig.controllers.build import build_controllers
from osmig.controllers.parts import Dependencies, Periods
from osmig.controllers.provider_connection import ProviderPeriods
from osmig.domain.errors import Absent, KubeUnavailable
from osmig.domain.observation import Timings
from osmig.drivers import DRIVERS
from osmig.telemetry.metrics import Metrics
from server_fakes import FakeBackend
from tenant_fakes import FakeTenants, FakeWaldur

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.api.provider import ProviderSpec
    from osmig.controllers.keys import Key
    from osmig.drivers.entries import Drivers
    from osmig.drivers.ports import BackendFactory

GONE = Absent("ServerNotFound", "the server does not exist", operation="read-server")
DOWN = KubeUnavailable("Unreachable", "no answer")
SPEC = {"server": {"id": SERVER_ID}}


class Lab:
    """One engine on one API server and one cloud; steps are called by hand, or by its scheduler."""

    def __init__(
        self,
        *,
        api: ApiServer | None = None,
        cloud: FakeBackend | None = None,
        holder: str = "me",
        drivers: Drivers = DRIVERS,
        factories: Mapping[str, BackendFactory] | None = None,
    ) -> None:
        """Build an engine that has seen nothing yet."""
        self.clock = HeldClock()
        self.api = api or ApiServer(secrets={("team-a", "clouds"): {"clouds.yaml": b"x"}})
        self.cloud = cloud or FakeBackend()
        self.events = FakeEvents()
        self.metrics = Metrics(self.clock)
        self.fence_s = 10.0
        self.made = 0
        self.asked_to_make = 0
        self.waldur = FakeWaldur()
        self.tenants: list[FakeTenants] = []
        self.factory_error: Exception | None = None
        given = Dependencies(
            clock=self.clock,
            random=lambda: 0.5,
            metrics=self.metrics,
            resources=self.api.as_resources,
            statuses=self.api,
            secrets=self.api.as_secrets,
            events=self.events.as_recorder,
            drivers=drivers,
            factories=factories or {"OpenStack": self._make, "Waldur": self._make_tenants},
            fence=lambda: self.fence_s,
            holder=holder,
        )
        self.controllers = build_controllers(given, Periods(timings=Timings(), provider=ProviderPeriods()))

    async def _make(self, key: tuple[str, str], spec: object, secret: Mapping[str, bytes]) -> FakeBackend:
        assert (key, bool(spec), bool(secret)) == (("team-a", "region-one"), True, True)
        self.asked_to_make += 1
        if self.factory_error is not None:
            raise self.factory_error
        self.made += 1
        return self.cloud

    async def _make_tenants(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> FakeTenants:
        assert spec.waldur is not None
        self.tenants.append(self.waldur.connect(secret[spec.waldur.token_ref.key].decode()))
        assert key == ("team-a", "waldur")
        return self.tenants[-1]

    def offer(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Create an object and let the engine see it."""
        self.controllers.intake.offer(kind, self.api.add(kind, body))

    def show(self, key: Key) -> None:
        """Let the engine see an object as it is now."""
        self.controllers.intake.offer(key.kind, copy.deepcopy(self.api.objects[key]))

    def annotate(self, key: Key, **verbs: str | None) -> None:
        """Set or remove annotations, and let the engine see it."""
        annotations = self.api.objects[key]["metadata"].get("annotations") or {}
        named = {f"osmig.dev/{verb.replace('_', '-')}": token for verb, token in verbs.items()}
        merged = {name: token for name, token in (annotations | named).items() if token is not None}
        self.api.change(key, annotations=merged)
        self.show(key)

    def suspend(self, key: Key) -> None:
        """Suspend an object as its user does, and let the engine see it."""
        self.api.objects[key]["spec"]["suspend"] = True
        self.api.change(key, generation=2)
        self.show(key)

    async def step(self, key: Key) -> float | None:
        """Run one step by hand; its errors are the test's."""
        return await self.controllers.scheduler._step(key)  # noqa: SLF001 - the scheduler has its own tests

    async def run(self, *, seconds: float = 0.0) -> None:
        """Run the scheduler for some time of its clock."""
        task = asyncio.create_task(self.controllers.scheduler.run())
        try:
            await self.clock.pass_by(seconds)
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def bury(self) -> None:
        """End the steps of an engine that a test has left as dead: it must not be found as garbage later."""
        left = [task for task in asyncio.all_tasks() if task.get_name().startswith("step ")]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def count(self, name: str, **labels: str) -> float:
        """The value of a metric now."""
        return sum(
            sample.value
            for family in self.metrics.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


async def lab_with(*names: str, **given: Any) -> Lab:  # noqa: ANN401 - what Lab takes
    """An engine whose Provider is ready, and new Migrations of one server."""
    lab = Lab(**given)
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.step(PROVIDER)
    for name in names or ("db-07",):
        body = migration_body(spec=SPEC)
        body["metadata"] |= {"name": name, "uid": f"uid-{name}"}
        lab.offer(Kind.MIGRATION, body)
    lab.cloud.calls.clear()
    lab.api.puts.clear()
    lab.events.notes.clear()
    return lab


def fail_put(lab: Lab, *errors: Exception | None, after: bool = False) -> None:
    """Let the next writes fail, before or after they had their effect."""

    def make(error: Exception | None) -> Callable[[Mapping[str, Any]], object]:
        def hook(_: Mapping[str, Any]) -> None:
            if error is not None:
                raise error

        return hook

    (lab.api.after_put if after else lab.api.before_put).extend(make(error) for error in errors)
