"""Nova's rows about hosts in our words. Pure. Unlike moves, hosts are judged by what is missing: no row is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.domain.plans.judging import DEVICES
from osmig.domain.plans.sweeps import GroupRow, HostRow, ServerRow, ServiceRow
from osmig.drivers.servers.nova.rows import read_views
from osmig.drivers.servers.nova.translate import Json, read_time, require, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")

UNKNOWN = "UNKNOWN"
"""What Nova says since 2.69 of everything in a cell that does not answer."""

_SERVER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST_ID = re.compile(r"[0-9a-f]{56}")
"""A SHA-224, which Nova makes of the project and the host."""

MAX_TEXT_CHARS = 4096
"""Of metadata that are kept of one server, each key counted as `_KEY_CHARS` more; Nova takes 64 KiB from any tenant."""

_KEY_CHARS = 32
"""What a short key costs besides its text: without it, two letters each would take fifty times their length."""

MAX_TAGS, _MAX_TAG = 50, 60
"""Tags of a server, and characters of each: Nova takes no more."""

MAX_MEMORY_MIB = 2**31
"""Of a flavor or a host, a column of Nova's holds no more; what says more does not say anything."""

MAX_SERVICES_KEPT = 2
"""Of one name: where there is more than one, none is trusted."""

_SERVICE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_HOST = "OS-EXT-SRV-ATTR:host"


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
        ValueError: it has no id that a server may have, so no Migration could name it.
    """
    identity, host_id = require(row, "id"), text(row, "hostId") or ""
    if not _SERVER_ID.fullmatch(identity):
        message = "id is none of a server"
        raise ValueError(message)
    status, vm_state = _show(row, "status") or "", (text(row, "OS-EXT-STS:vm_state") or "").lower()
    flavor = _object(row, "flavor")
    locked = row.get("locked")
    return ServerRow(
        id=identity,
        name=_show(row, "name") or "",
        project_id=_show(row, "tenant_id") or _show(row, "project_id") or "",
        status=status,
        host=require(row, _HOST) if text(row, _HOST) is not None else None,
        host_id=host_id if _HOST_ID.fullmatch(host_id) else "",
        task_state=_show(row, "OS-EXT-STS:task_state"),
        vm_state=vm_state,
        memory_mib=_number(flavor, "ram", MAX_MEMORY_MIB) or 0,
        is_locked=locked if isinstance(locked, bool) else None,
        pinned_zone=_show(row, "pinned_availability_zone"),
        is_soft_deleted=status.upper() == "SOFT_DELETED" or vm_state == "soft-delete",
        tags=tuple(tag for tag in _list_texts(row.get("tags"))[:MAX_TAGS] if len(tag) <= _MAX_TAG),
        metadata=_texts(_object(row, "metadata")),
        extra_specs=_texts({key: value for key, value in _object(flavor, "extra_specs").items() if key in DEVICES}),
        created=read_time(row, "created"),
    )


def to_service_row(row: Json) -> ServiceRow:
    """Read a compute service; one in a cell that does not answer counts as enabled, for nothing proves more.

    Raises:
        ValueError: it names no host, or has an id that no service has.
    """
    identity = text(row, "id") or ""
    if identity and not _SERVICE_ID.fullmatch(identity):
        message = "id is none of a service"
        raise ValueError(message)
    status, state = (text(row, "status") or UNKNOWN).lower(), (text(row, "state") or UNKNOWN).lower()
    is_silent = UNKNOWN.lower() in {status, state}
    return ServiceRow(
        id=identity,
        host=require(row, "host"),
        is_up=None if is_silent else state == "up",
        is_enabled=status != "disabled",
        disabled_reason=_show(row, "disabled_reason") or "",
        is_forced_down=row.get("forced_down") is True,
        zone=_show(row, "zone"),
    )


def to_group_row(row: Json) -> GroupRow:
    """Read a server group.

    Raises:
        ValueError: it has no id.
    """
    return GroupRow(
        id=require(row, "id"),
        name=_show(row, "name") or "",
        policy=_show(row, "policy") or "",
        members=frozenset(_list_texts(row.get("members"))),
        max_server_per_host=_number(_object(row, "rules"), "max_server_per_host", MAX_MEMORY_MIB) or 1,
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
    return require(_object(row, "service"), "host"), _number(row, "free_ram_mb", MAX_MEMORY_MIB)


def join_hosts(
    services: Iterable[ServiceRow],
    aggregates: Iterable[tuple[str, frozenset[str]]],
    free_mib: Mapping[str, int | None],
) -> tuple[HostRow, ...]:
    """Join what three lists tell of the hosts; in time that grows with the lists, not with their product."""
    memberships: dict[str, list[str]] = {}
    for name, hosts in aggregates:
        for host in hosts:
            memberships.setdefault(host, []).append(name)
    return tuple(
        HostRow(
            name=service.host,
            is_up=service.is_up is True,
            is_enabled=service.is_enabled,
            zone=service.zone,
            aggregates=tuple(memberships.get(service.host, ())),
            free_memory_mib=free_mib.get(service.host),
        )
        for service in services
    )


def _show(row: Json, key: str) -> str | None:
    """Read a text that people are shown: signs that cannot be, such as half of a pair, become question marks."""
    value = text(row, key)
    if value is None or value.isprintable():
        return value
    return "".join(sign if sign.isprintable() else "?" for sign in value)


def _number(row: Json, key: str, max_value: int) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= max_value else None


def _object(row: Json, key: str) -> Json:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _texts(row: Json) -> dict[str, str]:
    """Keep texts up to a bound; who writes more of them about a server hides the rest of them from rules only."""
    kept, size = {}, 0
    for key in row:
        value = text(row, key)
        size += _KEY_CHARS + len(key) + len(value or "")
        if value is None or size > MAX_TEXT_CHARS:
            continue
        kept[key] = value
    return kept


def _list_texts(values: object) -> list[str]:
    return [word[:255] for word in values if isinstance(word, str)] if isinstance(values, list) else []
