"""Which of a tenant's replications is the one that a Migration ordered, in this life or in an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from osmig.api.mappings import canonical_id
from osmig.domain import named_orders
from osmig.drivers.tenants.policy import replica_name
from osmig.drivers.tenants.views import ReplicaStage, RunStage, RunView

if TYPE_CHECKING:
    from collections.abc import Iterable

Choice: TypeAlias = named_orders.Choice[RunView]


def _has_succeeded(run: RunView) -> bool:
    return (run.stage, run.replica_stage) == (RunStage.OK, ReplicaStage.OK)


RUN = named_orders.Kind(
    upstream="Waldur",
    thing="run",
    name="name",
    type=RunView,
    id_of=lambda run: run.id,
    has_succeeded=_has_succeeded,
)
"""What is ordered of Waldur."""


def choose(runs: Iterable[RunView], *, base: str, offering: str, attempt: int) -> Choice | None:
    """Return the run of this Migration, ``None`` when there is none.

    Args:
        runs: of the source tenant, oldest first.
        base: what the names of all attempts begin with.
        offering: the destination's offering, in any spelling.
        attempt: that is to be made.
    """
    wanted = canonical_id(offering)
    numbered = ((replica_name.read_attempt(run.replica_name, base), run) for run in runs if run.offering_id == wanted)
    ours = ((number, run) for number, run in numbered if number is not None)
    return named_orders.choose(RUN, ours, attempt=attempt)


def find_named(runs: Iterable[RunView], name: str, *, attempt: int) -> Choice | None:
    """Return the run whose replica has the very name that was ordered, ``None`` when there is none."""
    named = [run for run in runs if replica_name.has_name(run.replica_name, name)]
    return named_orders.pick(RUN, named, attempt=attempt)
