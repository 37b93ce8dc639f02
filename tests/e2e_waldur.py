"""What end-to-end tests of replications say and see: a Provider of type Waldur, manifests, the double's request log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from e2e_move import HostPair
from e2e_operator import API_VERSION
from e2e_status import Json, condition
from e2e_tenant import NO_LIMITS
from lab.waiting import DEADLINE_S, eventually
from lab.waldurlab import catalogue

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.waldur import WaldurLab
    from lab.waldur_client import WaldurRequest

RUNS = "/api/openstack-migrations/"
ORDERED: Final = {
    "sourceResource": catalogue.SOURCE,
    "destinationOffering": catalogue.OFFERING,
    "destinationPlan": catalogue.PLAN,
}
"""The one tenant of the double that is worth replicating."""
MAPPINGS: Final = {
    "volumeTypes": [
        {"sourceType": catalogue.VOLUME_TYPE, "destinationType": catalogue.DESTINATION_VOLUME_TYPE},
    ],
    "subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"}],
}
"""Some that fit it."""


def connect(tenant: Tenant, waldur: WaldurLab, *, user: str = "owner", name: str = "waldur", **spec: Any) -> None:  # noqa: ANN401
    """Bring Secret and Provider for a Waldur, and wait until the Provider is ready."""
    put_token(tenant, waldur.token(user), waldur.url, name=name)
    put_provider(tenant, waldur.url, name=name, **spec)
    tenant.kubectl("wait", "--for=condition=Ready", f"--timeout={DEADLINE_S:g}s", f"provider/{name}")


def put_token(tenant: Tenant, token: str, endpoint: str, *, name: str = "waldur") -> None:
    """Create or replace the Secret with the token and where it may be sent."""
    tenant.put_secret(token, name=name, key="token", endpoint=endpoint)


def put_provider(tenant: Tenant, endpoint: str, *, name: str = "waldur", **spec: Any) -> None:  # noqa: ANN401
    """Create or replace a Provider of type Waldur whose Secret has its own name."""
    waldur = {"endpoint": endpoint, "tokenRef": {"secretName": name, "key": "token"}}
    whole = {"type": "Waldur", "waldur": waldur, "limits": NO_LIMITS, **spec}
    apply(tenant, {"kind": "Provider", "metadata": {"name": name}, "spec": whole})


def put_mapping(tenant: Tenant, spec: Json, *, name: str = "mapping") -> None:
    """Create or replace a MigrationMapping."""
    apply(tenant, {"kind": "MigrationMapping", "metadata": {"name": name}, "spec": spec})


def replicate(
    tenant: Tenant,
    *,
    name: str = "copy",
    provider: str = "waldur",
    options: Json | None = None,
    **spec: Any,  # noqa: ANN401 - fields of the spec
) -> HostPair:
    """Apply a TenantReplication of the double's tenant; ``options`` go into ``spec.tenant``, the rest into ``spec``."""
    move = HostPair(tenant, name, catalogue.SOURCE, tenant.cluster.audit_mark())
    whole = {
        "providerRef": {"name": provider},
        "type": "TenantReplication",
        "tenant": {**ORDERED, **(options or {})},
        **spec,
    }
    apply(tenant, {"kind": "Migration", "metadata": {"name": name}, "spec": whole})
    return move


def apply(tenant: Tenant, manifest: Json) -> None:
    """Apply a manifest of ours in the tenant's namespace."""
    metadata = {**manifest["metadata"], "namespace": tenant.namespace}
    tenant.cluster.apply({**manifest, "apiVersion": API_VERSION, "metadata": metadata})


def requests(waldur: WaldurLab, *methods: str) -> list[WaldurRequest]:
    """Return the operator's requests of these methods, oldest first; without any, all that change something."""
    wanted = methods or ("POST", "PUT", "PATCH", "DELETE")
    return [
        request
        for request in waldur.control.requests()
        if request["method"] in wanted and (request["user_agent"] or "").startswith("osmig")
    ]


def orders(waldur: WaldurLab) -> list[Json]:
    """Return the bodies of the replications that the operator asked for."""
    return [json.loads(request["body"]) for request in requests(waldur, "POST") if request["path"] == RUNS]


def rows(waldur: WaldurLab) -> list[Json]:
    """Return the replications that there are, also those whose record is gone."""
    return waldur.control.rows()


def message(status: Json) -> str:
    """Return the message of ``Succeeded``."""
    return str(condition(status, "Succeeded").get("message", ""))


def check(status: Json, name: str) -> Json:
    """Return a check of the preflight by its name; empty when it was not made."""
    found = [dict(entry) for entry in status.get("preflight", ()) if entry["check"] == name]
    return next((entry for entry in found if entry["result"] != "Pass"), found[0] if found else {})


def ordered_row(waldur: WaldurLab) -> str:
    """Wait until there is exactly one replication; return its id."""
    eventually(lambda: len(rows(waldur)) == 1, what="one replication")
    return str(rows(waldur)[0]["uuid"])
