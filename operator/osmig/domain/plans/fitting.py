"""Whether a move would end before its window does, by how long those took that the plan has made so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from osmig.api.names import MigrationType
from osmig.api.plan_names import Judgement
from osmig.api.plan_windows import WindowKind
from osmig.domain.plans.scenes import Place
from osmig.domain.plans.windows import judge_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.scenes import PlannedServer, Scene

_FEWEST_MOVES = 3
"""As of the forecast: fewer say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How long moves take, and how long they may.

    Attributes:
        seconds_per_mib: of memory, by the kind of move: the median of those that have ended; none where too few have.
        left_s: until the open window closes; infinite where none does.
        longest_s: how long a window is open at most; infinite where none opens by itself.
    """

    seconds_per_mib: Mapping[MigrationType, float] = field(default_factory=dict)
    left_s: float = float("inf")
    longest_s: float = float("inf")

    def has_room(self, planned: PlannedServer) -> bool:
        """Whether a server's move may begin: it would end in time, or in no window at all.

        What no window is long enough for would never be moved if it waited for one.
        """
        takes_s = self._estimate_s(planned)
        return takes_s <= self.left_s or takes_s > self.longest_s

    def word(self, late: Sequence[PlannedServer]) -> str:
        """Say what servers wait for the next window that have no room in this one."""
        shortest_s = min(self._estimate_s(planned) for planned in late)
        return (
            f"{len(late)} servers wait for the next window: by the moves so far, the smallest takes "
            f"{shortest_s / 60:.0f} min, and this window closes in {self.left_s / 60:.0f} min"
        )

    def _estimate_s(self, planned: PlannedServer) -> float:
        is_cold = planned.verdict is not None and planned.verdict.judgement is Judgement.COLD
        kind = MigrationType.COLD_MIGRATION if is_cold else MigrationType.LIVE_MIGRATION
        memory_mib = planned.row.memory_mib if planned.row is not None else 0
        return self.seconds_per_mib.get(kind, 0.0) * max(memory_mib, 1)


def measure_fitting(scene: Scene, observation: PlanObservation) -> Fitting:
    """Measure the plan's moves, and what is left of the window that is open."""
    schedule = observation.plan.spec.times
    change_time = judge_windows(schedule, observation.now).change_time
    if change_time is None:
        return Fitting()
    allowed = [window.duration_seconds for window in schedule.windows if window.kind is WindowKind.ALLOW]
    return Fitting(
        seconds_per_mib={
            kind: median(took) for kind in MigrationType if len(took := _list_took(scene, kind)) >= _FEWEST_MOVES
        },
        left_s=(change_time - observation.now).total_seconds(),
        longest_s=max(allowed, default=float("inf")),
    )


def _list_took(scene: Scene, kind: MigrationType) -> list[float]:
    """List the seconds per MiB of the moves of a kind that have ended well."""
    ended = [planned.child for planned in scene.at(Place.SUCCEEDED) if planned.child and planned.child.type is kind]
    return [
        (child.completion_time - child.start_time).total_seconds() / child.memory_mib
        for child in ended
        if child.start_time is not None and child.completion_time is not None and child.memory_mib
    ]
