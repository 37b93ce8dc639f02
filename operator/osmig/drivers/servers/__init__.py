"""The move of a server, live or cold, by OpenStack Nova."""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.servers import relating
from osmig.drivers.servers.connecting import connect
from osmig.drivers.servers.performing import perform
from osmig.drivers.servers.policy import confirming, moving
from osmig.drivers.servers.reading import READERS

DRIVER = Driver(
    provider_type=ProviderType.OPENSTACK,
    types=frozenset({MigrationType.LIVE_MIGRATION, MigrationType.COLD_MIGRATION}),
    connect=connect,
    policy=moving,
    relate=relating.relate,
    carry=relating.carry,
    readers=READERS,
    perform=perform,
    find_hosts=relating.find_hosts,
    name_lock=relating.name_lock,
    carried_out_by=confirming.CALLS,
    lists_operations=True,
)
