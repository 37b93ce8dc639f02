"""One driver per kind of upstream; a new one is a folder here and an entry in ``DRIVERS``."""

from __future__ import annotations

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.entries import Drivers, Entry, find_in

DRIVERS = Drivers(
    (
        Entry(
            ProviderType.OPENSTACK,
            {MigrationType.LIVE_MIGRATION, MigrationType.COLD_MIGRATION},
            find_in("servers"),
            has_hosts=True,
        ),
        Entry(ProviderType.WALDUR, {MigrationType.TENANT_REPLICATION}, find_in("tenants")),
        Entry(ProviderType.HOSTING, {MigrationType.MAILBOX_MIGRATION}, find_in("mailboxes")),
    )
)
"""Everything that osmig can move; nothing of a driver is imported before somebody has an object of its types."""
