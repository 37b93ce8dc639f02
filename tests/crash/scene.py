"""A namespace with a Provider, and the operator processes that work in it."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from crash.operator_settings import LIMITS, PATIENT, SHORT
from crash.operators import Operator
from lab.osmig_run import COMMAND, OsmigRun
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crash.spares import SpareServers
    from lab.cluster import Cluster
    from lab.nova import NovaLab

TESTS = Path(__file__).parent.parent
POINTED = (sys.executable, Path(__file__).with_name("operator_with_points.py"), "run")
CONDUCTOR = "novalab-conductor"
PROVIDER, SECRET = "cloud", "clouds"
T = TypeVar("T")
Play = Callable[["Scene"], T]
"""What happens in a scene, with the assertions about it; or it returns what is left to be asserted."""


@contextmanager
def open_scene(cluster: Cluster, nova: NovaLab, folder: Path, *, spares: SpareServers) -> Iterator[Scene]:
    """Make a scene, and take it down again with everything that was started in it."""
    with ExitStack() as stack:
        yield Scene(cluster, nova, folder=folder, stack=stack, spares=spares)


class Place:
    """A namespace, the operators that work in it, and everything that may happen to them and to the API server.

    Attributes:
        cluster: the API server, with our CRDs.
        namespace: also that of the Lease.
    """

    def __init__(self, cluster: Cluster, *, folder: Path, stack: ExitStack) -> None:
        """Choose the namespace; whoever makes the Provider makes it, too.

        Args:
            cluster: the API server, with our CRDs.
            folder: for logs and marks.
            stack: ends what is started here.
        """
        self.cluster = cluster
        self.namespace = f"crash-{secrets.token_hex(4)}"
        self._folder = folder
        self._stack = stack
        self._operators = 0
        self._settings = dict(SHORT)
        self._is_apiserver_stopped = False
        stack.callback(cluster.kubectl, "delete", "namespace", self.namespace, "--wait=false", check=False)

    def make_provider(self, secret: Mapping[str, str], spec: Mapping[str, Any]) -> None:
        """Make the namespace, and a Provider with its Secret."""
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {**self._head("v1", "Secret", SECRET), "stringData": dict(secret)},
            {**self._head("osmig.dev/v1alpha1", "Provider", PROVIDER), "spec": {**spec, "limits": LIMITS}},
        )

    def _head(self, api_version: str, kind: str, name: str) -> dict[str, Any]:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}

    def adjust(self, settings: Mapping[str, float]) -> None:
        """Change settings of the operators that are started from now on."""
        self._settings |= settings

    def start(
        self,
        *,
        at: str | None = None,
        calls: Mapping[str, str] | None = None,
        command: Sequence[str | Path] | None = None,
    ) -> Operator:
        """Start an operator, if wanted with a point of the protocol at which its calls stand still.

        Args:
            at: the point.
            calls: for each server's id the one operation that has the point; without it every call has.
            command: another entry point than those two.
        """
        self._operators += 1
        folder = self._folder / f"operator-{self._operators}"
        folder.mkdir()
        run = OsmigRun(
            *("--namespace", self.namespace, "--lease-namespace", self.namespace, "--allow-endpoint", "127.0.0.1"),
            *("--http-host", "127.0.0.1", "--log-format", "json"),
            *(f"--{name}={value}" for name, value in self._settings.items()),
            kubeconfig=self.cluster.kubeconfig,
            log=folder / "log",
            command=command or (POINTED if at else COMMAND),
            env={
                "CRASH_POINT": at or "",
                "CRASH_FOLDER": str(folder),
                "CRASH_CALLS": json.dumps(calls or {}),
                "PYTHONPATH": str(TESTS),
            },
        ).start()
        self._stack.callback(run.kill)
        return Operator(run, folder)

    def start_leader_at(self, point: str, calls: Mapping[str, str] | None = None) -> Operator:
        """Return the leader, whose calls will stand at the point for as long as it takes."""
        self.adjust(PATIENT)
        leader = self.start(at=point, calls=calls).wait_leading()
        self.adjust(SHORT)
        return leader

    def describe(self, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the manifest of a Migration; the Provider is filled in."""
        return {
            **self._head("osmig.dev/v1alpha1", "Migration", name),
            "spec": {"providerRef": {"name": PROVIDER}, **spec},
        }

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace; return what it printed."""
        return self.cluster.kubectl(*args, "-n", self.namespace, stdin=stdin).stdout

    def migrations(self) -> dict[str, dict[str, Any]]:
        """Return all Migrations by name."""
        found = self.cluster.admin.get(f"/apis/osmig.dev/v1alpha1/namespaces/{self.namespace}/migrations")["items"]
        return {migration["metadata"]["name"]: migration for migration in found}

    def events(self) -> set[str]:
        """Return the reasons of all Events about Migrations."""
        events = self.cluster.admin.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        return {event["reason"] for event in events if event["involvedObject"]["kind"] == "Migration"}

    def wait_for_event(self, reason: str) -> None:
        """Wait until there is an Event of this reason."""
        eventually(lambda: reason in self.events(), what=f"the Event {reason}", every_s=0.5)

    def written(self, resource: str, verb: str) -> list[dict[str, Any]]:
        """Return the bodies of all requests about a resource that the API server granted, as it logged them."""
        return [
            event["requestObject"]
            for event in self.cluster.audit()
            if event["verb"] == verb
            and event["objectRef"].get("namespace") == self.namespace
            and event["objectRef"].get("resource") == resource
            and event.get("responseStatus", {}).get("code", 0) in {200, 201}
        ]

    def recorded_reasons(self) -> list[str]:
        """Return the reason of Succeeded in each Migration's status that was written, as the API server logged it."""
        return [
            condition["reason"]
            for body in self.written("migrations", "update")
            for condition in body["status"]["conditions"]
            if condition["type"] == "Succeeded"
        ]

    def wait_for(self, condition: str, *names: str, timeout_s: float = DEADLINE_S) -> None:
        """Wait as ``kubectl wait --for`` does, for example for ``condition=Finished``."""
        self.kubectl("wait", "migration", *names, f"--for={condition}", f"--timeout={timeout_s:g}s")

    def take_lease(self) -> None:
        """Write another holder into the Lease, as nobody should; it is free again as soon as those of ``SHORT`` are."""
        thief = {"holderIdentity": "somebody-else", "leaseDurationSeconds": SHORT["lease-duration"]}
        lease = ("lease", "osmig", "-n", self.namespace)
        self.cluster.kubectl("patch", *lease, "--type=merge", "-p", json.dumps({"spec": thief}))

    def stop_apiserver(self) -> None:
        """Let the API server end; it comes back at the end of the scene at the latest."""
        self._is_apiserver_stopped = True
        self._stack.callback(self.start_apiserver)
        self.cluster.stop_apiserver()

    def start_apiserver(self) -> None:
        """Bring it back."""
        if self._is_apiserver_stopped:
            self.cluster.start_apiserver()
            self._is_apiserver_stopped = False


