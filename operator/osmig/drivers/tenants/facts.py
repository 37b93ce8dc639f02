"""What is known of one replication at one moment: read from Waldur, or from the mappings in the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from osmig.domain.observation import Observation, ReadFacts, UnsweptFacts

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.api.migration import PreflightCheck
    from osmig.drivers.tenants.views import ReplicaView, RunView

FactName: TypeAlias = Literal["preflight", "runs", "run", "replica"]
"""A fact that is read from Waldur; several are read in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationFacts(UnsweptFacts):
    """What is known of a replication (`osmig.domain.observation.Facts`).

    Attributes:
        referenced: the mappings that ``spec.tenant.mappingRef`` names, as they are now; ``None`` if there are none.
        preflight: what was checked before the order.
        runs: every replication of the source tenant that the credentials see, oldest first.
        run: the replication that is followed.
        replica: what it makes.
    """

    referenced: Mappings | None = None
    preflight: tuple[PreflightCheck, ...] | None = None
    runs: tuple[RunView, ...] | None = None
    run: RunView | None = None
    replica: ReplicaView | None = None


ReplicationObservation: TypeAlias = Observation[ReplicationFacts]
"""One moment of a replication."""


def read(*names: FactName) -> ReadFacts:
    """Ask for facts that a decision lacks."""
    return ReadFacts(frozenset(names))
