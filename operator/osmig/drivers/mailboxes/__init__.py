"""The copying of mailboxes by a hosting provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.driver import Driver
from osmig.drivers.mailboxes import local_facts
from osmig.drivers.mailboxes.performing import perform
from osmig.drivers.mailboxes.policy import policy
from osmig.drivers.mailboxes.reading import READERS

if TYPE_CHECKING:
    from osmig.drivers.driver import Build
    from osmig.drivers.mailboxes.ports import MailboxBackend


def _load() -> Build[MailboxBackend]:
    from osmig.drivers.mailboxes.hosting.factory import build  # noqa: PLC0415

    return build


DRIVER = Driver(
    provider_type=ProviderType.HOSTING,
    types=frozenset({MigrationType.MAILBOX_MIGRATION}),
    load=_load,
    policy=policy,
    add_local_facts=local_facts.add_local_facts,
    readers=READERS,
    perform=perform,
    list_operations=lambda backend: backend.list_operations(),
)
