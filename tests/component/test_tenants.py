"""Replications on the real API server: mappings, the type of the Provider, tokens; Waldur is a fake behind the port."""

from __future__ import annotations

import asyncio
import base64
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import provider_body
from lab.waiting import DEADLINE_S, eventually_async
from osmig.api.names import Kind
from osmig.api.provider import ProviderType
from osmig.clock import SystemClock
from osmig.controllers.build import build_controllers
from osmig.controllers.keys import RESOURCES
from osmig.controllers.parts import Dependencies, Periods
from osmig.controllers.provider_connection import ProviderPeriods
from osmig.domain.errors import ObjectGone
from osmig.domain.observation import Timings
from osmig.drivers import DRIVERS
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from osmig.kube.events import EventRecorder
from osmig.kube.resources import ResourceClient
from osmig.kube.secrets import SecretReader
from osmig.kube.status import StatusWriter
from osmig.telemetry.metrics import Metrics
from server_fakes import FakeBackend
from tenant_fakes import FakeTenants, FakeWaldur, mapping_body, replication_body, waldur_body, waldur_secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from lab.cluster import Cluster
    from osmig.api.provider import ProviderSpec
    from osmig.controllers.build import Controllers
    from osmig.kube.client import KubeClient

    Status = Mapping[str, Any]

OTHER_SUBNETS = [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.2.0/24"}]
FAST = Timings(run_poll_s=0.2, run_poll_max_s=1.0, retry_s=0.5, start_grace_s=1.0, adopt_after_s=1.0)


@dataclass
class Scene:
    """One namespace, an engine that works in it, and the fakes that it calls."""

    cluster: Cluster
    client: KubeClient
    namespace: str
    waldur: FakeWaldur = field(default_factory=FakeWaldur)
    cloud: FakeBackend = field(default_factory=FakeBackend)
    connections: list[FakeTenants] = field(default_factory=list)

    @property
    def factories(self) -> Mapping[str, Any]:
        """What the engine makes backends with."""
        return {ProviderType.OPENSTACK: self._connect_cloud, ProviderType.WALDUR: self._connect}

    async def _connect_cloud(self, *_: object) -> FakeBackend:
        return self.cloud

    async def _connect(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> FakeTenants:
        assert key == (self.namespace, "waldur")
        assert spec.waldur is not None
        self.connections.append(self.waldur.connect(secret[spec.waldur.token_ref.key].decode()))
        return self.connections[-1]

    def apply(self, body: Mapping[str, Any]) -> None:
        """Create or change an object as a user does."""
        metadata = {"name": body["metadata"]["name"], "namespace": self.namespace}
        self.cluster.apply(dict(body) | {"metadata": metadata})

    def keep_token(self, token: str) -> None:
        """Write a token into the Secret."""
        values = waldur_secret(token.encode()) | {"clouds.yaml": b""}
        data = {key: base64.b64encode(value).decode() for key, value in values.items()}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "waldur"}, "data": data})

    def order(self) -> None:
        """Bring a Provider of type Waldur and a replication that uses it."""
        self.apply(waldur_body())
        self.apply(replication_body())

    async def until(self, fits: Callable[[Status], object], *, name: str = "shop") -> Status:
        """Wait until the status of a Migration fits, and return it."""
        return await self.until_of(Kind.MIGRATION, name, fits)

    async def until_of(self, kind: Kind, name: str, fits: Callable[[Status], object]) -> Status:
        """Wait until the status of an object fits, and return it."""

        async def read() -> Status | None:
            try:
                body = await ResourceClient(self.client).get(RESOURCES[kind], self.namespace, name)
            except ObjectGone:
                return None
            status: Status = body.get("status") or {}
            assert fits(status), status
            return status

        return await eventually_async(read, what=f"the status of {kind} {name}")

    async def succeed(self) -> None:
        """Let Waldur finish the replication, and wait until the Migration says so."""
        self.waldur.stage, self.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
        await self.until(lambda status: status.get("phase") == "Succeeded")


def is_starting(status: Status) -> bool:
    """Whether the order was sent."""
    return status.get("phase") == "Starting"


def has_run(status: Status) -> bool:
    """Whether Waldur's record is known."""
    return bool((status.get("upstream") or {}).get("id"))


def reason(status: Status, kind: str = "Succeeded") -> str:
    """Return the reason of a condition."""
    found = (c["reason"] for c in status.get("conditions") or () if c["type"] == kind)
    return next(found, "")


@asynccontextmanager
async def working(scene: Scene, *, secret_s: float = 60.0) -> AsyncIterator[Controllers]:
    """Let an engine work in the scene's namespace; it lists so often that it needs no watch."""
    clock, client = SystemClock(), scene.client
    metrics = Metrics(clock)
    events = EventRecorder(client, clock, lambda: uuid.uuid4().hex[:16], reporting_instance="test")
    given = Dependencies(
        clock=clock,
        random=lambda: 0.5,
        metrics=metrics,
        resources=ResourceClient(client),
        statuses=StatusWriter(client),
        secrets=SecretReader(client),
        events=events,
        drivers=DRIVERS,
        factories=scene.factories,
        fence=lambda: 10.0,
        holder="holder-1",
        namespaces=(scene.namespace,),
    )
    controllers = build_controllers(
        given, Periods(timings=FAST, provider=ProviderPeriods(sweep_s=0.5, secret_s=secret_s), relist_period_s=0.2)
    )
    await controllers.relist.first()
    listing = asyncio.create_task(controllers.relist.run())
    stepping = asyncio.create_task(controllers.scheduler.run())
    try:
        yield controllers
        assert not stepping.done()
        assert not listing.done()
    finally:
        stepping.cancel()
        listing.cancel()
        await asyncio.wait({stepping, listing})
        # a step that is cut off in the middle of a handshake leaves its socket to the garbage collector
        await controllers.scheduler.drain(DEADLINE_S)
        await controllers.sessions.close_all()


