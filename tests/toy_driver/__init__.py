"""A driver of the tests' own, as small as one can be: it copies a box, then empties the source.

It takes the place of Waldur's driver where it is registered, because the types of Migration are the API's.
"""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from toy_driver import local_facts, policy
from toy_driver.adapter import build
from toy_driver.performing import perform
from toy_driver.reading import READERS

DRIVER = Driver(
    provider_type=ProviderType.WALDUR,
    types=frozenset({MigrationType.TENANT_REPLICATION}),
    load=lambda: build,
    policy=policy,
    add_local_facts=local_facts.add_local_facts,
    readers=READERS,
    perform=perform,
)
