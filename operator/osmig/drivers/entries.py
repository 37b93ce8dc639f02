"""Where each driver is found: it is imported when the first object of one of its types needs it, and not before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from osmig.net.threads import run_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from osmig.api.migration import MigrationType
    from osmig.api.provider import ProviderSpec, ProviderType
    from osmig.drivers.driver import Driver
    from osmig.drivers.ports import Backend, BackendFactory, Net


@dataclass(frozen=True, slots=True)
class Entry:
    """One driver that may not be imported yet.

    Attributes:
        provider_type: the type of Provider that it serves.
        types: of Migrations.
        find: imports it, and returns it; asked again and again.
        has_hosts: its upstream has hosts that can be emptied (`Driver.find_compute_hosts`).
    """

    provider_type: ProviderType
    types: Collection[MigrationType]
    find: Callable[[], Driver[Any, Any]]
    has_hosts: bool = False

    async def connect(self, net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Backend:
        """Import the driver in a thread, and connect as it does (`osmig.drivers.driver.Driver.connect`).

        Raises:
            InvalidConfiguration: with the field or the Secret's key at fault in the message.
        """
        driver = await run_apart(self.find)
        backend: Backend = await driver.connect(net, key, spec, secret)
        return backend


def find_in(folder: str) -> Callable[[], Driver[Any, Any]]:
    """Return what imports the driver of a folder of ``osmig.drivers`` when it is asked for."""

    @cache
    def find() -> Driver[Any, Any]:
        driver: Driver[Any, Any] = import_module(f"osmig.drivers.{folder}").DRIVER
        return driver

    return find


def enter(driver: Driver[Any, Any]) -> Entry:
    """Return the entry of a driver that is imported already."""
    return Entry(driver.provider_type, driver.types, lambda: driver, driver.find_compute_hosts is not None)


class Drivers:
    """All drivers, by what they serve."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Register drivers; each type of Provider and of Migration has one."""
        known = tuple(entries)
        self._by_migration = MappingProxyType({kind: entry for entry in known for kind in entry.types})
        self._by_provider = MappingProxyType({entry.provider_type: entry for entry in known})

    def factories(self, net: Net) -> Mapping[str, BackendFactory]:
        """Return what connects to a Provider, by ``spec.type``."""
        return {str(kind): partial(entry.connect, net) for kind, entry in self._by_provider.items()}

    def of_migration(self, migration_type: MigrationType) -> Driver[Any, Any]:
        """Return the driver of a type of Migration."""
        return self._by_migration[migration_type].find()

    def of_provider(self, provider_type: ProviderType) -> Driver[Any, Any]:
        """Return the driver of a type of Provider."""
        return self._by_provider[provider_type].find()

    def find_host_type(self) -> ProviderType:
        """Return the type of Provider whose upstream has hosts that can be emptied.

        Raises:
            StopIteration: there is none.
        """
        return next(entry.provider_type for entry in self._by_provider.values() if entry.has_hosts)
