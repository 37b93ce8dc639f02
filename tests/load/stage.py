"""Where a run takes place: an API server of its own, a Provider, the operator or a bare client, and bursts."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from e2e_operator import API_VERSION, OPERATOR, OPERATOR_NAMESPACE
from lab.child import Child
from lab.cluster import Cluster
from lab.osmig_run import OsmigRun
from lab.waiting import eventually
from load.journal import JournalReader
from load.measuring import AuditTail
from osmig.api.names import Kind
from osmig.clock import SystemClock
from osmig.controllers.keys import RESOURCES
from osmig.kube.client import connect
from osmig.kube.refs import Call, KubeVerb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
OPERATOR_COMMAND = (sys.executable, Path(__file__).with_name("operator_with_cloud.py"), "run")
BARE_COMMAND = (sys.executable, Path(__file__).with_name("bare_client.py"))
NAMESPACE: Final = "fleet"
AT_ONCE = 10
"""Migrations that are being created at once."""
LIMITS: Final[Mapping[str, int]] = {
    "maxInFlight": 10_000,
    "maxInFlightPerSourceHost": 1_000,
    "maxInFlightPerDestinationHost": 1_000,
    "requestsPerSecond": 200,
}
READY_S, BARE_S = 120.0, 600.0
MIGRATIONS = RESOURCES[Kind.MIGRATION]


def name_migration(index: int) -> str:
    """Return the name of the n-th Migration."""
    return f"m-{index:05d}"


def name_server(index: int) -> str:
    """Return the id of the server that the n-th Migration moves."""
    return f"20000000-0000-4000-8000-{index:012d}"


@dataclass(frozen=True, slots=True)
class Burst:
    """What was created at once.

    Attributes:
        began: boottime when the first request was sent.
        sent: when each server's Migration was sent.
    """

    began: float
    sent: Mapping[str, float]
    lasted_s: float


@dataclass(frozen=True, slots=True)
class Bare:
    """How a bare client fared: seconds from the begin of the burst, and from each one's own creation."""

    since_begin: list[float]
    since_own: list[float]


