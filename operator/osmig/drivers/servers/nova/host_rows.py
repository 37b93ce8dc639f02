"""Nova's rows about hosts in our words. Pure. Unlike moves, hosts are judged by what is missing: no row is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.domain.plans.sweeps import GroupRow, ServerRow, ServiceRow
from osmig.drivers.servers.nova.rows import read_views
from osmig.drivers.servers.nova.translate import Json, read_time, require, text

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

UNKNOWN = "UNKNOWN"
"""What Nova says since 2.69 of everything in a cell that does not answer."""

_SERVER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST_ID = re.compile(r"[0-9a-f]{56}")
"""A SHA-224, which Nova makes of the project and the host."""

MAX_TEXT_CHARS = 4096
"""Of metadata, and of extra specs, that are kept of one server; Nova takes 64 KiB of them from any tenant."""


def read_whole(body: Json, key: str, view: Callable[[Json], T], operation: str, *, max_rows: int) -> tuple[T, ...]:
    """Translate a list of which no row may be missing.

    Raises:
        TooManyRows: it has more rows than were asked for.
        Transient: it is no list, or one of its rows cannot be read.
    """
    found = tuple(read_views(body, key, view, operation, max_rows=max_rows))
    if len(found) < len(body[key]):
        sentence = f"A row of the cloud's answer to {operation} cannot be read"
        raise Transient(Reason.UNREACHABLE, sentence, operation=operation)
    return found


def to_server_row(row: Json) -> ServerRow:
    """Read a server of a list in detail; a Migration is to name it, so what it cannot name is not taken over.

    Raises:
        ValueError: it has no id, or one that is no UUID.
    """
    server_id, host_id = require(row, "id"), text(row, "hostId") or ""
    if not _SERVER_ID.fullmatch(server_id):
        message = "id is no UUID"
        raise ValueError(message)
    status, vm_state = text(row, "status") or "", (text(row, "OS-EXT-STS:vm_state") or "").lower()
    flavor = _object(row, "flavor")
    locked = row.get("locked")
    return ServerRow(
        id=server_id,
        name=text(row, "name") or "",
        project_id=text(row, "tenant_id") or text(row, "project_id") or "",
        status=status,
        host=text(row, "OS-EXT-SRV-ATTR:host"),
        host_id=host_id if _HOST_ID.fullmatch(host_id) else "",
        task_state=text(row, "OS-EXT-STS:task_state"),
        vm_state=vm_state,
        memory_mib=_number(flavor, "ram") or 0,
        is_locked=locked if isinstance(locked, bool) else None,
        pinned_zone=text(row, "pinned_availability_zone"),
        is_soft_deleted=status.upper() == "SOFT_DELETED" or vm_state == "soft-delete",
        tags=tuple(_list_texts(row.get("tags"))),
        metadata=_texts(_object(row, "metadata")),
        extra_specs=_texts(_object(flavor, "extra_specs")),
        created=read_time(row, "created"),
    )


def to_service_row(row: Json) -> ServiceRow:
    """Read a compute service; one in a cell that does not answer counts as enabled, for nothing proves more.

    Raises:
        ValueError: it names no host.
    """
    status, state = (text(row, "status") or UNKNOWN).lower(), (text(row, "state") or UNKNOWN).lower()
    is_silent = UNKNOWN.lower() in {status, state}
    return ServiceRow(
        id=text(row, "id") or "",
        host=require(row, "host"),
        is_up=None if is_silent else state == "up",
        is_enabled=status != "disabled",
        disabled_reason=text(row, "disabled_reason") or "",
        is_forced_down=row.get("forced_down") is True,
        zone=text(row, "zone"),
    )


def to_group_row(row: Json) -> GroupRow:
    """Read a server group.

    Raises:
        ValueError: it has no id.
    """
    return GroupRow(
        id=require(row, "id"),
        name=text(row, "name") or "",
        policy=text(row, "policy") or "",
        members=frozenset(_list_texts(row.get("members"))),
        max_server_per_host=_number(_object(row, "rules"), "max_server_per_host") or 1,
    )


def to_aggregate(row: Json) -> tuple[str, frozenset[str]]:
    """Read an aggregate: its name, and its hosts.

    Raises:
        ValueError: it has no name.
    """
    return require(row, "name"), frozenset(_list_texts(row.get("hosts")))


def to_free_memory(row: Json) -> tuple[str, int | None]:
    """Read a hypervisor: the host of its service, and its free memory, which Nova tells below 2.88.

    Raises:
        ValueError: it names no host.
    """
    return require(_object(row, "service"), "host"), _number(row, "free_ram_mb")


def _number(row: Json, key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _object(row: Json, key: str) -> Json:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _texts(row: Json) -> dict[str, str]:
    """Keep texts up to a bound; who writes more of them about a server hides the rest of them from rules only."""
    kept, size = {}, 0
    for key in row:
        value = text(row, key)
        size += len(key) + len(value or "")
        if value is None or size > MAX_TEXT_CHARS:
            continue
        kept[key] = value
    return kept


def _list_texts(values: object) -> list[str]:
    return [word[:255] for word in values if isinstance(word, str)] if isinstance(values, list) else []
