"""Windows: open or closed at a moment, on days that clocks change too, and what a plan makes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from instructions import count_instructions
from osmig.api.names import Phase
from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.api.plan_windows import PlanSchedule
from osmig.domain.plans import windows
from osmig.domain.plans.windows import judge_windows
from plan_world import DISABLE, PlanWorld, server

ROME = "Europe/Rome"
NIGHT = {"name": "night", "cron": "0 22 * * *", "durationSeconds": 25_200}
MONTH_END = {"name": "month-end", "kind": "Deny", "cron": "0 0 28-31 * *", "durationSeconds": 86_400}


def judge(text: str, *windows: dict[str, Any], zone: str = ROME) -> tuple[bool, str]:
    """Return whether the windows are open at a moment in UTC, and when that changes."""
    schedule = PlanSchedule.model_validate({"timeZone": zone, "windows": windows})
    state = judge_windows(schedule, dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))
    assert state.problem == ""
    return state.is_open, f"{state.change_time:%m-%d %H:%M}" if state.change_time else ""


TABLE: dict[str, tuple[str, tuple[dict[str, Any], ...], bool, str]] = {
    "no windows": ("2026-12-05T12:00", (), True, ""),
    "before it opens": ("2026-12-05T20:59:59", (NIGHT,), False, "12-05 21:00"),
    "as it opens": ("2026-12-05T21:00", (NIGHT,), True, "12-06 04:00"),
    "before it closes": ("2026-12-06T03:59:59", (NIGHT,), True, "12-06 04:00"),
    "as it closes": ("2026-12-06T04:00", (NIGHT,), False, "12-06 21:00"),
    "Deny beats Allow": ("2026-12-28T21:30", (NIGHT, MONTH_END), False, "12-31 23:00"),
    "Deny alone allows the rest": ("2026-12-26T12:00", (MONTH_END,), True, "12-27 23:00"),
    "Deny alone": ("2026-12-28T12:00", (MONTH_END,), False, "12-31 23:00"),
    "Deny that never ends": (
        "2026-12-28T12:00",
        ({"name": "n", "kind": "Deny", "cron": "*/5 * * * *", "durationSeconds": 300},),
        False,
        "",
    ),
    "a day that never comes": (
        "2026-12-28T12:00",
        ({"name": "never", "cron": "0 0 */29 2 MON#5", "durationSeconds": 300},),
        False,
        "",
    ),
    "skipped in spring, before": (
        "2027-03-28T00:59",
        ({"name": "n", "cron": "30 2 * * *", "durationSeconds": 3600},),
        False,
        "03-28 01:00",
    ),
    "skipped in spring, right after": (
        "2027-03-28T01:00",
        ({"name": "n", "cron": "30 2 * * *", "durationSeconds": 3600},),
        True,
        "03-28 02:00",
    ),
    "an hour that comes twice in autumn": (
        "2026-10-25T00:30",
        ({"name": "n", "cron": "30 2 * * *", "durationSeconds": 1800},),
        True,
        "10-25 01:00",
    ),
    "its second coming": (
        "2026-10-25T01:30",
        ({"name": "n", "cron": "30 2 * * *", "durationSeconds": 1800},),
        False,
        "10-26 01:30",
    ),
}
"""By the case: the moment, the windows, whether they are open, and until when."""


@pytest.mark.parametrize("case", TABLE)
def test_windows_are_open_or_closed_as_the_table_says(case: str) -> None:
    moment, windows, is_open, change = TABLE[case]
    found = judge(moment, *windows)

    assert found[0] == is_open
    assert found[1] == change


def test_the_zone_decides() -> None:
    assert judge("2026-12-05T21:30", NIGHT, zone=ROME)[0]
    assert not judge("2026-12-05T21:30", NIGHT, zone="UTC")[0]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"timeZone": "Europe/Roma", "windows": [NIGHT]}, "there is no time zone Europe/Roma"),
        ({"timeZone": "Europe", "windows": [NIGHT]}, "there is no time zone Europe"),
        ({"timeZone": "a/../../etc/passwd", "windows": [NIGHT]}, "there is no time zone"),
        ({"windows": [{**NIGHT, "cron": "61 22 * * *"}]}, "schedule.windows[0].cron of night"),
        ({"windows": [{**NIGHT, "cron": "a b c d e"}]}, "schedule.windows[0].cron of night"),
    ],
)
def test_a_schedule_that_says_nothing_is_closed_and_named(schedule: dict[str, Any], words: str) -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    spec = world.plan.spec.model_copy(update={"schedule": PlanSchedule.model_construct(**_read(schedule))})
    world.plan = world.plan.model_copy(update={"spec": spec})

    world.step()

    ready = next(one for one in world.status.conditions if one.type == "Ready")
    assert (ready.reason, world.done) == (PlanReason.INVALID_SCHEDULE, [])
    assert words in ready.message
    assert any(one.type == "Stalled" for one in world.status.conditions)
    assert any(one.type == "WindowOpen" and one.status == "False" for one in world.status.conditions)


def _read(schedule: dict[str, Any]) -> dict[str, Any]:
    """Read a schedule but for the pattern of its zone, which another version may not have had."""
    read = PlanSchedule.model_validate({**schedule, "timeZone": "UTC"})
    return {**dict(read), "time_zone": schedule.get("timeZone", "UTC")}


def test_moves_begin_within_the_window_only_and_end_after_it() -> None:
    # 21:00 UTC is 22:00 in Rome
    spec = DISABLE | {"schedule": {"timeZone": ROME, "windows": [NIGHT]}, "limits": {"maxInFlight": 1}}
    world = PlanWorld(spec=spec, servers=[server(1), server(2)])
    world.wait(-600)
    world.clock_s += 1200
    world.step()
    assert (world.phase, world.done) == (PlanPhase.WAITING, [])
    assert world.due_s == 300.0
    assert world.status.window.next_change_time.isoformat() == "2026-12-05T21:00:00+00:00"

    world.wait(600)
    world.step()
    world.wait(2.0)
    world.step()
    assert len(world.children) == 1
    world.wait(7 * 3600)
    world.step()
    assert world.phase == PlanPhase.WAITING
    (child,) = world.children
    world.end(child, Phase.SUCCEEDED)
    world.wait()
    world.step()
    assert len(world.children) == 1
    assert next(one.reason for one in world.status.conditions if one.type == "Ready") == PlanReason.WINDOW_CLOSED
    assert any(one.type == "Reconciling" for one in world.status.conditions)

    world.wait(17 * 3600)
    world.run()
    assert world.phase == PlanPhase.SUCCEEDED
    assert next(one.reason for one in world.status.conditions if one.type == "WindowOpen") == PlanReason.OPEN


def play_night(*more: dict[str, Any], last_mib: int, minutes_left: int) -> PlanWorld:
    """Let three servers of 1 GiB move in ten minutes each, and come to a fourth when the window is about to close."""
    limits = {"maxInFlight": 3, "maxInFlightPerSourceHost": 3}
    spec = DISABLE | {"schedule": {"timeZone": ROME, "windows": [NIGHT, *more]}, "limits": limits}
    rows = [server(number, memory_mib=1024) for number in (1, 2, 3)]
    world = PlanWorld(spec=spec, servers=[*rows, server(4, memory_mib=last_mib)])
    for _ in range(2):
        world.step()
        world.wait(2.0)
    assert len(world.children) == 3
    world.wait(600.0)
    for name in list(world.children):
        world.end(name)
    world.wait((world.status.window.next_change_time - world.now).total_seconds() - 60 * minutes_left)
    world.step()
    return world


def test_a_move_begins_only_if_the_window_is_long_enough_for_it_by_those_before() -> None:
    assert len(play_night(last_mib=2048, minutes_left=25).children) == 4

    world = play_night(last_mib=2048, minutes_left=15)

    assert (world.phase, len(world.children)) == (PlanPhase.WAITING, 3)
    ready = next(one for one in world.status.conditions if one.type == "Ready")
    assert ready.reason == PlanReason.WINDOW_TOO_SHORT
    assert ready.message == (
        "by the moves so far, each that is left takes 20 min or longer, and the window closes in 15 min; "
        "waiting for the next one: 1"
    )
    assert 0 < (world.due_s or 0) <= 300
    world.wait(18 * 3600)
    world.run()
    assert world.phase == PlanPhase.SUCCEEDED


def test_a_smaller_server_passes_one_that_the_window_is_too_short_for() -> None:
    world = play_night(last_mib=2048, minutes_left=15)
    world.servers.append(server(5, memory_mib=512))
    world.wait()
    world.step()
    assert [child.memory_mib for child in world.children.values()] == [1024, 1024, 1024, 512]


def test_a_move_that_no_window_is_long_enough_for_does_not_wait_for_one() -> None:
    assert len(play_night(last_mib=1024 * 43, minutes_left=15).children) == 4


def test_what_counts_is_how_long_the_windows_are_open_together() -> None:
    pause = {"name": "backup", "kind": "Deny", "cron": "0 1 * * *", "durationSeconds": 3600}
    fits, never_fits = (play_night(pause, last_mib=1024 * mib, minutes_left=15) for mib in (17, 25))
    assert len(fits.children) == 3, "170 min: the next opening is 180 min long"
    assert len(never_fits.children) == 4, "250 min: none is as long"


def test_a_longer_opening_within_the_next_weeks_is_awaited() -> None:
    sunday = {"name": "sunday", "cron": "0 5 * * SUN", "durationSeconds": 43_200}
    assert len(play_night(sunday, last_mib=1024 * 43, minutes_left=15).children) == 3


def test_an_opening_is_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    class Counting(windows.OpeningSearch):
        @override
        def __next__(self) -> dt.datetime:
            searched.append("")
            return super().__next__()

    monkeypatch.setattr(windows, "OpeningSearch", Counting)
    rare = {"name": "rare", "kind": "Deny", "cron": "17 3 29 2 *", "durationSeconds": 300}
    before = judge("2026-12-05T21:00", rare)
    assert len(searched) == 4, "the last and the next one, as seen from now and from the next change"
    assert judge("2027-06-05T21:00", rare) == judge("2026-12-05T21:00", rare) == before
    assert len(searched) == 4
    judge("2028-03-05T21:00", rare)
    assert len(searched) == 6, "from the change that is to come in 2032 alone"


@pytest.mark.parametrize("cron", ["17 3 */28 * MON#4", "18 3 */31 2 *"])
def test_what_never_opens_is_not_searched_for_in_centuries(cron: str) -> None:
    window = {"name": "never", "cron": cron, "durationSeconds": 300}
    assert count_instructions(lambda: judge("2026-12-05T21:00", window)) < 400_000
    assert judge("2026-12-05T21:00", window)[0] is False


def test_an_opening_on_a_leap_day_is_found_across_the_year_that_has_none() -> None:
    leap = {"name": "leap", "cron": "19 3 29 2 *", "durationSeconds": 300}
    assert judge("2097-03-01T00:00", leap) == (False, "02-29 02:19")


def test_moves_of_another_kind_say_nothing_of_how_long_one_takes() -> None:
    world = play_night(last_mib=2048, minutes_left=15)
    world.servers = [replace(row, status="SHUTOFF") if row.host == "cmp1" else row for row in world.servers]
    world.wait()
    world.step()
    assert len(world.children) == 4


def test_a_clock_that_jumps_back_neither_moves_nor_ends_anything_twice() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(1)])
    for _ in range(2):
        world.step()
        world.wait()
    world.now -= dt.timedelta(hours=3)
    world.run()

    assert world.phase == PlanPhase.SUCCEEDED
    assert len(world.children) == 1
