"""Where servers may go: all such hosts, told once for all servers of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from osmig.domain.plans.sweeps import HostRow


@dataclass(frozen=True, slots=True)
class Destinations:
    """Hosts that servers may go to.

    Attributes:
        names: of all.
        by_zone: the same by availability zone.
    """

    names: frozenset[str] = frozenset()
    by_zone: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def count_besides(self, host: str | None) -> int:
        """Count those that a server on this host may go to."""
        return len(self.names) - (host in self.names)

    def has_other(self, zone: str, host: str | None) -> bool:
        """Whether a zone has one besides this host."""
        names = self.by_zone.get(zone, frozenset())
        return len(names) > (host in names)


def list_destinations(rows: Iterable[HostRow]) -> Destinations:
    """Sort hosts that servers may go to by their zones."""
    by_zone: dict[str, set[str]] = {}
    names = set()
    for row in rows:
        names.add(row.name)
        if row.zone is not None:
            by_zone.setdefault(row.zone, set()).add(row.name)
    return Destinations(frozenset(names), {zone: frozenset(found) for zone, found in by_zone.items()})
