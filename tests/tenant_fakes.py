"""A Waldur behind the port, for tests of the engine, and manifests of what is replicated through it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.domain.calls import Receipt
from osmig.domain.capabilities import Capability, Probe, Scope
from osmig.domain.errors import Absent, Unauthorized
from osmig.domain.operations import RecordView, Sweep
from osmig.drivers.tenants.views import ReplicaStage, ReplicaView, RunStage, RunView

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.api.migration import PreflightCheck
    from osmig.api.tenant_facts import Items
    from osmig.drivers.tenants.views import ReplicaJob
    from osmig.net.permits import Permit

WALDUR = Key(Kind.PROVIDER, "team-a", "waldur")
MAPPING = Key(Kind.MAPPING, "team-a", "dc1-to-dc2")
SHOP = Key(Kind.MIGRATION, "team-a", "shop")
SOURCE = "b8444897d6e64277adb048b2cf09fca5"
OFFERING = "433d309398ba4d92bf550acea7544378"
PLAN = "0f6b22bbd2c94b4f9f9ef1bbc5bd5a0f"
ENDPOINT = "https://waldur.example.org"
RUN = "b630630ecf3944a28094c0c10f32a55c"
REPLICA = "a30676f802cc4fff8e81a6010c1b2a4d"
CREATED = datetime(2030, 1, 1, tzinfo=UTC)


def waldur_secret(token: bytes = b"good") -> dict[str, bytes]:
    """What the Secret of `waldur_body` holds."""
    return {"token": token, "endpoint": ENDPOINT.encode()}


def waldur_body(*, endpoint: str = ENDPOINT, name: str = "waldur", **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    """A Provider of type Waldur; ``spec`` adds members."""
    waldur = {"endpoint": endpoint, "tokenRef": {"secretName": "waldur"}}
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Provider",
        "metadata": {"name": name, "namespace": "team-a", "uid": "u-w", "resourceVersion": "7"},
        "spec": {"type": "Waldur", "waldur": waldur} | spec,
    }


def mapping_body(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a spec
    """A MigrationMapping of one subnet; ``spec`` replaces members."""
    subnets = [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"}]
    types = [{"sourceType": SOURCE, "destinationType": OFFERING}]
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "MigrationMapping",
        "metadata": {"name": "dc1-to-dc2", "namespace": "team-a", "uid": "u-m", "resourceVersion": "7"},
        "spec": {"subnets": subnets, "volumeTypes": types} | spec,
    }


def replication_body(*, name: str = "shop", provider: str = "waldur", mapping: str = "", **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    """A TenantReplication; ``mapping`` names a MigrationMapping, ``spec`` replaces members."""
    tenant: dict[str, Any] = {"sourceResource": SOURCE, "destinationOffering": OFFERING, "destinationPlan": PLAN}
    if mapping:
        tenant["mappingRef"] = {"name": mapping}
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Migration",
        "metadata": {"name": name, "namespace": "team-a", "uid": f"u-{name}", "resourceVersion": "7"},
        "spec": {"providerRef": {"name": provider}, "type": "TenantReplication", "tenant": tenant} | spec,
    }


def _opened() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class FakeWaldur:
    """What all connections share: the runs, the tokens that are good, and whose they are.

    Attributes:
        users: by token.
        words: what a new run is in: its stage.
        on_preflight: called while the checks are read.
        items: what of each replica is there.
        expires: when the token does, as far as is told.
        operations: what the list of all has.
        list_errors: what the next lists of all raise.
        list_gate: what the list of all waits for.
        gate: what the first request of each connection waits for that is made from now on.
    """

    users: dict[str, str] = field(default_factory=lambda: {"good": "user-1"})
    stage: RunStage = RunStage.SCHEDULED
    replica_stage: ReplicaStage = ReplicaStage.CREATING
    orders: list[ReplicaJob] = field(default_factory=list)
    checks: tuple[PreflightCheck, ...] = ()
    owners: dict[str, str] = field(default_factory=dict)
    on_preflight: Callable[[], object] = lambda: None
    on_order: Callable[[], object] = lambda: None
    gate: asyncio.Event | None = None
    items: Items | None = None
    expires: datetime | None = None
    operations: tuple[RecordView, ...] = ()
    list_errors: list[BaseException] = field(default_factory=list)
    list_gate: asyncio.Event = field(default_factory=_opened)

    def connect(self, token: str) -> FakeTenants:
        """Return a connection with this token."""
        return FakeTenants(self, token, gate=self.gate)


@dataclass
class FakeTenants:
    """One connection; ``fail[method]`` holds what the next calls raise, ``lost`` what orders raise that were taken."""

    waldur: FakeWaldur
    token: str
    calls: list[str] = field(default_factory=list)
    jobs: list[ReplicaJob] = field(default_factory=list)
    fail: dict[str, list[BaseException]] = field(default_factory=dict)
    permits: list[bool] = field(default_factory=list)
    is_closed: bool = False
    service: str | None = None
    gate: asyncio.Event | None = None
    lost: list[BaseException] = field(default_factory=list)
    lists: int = 0

    async def _call(self, name: str) -> str:
        """Note a call and return whose it is."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        self.calls.append(name)
        if self.fail.get(name):
            raise self.fail[name].pop(0)
        user = self.waldur.users.get(self.token)
        if user is None:
            raise Unauthorized("Unauthorized", "the token is refused", operation=name)
        return user

    def _view(self, number: int) -> RunView:
        job = self.waldur.orders[number]
        stage, replica = self.waldur.stage, self.waldur.replica_stage
        return RunView(
            id=f"{RUN[:-2]}{number:02d}",
            stage=stage,
            status=stage.value,
            replica_stage=replica,
            replica_status=replica.value,
            replica_id=f"{REPLICA[:-2]}{number:02d}",
            replica_name=job.name,
            source_id=job.source_resource,
            offering_id=job.destination_offering,
            user_id=self.waldur.owners[job.name],
            created=CREATED,
        )

    async def probe(self) -> Probe:
        """Say what this Waldur is."""
        if self.gate is not None:
            await self.gate.wait()
        user = await self._call("probe")
        rights = frozenset({Capability.TENANT_REPLICATION})
        return Probe(
            endpoint="https://waldur.example.org",
            api_version="8.1.3",
            capabilities=rights,
            possible=rights,
            scope=Scope.PROJECT,
            user_id=user,
            expires=self.waldur.expires,
        )

    async def sweep(self, since: datetime | None) -> Sweep:
        """Show that upstream answers."""
        await self._call("sweep")
        return Sweep(records=(), cursor=since, is_full=False)

    async def list_operations(self) -> Sweep:
        """List what was set up; noted apart from what is done for Migrations."""
        self.lists += 1
        await self.waldur.list_gate.wait()
        if self.waldur.list_errors:
            raise self.waldur.list_errors.pop(0)
        return Sweep(records=self.waldur.operations, cursor=None, is_full=True)

    async def close(self) -> None:
        """Note that nobody needs this any more."""
        self.is_closed = True

    async def preflight(self, job: ReplicaJob, runs: tuple[RunView, ...] | None = None) -> tuple[PreflightCheck, ...]:
        """Show the checks that were set up."""
        await self._call("preflight" if runs is not None else "preflight runs")
        self.jobs.append(job)
        self.waldur.on_preflight()
        return self.waldur.checks

    async def runs(self, source_resource: str) -> tuple[RunView, ...]:
        """List this user's runs."""
        user = await self._call("runs")
        assert source_resource == SOURCE
        views = (self._view(number) for number in range(len(self.waldur.orders)))
        return tuple(view for view in views if view.user_id == user)

    async def run(self, run_id: str) -> RunView:
        """Show one of this user's runs."""
        user = await self._call("run")
        for number in range(len(self.waldur.orders)):
            view = self._view(number)
            if view.id == run_id and view.user_id == user:
                return view
        raise Absent("RecordGone", "there is no such run", operation="read-run")

    async def replica(self, replica_id: str, order_id: str | None) -> ReplicaView:
        """Show a replica."""
        await self._call(f"replica {replica_id} {order_id}")
        stage = self.waldur.replica_stage
        return ReplicaView(id=replica_id, stage=stage, status=stage.value, items=self.waldur.items)

    async def replicate(self, job: ReplicaJob, permit: Permit) -> Receipt[RunView]:
        """Take an order."""
        self.permits.append(permit.is_valid())
        self.waldur.on_order()
        user = await self._call("replicate")
        self.waldur.orders.append(job)
        self.waldur.owners[job.name] = user
        if self.lost:
            raise self.lost.pop(0)
        return Receipt(request_id=None, made=self._view(len(self.waldur.orders) - 1))

    async def delete_run(self, run_id: str, permit: Permit) -> Receipt:
        """Delete one of this user's runs, as if it were not there any more."""
        self.permits.append(permit.is_valid())
        await self._call(f"delete_run {run_id}")
        return Receipt(request_id=None)

    async def terminate(self, replica_id: str, permit: Permit) -> Receipt:
        """Take an order to terminate."""
        self.permits.append(permit.is_valid())
        await self._call(f"terminate {replica_id}")
        return Receipt(request_id="order-1")
