"""The replication of a tenant by Waldur."""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.tenants import local_facts
from osmig.drivers.tenants.connecting import connect
from osmig.drivers.tenants.performing import perform
from osmig.drivers.tenants.policy import policy
from osmig.drivers.tenants.reading import READERS

DRIVER = Driver(
    provider_type=ProviderType.WALDUR,
    types=frozenset({MigrationType.TENANT_REPLICATION}),
    connect=connect,
    policy=policy,
    add_local_facts=local_facts.add_local_facts,
    carry_over=local_facts.carry_over,
    readers=READERS,
    perform=perform,
    find_hosts=local_facts.find_hosts,
    name_lock=local_facts.name_lock,
)
