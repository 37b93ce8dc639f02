"""The queue of one Provider: who holds a slot, who is told what, who is woken for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from controller_fakes import MIGRATION, PROVIDER
from domain_samples import record
from fake_clock import FakeClock
from osmig.controllers.ledger import Ledger
from osmig.controllers.sessions import Sessions
from osmig.controllers.slots import SlotQueue
from osmig.domain.errors import StaleView
from osmig.domain.operations import MoveKind, Stage, Sweep
from osmig.domain.queueing import FREE, HostPair

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Queue:
    """A SlotQueue with its ledger, its sessions and whom it woke."""

    def __init__(self, **limits: int) -> None:
        """Have one Provider that is ready."""
        self.clock, self.ledger, self.sessions = FakeClock(), Ledger(), Sessions()
        self.woken: list[str] = []
        self.session = self.sessions.ensure(PROVIDER)
        self.session.view = replace(self.session.view, is_ready=True)
        self.session.limits = self.session.limits.model_copy(update=limits)
        self.queue = SlotQueue(
            ledger=self.ledger, sessions=self.sessions, clock=self.clock, wake=lambda key: self.woken.append(key.name)
        )

    def wait(self, name: str, source: str = "cmp1") -> None:
        """Let a Migration wait, in the order of names."""
        status = {
            "phase": "Queued",
            "conditions": [{"type": "Succeeded", "reason": "SlotsTaken"}],
            "placement": {"sourceHost": source},
            "queuedTime": "2026-01-01T00:00:00.000000Z",
        }
        self._note(name, status)

    def start(self, name: str, source: str = "cmp1") -> None:
        """Let a Migration hold a slot."""
        status = {
            "phase": "Running",
            "server": {"id": f"server of {name}"},
            "placement": {"sourceHost": source},
            "upstream": {"id": f"record of {name}"},
        }
        self._note(name, status)

    def end(self, name: str) -> None:
        """Let a Migration end."""
        self._note(name, {"phase": "Succeeded"})

    def _note(self, name: str, status: dict[str, Any]) -> None:
        body = {"metadata": {"name": name}, "spec": {"providerRef": {"name": "region-one"}}, "status": status}
        for provider in self.ledger.note(MIGRATION._replace(name=name), body):
            self.queue.refresh(provider, MIGRATION._replace(name=name))

    def sweep(self, *rows: RecordView) -> None:
        """Let a sweep bring rows."""
        self.session.rows.merge(Sweep(records=rows, cursor=None, is_full=False), is_ours=lambda _: False)

    def judge(self, name: str = "new", source: str | None = "cmp1") -> str:
        """What a Migration is told."""
        slots = self.queue.judge(MIGRATION._replace(name=name), PROVIDER, HostPair(source, None))
        return f"{slots.used}/{slots.limit} {slots.limit_of}" if slots != FREE else ""


def foreign(number: int = 5, **changes: Any) -> RecordView:  # noqa: ANN401 - fields of RecordView
    return record("running", number=number, **{"server_id": "another", "updated": NOW, **changes})


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        (foreign(), True),
        (foreign(kind=MoveKind.COLD), True),
        (foreign(kind=MoveKind.UNKNOWN), True),
        (foreign(kind=MoveKind.RESIZE), False),
        (foreign(kind=MoveKind.OTHER), False),
        (foreign(stage=Stage.AWAITING_CONFIRMATION), False),
        (foreign(stage=Stage.CONFIRMING), False),
        (foreign(stage=Stage.REVERTING), False),
        (foreign(stage=Stage.QUEUED, updated=None, created=NOW), True),
        (foreign(updated=None, created=None), True),
        (foreign(server_id="server of a"), False),
        (foreign(id="record of a"), False),
        (foreign(updated=NOW - timedelta(minutes=59)), True),
        (foreign(updated=NOW - timedelta(minutes=61)), False),
    ],
)
def test_foreign_moves_that_go_on_count_and_nothing_else_does(*, row: RecordView, counts: bool) -> None:
    world = Queue(max_in_flight=2)
    world.clock.advance((NOW - world.clock.now()).total_seconds())
    world.start("a")
    world.sweep(row)
    assert (world.judge(source="cmp9") == "2/2 moves through Provider region-one") is counts
    is_stale = row.updated == NOW - timedelta(minutes=61)
    assert world.queue.count_stale(PROVIDER) == int(is_stale)


def test_who_holds_a_slot_is_never_told_to_wait_for_one() -> None:
    world = Queue(max_in_flight=1)
    world.start("a")
    assert world.judge("a") == ""
    assert world.judge("b") == "1/1 moves through Provider region-one"


def test_each_waits_in_its_place_and_who_is_not_queued_yet_comes_last() -> None:
    world = Queue(max_in_flight_per_source_host=1)
    world.wait("b")
    world.wait("c")
    assert (world.judge("b"), world.judge("c"), world.judge("a")) == ("", *["1/1 moves away from host cmp1"] * 2)


def test_a_free_slot_wakes_exactly_whose_turn_it_is_and_once() -> None:
    world = Queue(max_in_flight_per_source_host=1)
    world.start("a")
    for name in "bcd":
        world.wait(name)
    world.wait("e", source="cmp2")
    assert world.woken == ["e"]
    world.end("a")
    world.queue.refresh(PROVIDER)
    assert world.woken == ["e", "b"]
    world.start("b")
    world.end("b")
    assert world.woken == ["e", "b", "c"]


def test_a_turn_that_nobody_takes_grows_old_and_one_that_is_taken_or_refused_does_not() -> None:
    world = Queue(max_in_flight=1)
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta()
    world.wait("a")
    world.wait("b")
    assert (world.woken, world.queue.age_of_oldest_turn(PROVIDER)) == (["a"], timedelta())
    world.clock.advance(600)
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta(minutes=10)

    world.start("a")
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta()
    world.clock.advance(600)
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta(), "b waits its turn"
    world.end("a")
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta()
    world.clock.advance(60)
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta(minutes=1)
    world.end("b")
    assert world.queue.age_of_oldest_turn(PROVIDER) == timedelta()


def test_who_was_refused_after_a_wake_is_woken_again() -> None:
    world = Queue(max_in_flight=1)
    world.wait("a")
    world.start("z")
    assert world.judge("a") != ""
    world.end("z")
    assert world.woken == ["a", "a"]


def test_a_reservation_counts_at_once_and_wakes_the_next_when_given_back() -> None:
    world = Queue(max_in_flight=1)
    key, move = MIGRATION._replace(name="a"), HostPair("cmp1", None)
    world.wait("b")
    world.end("b")
    with world.queue.reserve(key, "s-1", provider=PROVIDER, hosts=move, needs_slot=True):
        world.wait("b")
        assert world.judge("b") == "1/1 moves through Provider region-one"
        world.woken.clear()
        with (
            pytest.raises(StaleView, match="the last slot was taken just now"),
            world.queue.reserve(MIGRATION._replace(name="c"), "s-2", provider=PROVIDER, hosts=move, needs_slot=True),
        ):
            pytest.fail("there was no slot")
    assert world.woken == ["b"]


def test_what_runs_already_is_taken_over_whatever_the_limits_say_and_a_server_never_twice() -> None:
    world = Queue(max_in_flight=1)
    world.start("a")
    key, move = MIGRATION._replace(name="b"), HostPair("cmp1", None)
    with world.queue.reserve(key, "s-1", provider=PROVIDER, hosts=move, needs_slot=False):
        assert world.queue.count_running(PROVIDER) == 2
    with (
        pytest.raises(StaleView, match="another Migration took the server"),
        world.queue.reserve(key, "server of a", provider=PROVIDER, hosts=move, needs_slot=False),
    ):
        pytest.fail("the server is taken")


def test_without_a_provider_that_is_ready_nobody_is_woken() -> None:
    world = Queue()
    world.session.view = replace(world.session.view, is_ready=False)
    world.wait("a")
    assert world.woken == []
    assert world.queue.judge(MIGRATION, PROVIDER._replace(name="none"), HostPair()) == FREE
    assert world.queue.count_stale(PROVIDER._replace(name="none")) == 0


def test_a_move_whose_migration_was_deleted_goes_on_as_a_foreign_one() -> None:
    world = Queue(max_in_flight=2)
    world.start("a")
    world.start("b")
    world.end("b")
    world.sweep(foreign(id="record of a", server_id="server of a"), foreign(6))
    assert world.judge() == "2/2 moves through Provider region-one"
    world.ledger.drop(MIGRATION._replace(name="a"))
    assert world.queue.count_running(PROVIDER) == 0
    assert world.judge() == "2/2 moves through Provider region-one"


def test_a_foreign_move_that_is_adopted_counts_once() -> None:
    world = Queue(max_in_flight=2)
    world.sweep(foreign(id="record of a", server_id="server of a"))
    assert world.judge() == ""
    world.start("a")
    assert world.judge() == ""


def test_who_joins_a_queue_in_which_nothing_was_let_go_is_judged_alone() -> None:
    world = Queue(max_in_flight_per_source_host=1)
    world.start("a")
    world.wait("b")
    world.wait("c")
    world.wait("d", source="cmp2")
    assert world.woken == ["d"]
    world.wait("e", source="cmp2")
    assert world.woken == ["d"], "a place is promised to the one before"


def test_a_slot_that_is_freed_while_one_is_on_its_way_into_the_queue_wakes_it_when_it_is_there() -> None:
    world = Queue(max_in_flight=1)
    world.start("a")
    assert world.judge("b") != ""
    world.end("a")
    assert world.woken == []
    world.wait("b")
    assert world.woken == ["b"]


def test_whoever_leaves_the_queue_without_starting_lets_the_next_one_go() -> None:
    world = Queue(max_in_flight=1)
    world.wait("a")
    world.wait("b")
    assert world.woken == ["a"]
    world.end("a")
    assert world.woken == ["a", "b"]


def test_a_reservation_outlasts_news_of_the_object_that_do_not_show_it_yet() -> None:
    world = Queue(max_in_flight=1)
    world.wait("a")
    key, move = MIGRATION._replace(name="a"), HostPair("cmp1", None)
    with world.queue.reserve(key, "s-1", provider=PROVIDER, hosts=move, needs_slot=True):
        world.end("a")
        assert world.judge("b") == "1/1 moves through Provider region-one"
    assert world.judge("b") == ""
