"""Mirrors of an end-to-end test, and the moves of somebody else that they show."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

from openstack.config import OpenStackConfig
from openstack.connection import Connection

from e2e_cloud import is_moving
from e2e_move import HostPair
from lab.waiting import eventually

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab

LABEL = "osmig.dev/discovered=true"


def mirror_all(tenant: Tenant, **discovery: object) -> None:
    """Let the Provider make mirrors."""
    patch = {"spec": {"discovery": {"mode": "Mirror", **discovery}}}
    tenant.kubectl("patch", "provider", "cloud", "--type=merge", f"--patch={json.dumps(patch)}")


def mirrors(tenant: Tenant, server: str) -> list[str]:
    """Return the mirrors of a server's moves; other tests may have left theirs in the cloud."""
    found = json.loads(tenant.kubectl("get", "osmig", "-l", LABEL, "-o", "json"))["items"]
    return [body["metadata"]["name"] for body in found if body["spec"]["server"]["id"] == server]


def move_by_sdk(nova: NovaLab, server: str) -> None:
    """Move a server live as any client of the cloud does."""
    with warnings.catch_warnings():
        # the SDK warns of parts of its own that it calls itself
        warnings.simplefilter("ignore")
        config = OpenStackConfig(config_files=[str(nova.clouds)], load_envvars=False).get_one("operator")
        with Connection(config=config) as connection:
            connection.compute.live_migrate_server(server, host=None, block_migration="auto")
    eventually(lambda: is_moving(nova, server), what="the other move runs")


def until_mirror(tenant: Tenant, nova: NovaLab, server: str) -> HostPair:
    """Wait for the mirror of the server's newest move; return it as one that a test can look at."""
    newest = max(nova.nova.migrations(server), key=lambda record: int(record["id"]))
    name = f"discovered-{newest['uuid']}"
    eventually(lambda: name in mirrors(tenant, server), what=f"the mirror {name}")
    return HostPair(tenant, name, server, tenant.cluster.audit_mark())