@pytest.fixture
def scene(crds: Cluster, client: KubeClient, namespace: str) -> Scene:
    made = Scene(crds, client, namespace)
    made.keep_token("good")
    return made


async def test_a_mapping_is_published_with_hash_and_findings_and_again_when_it_changes(scene: Scene) -> None:
    scene.apply(mapping_body())
    async with working(scene):
        first = await scene.until_of(Kind.MAPPING, "dc1-to-dc2", lambda status: status.get("hash"))
        assert (reason(first, "Ready"), first["observedGeneration"]) == ("Linted", 1)
        scene.apply(mapping_body(volumeTypes=[]))
        anew = await scene.until_of(Kind.MAPPING, "dc1-to-dc2", lambda status: status.get("observedGeneration") == 2)
        assert anew["hash"] != first["hash"]
        assert [found["path"] for found in anew["findings"]] == ["spec.volumeTypes"]


async def test_a_mapping_that_comes_late_starts_the_replication_that_waits_for_it(scene: Scene) -> None:
    scene.apply(waldur_body())
    scene.apply(replication_body(mapping="dc1-to-dc2"))
    async with working(scene):
        await scene.until(lambda status: reason(status) == "MappingNotFound")
        assert scene.waldur.orders == []
        scene.apply(mapping_body())
        await scene.until(has_run)
        assert [job.mappings.subnets[0].destination_cidr for job in scene.waldur.orders] == ["10.9.1.0/24"]


async def test_a_mapping_that_changes_after_it_was_checked_ends_the_replication_and_nothing_is_sent(
    scene: Scene,
) -> None:
    scene.apply(waldur_body(limits={"maxInFlight": 1}))
    scene.apply(mapping_body())
    scene.apply(replication_body(name="bank"))
    async with working(scene):
        await scene.until(has_run, name="bank")
        scene.apply(replication_body(mapping="dc1-to-dc2"))
        waiting = await scene.until(lambda status: reason(status) == "SlotsTaken")
        assert waiting["tenant"]["mappingHash"]
        scene.apply(mapping_body(subnets=OTHER_SUBNETS))
        await scene.until(lambda status: reason(status) == "MappingChanged")
        assert len(scene.waldur.orders) == 1


async def test_a_replication_through_a_cloud_waits_and_the_cloud_is_never_asked_for_it(scene: Scene) -> None:
    cloud = provider_body()
    cloud["spec"]["openstack"]["cloudCredentialsRef"]["secretName"] = "waldur"
    scene.apply(cloud)
    scene.apply(replication_body(provider="region-one"))
    async with working(scene):
        await scene.until(lambda status: reason(status, "ProviderReady") == "WrongProviderType")
        assert set(scene.cloud.calls) <= {"probe", "sweep"}
        scene.order()
        await scene.until(has_run)
        assert set(scene.cloud.calls) <= {"probe", "sweep"}


async def test_a_token_is_rotated_while_a_replication_runs_without_a_restart_and_without_a_401(scene: Scene) -> None:
    scene.order()
    async with working(scene, secret_s=1.0):
        await scene.until(is_starting)
        scene.waldur.users["new"] = "user-1"
        scene.keep_token("new")
        await scene.until_of(Kind.PROVIDER, "waldur", lambda _: len(scene.connections) == 2)
        await scene.succeed()
    assert [connection.token for connection in scene.connections] == ["good", "new"]
    assert len(scene.waldur.orders) == 1


async def test_a_refused_token_is_told_and_one_that_was_mended_is_found_before_the_secret_is_due(scene: Scene) -> None:
    scene.order()
    async with working(scene, secret_s=600.0):
        await scene.until(is_starting)
        scene.waldur.users = {"new": "user-1"}
        await scene.until_of(Kind.PROVIDER, "waldur", lambda status: reason(status, "Ready") == "Unauthorized")
        scene.keep_token("new")
        await scene.until_of(Kind.PROVIDER, "waldur", lambda status: reason(status, "Ready") == "ProbeSucceeded")
        await scene.succeed()
    assert len(scene.waldur.orders) == 1


async def test_the_token_of_another_user_concludes_nothing(scene: Scene) -> None:
    scene.order()
    async with working(scene, secret_s=1.0):
        await scene.until(is_starting)
        scene.waldur.users |= {"theirs": "user-2", "mine": "user-1"}
        scene.keep_token("theirs")
        await scene.until(lambda status: reason(status) == "TokenOfAnotherUser")
        scene.waldur.stage, scene.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
        scene.keep_token("mine")
        await scene.until(lambda status: status.get("phase") == "Succeeded")
    assert len(scene.waldur.orders) == 1
