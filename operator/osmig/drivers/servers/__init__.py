"""The move of a server, live or cold, by OpenStack Nova."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.servers import local_facts
from osmig.drivers.servers.adopting import adopt
from osmig.drivers.servers.performing import perform
from osmig.drivers.servers.policy import confirming, policy
from osmig.drivers.servers.reading import READERS

if TYPE_CHECKING:
    from osmig.drivers.driver import Build
    from osmig.drivers.servers.ports import ServerBackend


def _load() -> Build[ServerBackend]:
    from osmig.drivers.servers.nova.factory import build  # noqa: PLC0415

    return build


DRIVER = Driver(
    provider_type=ProviderType.OPENSTACK,
    types=frozenset({MigrationType.LIVE_MIGRATION, MigrationType.COLD_MIGRATION}),
    load=_load,
    policy=policy,
    add_local_facts=local_facts.add_local_facts,
    carry_over=local_facts.carry_over,
    readers=READERS,
    perform=perform,
    find_hosts=local_facts.find_hosts,
    name_lock=local_facts.name_lock,
    carried_out_by=confirming.CALLS,
    lists_operations=True,
    adopt=adopt,
    find_compute_hosts=lambda backend: backend.compute_hosts,
)
