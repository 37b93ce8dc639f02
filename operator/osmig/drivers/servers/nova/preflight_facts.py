"""What the checks before a start need to know, read from the cloud without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.domain.capabilities import Scope
from osmig.domain.errors import Absent, NotPermitted, Refused
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.nova.lookup import find_past_hosts, newest_active
from osmig.drivers.servers.nova.probing import may_read_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.nova.listing import Listing
    from osmig.drivers.servers.nova.nova import Nova
    from osmig.drivers.servers.nova.session import ComputeSession, Version
    from osmig.drivers.servers.views import HostView, Job, ServerView


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What preflight read; ``None`` where the credentials may not read it, or for want of a server.

    Attributes:
        version: the highest microversion both sides speak.
        scope: whose migrations can be listed.
        roles: of the token.
        missing: why there is no server.
        is_hidden: it may well exist, but servers may not be read.
        hosts: the cloud's compute hosts by name.
        active: the newest migration of the server that is not over.
        past_hosts: hosts that the server was moved away from.
        may_read_progress: of this server.
    """

    version: Version
    scope: Scope
    roles: frozenset[str] | None = None
    server: ServerView | None = None
    missing: str = ""
    is_hidden: bool = False
    is_locked: bool | None = None
    are_hosts_visible: bool = False
    hosts: Mapping[str, HostView] | None = None
    active: RecordView | None = None
    past_hosts: frozenset[str] = frozenset()
    may_read_progress: bool = False


def collect_facts(
    job: Job, session: ComputeSession, api: Nova, listing: Listing, *, resolve: Callable[[str], ServerView]
) -> Facts:
    """Read what the checks need.

    Args:
        job: what would be done.
        session: the login.
        api: the cloud.
        listing: its migrations.
        resolve: finds a server by its exact name.

    Raises:
        BackendError: as any read; a missing or ambiguous server is a fact.
    """
    version, scope, roles = session.version(), listing.scope(), session.roles()
    try:
        server_id = job.server_id or resolve(job.server_name or "").id
        server, are_hosts_visible, is_locked = api.sight(server_id)
    except (Absent, Refused) as error:
        return Facts(version=version, scope=scope, roles=roles, missing=error.message)
    except NotPermitted as error:
        return Facts(version=version, scope=scope, roles=roles, missing=error.message, is_hidden=True)
    records = listing.of_server(server.id) if scope is not Scope.UNKNOWN else ()
    return Facts(
        version=version,
        scope=scope,
        roles=roles,
        server=server,
        is_locked=is_locked,
        are_hosts_visible=are_hosts_visible,
        hosts=_read_hosts(api) if are_hosts_visible else None,
        active=newest_active(records),
        past_hosts=find_past_hosts(records),
        may_read_progress=job.kind is MoveKind.LIVE and may_read_progress(api, server.id),
    )


def _read_hosts(api: Nova) -> dict[str, HostView] | None:
    try:
        return {host.name: host for host in api.hosts()}
    except NotPermitted:
        return None
