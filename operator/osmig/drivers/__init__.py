"""One driver per kind of upstream; a new one is a folder here and an entry in ``DRIVERS``."""

from __future__ import annotations

from osmig.drivers import mailboxes, servers, tenants
from osmig.drivers.driver import Drivers

DRIVERS = Drivers((servers.DRIVER, tenants.DRIVER, mailboxes.DRIVER))
"""Everything that osmig can move."""
