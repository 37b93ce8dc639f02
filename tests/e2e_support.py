"""What end-to-end tests say and see: manifests by kubectl, orders as annotations, the request log, the audit log."""

from __future__ import annotations

import json
import secrets
import ssl
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lab.osmig_run import OsmigRun
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.nova_client import Request

Json = dict[str, Any]

API_VERSION = "osmig.dev/v1alpha1"
OPERATOR_NAMESPACE = "osmig-system"
OPERATOR = f"system:serviceaccount:{OPERATOR_NAMESPACE}:osmig"
"""The operator as the API server knows it: a service account with the rights of deploy/rbac.yaml, no more."""

CALL_BEFORE_S, CONNECT_S, READ_S, START_GRACE_S = 2, 1, 5, 4
VERB_REPEAT_S = 1.0

FAST: Final = (
    *("--http-host", "127.0.0.1"),
    *("--allow-endpoint", "127.0.0.1"),
    *("--sweep-period", "1"),
    *("--progress-period", "0.5"),
    *("--record-poll", "0.3"),
    *("--verb-repeat", str(VERB_REPEAT_S)),
    *("--secret-period", "3"),
    *("--call-before", str(CALL_BEFORE_S)),
    *("--connect-timeout", str(CONNECT_S)),
    *("--read-timeout", str(READ_S)),
    *("--adopt-after", str(CALL_BEFORE_S + CONNECT_S + READ_S)),
    *("--start-grace", str(START_GRACE_S)),
    *("--retry-period", "1"),
    *("--start-lost", "5"),
    *("--split-after", "5"),
    *("--confirm-margin", "3"),
    *("--finalizer-timeout", "8"),
    *("--run-poll", "0.3"),
    *("--run-poll-most", "1"),
    *("--not-started", "3"),
)
"""Every period as short as the lab answers reliably; the relations between them are those of the defaults."""

UNRESOLVED_S = CALL_BEFORE_S + CONNECT_S + READ_S
"""With ``FAST``: how long the effect of an unanswered start is looked for."""

NO_LIMITS: Final = {
    "maxInFlight": 1000,
    "maxInFlightPerSourceHost": 100,
    "maxInFlightPerDestinationHost": 100,
    "requestsPerSecond": 100,
}

