"""What a cloud and its credentials can do, found out without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.backends.openstack import nova
from osmig.domain.errors import Absent, NotPermitted
from osmig.domain.upstream import Capability, Probe, Scope

if TYPE_CHECKING:
    from osmig.backends.openstack.listing import Listing
    from osmig.backends.openstack.nova import Nova
    from osmig.backends.openstack.session import ComputeSession

_NEEDED = {
    Capability.LIVE_MIGRATION: nova.ASYNCHRONOUS_START,
    Capability.ABORT: nova.ABORT,
    Capability.ABORT_QUEUED: nova.ABORT_QUEUED,
    Capability.FORCE_COMPLETE: nova.FORCE_COMPLETE,
}
"""Whether the credentials may do these cannot be asked without doing them; the answer to the call itself will tell."""


def probe(session: ComputeSession, api: Nova, listing: Listing) -> Probe:
    """Authenticate and look round.

    Raises:
        BackendError: as any read; ``NotPermitted`` for credentials that are refused, a region or interface without
            Compute, or an endpoint that the operator's settings refuse.
    """
    user_id, project_id = session.identity()
    version = session.version()
    listing.forget()
    scope = listing.scope()
    servers = api.servers(limit=1)
    are_hosts_visible = any(visible for _, visible in servers) if servers else scope is Scope.CLOUD
    capabilities = {capability for capability, needed in _NEEDED.items() if version >= needed}
    if are_hosts_visible:
        # By default the same role may see hosts and name one.
        capabilities |= {Capability.HOSTS, Capability.DESTINATION_HOST}
    if scope is not Scope.UNKNOWN:
        capabilities.add(Capability.ALL_MIGRATIONS)
    if version >= nova.PROGRESS and _may_read_progress(api, servers[0][0].id if servers else None):
        capabilities.add(Capability.PROGRESS)
    return Probe(
        endpoint=session.endpoint(),
        api_version=f"{version[0]}.{version[1]}",
        capabilities=frozenset(capabilities),
        scope=scope,
        user_id=user_id,
        project_id=project_id or listing.project_id(),
    )


def _may_read_progress(api: Nova, server_id: str | None) -> bool:
    """Ask for the progress of nothing; without any server to ask about, suppose so."""
    if server_id is None:
        return True
    try:
        api.progress(server_id, "0")
    except NotPermitted as error:
        if error.reason != Reason.NOT_PERMITTED:
            raise
        return False
    except Absent:
        return True
    return True