class Stage:
    """An API server with the CRDs, the rights of deploy/ and one namespace; make it with ``open_stage``."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        """Stand on a cluster that runs; ``folder`` takes logs and journals."""
        self.cluster = cluster
        self.folder = folder
        self.clock = SystemClock()

    def prepare(self, clouds: str, limits: Mapping[str, int]) -> None:
        """Install what a cluster has, and a Provider with these limits; ``clouds`` is its clouds.yaml."""
        crds = str(ROOT / "crds")
        self.cluster.kubectl("apply", "--server-side", "-f", crds)
        self.cluster.await_established("-f", crds)
        for manifest in ("namespace.yaml", "rbac.yaml"):
            self.cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "deploy" / manifest))
        self.cluster.kubectl("create", "namespace", NAMESPACE)
        spec = {
            "type": "OpenStack",
            "openstack": {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "operator"}},
            "limits": dict(limits),
        }
        inside = {"namespace": NAMESPACE}
        self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "clouds", **inside},
                "stringData": {"clouds.yaml": clouds},
            },
            {"apiVersion": API_VERSION, "kind": "Provider", "metadata": {"name": "cloud", **inside}, "spec": spec},
        )

    def follow_writes(self) -> AuditTail:
        """Follow what the operator writes from now on."""
        tail = AuditTail(self.cluster.state / "audit.log", OPERATOR)
        tail.skip()
        return tail

    def kubeconfig(self) -> Path:
        """Return the operator's own kubeconfig: a service account with the rights of deploy/, no more."""
        return self.cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")

    def operator(
        self,
        *flags: str,
        name: str,
        move_s: float | None = None,
        profile: Path | None = None,
        servers: Iterable[str] = (),
    ) -> OsmigRun:
        """Prepare the operator, not started yet.

        Args:
            flags: further flags; everything else is as in production.
            name: of its log and journal.
            move_s: how long the scripted cloud's moves take; without it the cloud is a real one.
            profile: takes a profile of its main thread.
            servers: ids of those that the scripted hosts have.
        """
        env = {
            "LOAD_JOURNAL": str(self.folder / f"{name}.journal"),
            "LOAD_MOVE_S": str(move_s),
            "LOAD_SERVERS": " ".join(servers),
        }
        return OsmigRun(
            *("--http-host", "127.0.0.1", "--allow-endpoint", "127.0.0.1", "--lease-namespace", OPERATOR_NAMESPACE),
            *("--log-format", "json", *flags),
            kubeconfig=self.kubeconfig(),
            log=self.folder / f"{name}.log",
            env=_find_imports() | env | ({"LOAD_PROFILE": str(profile)} if profile else {}),
            **({"command": OPERATOR_COMMAND} if move_s is not None else {}),
        )

    def journal(self, name: str) -> JournalReader:
        """Read a journal."""
        return JournalReader(self.folder / f"{name}.journal")

    def burst(self, servers: Iterable[str]) -> Burst:
        """Create one Migration for each server, a few at once, as fast as the API server takes them."""
        return asyncio.run(self._burst(list(servers)))

    async def _burst(self, servers: list[str]) -> Burst:
        places, sent = asyncio.Semaphore(AT_ONCE), dict[str, float]()
        async with connect(kubeconfig=str(self.cluster.kubeconfig), clock=self.clock) as client:

            async def create(index: int, server: str) -> None:
                body = _describe(name_migration(index), server)
                async with places:
                    sent[server] = self.clock.boottime()
                    await client.request(Call(KubeVerb.CREATE, MIGRATIONS, NAMESPACE), body=body)

            began = self.clock.boottime()
            await asyncio.gather(*(create(index, server) for index, server in enumerate(servers)))
        return Burst(began, sent, self.clock.boottime() - began)

    def clear(self) -> None:
        """Delete all Migrations in one request: kubectl's own way is one for each, and it holds itself back."""
        self.cluster.kubectl("delete", "--raw", f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/migrations")

    def measure_bare(self, count: int, *, writes_intent: bool) -> Bare:
        """Let a bare client start a burst of ``count`` Migrations; the operator must not run."""
        name = f"bare-{'intent' if writes_intent else 'post'}"
        journal, servers = self.journal(name), [name_server(index) for index in range(count)]
        environ = os.environ | _find_imports() | ({"LOAD_WRITES_INTENT": "1"} if writes_intent else {})
        command = (*BARE_COMMAND, self.kubeconfig(), self.folder / f"{name}.journal")
        child = Child(command, log=self.folder / f"{name}.log", env=environ)
        try:
            eventually(lambda: child.returncode is not None or journal.read().entries, what=name, timeout_s=READY_S)
            burst = self.burst(servers)
            eventually(
                lambda: child.returncode is not None or len(journal.read().starts()) == count,
                what=f"{name}: all {count} started",
                timeout_s=BARE_S,
                every_s=0.5,
            )
        finally:
            child.kill()
        starts = journal.starts()
        if len(starts) != count:
            raise RuntimeError(f"{name} ended:\n{child.tail()}")
        self.clear()
        return Bare(
            since_begin=[starts[server][0] - burst.began for server in servers],
            since_own=[starts[server][0] - burst.sent[server] for server in servers],
        )


@contextmanager
def open_stage(folder: Path, clouds: str = "clouds: {}\n", *, limits: Mapping[str, int] = LIMITS) -> Iterator[Stage]:
    """Start an API server for one run."""
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(with_controllers=False))
        stage = Stage(cluster, folder)
        stage.prepare(clouds, limits)
        yield stage


def pause(seconds: float) -> None:
    """Let a process be for a while, to see what it does when nobody asks for anything."""
    time.sleep(seconds)


def _describe(name: str, server: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Migration",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"providerRef": {"name": "cloud"}, "type": "LiveMigration", "server": {"id": server}},
    }


def _find_imports() -> dict[str, str]:
    """Let a process of its own import this folder."""
    return {"PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(ROOT / "operator")))}
