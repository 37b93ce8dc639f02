"""The replication of a tenant by Waldur."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.tenants import local_facts
from osmig.drivers.tenants.performing import perform
from osmig.drivers.tenants.policy import policy
from osmig.drivers.tenants.reading import READERS

if TYPE_CHECKING:
    from osmig.drivers.driver import Build
    from osmig.drivers.tenants.ports import TenantBackend


def _load() -> Build[TenantBackend]:
    from osmig.drivers.tenants.waldur.factory import build  # noqa: PLC0415

    return build


DRIVER = Driver(
    provider_type=ProviderType.WALDUR,
    types=frozenset({MigrationType.TENANT_REPLICATION}),
    load=_load,
    policy=policy,
    add_local_facts=local_facts.add_local_facts,
    carry_over=local_facts.carry_over,
    readers=READERS,
    perform=perform,
    list_operations=lambda backend: backend.list_operations(),
)
