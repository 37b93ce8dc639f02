"""What a Waldur and its token can do, found out without changing anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from osmig.domain.capabilities import Capability, Probe, Scope
from osmig.drivers.tenants.waldur.reading import unless_hidden
from osmig.drivers.tenants.waldur.requests import READ_USER, READ_VERSION
from osmig.drivers.tenants.waldur.tokens import SINCE, read_expiry
from osmig.drivers.tenants.waldur.wire import UserRow, VersionRow
from osmig.net.limiting import Priority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.drivers.tenants.views import RunView
    from osmig.drivers.tenants.waldur.session import WaldurSession

OLDEST = (7, 6, 4)
"""Before it nothing starts by itself, and an order with a name, the only baseline there is, is answered with 500."""

UNKNOWN_VERSION = "unknown"
"""What servers before 8.1 tell everybody but staff and support."""

_FILTERS_TYPES = (7, 7, 0)
"""Older servers ignore that volume types are asked for by offering, and list those of all services."""

_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})\b")
_MAX_VERSION = 64
_CAPABILITIES = frozenset({Capability.TENANT_REPLICATION})


async def probe(session: WaldurSession) -> Probe:
    """Authenticate and read version, user and expiry of the token.

    Raises:
        BackendError: as any read; ``NotPermitted`` for a token that is refused.
    """
    user = await unless_hidden(session.row(UserRow, READ_USER.about(), Priority.SWEEP))
    await session.ping(Priority.SWEEP)
    version = await read_version(session, Priority.SWEEP)
    capabilities = frozenset[Capability]() if is_too_old(version) else _CAPABILITIES
    may_tell = (number := read_number(version)) is not None and number >= SINCE
    return Probe(
        endpoint=session.endpoint,
        api_version=version,
        capabilities=capabilities,
        possible=capabilities,
        scope=_scope(user),
        user_id=user.uuid if user is not None else None,
        expires=await read_expiry(session, Priority.SWEEP) if may_tell else None,
    )


async def read_version(session: WaldurSession, priority: Priority) -> str:
    """Read the server's version; ``unknown`` where it does not tell."""
    row = await unless_hidden(session.row(VersionRow, READ_VERSION.about(), priority))
    return (row.version if row is not None and row.version else UNKNOWN_VERSION)[:_MAX_VERSION]


def is_numbered(version: str) -> bool:
    """Whether a version tells anything; a build from a branch is ``0.0.0`` or has the branch's name."""
    return read_number(version) is not None


def is_too_old(version: str) -> bool:
    """Whether a version is certainly one without what is needed."""
    number = read_number(version)
    return number is not None and number < OLDEST


def filters_types(version: str) -> bool | None:
    """Whether a server lists the volume types of one offering; ``None`` where the version does not tell."""
    number = read_number(version)
    return number >= _FILTERS_TYPES if number is not None else None


def shows_old_server(runs: Iterable[RunView]) -> bool:
    """Whether replications are listed as servers before 7.6.4 did: with the replica's id, and without its state."""
    replicas = [run for run in runs if run.replica_id is not None]
    return bool(replicas) and all(run.replica_status is None for run in replicas)


def read_number(version: str) -> tuple[int, ...] | None:
    """Return a version as numbers to compare; ``None`` where it tells none."""
    found = _VERSION.match(version[:_MAX_VERSION])
    number = tuple(int(part) for part in found.groups()) if found else ()
    return number if any(number) else None


def _scope(user: UserRow | None) -> Scope:
    """Staff and support see everybody's replications, others their own only; no flag is no answer."""
    if user is None:
        return Scope.UNKNOWN
    if user.is_staff or user.is_support:
        return Scope.CLOUD
    return Scope.PROJECT if user.is_staff is False and user.is_support is False else Scope.UNKNOWN
