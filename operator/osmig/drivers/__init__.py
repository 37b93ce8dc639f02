"""One driver per kind of upstream; a new one is a folder here and an entry in ``DRIVERS``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.migration import MigrationType
from osmig.api.provider import ProviderType
from osmig.drivers.entries import Drivers, Entry

if TYPE_CHECKING:
    from osmig.drivers.driver import Driver


def _find_servers() -> Driver[Any, Any]:
    from osmig.drivers.servers import DRIVER  # noqa: PLC0415

    return DRIVER


def _find_tenants() -> Driver[Any, Any]:
    from osmig.drivers.tenants import DRIVER  # noqa: PLC0415

    return DRIVER


def _find_mailboxes() -> Driver[Any, Any]:
    from osmig.drivers.mailboxes import DRIVER  # noqa: PLC0415

    return DRIVER


DRIVERS = Drivers(
    (
        Entry(
            ProviderType.OPENSTACK,
            frozenset({MigrationType.LIVE_MIGRATION, MigrationType.COLD_MIGRATION}),
            _find_servers,
        ),
        Entry(ProviderType.WALDUR, frozenset({MigrationType.TENANT_REPLICATION}), _find_tenants),
        Entry(ProviderType.HOSTING, frozenset({MigrationType.MAILBOX_MIGRATION}), _find_mailboxes),
    )
)
"""Everything that osmig can move; nothing of a driver is imported before somebody has an object of its types."""
