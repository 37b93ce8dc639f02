"""One look at a whole plan: every server with its verdict and its newest Migration, and where it therefore stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from osmig.api.names import Phase, Reason
from osmig.api.plan_names import Judgement
from osmig.domain.plans.again import MAX_CHILDREN, find_retry_token, wants_fallback
from osmig.domain.plans.circumstances import AllCircumstances, list_memberships, list_sweeps
from osmig.domain.plans.judging import ServerVerdict, judge, judge_missing
from osmig.domain.plans.sweeps import HostSweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from osmig.domain.plans.children import ChildView
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.sweeps import ServerRow, ServerSweep

_GONE = frozenset({Reason.SERVER_GONE, Reason.SERVER_NOT_FOUND})
_BEFORE_THE_START = frozenset({None, Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED})


class Place(StrEnum):
    """Where a server stands in a plan."""

    PENDING = "Pending"
    WAITING = "Waiting"
    QUEUED = "Queued"
    RUNNING = "Running"
    AWAITING = "AwaitingConfirmation"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"
    SKIPPED = "Skipped"
    BLOCKED = "Blocked"
    GONE = "Gone"


OPEN = (Place.PENDING, Place.WAITING, Place.QUEUED, Place.RUNNING, Place.AWAITING)
"""Places of servers that something is still waited for."""

UNDER_WAY = (Place.QUEUED, Place.RUNNING)
"""Places of servers whose Migration was made and has neither ended nor arrived."""

LEFT = (Place.BLOCKED, Place.FAILED, Place.ABORTED)
"""Places of servers that stay where they are against the plan's will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedServer:
    """One server of the plan.

    Attributes:
        row: as the newest look shows it; ``None`` once it is on none of the plan's hosts, or is no server at all.
        verdict: on ``row``, or on an id that is no server's.
        child: its newest Migration.
        is_again: its Migration did not succeed and is to be tried again.
    """

    server_id: str
    place: Place
    row: ServerRow | None = None
    verdict: ServerVerdict | None = None
    child: ChildView | None = None
    is_again: bool = False

    @property
    def memory_mib(self) -> int:
        """The server's memory: as it is listed, else as it was when its Migration was made; 0 where neither tells."""
        if self.row is not None:
            return self.row.memory_mib
        return self.child.memory_mib if self.child is not None else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that is known of a plan's servers at one moment."""

    planned_servers: tuple[PlannedServer, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self, *places: Place) -> Iterator[PlannedServer]:
        """Yield the servers that stand at one of these places."""
        return (planned for planned in self.planned_servers if planned.place in places)

    def count(self) -> Counter[Place]:
        """Count the servers by place."""
        return Counter(planned.place for planned in self.planned_servers)


def build_scene(observation: PlanObservation) -> Scene:
    """Judge every server that a look shows or misses, or that has a Migration; in time that grows with their number."""
    children = newest_children(observation)
    rows = {server.id: (server, sweep) for sweep in list_sweeps(observation) for server in sweep.servers}
    memberships = list_memberships(observation)
    missing = frozenset(observation.target_sweep.missing if observation.target_sweep is not None else ())
    circumstances = AllCircumstances(observation, memberships)
    planned_servers = []
    for server_id in sorted({*rows, *children, *missing}):
        row, sweep = rows.get(server_id, (None, None))
        child, verdict = children.get(server_id), None
        if row is not None and sweep is not None:
            around = circumstances.of(row, sweep)
            falls_back = child is not None and wants_fallback(child, observation.plan.spec)
            verdict = judge(row, observation.plan.spec, around, falls_back=falls_back)
        elif server_id in missing:
            verdict = judge_missing(server_id, circumstances.of_all)
        planned_servers.append(_stand(server_id, row, sweep, verdict, child, observation))
    return Scene(
        planned_servers=tuple(planned_servers),
        groups={server_id: tuple(group.id for group in groups) for server_id, groups in memberships.items()},
    )


def newest_children(observation: PlanObservation) -> dict[str, ChildView]:
    """Return each server's newest Migration."""
    newest: dict[str, ChildView] = {}
    for child in observation.children:
        known = newest.get(child.server_id)
        if known is None or known.index < child.index:
            newest[child.server_id] = child
    return newest


def _stand(
    server_id: str,
    row: ServerRow | None,
    sweep: ServerSweep | None,
    verdict: ServerVerdict | None,
    child: ChildView | None,
    observation: PlanObservation,
) -> PlannedServer:
    is_again = False
    if child is not None and not child.is_finished:
        place = _place_under_way(child)
    elif verdict is not None and verdict.judgement is Judgement.SKIP:
        place = Place.SKIPPED
    elif child is None:
        place = _place_without_child(server_id, sweep, verdict, observation)
    elif verdict is not None and _may_fall_back(child, verdict, observation):
        place = _place_by_verdict(verdict)
    elif child.phase is not Phase.SUCCEEDED:
        is_again = find_retry_token(child, observation.status) is not None
        place = Place.PENDING if is_again else _place_of_failed(child)
    elif not _is_back(child, sweep, observation):
        place = Place.SUCCEEDED
    elif child.index >= MAX_CHILDREN:
        place = Place.FAILED
    else:
        place = _place_by_verdict(verdict)
    return PlannedServer(server_id=server_id, place=place, row=row, verdict=verdict, child=child, is_again=is_again)


def _place_without_child(
    server_id: str, sweep: ServerSweep | None, verdict: ServerVerdict | None, observation: PlanObservation
) -> Place:
    """Say where a server stands that has no Migration, or none any more."""
    if server_id in observation.memory.moved and not isinstance(sweep, HostSweep):
        return Place.SUCCEEDED
    if server_id in observation.memory.lost:
        return Place.ABORTED
    return _place_by_verdict(verdict)


def _may_fall_back(child: ChildView, verdict: ServerVerdict, observation: PlanObservation) -> bool:
    """Whether a cold move follows, now or once the cloud is done with the server; a broken one counts as failed."""
    is_possible = verdict.judgement in {Judgement.COLD, Judgement.WAIT}
    return is_possible and wants_fallback(child, observation.plan.spec)


def _place_under_way(child: ChildView) -> Place:
    if child.is_awaiting:
        return Place.AWAITING
    return Place.QUEUED if child.phase in _BEFORE_THE_START and not child.is_sent else Place.RUNNING


def _place_of_failed(child: ChildView) -> Place:
    if child.reason in _GONE:
        return Place.GONE
    return Place.FAILED if child.phase is Phase.FAILED else Place.ABORTED


def _place_by_verdict(verdict: ServerVerdict | None) -> Place:
    assert verdict is not None  # noqa: S101 - a server without a Migration is there because a look shows or misses it
    match verdict.judgement:
        case Judgement.MOVE | Judgement.COLD:
            return Place.PENDING
        case Judgement.BLOCKED:
            return Place.BLOCKED
        case _:
            return Place.WAITING


def _is_back(child: ChildView, sweep: ServerSweep | None, observation: PlanObservation) -> bool:
    """Whether a sweep that began after the Migration was seen to be over shows its server on a host of the plan.

    A server that the plan names itself is moved once, wherever it is afterwards.
    """
    return isinstance(sweep, HostSweep) and sweep.started_s > observation.memory.ended_s[child.end]
