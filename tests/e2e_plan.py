"""One MigrationPlan of an end-to-end test: its manifest, orders as annotations, its status and its Migrations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e_operator import API_VERSION
from e2e_status import Json, condition, control
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e_tenant import Tenant
    from lab.nova import NovaLab

DRAIN_S = 400.0
"""Two sweeps of each host are 30 s apart, and the moves come before them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan in a tenant's namespace."""

    tenant: Tenant
    name: str

    def apply(self, *hosts: str, **more: Any) -> None:  # noqa: ANN401 - fields of the spec
        """Apply the manifest, for the first time or again."""
        spec = {"providerRef": {"name": "cloud"}, "targets": {"hosts": list(hosts)}, **more}
        metadata = {"name": self.name, "namespace": self.tenant.namespace}
        self.tenant.cluster.apply(
            {"apiVersion": API_VERSION, "kind": "MigrationPlan", "metadata": metadata, "spec": spec}
        )

    def edit(self, **spec: Any) -> None:  # noqa: ANN401
        """Change fields of the spec, as ``kubectl patch`` does."""
        self.tenant.kubectl("patch", "osplan", self.name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def order(self, verb: str, token: str = "now") -> None:  # noqa: S107 - a verb's token is no secret
        """Give an order: set the verb's annotation."""
        self.tenant.kubectl("annotate", "--overwrite", "osplan", self.name, f"osmig.dev/{verb}={token}")

    def delete(self, *options: str) -> None:
        """Delete it and wait until it is gone."""
        self.tenant.kubectl("delete", "osplan", self.name, f"--timeout={DRAIN_S:g}s", *options)

    @property
    def status(self) -> Json:
        """Its status as it is now."""
        path = f"/apis/{API_VERSION}/namespaces/{self.tenant.namespace}/migrationplans/{self.name}"
        status: Json = self.tenant.cluster.admin.get(path).get("status", {})
        return status

    def until(self, test: Callable[[Json], object], *, what: str) -> Json:
        """Wait until ``test(status)`` holds; return that status.

        Raises:
            NotInTimeError: it did not; the message holds the last status.
        """
        seen: Json = {}

        def probe() -> bool:
            nonlocal seen
            seen = self.status
            if not test(seen):
                raise LookupError(json.dumps(seen))
            return True

        eventually(probe, what=f"MigrationPlan {self.name}: {what}", timeout_s=DRAIN_S, every_s=1.0)
        return seen

    def until_outcome(self, phase: str, reason: str) -> Json:
        """Wait for an outcome, or for what is waited for; return the status."""
        return self.until(
            lambda status: (status.get("phase"), condition(status, "Succeeded").get("reason")) == (phase, reason),
            what=f"{phase}, {reason}",
        )

    def until_control(self, verb: str, result: str) -> Json:
        """Wait for what became of an order; return the status."""
        return self.until(lambda status: control(status, verb).get("result") == result, what=f"{verb} is {result}")

    def children(self) -> dict[str, Json]:
        """Return its Migrations by the id of their server; more than one of a server are an error."""
        selector = f"osmig.dev/plan={self.name}"
        found = self.tenant.cluster.get("migrations", "-n", self.tenant.namespace, "-l", selector)["items"]
        by_server = {child["spec"]["server"]["id"]: child for child in found}
        assert len(by_server) == len(found), "a server has two Migrations"
        return by_server

    def events(self) -> set[str]:
        """Return the reasons of its Events."""
        events = self.tenant.cluster.get("events", "-n", self.tenant.namespace)["items"]
        return {event["reason"] for event in events if event["involvedObject"]["kind"] == "MigrationPlan"}


def plan_of(tenant: Tenant, name: str, *hosts: str, **spec: Any) -> Plan:  # noqa: ANN401
    """Apply a plan."""
    plan = Plan(tenant, name)
    plan.apply(*hosts, **spec)
    return plan


def host_of(status: Json, name: str) -> Json:
    """Return the record of one host; empty when there is none."""
    return next((dict(host) for host in status.get("hosts", ()) if host["name"] == name), {})


def read_service(nova: NovaLab, host: str) -> tuple[str, str | None]:
    """Return status and reason of a compute service."""
    (service,) = nova.nova.get(f"/os-services?binary=nova-compute&host={host}")["services"]
    return service["status"], service["disabled_reason"]


def list_orders(nova: NovaLab, *, since: int = 0) -> list[Json]:
    """Return what was ordered of compute services, oldest first."""
    requests = nova.control.requests(since=since)
    return [
        json.loads(request["body"])
        for request in requests
        if request["method"] == "PUT" and "/os-services/" in request["path"]
    ]


def servers_on(nova: NovaLab, host: str) -> set[str]:
    """Return the names of all servers on a host, soft-deleted ones too."""
    found = nova.nova.get(f"/servers/detail?all_tenants=1&soft_deleted=1&host={host}")["servers"]
    return {server["name"] for server in found}
