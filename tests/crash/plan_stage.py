"""A scene with a plan ``drain``: what is ordered of it, what it says of itself, and what came of it in Nova."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from crash.scene import PROVIDER, SECRET, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from crash.spares import SpareServers
    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.nova_client import Request

DRAIN_S = 400.0
ACCEPTED = 202


@contextmanager
def open_stage(cluster: Cluster, racks: NovaLab, folder: Path, *, spares: SpareServers) -> Iterator[Stage]:
    """Make a Provider, and end what is started for it."""
    with ExitStack() as stack:
        yield Stage(cluster, racks, folder=folder, stack=stack, spares=spares)


class Stage(Scene):
    """A scene with a plan ``drain``."""

    def connect_as(self, token: str) -> None:
        """Let the Provider have another token of Nova."""
        auth = {"endpoint": self.nova.compute, "token": token}
        clouds = {"clouds": {"own": {"region_name": "RegionOne", "auth_type": "admin_token", "auth": auth}}}
        credentials = {"cloudCredentialsRef": {"secretName": SECRET, "cloudName": "own"}}
        self.make_provider({"clouds.yaml": json.dumps(clouds)}, {"type": "OpenStack", "openstack": credentials})

    def drain(self, *hosts: str, maintenance: Mapping[str, str] | None = None, **spec: object) -> None:
        """Order hosts to be emptied."""
        closing = {"computeService": "Disable", **(maintenance or {})}
        self.apply_plan(targets={"hosts": list(hosts)}, maintenance=closing, **spec)

    def apply_plan(self, **spec: object) -> None:
        """Apply the plan; the Provider is filled in."""
        whole = {"providerRef": {"name": PROVIDER}, **spec}
        self.cluster.apply({**self._head("osmig.dev/v1alpha1", "MigrationPlan", "drain"), "spec": whole})

    @property
    def status(self) -> dict[str, Any]:
        """What the plan says of itself."""
        found = self.cluster.get("migrationplans", "drain", "-n", self.namespace)
        status: dict[str, Any] = found.get("status", {})
        return status

    def until_succeeded(self) -> dict[str, Any]:
        """Wait until every host is proven empty, or every server has moved."""
        self.kubectl("wait", "osplan", "drain", "--for=condition=Succeeded", f"--timeout={DRAIN_S:g}s")
        return self.status

    def order(self, verb: str) -> None:
        """Give an order."""
        self.kubectl("annotate", "osplan", "drain", f"osmig.dev/{verb}=now")

    def provider_condition(self) -> dict[str, Any]:
        """Return the condition Ready of the Provider."""
        found = self.cluster.get("providers", PROVIDER, "-n", self.namespace)
        ready = [one for one in found.get("status", {}).get("conditions", ()) if one["type"] == "Ready"]
        return dict(ready[0]) if ready else {}

    def starts(self, servers: Sequence[str], *, since: int = 0) -> dict[str, list[Request]]:
        """Return the orders to move each server that Nova accepted, whoever gave them and whether or not they knew."""
        orders = [
            one
            for one in self.nova.control.requests(since=since)
            if one["method"] == "POST" and ("os-migrateLive" in one["body"] or '"migrate"' in one["body"])
        ]
        return {
            server: [one for one in orders if f"/servers/{server}/" in one["path"] and one["nova_status"] == ACCEPTED]
            for server in servers
        }
