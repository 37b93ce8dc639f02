"""A watch that fails again and again pauses longer each time; rights that do not come back end the process.

What it tells of a version that is known already goes no further.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fake_clock import FakeClock
from osmig import patient_kopf
from osmig.api.names import Kind
from osmig.bare_kopf import errors, scanning, watching
from osmig.controllers.inbox import Inbox
from osmig.patient_kopf import FIRST_PAUSE_S, LONGEST_PAUSE_S, REFUSED_S, Patience, make_patient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

REFUSED = errors.APIForbiddenError(None, status=403, headers={})
BROKEN = ValueError("half a line")


async def measure_pause(patience: Patience, clock: FakeClock, error: Exception = BROKEN) -> float:
    before = clock.boottime()
    await patience.bear(error, "watch providers")
    return clock.boottime() - before


async def bear_without_end(patience: Patience) -> None:
    while True:
        await patience.bear(REFUSED, "watch providers")


async def test_each_failure_in_a_row_is_followed_by_a_longer_pause_up_to_a_bound() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    assert [await measure_pause(patience, clock) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


async def test_an_event_makes_the_pauses_short_again() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    await measure_pause(patience, clock)
    patience.relax()
    assert await measure_pause(patience, clock) == FIRST_PAUSE_S


@pytest.mark.parametrize(("stood_s", "pause_s"), [(REFUSED_S, FIRST_PAUSE_S), (REFUSED_S - 1, LONGEST_PAUSE_S)])
async def test_so_does_a_watch_that_stood_for_long_and_had_nothing_to_tell(stood_s: float, pause_s: float) -> None:
    clock = FakeClock()
    patience = Patience(clock)
    for _ in range(6):
        await measure_pause(patience, clock)
    clock.advance(stood_s)
    assert await measure_pause(patience, clock) == pause_s


async def test_rights_that_are_missing_for_long_end_the_process() -> None:
    clock = FakeClock()
    patience, began = Patience(clock), clock.boottime()
    with pytest.raises(errors.APIForbiddenError):
        await bear_without_end(patience)
    assert REFUSED_S <= clock.boottime() - began < REFUSED_S + LONGEST_PAUSE_S


async def test_rights_that_are_missing_now_and_then_do_not() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    for _ in range(20):
        assert await measure_pause(patience, clock, REFUSED) == FIRST_PAUSE_S
        clock.advance(REFUSED_S)


def body(version: str, *, uid: str = "u-1", name: str = "web") -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name, "uid": uid, "resourceVersion": version}
    return {"metadata": metadata, "spec": {"suspend": version == "7"}}


async def test_only_a_change_that_is_known_in_this_very_version_goes_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, body("6"))
    events = [
        {"type": kind, "object": shown}
        for kind, shown in (
            (None, body("6")),
            ("ADDED", body("6")),
            ("MODIFIED", body("6")),
            ("MODIFIED", body("5")),
            ("MODIFIED", body("7")),
            ("MODIFIED", body("6", uid="u-2")),
            ("MODIFIED", body("6", name="db")),
            ("MODIFIED", body("")),
            ("DELETED", body("6")),
        )
    ]

    async def watch(**_: Any) -> AsyncGenerator[Any]:  # noqa: ANN401 - kopf's calling convention
        for event in events:
            yield event

    monkeypatch.setattr(patient_kopf, "_watch", watch)
    # make_patient replaces them for good
    monkeypatch.setattr(watching, "continuous_watch", watching.continuous_watch)
    monkeypatch.setattr(scanning, "scan_resources", scanning.scan_resources)
    make_patient(FakeClock(), ["migrations"], lambda _, shown: inbox.knows(Kind.MIGRATION, shown))
    named: dict[str, Any] = {"resource": SimpleNamespace(plural="migrations"), "namespace": None}
    told: list[Any] = [event async for event in watching.continuous_watch(**named)]
    assert [(event["type"], event["object"]) for event in told] == [
        (event["type"], event["object"]) for number, event in enumerate(events) if number != 2
    ]