PATIENCE_S = 60.0
"""How long to wait for what should take two seconds on a machine that is doing nothing else."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A namespace, and what its owner does there with kubectl.

    Attributes:
        cluster: the API server.
        namespace: the owner's.
        kubeconfig: who the owner is; the administrator if ``None``.
    """

    cluster: Cluster
    namespace: str
    kubeconfig: Path | None = None

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl in the namespace and return what it printed.

        Raises:
            KubectlError: it ended with an error.
        """
        done = self.cluster.kubectl(
            "--namespace", self.namespace, *args, stdin=stdin, check=check, kubeconfig=self.kubeconfig
        )
        return done.stdout

    def put_secret(self, content: str, *, name: str = "clouds", key: str = "clouds.yaml") -> None:
        """Create or replace a Secret with one key."""
        self._apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: content}})

    def put_provider(
        self,
        *,
        name: str = "cloud",
        credentials: str = "clouds",
        cloud: str = "operator",
        limits: Mapping[str, int] | None = None,
        auto_confirm_s: int | None = None,
    ) -> None:
        """Create or replace a Provider of type OpenStack with the Secret ``credentials``.

        Its limits are out of the way of tests that are not about them.
        """
        reference = {"secretName": credentials, "cloudName": cloud}
        openstack: Json = {"cloudCredentialsRef": reference}
        if auto_confirm_s is not None:
            openstack["autoConfirmSeconds"] = auto_confirm_s
        spec = {"type": "OpenStack", "openstack": openstack, "limits": {**NO_LIMITS, **(limits or {})}}
        self._apply({"apiVersion": API_VERSION, "kind": "Provider", "metadata": {"name": name}, "spec": spec})

    def connect(self, nova: NovaLab, *, name: str = "cloud", cloud: str = "operator", **options: Any) -> None:  # noqa: ANN401
        """Bring Secret and Provider for a cloud, and wait until the Provider is ready; options of ``put_provider``."""
        self.put_secret(nova.clouds.read_text(encoding="utf-8"), name=f"{name}-credentials")
        self.put_provider(name=name, credentials=f"{name}-credentials", cloud=cloud, **options)
        self.kubectl("wait", "--for=condition=Ready", f"--timeout={PATIENCE_S:g}s", f"provider/{name}")

    def provider(self, name: str = "cloud") -> Json:
        """Return a Provider as it is now."""
        return read(self.cluster, f"/apis/{API_VERSION}/namespaces/{self.namespace}/providers/{name}")

    def until_provider(
        self, test: Callable[[Json], object], *, what: str, name: str = "cloud", timeout_s: float = PATIENCE_S
    ) -> Json:
        """Wait until ``test(status)`` of a Provider holds; return that status."""

        def probe() -> Json | None:
            status: Json = self.provider(name)["status"]
            return status if test(status) else None

        return eventually(probe, what=f"Provider {name}: {what}", timeout_s=timeout_s) or {}

    def move(
        self,
        server: str,
        *,
        name: str = "move",
        provider: str = "cloud",
        source: str | None = None,
        destination: str | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,  # noqa: ANN401 - fields of the spec
    ) -> Move:
        """Apply a Migration of one server by its id, with further fields of its spec; wait for nothing."""
        order = Move(self, name, server, self.cluster.audit_mark())
        order.apply(provider=provider, source=source, destination=destination, annotations=annotations, **spec)
        return order

    def move_cold(self, server: str, **options: Any) -> Move:  # noqa: ANN401
        """Apply a ColdMigration; the options are those of ``move``."""
        return self.move(server, type="ColdMigration", **options)

    def events(self, name: str = "move") -> list[Json]:
        """Return the Events about an object, oldest first."""
        found = self.cluster.get(
            "events.events.k8s.io", "--namespace", self.namespace, f"--field-selector=regarding.name={name}"
        )["items"]
        return sorted(found, key=lambda event: str(event["eventTime"]))

    def _apply(self, manifest: Json) -> None:
        manifest["metadata"]["namespace"] = self.namespace
        self.cluster.apply(manifest)


@dataclass(frozen=True, slots=True)
class Move:
    """One Migration in a tenant's namespace.

    Attributes:
        server: id of the server it moves.
        since: end of the audit log before it was applied.
    """

    tenant: Tenant
    name: str
    server: str
    since: int

    def apply(
        self,
        *,
        provider: str = "cloud",
        source: str | None = None,
        destination: str | None = None,
        annotations: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - fields of the spec
    ) -> None:
        """Apply the manifest, for the first time or again."""
        hosts = {"sourceHost": source, "destinationHost": destination}
        placement = {key: host for key, host in hosts.items() if host}
        spec = {"providerRef": {"name": provider}, "type": "LiveMigration", "server": {"id": self.server}}
        metadata = {"name": self.name, "namespace": self.tenant.namespace, "annotations": dict(annotations or {})}
        self.tenant.cluster.apply(
            {
                "apiVersion": API_VERSION,
                "kind": "Migration",
                "metadata": metadata,
                "spec": spec | ({"placement": placement} if placement else {}) | more,
            }
        )

    def edit(self, **spec: Any) -> None:  # noqa: ANN401
        """Change fields of the spec, as ``kubectl patch`` does."""
        self.tenant.kubectl("patch", "migration", self.name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def delete(self) -> None:
        """Delete it and wait until it is gone."""
        self.tenant.kubectl("delete", "migration", self.name, "--timeout=20s")

    def get(self) -> Json:
        """Return the object as it is now, managed fields included."""
        return read(
            self.tenant.cluster, f"/apis/{API_VERSION}/namespaces/{self.tenant.namespace}/migrations/{self.name}"
        )

    @property
    def status(self) -> Json:
        """Its status as it is now."""
        status: Json = self.get()["status"]
        return status

    def until(self, test: Callable[[Json], object], *, what: str, timeout_s: float = PATIENCE_S) -> Json:
        """Wait until ``test(status)`` holds; return that status.

        Raises:
            NotInTimeError: it did not; the message holds the last status.
        """
        seen: Json = {}

        def probe() -> bool:
            nonlocal seen
            seen = self.status
            if not test(seen):
                raise LookupError(brief(seen))
            return True

        eventually(probe, what=f"Migration {self.name}: {what}", timeout_s=timeout_s)
        return seen

    def until_phase(self, *phases: str, timeout_s: float = PATIENCE_S) -> Json:
        """Wait for one of the phases; return the status."""
        return self.until(lambda status: status.get("phase") in phases, what=f"in {phases}", timeout_s=timeout_s)

    def until_upstream(self, word: str, *, timeout_s: float = PATIENCE_S) -> Json:
        """Wait until the cloud's own word for the move is on record; return the status."""
        return self.until(
            lambda status: status.get("upstream", {}).get("status") == word,
            what=f"{word} upstream",
            timeout_s=timeout_s,
        )

    def until_finished(self, *, timeout_s: float = PATIENCE_S) -> Json:
        """Wait for the end with ``kubectl wait``, as a script would; return the status."""
        self.tenant.kubectl("wait", "--for=condition=Finished", f"--timeout={timeout_s:g}s", f"migration/{self.name}")
        return self.status

    def until_control(self, verb: str, result: str, *, timeout_s: float = PATIENCE_S) -> Json:
        """Wait for what became of an order; return its entry in ``status.controls``."""
        status = self.until(
            lambda status: control(status, verb).get("result") == result,
            what=f"{verb} is {result}",
            timeout_s=timeout_s,
        )
        return control(status, verb)

    def order(self, verb: str, token: str = "now") -> None:  # noqa: S107 - a verb's token is no secret
        """Give an order: set the verb's annotation."""
        self.tenant.kubectl("annotate", "--overwrite", "migration", self.name, f"osmig.dev/{verb}={token}")

    def withdraw(self, verb: str) -> None:
        """Remove the verb's annotation."""
        self.tenant.kubectl("annotate", "migration", self.name, f"osmig.dev/{verb}-")

    def writes(self) -> list[Json]:
        """Return every status the operator wrote and the API server took, oldest first, from the audit log."""
        events = self.tenant.cluster.audit(since=self.since)
        return [event["requestObject"]["status"] for event in events if self._is_write(event)]

    def _is_write(self, event: Json) -> bool:
        about = event.get("objectRef", {})
        return (
            event["verb"] in {"update", "patch"}
            and event["user"]["username"] == OPERATOR
            and (about.get("resource"), about.get("subresource")) == ("migrations", "status")
            and (about["namespace"], about["name"]) == (self.tenant.namespace, self.name)
            and event["responseStatus"]["code"] == 200
        )

    def phases(self) -> list[str]:
        """Return the phases it went through, without repetitions."""
        words = [str(status.get("phase")) for status in self.writes()]
        return [word for word, before in zip(words, ["", *words], strict=False) if word != before]

    def reasons(self) -> list[str]:
        """Return the reasons of ``Succeeded`` it went through, without repetitions."""
        words = [str(condition(status, "Succeeded").get("reason")) for status in self.writes()]
        return [word for word, before in zip(words, ["", *words], strict=False) if word != before]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the operator that changes something in the cloud.

    Attributes:
        word: live-migrate, cold-migrate, abort, force-complete, confirm or revert.
        status: what the operator got: an HTTP status, ``"cut"``, or ``None`` while there is no answer.
    """

    word: str
    status: int | str | None
    request_id: str | None
    t: float


def calls(nova: NovaLab, server: str, word: str | None = None) -> list[Call]:
    """Return what the operator asked the cloud to do with a server, oldest first; with ``word`` only those."""
    found = [call for request in requests_about(nova, server) if (call := _to_call(request)) is not None]
    return [call for call in found if word in {None, call.word}]


def requests_about(nova: NovaLab, server: str) -> list[Request]:
    """Return all requests of the operator that name a server, in path or query, oldest first."""
    return [
        request
        for request in nova.control.requests()
        if server in request["path"] and (request["user_agent"] or "").startswith("osmig")
    ]


def _to_call(request: Request) -> Call | None:
    words = {
        ("POST", "os-migrateLive"): "live-migrate",
        ("POST", '"migrate"'): "cold-migrate",
        ("POST", "confirmResize"): "confirm",
        ("POST", "revertResize"): "revert",
        ("POST", "force_complete"): "force-complete",
        ("DELETE", ""): "abort",
    }
    for (method, body), word in words.items():
        if request["method"] == method and body in (request["body"] or ""):
            return Call(word, request["status"], request["request_id"], request["t"])
    return None


def read(cluster: Cluster, path: str) -> Json:
    """GET a path of the API server as the administrator: what is asked again and again while waiting.

    A kubectl for each question would take most of the machine.

    Raises:
        OSError: there was no answer, or another one than 200.
    """
    account = json.loads(cluster.kubeconfig.read_text(encoding="utf-8"))
    trust = ssl.create_default_context(cafile=account["clusters"][0]["cluster"]["certificate-authority"])
    request = urllib.request.Request(cluster.url + path)  # noqa: S310 - loopback
    request.add_header("Authorization", f"Bearer {account['users'][0]['user']['token']}")
    with urllib.request.urlopen(request, context=trust, timeout=10) as answer:  # noqa: S310 - loopback
        body: Json = json.load(answer)
    return body


@contextmanager
def tenancy(cluster: Cluster, nova: NovaLab) -> Iterator[Tenant]:
    """A namespace with the Provider ``cloud`` for longer than one test; its deletion is begun, not awaited."""
    tenant = Tenant(cluster, f"t-{secrets.token_hex(4)}")
    cluster.kubectl("create", "namespace", tenant.namespace)
    tenant.connect(nova)
    yield tenant
    cluster.kubectl("delete", "namespace", tenant.namespace, "--wait=false")


def occupy(nova: NovaLab, server: str) -> None:
    """Move a server as somebody else would, by Nova's API, and wait until the hypervisor has it."""
    nova.nova.live_migrate(server)
    eventually(lambda: is_moving(nova, server), what="the other move runs", timeout_s=PATIENCE_S)


