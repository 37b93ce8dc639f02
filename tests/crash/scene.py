"""One move of one server, the operator processes that take part in it, and what must be true at its end."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crash.operators import WAIT_S, Operator
from lab.nova_client import call
from lab.osmig_run import OsmigRun
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.nova_client import Fault, Request

POINTED = (sys.executable, Path(__file__).with_name("operator_with_points.py"), "run")
USER_AGENT = "osmig/"
CONDUCTOR = "novalab-conductor"
MIGRATION, PROVIDER, SECRET = "move", "cloud", "clouds"
SHORT = {
    "connect-timeout": 1,
    "read-timeout": 2,
    "call-before": 2,
    "adopt-after": 5,
    "start-grace": 5,
    "sweep-period": 1,
    "progress-period": 1,
    "record-poll": 0.3,
    "verb-repeat": 1,
    "lease-duration": 3,
    "lease-renew-deadline": 2,
    "lease-period": 0.5,
}
"""Seconds. A successor takes the Lease about 3 s after a kill, and sends again after 5 s without a trace."""

PATIENT_LEASE = {"lease-duration": 30, "lease-renew-deadline": 20, "lease-period": 1}
"""For an operator that is to outlive a restart of the API server."""


Play = Callable[["Scene"], None]
"""What happens in a scene, with the assertions about it."""


@contextmanager
def open_scene(cluster: Cluster, nova: NovaLab, folder: Path) -> Iterator[Scene]:
    """Make a scene, and take it down again with everything that was started in it."""
    with ExitStack() as stack:
        yield Scene(cluster, nova, folder=folder, stack=stack)


class Scene:
    """A server, a Provider and a Migration of their own, in a namespace of their own.

    Attributes:
        cluster: the API server, with our CRDs.
        nova: the cloud.
        namespace: also that of the Lease.
        server: id of the server to move.
    """

    def __init__(self, cluster: Cluster, nova: NovaLab, *, folder: Path, stack: ExitStack) -> None:
        """Boot the server and make the Provider; better call ``open_scene``.

        Args:
            cluster: the API server, with our CRDs.
            nova: the cloud.
            folder: for logs and marks.
            stack: ends what is started here.
        """
        self.cluster = cluster
        self.nova = nova
        self.namespace = f"crash-{secrets.token_hex(4)}"
        self._folder = folder
        self._stack = stack
        self._operators = 0
        self._settings = dict(SHORT)
        self._fault: int | None = None
        self._is_apiserver_stopped = False
        self._mark = nova.control.request_mark()
        stack.callback(cluster.kubectl, "delete", "namespace", self.namespace, "--wait=false", check=False)
        self._make_provider()
        self.server = nova.boot(self.namespace)
        stack.callback(nova.nova.delete, f"/servers/{self.server}")

    def _make_provider(self) -> None:
        provider = {
            "type": "OpenStack",
            "openstack": {"cloudCredentialsRef": {"secretName": SECRET, "cloudName": "operator"}},
        }
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {**self._head("v1", "Secret", SECRET), "stringData": {"clouds.yaml": self.nova.clouds.read_text()}},
            {**self._head("osmig.dev/v1alpha1", "Provider", PROVIDER), "spec": provider},
        )

    def _head(self, api_version: str, kind: str, name: str) -> dict[str, Any]:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}

    def adjust(self, settings: Mapping[str, float]) -> None:
        """Change settings of the operators that are started from now on."""
        self._settings |= settings

    def start(self, *, at: str | None = None, deed: str = "halt") -> Operator:
        """Start an operator, if wanted with a point of the protocol at which it does something to itself."""
        self._operators += 1
        folder = self._folder / f"operator-{self._operators}"
        folder.mkdir()
        run = OsmigRun(
            *("--namespace", self.namespace, "--lease-namespace", self.namespace, "--allow-endpoint", "127.0.0.1"),
            *("--http-host", "127.0.0.1", "--log-format", "json"),
            *(f"--{name}={value}" for name, value in self._settings.items()),
            kubeconfig=self.cluster.kubeconfig,
            log=folder / "log",
            **({"command": POINTED} if at else {}),
            env={"CRASH_POINT": at or "", "CRASH_DEED": deed, "CRASH_FOLDER": str(folder)},
        ).start()
        self._stack.callback(run.kill)
        return Operator(run, folder)

    def order(self) -> None:
        """Apply the Migration."""
        spec = {"providerRef": {"name": PROVIDER}, "type": "LiveMigration", "server": {"id": self.server}}
        self.cluster.apply({**self._head("osmig.dev/v1alpha1", "Migration", MIGRATION), "spec": spec})

    def migration(self) -> dict[str, Any]:
        """Return the Migration."""
        return self.cluster.get("migration", MIGRATION, "-n", self.namespace)

    def wait_for_event(self, reason: str) -> set[str]:
        """Wait until the Migration has an Event of this reason, and return the reasons of all."""

        def reasons() -> set[str]:
            events = self.cluster.get("events", "-n", self.namespace)["items"]
            return {event["reason"] for event in events if event["involvedObject"]["name"] == MIGRATION}

        eventually(lambda: reason in reasons(), what=f"the Event {reason}", timeout_s=WAIT_S)
        return reasons()

    def recorded_reasons(self) -> list[str]:
        """Return the reason of Succeeded in each status that was written, as the API server logged it."""
        return [
            condition["reason"]
            for event in self.cluster.audit()
            if event["verb"] == "update"
            and event["objectRef"].get("namespace") == self.namespace
            and event["objectRef"]["resource"] == "migrations"
            for condition in event["requestObject"]["status"]["conditions"]
            if condition["type"] == "Succeeded"
        ]

    def touch(self) -> None:
        """Write something harmless into the Migration, so that every view of it is stale."""
        self.cluster.kubectl("label", "migration", MIGRATION, "-n", self.namespace, "touched=yes", "--overwrite")

    def wait_for(self, condition: str, *, timeout_s: float = WAIT_S) -> None:
        """Wait as ``kubectl wait --for`` does, for example for ``condition=Finished``."""
        self.cluster.kubectl(
            *("wait", f"migration/{MIGRATION}", "-n", self.namespace, f"--for={condition}", f"--timeout={timeout_s:g}s")
        )

    def wait_for_reason(self, reason: str) -> None:
        """Wait until the condition Succeeded has a reason."""
        self.wait_for(f'jsonpath={{.status.conditions[?(@.type=="Succeeded")].reason}}={reason}')

    def break_start(self, fault: Fault) -> None:
        """Break the next start of this server; ``{action}`` in a header becomes the URL that starts are sent to."""
        url = f"{self.nova.compute}/servers/{self.server}/action"
        headers = {name: value.replace("{action}", url) for name, value in fault.get("headers", {}).items()}
        rule: Fault = {**fault, "headers": headers, "path": f"/servers/{self.server}/action$", "method": "POST"}
        self._fault = self.nova.control.fault(**rule)

    def finish_move(self) -> None:
        """Let the move that hangs come to its end, and later ones too."""
        self.nova.control.plan(self.server, "finish")
        eventually(self._steer, what="the move found", timeout_s=WAIT_S)

    def _steer(self) -> bool:
        self.nova.control.steer(self.server, "finish")
        return True

    def deliver_late(self) -> None:
        """Hand Nova the start that a dead operator had on its way, as a slow network does; wait until it is over."""
        order = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
        headers = {
            "X-Auth-Token": self.nova.nova.token,
            "OpenStack-API-Version": "compute 2.90",
            "User-Agent": f"{USER_AGENT}late",
        }
        call("POST", f"{self.nova.compute}/servers/{self.server}/action", body=order, headers=headers)
        eventually(lambda: self._statuses() == ["completed"], what="the move over", timeout_s=WAIT_S)

    def _statuses(self) -> list[str]:
        return [record["status"] for record in self.nova.nova.migrations(self.server)]

    def take_lease(self) -> None:
        """Write another holder into the Lease, as nobody should."""
        lease = ("lease", "osmig", "-n", self.namespace)
        self.cluster.kubectl("patch", *lease, "--type=merge", "-p", '{"spec": {"holderIdentity": "somebody-else"}}')

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

    def stop_conductor(self) -> None:
        """Let Nova's conductor die, for less than the 5 s after which computes count as down."""
        self._stack.callback(self.start_conductor)
        self.nova.control.service(CONDUCTOR, "stop")

    def start_conductor(self) -> None:
        """Bring it back."""
        self.nova.control.service(CONDUCTOR, "start")

    def sent(self) -> list[Request]:
        """Return the starts that operators sent, oldest first, also those that were never answered."""
        return [
            request
            for request in self.nova.control.requests(since=self._mark)
            if request["path"].endswith(f"/servers/{self.server}/action")
            and "os-migrateLive" in request["body"]
            and (request["user_agent"] or "").startswith(USER_AGENT)
        ]

    def wait_sent(self) -> None:
        """Wait until a start has come to Nova."""
        eventually(self.sent, what="a start sent", timeout_s=WAIT_S)

    def assert_started_once(self, survivor: Operator, *, sent: int = 1, rivals: int = 0) -> None:
        """Wait for success; then hold Nova's truth, the object and the survivor against the promise.

        Args:
            survivor: the operator that brought it to the end.
            sent: how many starts the protocol wants sent, all operators taken together.
            rivals: how many other moves this server made.
        """
        self.wait_for("condition=Finished")
        migration = self.migration()
        status = migration["status"]
        assert status["phase"] == "Succeeded", status

        starts = self.sent()
        assert starts[0]["fault"] == self._fault, "the first start did not meet its fault"
        accepted = [start for start in starts if start["nova_status"] == 202]
        assert len(accepted) == 1, starts
        assert len(starts) == sent, starts
        records = self.nova.nova.migrations(self.server)
        assert len(records) == 1 + rivals, records
        assert status["upstream"]["requestID"] == accepted[0]["request_id"]
        assert status["upstream"]["id"] == str(records[-1]["id"])

        assert "finalizers" not in migration["metadata"]
        assert "pendingCall" not in status
        assert status["attempt"] == 1
        assert len(status["attempts"]) == 1
        assert survivor.count("osmig_duplicate_starts_total") == 0
