"""Which of a tenant's replications is the one that a Migration ordered, in this life or in an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.drivers.tenants.policy import replica_name
from osmig.drivers.tenants.views import ReplicaStage, RunStage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from osmig.drivers.tenants.views import RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A run to follow.

    Attributes:
        attempt: that it belongs to, by its name.
        others: ids of runs of the same name, which are left alone.
    """

    run: RunView
    attempt: int
    others: tuple[str, ...] = ()


def choose(runs: Iterable[RunView], *, base: str, offering: str, attempt: int) -> Choice | None:
    """Return the run of this Migration, ``None`` when there is none.

    The first attempt takes over what an earlier life of the same manifest left, whatever its attempt was: a success
    if there is one, else the newest attempt. A later attempt was ordered anew and knows only its own.

    Args:
        runs: of the source tenant, oldest first.
        base: what the names of all attempts begin with.
        offering: the destination's offering, in any spelling.
        attempt: that is to be made.
    """
    ours: dict[int, list[RunView]] = {}
    for run in runs:
        number = replica_name.read_attempt(run.replica_name, base)
        if number is not None and run.offering_id == canonical_id(offering):
            ours.setdefault(number, []).append(run)
    if attempt > 1:
        ours = {number: found for number, found in ours.items() if number == attempt}
    if not ours:
        return None
    succeeded = [number for number, found in ours.items() if any(map(_has_succeeded, found))]
    number = max(succeeded or ours)
    return _pick(ours[number], number)


def find_named(runs: Iterable[RunView], name: str, *, attempt: int) -> Choice | None:
    """Return the run whose replica has the very name that was ordered, ``None`` when there is none."""
    named = [run for run in runs if replica_name.has_name(run.replica_name, name)]
    return _pick(named, attempt) if named else None


def _pick(runs: Sequence[RunView], attempt: int) -> Choice:
    """Take the oldest; one that has succeeded goes before those that have not."""
    chosen = next((run for run in runs if _has_succeeded(run)), runs[0])
    return Choice(run=chosen, attempt=attempt, others=tuple(run.id for run in runs if run.id != chosen.id))


def _has_succeeded(run: RunView) -> bool:
    return (run.stage, run.replica_stage) == (RunStage.OK, ReplicaStage.OK)
