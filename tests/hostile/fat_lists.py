"""Lists of a cloud with more of everything than any has: what a plan for its hosts has to read."""

from __future__ import annotations

import uuid
from typing import Any

HOSTS, AGGREGATES, GROUPS, MEMBERS, TEXTS = 3000, 100, 1000, 30, 500
TEXT, NAME = "x" * 60, "\U0001f600" * 255


def list_fat(word: str, query: dict[str, list[str]], asked: int) -> dict[str, Any] | None:
    """Return a list without end, or a very long one; ``None`` for what is no list of hosts or servers."""
    (host,) = query.get("host", [""])
    more = [{"rel": "next", "href": "x"}]
    match word:
        case "detail" if "limit" in query and asked < GROUPS:
            return {"servers": [_describe_server(host) for _ in range(asked)], "servers_links": more}
        case "os-services":
            names = [host] if host else [f"cmp{number}" for number in range(HOSTS)]
            return {"services": [_describe_service(name) for name in names]}
        case "os-aggregates":
            names = [f"cmp{number}" for number in range(0, HOSTS, 3)]
            return {"aggregates": [{"name": f"{number}{TEXT}", "hosts": names} for number in range(AGGREGATES)]}
        case "os-server-groups":
            return {"server_groups": [_describe_group() for _ in range(asked)]}
        case "os-migrations" if host:
            return {"migrations": [_describe_move(host) for _ in range(asked)], "migrations_links": more}
        case _:
            return None


def _describe_server(host: str) -> dict[str, Any]:
    texts = {f"{number:03}{TEXT}": TEXT for number in range(TEXTS // 2)}
    return {
        "id": str(uuid.uuid4()), "name": NAME, "status": "ERROR", "tenant_id": TEXT, "metadata": texts,
        "tags": list(texts), "OS-EXT-SRV-ATTR:host": host or "cmp1", "flavor": {"ram": 2**31, "extra_specs": texts},
    }  # fmt: skip


def _describe_service(host: str) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "host": host, "state": "up", "status": "disabled", "disabled_reason": TEXT * 4}


def _describe_group() -> dict[str, Any]:
    members = [str(uuid.uuid4()) for _ in range(MEMBERS)]
    return {"id": str(uuid.uuid4()), "name": TEXT * 4, "policy": "affinity", "members": members}


def _describe_move(host: str) -> dict[str, Any]:
    name, number = str(uuid.uuid4()), uuid.uuid4().int % 10**9
    return {"id": number, "uuid": name, "instance_uuid": name, "status": "running", "source_compute": host}
