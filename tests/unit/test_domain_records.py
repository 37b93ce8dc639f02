"""Whose record: the accepted request decides, also when somebody else's migration came between our look and our start.

The moments are Nova's: its conductor notes an event of the action right before it writes the record.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from decided import decide
from domain_samples import NOW, reason_of, record, server, started
from domain_samples import observe as observe_status
from domain_world import World, decide_in
from osmig.api.names import Phase, Reason
from osmig.domain.operations import MoveKind, RecordView
from osmig.drivers.servers.records import pick_record
from osmig.drivers.servers.views import Explanation, StartTrace

OURS = StartTrace(user_id="me", started=NOW, shows_events=True, began=NOW + timedelta(seconds=0.1))
NOT_BEGUN = StartTrace(user_id="me", started=NOW, shows_events=True)
HIDDEN = StartTrace(user_id="me", started=NOW)


def row(number: int, word: str, after_s: float, *, user: str | None = "me") -> RecordView:
    """A live migration, written some seconds after our start was accepted."""
    return record(word, number=number, created=NOW + timedelta(seconds=after_s), user_id=user)


THEIRS = row(7, "error", -0.4)
"""Began and failed after our last look at the server, by the same user."""
BEGUN = row(8, "running", 0.2)


def pick(trace: StartTrace | None, *rows: RecordView) -> str | None:
    found = pick_record(rows, "6", kind=MoveKind.LIVE, request_id="req-ours", trace=trace)
    return found.id if found is not None else None


@pytest.mark.parametrize(
    ("trace", "rows", "expected"),
    [
        (None, (BEGUN,), "8"),
        (None, (row(8, "completed", 0.2),), "8"),
        (None, (THEIRS,), None),
        (None, (THEIRS, BEGUN), None),
        (OURS, (THEIRS,), None),
        (OURS, (THEIRS, BEGUN), "8"),
        (OURS, (THEIRS, row(8, "error", 0.2)), "8"),
        (OURS, (THEIRS, BEGUN, row(9, "queued", 30)), "8"),
        (NOT_BEGUN, (THEIRS,), None),
        (OURS, (row(7, "running", 0.2, user="somebody"), BEGUN), "8"),
        (OURS, (row(7, "error", 0.1), row(8, "running", 0.1)), "8"),
        (OURS, (record("running", number=7),), "7"),
        (HIDDEN, (row(7, "error", -60), BEGUN), "8"),
        (HIDDEN, (row(7, "error", -0.4, user="somebody"), BEGUN), "8"),
        (StartTrace(), (THEIRS, BEGUN), "7"),
    ],
    ids=[
        "the only one, under way",
        "the only one, completed",
        "the only one has failed: look at the action first",
        "two: look at the action first",
        "theirs alone: ours is not there yet",
        "theirs and ours under way",
        "theirs and ours, both failed",
        "a later one of theirs",
        "not taken up yet, so no record can be ours",
        "another user's",
        "both in the second in which ours began: theirs came first",
        "an old cloud without times and users",
        "events are hidden: theirs is older than any clocks differ",
        "events are hidden: another user's",
        "nothing is shown of the start: the oldest",
    ],
)
def test_the_record_of_a_start_is_told_by_its_action(
    trace: StartTrace | None, rows: tuple[RecordView, ...], expected: str | None
) -> None:
    assert pick(trace, *rows) == pick(trace, *reversed(rows)) == expected


def test_a_strangers_migration_that_failed_just_before_our_start_is_not_followed() -> None:
    world = World(records=(BEGUN, THEIRS), start_trace=OURS)
    decision = decide_in(world, observe_status(started(id=None, phase=Phase.STARTING)))
    assert decision.status.upstream is not None
    assert decision.status.upstream.id == "8"
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.RUNNING, Reason.RUNNING)


def test_while_only_a_strangers_record_is_there_our_own_is_awaited() -> None:
    world = World(records=(THEIRS,), start_trace=OURS, server=server(busy=True))
    decision = decide_in(world, observe_status(started(id=None, phase=Phase.STARTING)))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.STARTING, Reason.AWAITING_RECORD)
    assert decision.status.upstream is not None
    assert decision.status.upstream.id is None


def test_a_strangers_record_that_was_taken_for_ours_is_let_go_when_it_fails() -> None:
    world = World(records=(BEGUN, THEIRS), start_trace=OURS)
    decision = decide_in(world, observe_status(started(id="7"), swept=THEIRS))
    assert decision.status.upstream is not None
    assert (decision.status.phase, decision.status.upstream.id) == (Phase.RUNNING, "8")


def test_a_strangers_record_that_fails_before_ours_is_there_is_let_go_too() -> None:
    world = World(records=(THEIRS,), start_trace=OURS, server=server(busy=True))
    decision = decide_in(world, observe_status(started(id="7"), swept=THEIRS))
    assert reason_of(decision.status) == Reason.AWAITING_RECORD


def test_our_own_record_that_fails_is_believed_once_the_action_was_looked_at() -> None:
    failed = row(7, "failed", 0.2)
    first = decide(observe_status(started(id="7"), swept=failed))
    assert first.wants == {"records", "start_trace"}
    world = World(
        records=(failed,), start_trace=OURS, server=server(), explanation=Explanation(reason=None, message="")
    )
    decision = decide_in(world, observe_status(started(id="7"), swept=failed))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.HYPERVISOR_FAILED)


def test_a_start_without_a_record_of_its_own_whose_server_has_moved_is_no_failure() -> None:
    world = World(records=(THEIRS,), start_trace=OURS, server=server("cmp2"))
    waited = {"no-record:idle:req-ours": 60.0}
    decision = decide_in(world, observe_status(started(id=None, phase=Phase.STARTING), wait_ages_s=waited))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.SUCCEEDED, Reason.RECORD_GONE)
