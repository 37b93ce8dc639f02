"""The copying of mailboxes by a hosting provider."""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.mailboxes import local_facts
from osmig.drivers.mailboxes.connecting import connect
from osmig.drivers.mailboxes.performing import perform
from osmig.drivers.mailboxes.policy import policy
from osmig.drivers.mailboxes.reading import READERS

DRIVER = Driver(
    provider_type=ProviderType.HOSTING,
    types=frozenset({MigrationType.MAILBOX_MIGRATION}),
    connect=connect,
    policy=policy,
    add_local_facts=local_facts.add_local_facts,
    carry_over=local_facts.carry_over,
    readers=READERS,
    perform=perform,
    find_hosts=local_facts.find_hosts,
    name_lock=local_facts.name_lock,
)
