"""More that end-to-end tests say and see: Migrations by name, several at once, edits, clouds.yaml in any shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from e2e_support import API_VERSION, Move, condition
from lab.nova import NovaLab
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e_support import Json, Tenant


def wide_cloud() -> NovaLab:
    """Prepare a Nova that moves many servers at once: the lab's hosts share one queue, whatever their number."""
    hosts = ("cmp1", "cmp2", "cmp3", "cmp4")
    return NovaLab("--max-concurrent", "16", "--report-interval", "1", "--service-down-time", "5", computes=hosts)


def outcome(status: Json) -> tuple[str, str]:
    """Return phase and reason."""
    return status["phase"], condition(status, "Succeeded")["reason"]


def is_queued_behind_somebody(status: Json) -> bool:
    """Whether the Migration waits for its server to be free."""
    return status.get("phase") == "Queued" and outcome(status) == ("Queued", "ServerBusy")


def is_paused(status: Json) -> bool:
    """Whether the Migration says that its Provider cannot be used."""
    return condition(status, "ProviderReady").get("status") == "False"


def describe_move(
    tenant: Tenant, server: Mapping[str, str], *, name: str = "move", provider: str = "cloud", **hosts: str
) -> Json:
    """Write a Migration's manifest.

    Args:
        tenant: whose namespace.
        server: ``{"id": …}`` or ``{"name": …}``.
        name: of the object.
        provider: of which cloud.
        hosts: ``source`` and ``destination``.
    """
    placement = {f"{side}Host": host for side, host in hosts.items()}
    return {
        "apiVersion": API_VERSION,
        "kind": "Migration",
        "metadata": {"name": name, "namespace": tenant.namespace},
        "spec": {
            "providerRef": {"name": provider},
            "type": "LiveMigration",
            "server": dict(server),
            **({"placement": placement} if placement else {}),
        },
    }


def move_by_name(tenant: Tenant, server: str, *, name: str = "move", **hosts: str) -> Move:
    """Apply a Migration that names its server; the result's ``server`` is that name."""
    move = Move(tenant, name, server, tenant.cluster.audit_mark())
    tenant.cluster.apply(describe_move(tenant, {"name": server}, name=name, **hosts))
    return move


def until_idle(nova: NovaLab, server: str, *, host: str | None = None) -> None:
    """Wait until Nova does nothing with the server, and with ``host`` until it is there."""

    def probe() -> bool:
        now = nova.nova.server(server)
        is_idle = now["OS-EXT-STS:task_state"] is None and now["status"] in {"ACTIVE", "ERROR"}
        return is_idle and host in {None, now["OS-EXT-SRV-ATTR:host"]}

    eventually(probe, what=f"server idle on {host or 'any host'}", timeout_s=20)


def one_cloud(auth: Mapping[str, Any], *, name: str = "operator", **keys: Any) -> str:  # noqa: ANN401 - whatever YAML can hold
    """Write a clouds.yaml with one cloud."""
    return yaml.safe_dump({"clouds": {name: {"auth": dict(auth), **keys}}})


def by_token(endpoint: str, token: str = "operator", **keys: Any) -> str:  # noqa: ANN401, S107 - the lab's tokens are names
    """Write a clouds.yaml for a fixed endpoint and token."""
    return one_cloud({"endpoint": endpoint, "token": token}, auth_type="admin_token", **keys)
