"""Whether the cloud has compute hosts of given names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.errors import Absent, NotPermitted, NotUnderstood
from osmig.domain.host_names import find_similar
from osmig.drivers.servers.views import NamedHost

if TYPE_CHECKING:
    from collections.abc import Collection

    from osmig.drivers.servers.nova.nova import Nova


def find_named(api: Nova, names: Collection[str]) -> tuple[NamedHost, ...]:
    """Look for each name; what may not be looked at, or is not served by this cloud, is unknown.

    Raises:
        BackendError: as any other read.
    """
    try:
        found = {name: bool(api.hosts(name)) for name in names}
        listed = () if all(found.values()) else tuple(host.name for host in api.hosts())
    except (NotPermitted, NotUnderstood, Absent):
        return tuple(NamedHost(name=name) for name in names)
    return tuple(
        NamedHost(name=name, exists=exists, similar=None if exists else find_similar(name, listed))
        for name, exists in found.items()
    )
