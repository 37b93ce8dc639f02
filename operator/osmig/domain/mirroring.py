"""Which of upstream's operations get a Migration although nobody here declared them (ADR 0032)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from osmig.api.discovery import DiscoveryFilters
from osmig.api.names import GROUP
from osmig.domain.operations import MoveKind, Stage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from osmig.api.discovery import Discovery
    from osmig.domain.operations import RecordView

DISCOVERED_LABEL: Final = f"{GROUP}/discovered"
"""Tells mirrors from what somebody declared."""

TTL_S: Final = 3600
"""How long a mirror stays after its end."""

MAX_CREATED: Final = 5
"""Mirrors made after one sweep: each is then read with four requests, so at the default rate and period a flood of
moves takes a fifth of a Provider's requests, its progress half of them at most; the rest is for what was declared."""

_SHOWN: Final = frozenset({MoveKind.LIVE, MoveKind.COLD, MoveKind.UNKNOWN})
"""What is a move between hosts, or may be: a resize or an evacuation is never shown as one."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Obstacle(StrEnum):
    """Why an operation has no mirror, as the Provider's condition says it; the first that applies is told."""

    HOSTS_HIDDEN = "the credentials may not see their hosts"
    PROJECT_HIDDEN = "the cloud does not tell their project, which discovery.filters asks for"
    NOT_FOLLOWED = "the cloud does not tell their type, or an id that can be adopted"
    LEFT_OVER = "they look left over: untouched for an hour, or their Migration was refused or has ended before them"
    NAME_TAKEN = "another object has the name of their Migration"
    LIMIT = "there are maxMirrored Migrations, those that have ended included"
    PACE = "they follow after the next sweeps"


class MirrorState(StrEnum):
    """What has the name of an operation's mirror."""

    ABSENT = "Absent"
    LIVE = "Live"
    ENDED = "Ended"
    STRANGER = "Stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the sweep before has left, of this connection and in this process only.

    Attributes:
        seen: ids of the operations that nobody here had then.
        ended: ids of the operations whose mirror was refused or ended before they did, with their status words then.
    """

    seen: frozenset[str] = frozenset()
    ended: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def give_up(self, row: RecordView) -> Memory:
        """Make no mirror of an operation any more until its status is another."""
        return replace(self, ended=MappingProxyType({**self.ended, row.id: row.status}))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHere:
    """What is known here of an operation, besides its row.

    Attributes:
        is_ours: whether a Migration here has it, has its server, may have started it, or names it.
        find_mirror: what has the name of its mirror.
        can_follow: whether a Migration can be made that adopts it.
        mirrors: how many mirrors of the Provider there are, those that have ended included.
    """

    is_ours: Callable[[RecordView], bool]
    find_mirror: Callable[[RecordView], MirrorState]
    can_follow: Callable[[RecordView], bool]
    mirrors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorDecision:
    """What follows from one sweep.

    Attributes:
        create: whose mirrors are to be made, oldest first.
        mirrored: how many have one, those of ``create`` not counted.
        obstacles: how many have none, by why.
        memory: for the next sweep.
    """

    create: tuple[RecordView, ...]
    mirrored: int
    obstacles: Mapping[Obstacle, int]
    memory: Memory


def name_mirror(row: RecordView, provider_uid: str) -> str:
    """Name an operation's mirror, always the same: by its UUID, or on old clouds by its number and the Provider."""
    if row.uuid is not None and _UUID.fullmatch(row.uuid):
        return f"discovered-{row.uuid}"
    return f"discovered-{hashlib.sha256(f'{provider_uid}/{row.id}'.encode()).hexdigest()[:32]}"


def describe(decision: MirrorDecision) -> str:
    """Say why some have none; empty when nothing is in the way."""
    told = [
        str(obstacle) for obstacle in Obstacle if decision.obstacles.get(obstacle) and obstacle is not Obstacle.PACE
    ]
    return f"some are not mirrored: {'; '.join(told)}" if told else ""


def decide_mirrors(
    rows: Iterable[RecordView],
    discovery: Discovery,
    here: KnownHere,
    memory: Memory,
    *,
    now: dt.datetime,
) -> MirrorDecision:
    """Decide after a sweep which mirrors to make.

    An operation gets one after two sweeps in a row at whose end nobody here had it: the row of an own start may be
    listed before the Migration that started it knows which row that is, but never before its intent is on record.
    """
    create: list[RecordView] = []
    obstacles: Counter[Obstacle] = Counter()
    filters = discovery.filters or DiscoveryFilters()
    seen, ended, mirrored = set[str](), dict[str, str](), 0
    for row in sorted(rows, key=lambda row: (row.number, row.id)):
        if row.is_terminal or row.kind not in _SHOWN:
            continue
        state = here.find_mirror(row)
        if state is MirrorState.LIVE:
            mirrored += 1
            seen.add(row.id)
            continue
        if state is MirrorState.ENDED or memory.ended.get(row.id) == row.status:
            ended[row.id] = row.status
        if here.is_ours(row) or _is_left_out(row, filters):
            continue
        seen.add(row.id)
        if row.id not in memory.seen:
            continue
        obstacle = _find_hidden(row, filters) or _find_obstacle(row, state, here, is_ended=row.id in ended, now=now)
        obstacle = obstacle or _find_bound(len(create), here.mirrors, discovery.max_mirrored)
        if obstacle is None:
            create.append(row)
        else:
            obstacles[obstacle] += 1
    remembered = Memory(seen=frozenset(seen), ended=MappingProxyType(ended))
    return MirrorDecision(
        create=tuple(create), mirrored=mirrored, obstacles=MappingProxyType(obstacles), memory=remembered
    )


def _is_left_out(row: RecordView, filters: DiscoveryFilters) -> bool:
    """Whether a filter leaves it out by what upstream tells; what is hidden leaves nothing out unsaid."""
    hosts, projects, types = filters.hosts, filters.project_ids, filters.types
    return (
        bool(hosts and row.source_host is not None and not {row.source_host, row.destination_host} & set(hosts))
        or bool(projects and row.project_id is not None and row.project_id not in projects)
        or bool(types and row.type is not None and row.type.strip().lower() not in types)
    )


def _find_hidden(row: RecordView, filters: DiscoveryFilters) -> Obstacle | None:
    if row.source_host is None:
        return Obstacle.HOSTS_HIDDEN
    return Obstacle.PROJECT_HIDDEN if filters.project_ids and row.project_id is None else None


def _find_obstacle(
    row: RecordView, state: MirrorState, here: KnownHere, *, is_ended: bool, now: dt.datetime
) -> Obstacle | None:
    if not here.can_follow(row):
        return Obstacle.NOT_FOLLOWED
    if is_ended or (row.is_stale(now) and row.stage is not Stage.AWAITING_CONFIRMATION):
        return Obstacle.LEFT_OVER
    return Obstacle.NAME_TAKEN if state is MirrorState.STRANGER else None


def _find_bound(created: int, mirrors: int, max_mirrored: int) -> Obstacle | None:
    if mirrors + created >= max_mirrored:
        return Obstacle.LIMIT
    return Obstacle.PACE if created >= MAX_CREATED else None
