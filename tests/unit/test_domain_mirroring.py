"""Which operations of others get a Migration of their own: the table, and what holds for any story."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from domain_samples import NOW, record
from osmig.api.discovery import Discovery, DiscoveryFilters, DiscoveryMode
from osmig.domain.mirroring import (
    MAX_CREATED,
    KnownHere,
    Memory,
    MirrorDecision,
    MirrorState,
    Obstacle,
    decide_mirrors,
    describe,
    name_mirror,
)
from osmig.domain.operations import MoveKind, RecordView

if TYPE_CHECKING:
    from collections.abc import Mapping

UUID = "0d0e0f00-0000-4000-8000-000000000007"
ROW = record("running", uuid=UUID, project_id="p1", created=NOW, updated=NOW)
SEEN = Memory(seen=frozenset({"7"}))
HOUR = timedelta(hours=1)


def around(state: MirrorState = MirrorState.ABSENT, *, ours: bool = False, fits: bool = True, mirrors: int = 0) -> Any:  # noqa: ANN401
    """What is known of every row alike."""
    return KnownHere(is_ours=lambda _: ours, find_mirror=lambda _: state, can_follow=lambda _: fits, mirrors=mirrors)


def look(
    *rows: RecordView,
    here: KnownHere | None = None,
    memory: Memory = SEEN,
    limit: int = 500,
    filters: Mapping[str, Any] | None = None,
) -> MirrorDecision:
    discovery = Discovery(
        mode=DiscoveryMode.MIRROR,
        max_mirrored=limit,
        filters=DiscoveryFilters.model_validate(filters) if filters else None,
    )
    return decide_mirrors(rows or (ROW,), discovery, here or around(), memory, now=NOW)


def test_an_operation_gets_a_mirror_after_the_second_sweep_that_shows_it() -> None:
    first = look(memory=Memory())
    assert (first.create, dict(first.obstacles)) == ((), {})
    assert look(memory=first.memory).create == (ROW,)


def test_two_sweeps_are_two_in_a_row() -> None:
    first = look(memory=Memory())
    between = look(record("running", number=8), memory=first.memory)
    assert look(memory=between.memory).create == ()


def test_one_that_somebody_here_had_at_the_sweep_before_is_seen_anew() -> None:
    ours = look(here=around(ours=True))
    assert ours.create == ()
    assert look(memory=ours.memory).create == ()


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, kind=MoveKind.RESIZE),
        replace(ROW, kind=MoveKind.OTHER, type="evacuation"),
        record("completed"),
        record("cancelled"),
    ],
)
def test_what_is_over_or_no_move_between_hosts_is_neither_mirrored_nor_missed(row: RecordView) -> None:
    planned = look(row)
    assert (planned.create, planned.mirrored, dict(planned.obstacles)) == ((), 0, {})


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"hosts": ("cmp1",)}, True),
        ({"hosts": ("cmp2", "cmp9")}, True),
        ({"hosts": ("cmp9",)}, False),
        ({"projectIDs": ("p1",)}, True),
        ({"projectIDs": ("p2",)}, False),
        ({"types": ("live-migration",)}, True),
        ({"types": ("migration",)}, False),
        ({"hosts": ("cmp1",), "projectIDs": ("p2",)}, False),
    ],
)
def test_only_what_passes_every_filter_is_mirrored_and_the_rest_is_not_missed(
    filters: dict[str, tuple[str, ...]], *, passes: bool
) -> None:
    planned = look(filters=filters)
    assert (planned.create, dict(planned.obstacles)) == ((ROW,) if passes else (), {})


HIDDEN = replace(ROW, source_host=None, destination_host=None)


@pytest.mark.parametrize(
    ("row", "here", "memory", "filters", "obstacle"),
    [
        (HIDDEN, around(), SEEN, {}, Obstacle.HOSTS_HIDDEN),
        (HIDDEN, around(), SEEN, {"hosts": ("cmp1",)}, Obstacle.HOSTS_HIDDEN),
        (replace(ROW, project_id=None), around(), SEEN, {"projectIDs": ("p1",)}, Obstacle.PROJECT_HIDDEN),
        (replace(ROW, type=None, kind=MoveKind.UNKNOWN), around(fits=False), SEEN, {}, Obstacle.NOT_FOLLOWED),
        (
            replace(ROW, type=None, kind=MoveKind.UNKNOWN),
            around(fits=False),
            SEEN,
            {"types": ("migration",)},
            Obstacle.NOT_FOLLOWED,
        ),
        (replace(ROW, updated=NOW - HOUR * 1.01), around(), SEEN, {}, Obstacle.LEFT_OVER),
        (ROW, around(MirrorState.ENDED), SEEN, {}, Obstacle.LEFT_OVER),
        (ROW, around(), SEEN.give_up(ROW), {}, Obstacle.LEFT_OVER),
        (ROW, around(MirrorState.STRANGER), SEEN, {}, Obstacle.NAME_TAKEN),
    ],
)
def test_what_is_in_the_way_is_counted_and_said(
    row: RecordView,
    here: KnownHere,
    memory: Memory,
    filters: dict[str, tuple[str, ...]],
    obstacle: Obstacle,
) -> None:
    planned = look(row, here=here, memory=memory, filters=filters)
    assert (planned.create, dict(planned.obstacles)) == ((), {obstacle: 1})
    assert str(obstacle) in describe(planned)


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, updated=NOW - HOUR),
        replace(ROW, updated=None, created=None),
        replace(record("finished", updated=NOW - HOUR * 100), kind=MoveKind.COLD),
    ],
    ids=["an hour", "no dates", "awaits a confirmation"],
)
def test_what_may_well_be_live_is_mirrored(row: RecordView) -> None:
    assert look(row).create == (row,)


def test_one_whose_mirror_ended_before_it_gets_another_only_with_another_status() -> None:
    ended = look(here=around(MirrorState.ENDED))
    gone = look(memory=ended.memory)
    assert dict(gone.obstacles) == {Obstacle.LEFT_OVER: 1}
    moved_on = replace(ROW, status="running (post-copy)")
    assert look(moved_on, memory=gone.memory).create == (moved_on,)


def test_a_mirror_that_was_deleted_comes_back_after_the_next_sweep() -> None:
    there = look(here=around(MirrorState.LIVE, ours=True))
    assert (there.create, there.mirrored) == ((), 1)
    assert look(memory=there.memory).create == (ROW,)


def test_no_more_than_so_many_are_made_after_one_sweep_the_oldest_first() -> None:
    rows = [record("running", number=number) for number in range(100, 0, -1)]
    planned = look(*rows, memory=Memory(seen=frozenset(row.id for row in rows)))
    assert [row.number for row in planned.create] == list(range(1, MAX_CREATED + 1))
    assert dict(planned.obstacles) == {Obstacle.PACE: 100 - MAX_CREATED}
    assert describe(planned) == ""


def test_there_are_no_more_than_max_mirrored() -> None:
    rows = [record("running", number=number) for number in range(1, 6)]
    planned = look(*rows, memory=Memory(seen=frozenset("12345")), here=around(mirrors=8), limit=10)
    assert [row.number for row in planned.create] == [1, 2]
    assert dict(planned.obstacles) == {Obstacle.LIMIT: 3}
    assert "maxMirrored" in describe(planned)


def test_a_mirror_has_the_uuid_in_its_name_or_else_what_is_unique_to_provider_and_number() -> None:
    assert name_mirror(ROW, "u-2") == f"discovered-{UUID}"
    odd = [name_mirror(replace(ROW, uuid=uuid), "u-2") for uuid in (None, "../../etc", UUID.upper(), "x" * 300)]
    assert len(set(odd)) == 1
    assert len(odd[0]) <= 63
    assert odd[0] != name_mirror(replace(ROW, uuid=None), "u-3")
    assert odd[0] != name_mirror(replace(ROW, uuid=None, id="8"), "u-2")


def test_memory_holds_no_more_than_the_rows_there_are() -> None:
    old = Memory(
        seen=frozenset(map(str, range(1000))), ended=MappingProxyType({str(n): "running" for n in range(1000)})
    )
    planned = look(memory=old)
    assert (planned.memory.seen, dict(planned.memory.ended)) == (frozenset({"7"}), {"7": "running"})
