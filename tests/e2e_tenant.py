"""A namespace of an end-to-end test, and what its owner does there with kubectl."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from e2e_move import HostPair, describe_move
from e2e_operator import API_VERSION
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from e2e_status import Json
    from lab.cluster import Cluster
    from lab.nova import NovaLab

NO_LIMITS: Final = {
    "maxInFlight": 1000,
    "maxInFlightPerSourceHost": 100,
    "maxInFlightPerDestinationHost": 100,
    "requestsPerSecond": 100,
}


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

    def replace(self, manifest: Mapping[str, Any]) -> None:
        """Replace an object as tools do that replace: one that meets a write of osmig comes again with the next sync.

        Raises:
            RuntimeError: kubectl ended with another error.
        """
        words = ("replace", "-f", "-", "--namespace", self.namespace)

        def is_replaced() -> bool:
            done = self.cluster.kubectl(*words, stdin=json.dumps(manifest), check=False, kubeconfig=self.kubeconfig)
            if done.returncode and "(Conflict)" not in done.stderr:
                raise RuntimeError(done.stderr)
            return done.returncode == 0

        eventually(is_replaced, what="replaced without a conflict")

    def put_secret(self, content: str, *, name: str = "clouds", key: str = "clouds.yaml", **others: str) -> None:
        """Create or replace a Secret with one key, and ``others``."""
        values = {key: content, **others}
        self._apply("api/v1", "secrets", {"kind": "Secret", "metadata": {"name": name}, "stringData": values})

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
        self._apply(f"apis/{API_VERSION}", "providers", {"kind": "Provider", "metadata": {"name": name}, "spec": spec})

    def connect(self, nova: NovaLab, *, name: str = "cloud", cloud: str = "operator", **options: Any) -> None:  # noqa: ANN401
        """Bring Secret and Provider for a cloud, and wait until the Provider is ready; options of ``put_provider``."""
        self.put_secret(nova.clouds.read_text(encoding="utf-8"), name=f"{name}-credentials")
        self.put_provider(name=name, credentials=f"{name}-credentials", cloud=cloud, **options)
        self.kubectl("wait", "--for=condition=Ready", f"--timeout={DEADLINE_S:g}s", f"provider/{name}")

    def provider(self, name: str = "cloud") -> Json:
        """Return a Provider as it is now."""
        return self.cluster.admin.get(f"/apis/{API_VERSION}/namespaces/{self.namespace}/providers/{name}")

    def until_provider(
        self, test: Callable[[Json], object], *, what: str, name: str = "cloud", timeout_s: float = DEADLINE_S
    ) -> Json:
        """Wait until ``test(status)`` of a Provider holds; return that status."""

        def probe() -> Json | None:
            status: Json = self.provider(name)["status"]
            return status if test(status) else None

        return eventually(probe, what=f"Provider {name}: {what}", timeout_s=timeout_s)

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
    ) -> HostPair:
        """Apply a Migration of one server by its id, with further fields of its spec; wait for nothing."""
        order = HostPair(self, name, server, self.cluster.audit_mark())
        order.apply(provider=provider, source=source, destination=destination, annotations=annotations, **spec)
        return order

    def move_until_running(self, server: str) -> HostPair:
        """Apply a Migration of one server, and wait until it is under way in the cloud."""
        move = self.move(server)
        move.until_upstream("running")
        return move

    def move_cold(self, server: str, **options: Any) -> HostPair:  # noqa: ANN401
        """Apply a ColdMigration; the options are those of ``move``."""
        return self.move(server, type="ColdMigration", **options)

    def events(self, name: str = "move") -> list[Json]:
        """Return the Events about an object, oldest first."""
        found = self.cluster.get(
            "events.events.k8s.io", "--namespace", self.namespace, f"--field-selector=regarding.name={name}"
        )["items"]
        return sorted(found, key=lambda event: str(event["eventTime"]))

    def _apply(self, root: str, plural: str, manifest: Json) -> None:
        """Apply without a kubectl what every test begins with."""
        manifest["apiVersion"] = root.partition("/")[2]
        path = f"/{root}/namespaces/{self.namespace}/{plural}/{manifest['metadata']['name']}"
        self.cluster.admin.apply(path, manifest)


@contextmanager
def tenancy(cluster: Cluster, nova: NovaLab) -> Iterator[Tenant]:
    """A namespace with the Provider ``cloud`` for longer than one test; its deletion is begun, not awaited."""
    tenant = Tenant(cluster, f"t-{secrets.token_hex(4)}")
    cluster.kubectl("create", "namespace", tenant.namespace)
    tenant.connect(nova)
    yield tenant
    cluster.kubectl("delete", "namespace", tenant.namespace, "--wait=false")


def move_by_name(tenant: Tenant, server: str, *, name: str = "move", **hosts: str) -> HostPair:
    """Apply a Migration that names its server; the result's ``server`` is that name."""
    move = HostPair(tenant, name, server, tenant.cluster.audit_mark())
    tenant.cluster.apply(describe_move(tenant, {"name": server}, name=name, **hosts))
    return move
