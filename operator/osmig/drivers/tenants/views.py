"""What Waldur reports about a replication, translated by the backend: runs, replicas, their stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from osmig.api.mappings import Mappings

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.tenant_facts import Items


class RunStage(StrEnum):
    """Where a replication stands, whatever the server's version calls it."""

    SCHEDULED = "Scheduled"
    CREATING = "Creating"
    OK = "OK"
    ERRED = "Erred"
    UNKNOWN = "Unknown"


class ReplicaStage(StrEnum):
    """Where the replica's marketplace resource stands."""

    CREATING = "Creating"
    OK = "OK"
    ERRED = "Erred"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"
    UNKNOWN = "Unknown"


LOST_STAGES = frozenset({ReplicaStage.ERRED, ReplicaStage.TERMINATING, ReplicaStage.TERMINATED})
"""A replica in one of these becomes no working tenant any more."""


class OrderStage(StrEnum):
    """Where an order to terminate stands."""

    UNDER_WAY = "UnderWay"
    DONE = "Done"
    ERRED = "Erred"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaJob:
    """What to replicate, and under which name; all ids as the spec has them.

    Attributes:
        name: of the replica; empty while nothing is to be sent.
    """

    source_resource: str
    destination_offering: str
    destination_plan: str
    name: str = ""
    mappings: Mappings = field(default_factory=Mappings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One replication as upstream shows it; all ids without dashes.

    Attributes:
        status: upstream's word, verbatim.
        replica_id, replica_name, replica_status: of the destination resource; ``None`` where an old server is silent.
        error: why it failed, cleaned to one line of at most 300 characters; never a traceback.
        user_id: who ordered it.
        created, updated: UTC.
    """

    id: str
    stage: RunStage = RunStage.UNKNOWN
    status: str = ""
    replica_stage: ReplicaStage = ReplicaStage.UNKNOWN
    replica_status: str | None = None
    replica_id: str | None = None
    replica_name: str | None = None
    source_id: str = ""
    offering_id: str = ""
    user_id: str | None = None
    error: str = ""
    created: dt.datetime | None = None
    updated: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaView:
    """The replica itself, as far as the credentials may see it.

    Attributes:
        status: upstream's word, verbatim.
        tenant_status: upstream's word for the tenant behind it, verbatim; empty where it may not be read.
        is_tenant_settled: upstream takes an order to terminate in the tenant's state, as far as that may be read.
        error: the tenant's own error text, cleaned; empty where there is none or it may not be read.
        items: networks and subnets, counted by their states; ``None`` where they may not be read.
        order_stage: of the order asked about.
        order_error: why that order failed, cleaned.
    """

    id: str
    stage: ReplicaStage
    status: str
    tenant_status: str = ""
    is_tenant_settled: bool = True
    error: str = ""
    items: Items | None = None
    order_stage: OrderStage = OrderStage.UNKNOWN
    order_error: str = ""