class Scene(Place):
    """A Provider of servers, and everything that may happen to its services.

    Attributes:
        nova: the cloud.
    """

    def __init__(
        self, cluster: Cluster, nova: NovaLab, *, folder: Path, stack: ExitStack, spares: SpareServers
    ) -> None:
        """Make the Provider; better call ``open_scene``.

        Args:
            cluster: the API server, with our CRDs.
            nova: the cloud.
            folder: for logs and marks.
            stack: ends what is started here.
            spares: for servers that are used again.
        """
        super().__init__(cluster, folder=folder, stack=stack)
        self.nova = nova
        self._spares = spares
        credentials = {"cloudCredentialsRef": {"secretName": SECRET, "cloudName": "operator"}}
        self.make_provider({"clouds.yaml": nova.clouds.read_text()}, {"type": "OpenStack", "openstack": credentials})

    def take_server(self, name: str) -> str:
        """Return the id of a server that may have moved before, and may move again after the scene."""
        server = self._spares.take(self.nova, f"{self.namespace}-{name}")
        self._stack.callback(self._spares.give_back, self.nova, server)
        return server

    def plan(self, server: str, text: str) -> None:
        """Set how a server behaves from now on, until the end of the scene."""
        self._stack.callback(self.nova.control.clear_plan, server)
        self.nova.control.plan(server, text)

    def stop_conductor(self) -> None:
        """Let Nova's conductor die, for less than the 5 s after which computes count as down."""
        self._stack.callback(self.start_conductor)
        self.nova.control.service(CONDUCTOR, "stop")

    def start_conductor(self) -> None:
        """Bring it back."""
        self.nova.control.service(CONDUCTOR, "start")
