"""Whether a move would end before its window does, by how long those took that the plan has made so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from osmig.api.names import MigrationType
from osmig.api.plan_names import Judgement
from osmig.domain.plans.counting import FEWEST_MOVES
from osmig.domain.plans.scenes import Place
from osmig.domain.plans.windows import judge_windows, list_openings_s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.scenes import PlannedServer, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How long moves take, and how long they may.

    Attributes:
        seconds_per_mib: of memory, by the kind of move: the median of those that have ended; none where too few have.
        left_s: until the open window closes; infinite where none does.
        longest_s: how long the windows are open at most, each time that they open again as far as that is looked at.
    """

    seconds_per_mib: Mapping[MigrationType, float] = field(default_factory=dict)
    left_s: float = float("inf")
    longest_s: float = float("inf")

    def has_room(self, planned: PlannedServer) -> bool:
        """Whether a server's move may begin: it would end in time, or in no later opening either.

        What no opening is long enough for would never be moved if it waited for one.
        """
        return self.is_in_time(planned) or self._estimate_s(planned) > self.longest_s

    def is_in_time(self, planned: PlannedServer) -> bool:
        """Whether a server's move would end before the window closes."""
        return self._estimate_s(planned) <= self.left_s

    def word(self, late: Sequence[PlannedServer]) -> str:
        """Say what servers wait for the next window that have no room in this one."""
        shortest_min, left_min = min(self._estimate_s(planned) for planned in late) / 60, self.left_s / 60
        return (
            f"by the moves so far, each that is left takes {shortest_min:.0f} min or longer, and the window closes in "
            f"{left_min:.0f} min; waiting for the next one: {len(late)}"
        )

    def _estimate_s(self, planned: PlannedServer) -> float:
        is_cold = planned.verdict is not None and planned.verdict.judgement is Judgement.COLD
        kind = MigrationType.COLD_MIGRATION if is_cold else MigrationType.LIVE_MIGRATION
        return self.seconds_per_mib.get(kind, 0.0) * max(planned.memory_mib, 1)


def measure_fitting(scene: Scene, observation: PlanObservation) -> Fitting:
    """Measure the plan's moves, and what is left of the window that is open."""
    schedule = observation.plan.spec.times
    change_time = judge_windows(schedule, observation.now).change_time
    if change_time is None:
        return Fitting()
    took = {kind: _list_took(scene, kind) for kind in MigrationType}
    fitting = Fitting(
        seconds_per_mib={kind: median(found) for kind, found in took.items() if len(found) >= FEWEST_MOVES},
        left_s=(change_time - observation.now).total_seconds(),
    )
    if all(fitting.is_in_time(planned) for planned in scene.at(Place.PENDING)):
        return fitting
    return replace(fitting, longest_s=max(list_openings_s(schedule, observation.now), default=0.0))


def _list_took(scene: Scene, kind: MigrationType) -> list[float]:
    """List the seconds per MiB of the moves of a kind that have ended well."""
    ended = [planned.child for planned in scene.at(Place.SUCCEEDED) if planned.child and planned.child.type is kind]
    return [
        (child.completion_time - child.start_time).total_seconds() / child.memory_mib
        for child in ended
        if child.start_time is not None and child.completion_time is not None and child.memory_mib
    ]
