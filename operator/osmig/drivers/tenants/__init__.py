"""The replication of a tenant by Waldur."""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.tenants import relating
from osmig.drivers.tenants.connecting import connect
from osmig.drivers.tenants.performing import perform
from osmig.drivers.tenants.policy import course
from osmig.drivers.tenants.reading import READERS

DRIVER = Driver(
    provider_type=ProviderType.WALDUR,
    types=frozenset({MigrationType.TENANT_REPLICATION}),
    connect=connect,
    policy=course,
    relate=relating.relate,
    carry=relating.carry,
    readers=READERS,
    perform=perform,
    find_hosts=relating.find_hosts,
    name_lock=relating.name_lock,
    shows_own_only=True,
)
