"""Where the healthy tenant and its neighbours meet: one API server, one operator as deployed, one real Nova."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from e2e_cloud import wide_cloud
from e2e_operator import API_VERSION, OPERATOR_NAMESPACE, install
from e2e_tenant import Tenant
from hostile.healthy import SIDE_BY_SIDE, Healthy
from lab.cluster import Cluster
from lab.osmig_run import OsmigRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lab.nova import NovaLab

FLAGS: Final = (
    *("--http-host", "127.0.0.1"),
    *("--allow-endpoint", "127.0.0.1"),
    *("--lease-namespace", OPERATOR_NAMESPACE),
    *("--sweep-period", "2", "--record-poll", "0.5", "--progress-period", "1"),
)
"""As deployed, but for how soon a move that runs is seen to run, which nobody measures here."""


@dataclass(frozen=True, slots=True)
class Arena:
    """What a neighbour is let loose in.

    Attributes:
        cluster: the API server.
        osmig: the operator.
        nova: the healthy tenant's cloud; a neighbour may be an honest user of it.
        healthy: the tenant who does nothing wrong.
        folder: for logs.
        share: of a neighbour's full size, in (0, 1].
    """

    cluster: Cluster
    osmig: OsmigRun
    nova: NovaLab
    healthy: Healthy
    folder: Path
    share: float = 1.0

    def scale(self, count: int) -> int:
        """Return how many of ``count`` a neighbour has here."""
        return round(count * self.share)

    @contextmanager
    def neighbour(self) -> Iterator[Tenant]:
        """Make a namespace for a neighbour; at the end it is emptied of what the operator sees."""
        tenant = Tenant(self.cluster, f"n-{secrets.token_hex(4)}")
        self.cluster.admin.create_namespace(tenant.namespace)
        yield tenant
        for plural in ("migrationplans", "migrations", "providers"):
            self.cluster.kubectl("delete", "--raw", path_of(tenant, plural))
        self.cluster.admin.delete_namespace(tenant.namespace)


def path_of(tenant: Tenant, plural: str) -> str:
    """Return the path of a tenant's objects of one of our kinds."""
    return f"/apis/{API_VERSION}/namespaces/{tenant.namespace}/{plural}"


def describe_provider(name: str, **limits: int) -> Mapping[str, Any]:
    """Write a Provider whose credentials are the Secret ``clouds``."""
    reference = {"secretName": "clouds", "cloudName": "operator"}
    spec = {"type": "OpenStack", "openstack": {"cloudCredentialsRef": reference}, "limits": limits}
    return {"apiVersion": API_VERSION, "kind": "Provider", "metadata": {"name": name}, "spec": spec}


@contextmanager
def open_arena(folder: Path, *, share: float = 1.0) -> Iterator[Arena]:
    """Start everything, and give the healthy tenant a cloud with servers that move until they are told to stop."""
    with ExitStack() as stack:
        cluster = install(stack.enter_context(Cluster()))
        nova = stack.enter_context(wide_cloud())
        kubeconfig = cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")
        osmig = stack.enter_context(OsmigRun(*FLAGS, kubeconfig=kubeconfig, log=folder / "osmig.log")).wait_ready()
        tenant = Tenant(cluster, "healthy")
        cluster.admin.create_namespace(tenant.namespace)
        tenant.connect(nova)
        servers = [nova.boot(f"healthy-{number}", plan="hang") for number in range(SIDE_BY_SIDE)]
        yield Arena(cluster, osmig, nova, Healthy(tenant, nova, servers), folder, share)