def act(nova: NovaLab, server: str, action: str) -> None:
    """Do something to a server as somebody else would, by Nova's API."""
    nova.nova.post(f"/servers/{server}/action", {action: None})


def is_moving(nova: NovaLab, server: str) -> bool:
    """Whether a hypervisor is moving the server, so that the test can steer the move."""
    return any(run["server"] == server for run in nova.control.runs())


def end_moves(nova: NovaLab, server: str) -> None:
    """End what moves a server, also what is still on its way to the hypervisor; a cold move that arrived stays so."""
    if not _has_active_move(nova, server):
        return
    nova.control.plan(server, "finish,duration=0,precheck_delay=0,pre_delay=0")

    def is_over() -> bool:
        if is_moving(nova, server):
            nova.control.steer(server, "cancel")
        return not _has_active_move(nova, server)

    eventually(is_over, what=f"no move of server {server}", timeout_s=PATIENCE_S)


def _has_active_move(nova: NovaLab, server: str) -> bool:
    active = {"accepted", "queued", "preparing", "running", "running (post-copy)"}
    return any(record["status"] in active for record in nova.nova.migrations(server))


def control(status: Json, verb: str) -> Json:
    """Return the last order of a verb; empty when there was none."""
    return next((dict(entry) for entry in status.get("controls", ()) if entry["verb"] == verb), {})


