"""What a cloud and its credentials can do, found out without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.capabilities import Capability, Probe, Scope
from osmig.domain.errors import Absent, NotPermitted
from osmig.drivers.servers.nova import nova

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from osmig.drivers.servers.nova.listing import Listing
    from osmig.drivers.servers.nova.nova import Nova
    from osmig.drivers.servers.nova.session import ComputeSession, Version

_NEEDED = {
    Capability.LIVE_MIGRATION: nova.ASYNCHRONOUS_START,
    Capability.DESTINATION_HOST: nova.ASYNCHRONOUS_START,
    Capability.COLD_MIGRATION: nova.COLD_MIGRATE,
    Capability.COLD_DESTINATION_HOST: nova.COLD_DESTINATION,
    Capability.CONFIRM: nova.CONFIRM,
    Capability.ABORT: nova.ABORT,
    Capability.ABORT_QUEUED: nova.ABORT_QUEUED,
    Capability.FORCE_COMPLETE: nova.FORCE_COMPLETE,
}

_HOST_RIGHTS = frozenset({Capability.DESTINATION_HOST, Capability.COLD_DESTINATION_HOST})
"""By Nova's default policy the role that may see hosts may name one."""

_MANAGER_RIGHTS = frozenset(
    {
        Capability.LIVE_MIGRATION,
        Capability.COLD_MIGRATION,
        Capability.ABORT,
        Capability.ABORT_QUEUED,
        Capability.FORCE_COMPLETE,
    }
)

ROLE_RIGHTS = {
    "admin": frozenset(_NEEDED),
    "manager": _MANAGER_RIGHTS,
    "member": frozenset({Capability.CONFIRM}),
    "reader": frozenset[Capability](),
}
"""Nova's default policy, by the token's roles; a token names the implied ones, too."""


def probe(session: ComputeSession, api: Nova, listing: Listing) -> Probe:
    """Authenticate and read what the cloud and the credentials can do.

    Raises:
        BackendError: as any read; ``NotPermitted`` for credentials that are refused, a region or interface without
            Compute, or an endpoint that the operator's settings refuse.
    """
    user_id, project_id = session.identity()
    session.forget_version()
    version = session.version()
    listing.forget()
    scope = listing.scope()
    servers = api.servers(limit=1)
    server_id = servers[0][0].id if servers else None
    possible = find_possible(version)
    capabilities = set(find_permitted(possible, session.roles()))
    if any(visible for _, visible in servers) if servers else scope is Scope.CLOUD:
        capabilities |= {Capability.HOSTS} | (possible & _HOST_RIGHTS)
    else:
        capabilities -= _HOST_RIGHTS
    if scope is not Scope.UNKNOWN:
        capabilities.add(Capability.ALL_MIGRATIONS)
    elif may_read_actions(api, server_id):
        capabilities.add(Capability.FOLLOW_BY_SERVER)
    if version >= nova.PROGRESS and may_read_progress(api, server_id):
        capabilities.add(Capability.PROGRESS)
    return Probe(
        endpoint=session.endpoint(),
        api_version=f"{version[0]}.{version[1]}",
        capabilities=frozenset(capabilities),
        scope=scope,
        possible=possible,
        user_id=user_id,
        project_id=project_id or listing.project_id(),
    )


def find_possible(version: Version) -> frozenset[Capability]:
    """Tell what a cloud of this version has, whoever asks."""
    return frozenset(capability for capability, needed in _NEEDED.items() if version >= needed)


def find_permitted(possible: frozenset[Capability], roles: Collection[str] | None) -> frozenset[Capability]:
    """Reduce what is possible by what Nova's default policy refuses to these roles.

    Where the roles are unknown, or none of the default ones is among them, a policy of the cloud's own decides; the
    answer to the call itself will tell.
    """
    known = [ROLE_RIGHTS[role] for role in roles or () if role in ROLE_RIGHTS]
    return possible & frozenset().union(*known) if known else possible


def may_read_progress(api: Nova, server_id: str | None) -> bool:
    """Ask for the progress of nothing; without any server to ask about, suppose so."""
    return server_id is None or _is_readable(lambda: api.progress(server_id, "0"))


def may_read_actions(api: Nova, server_id: str | None) -> bool:
    """Ask for the newest action; without any server to ask about, suppose so."""
    return server_id is None or _is_readable(lambda: api.actions(server_id, limit=1))


def _is_readable(read: Callable[[], object]) -> bool:
    try:
        read()
    except NotPermitted:
        return False
    except Absent:
        return True
    return True