def condition(status: Json, kind: str) -> Json:
    """Return a condition by its type; empty when there is none."""
    return next((dict(entry) for entry in status.get("conditions", ()) if entry["type"] == kind), {})


def verdicts(status: Json) -> dict[str, str]:
    """Return all conditions as type to status."""
    return {entry["type"]: entry["status"] for entry in status.get("conditions", ())}


def brief(status: Json) -> str:
    """Sum a status up in one line, for messages of tests that fail."""
    succeeded = condition(status, "Succeeded")
    upstream, orders = status.get("upstream", {}), status.get("controls", ())
    said = {entry["verb"]: (entry["token"], entry["result"], entry.get("message")) for entry in orders}
    return (
        f"phase {status.get('phase')}, {succeeded.get('status')}/{succeeded.get('reason')} "
        f"{succeeded.get('message')!r}, upstream {upstream.get('id')} {upstream.get('status')}, "
        f"pending call {status.get('pendingCall')}, controls {said}"
    )


def kstatus(body: Json) -> str:
    """Say what kstatus, and with it Flux and kubectl-based tools, makes of an object without rules of its own.

    The order of the checks is that of the library sigs.k8s.io/cli-utils: deletion, generation, the two abnormal-true
    conditions (the first one met wins), at last Ready.
    """
    metadata, status = body["metadata"], body.get("status", {})
    if "deletionTimestamp" in metadata:
        return "Terminating"
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return "InProgress"
    for entry in status.get("conditions", ()):
        if entry["status"] == "True" and entry["type"] in {"Reconciling", "Stalled"}:
            return "InProgress" if entry["type"] == "Reconciling" else "Failed"
    ready = condition(status, "Ready")
    return "Current" if not ready or ready["status"] == "True" else "InProgress"


def run_operator(cluster: Cluster, *flags: str, log: Path | None = None) -> OsmigRun:
    """Prepare the operator with fast timings and the rights of deploy/; a context manager that starts and ends it."""
    kubeconfig = cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")
    return OsmigRun(*FAST, "--lease-namespace", OPERATOR_NAMESPACE, *flags, kubeconfig=kubeconfig, log=log)
