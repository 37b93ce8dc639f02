"""A wait for the effect of a call that several processes share: never too short, and over in the end (ADR 0034)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain_samples import NOW, call_lookup, intent, observe, pre_start, sent, stored
from domain_world import World, decide_in
from fake_clock import FakeClock
from osmig.api.migration_intent import MAX_WAITED_S
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.waits import Waits
from osmig.domain.intents import PARTS, wait_key_of
from osmig.domain.observation import Timings
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus

NOTHING = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
KEY = Key(Kind.MIGRATION, "team-a", "move")
SLOWEST_S = Timings().resend_after_s
PART_S = SLOWEST_S / PARTS
POLL_S = 5.0


@dataclass
class Store:
    """What is on record, and when the call could leave at last: all clocks begin with it."""

    status: MigrationStatus
    version: int = 0
    elapsed_s: float = 0.0
    knows_field: bool = True
    is_sent_again: bool = False

    def put(self, status: MigrationStatus, version: int) -> bool:
        """Write by compare-and-swap."""
        if version != self.version:
            return False
        call = status.pending_call
        if call is not None and not self.knows_field:
            status = status.model_copy(update={"pending_call": call.model_copy(update={"waited_seconds": None})})
        self.version += status != self.status
        self.status = stored(status)
        return True


@dataclass
class Process:
    """One process: its own clock, its own memory, and a view that may be old."""

    store: Store
    offset_s: float
    waits: Waits = field(init=False)
    clock: FakeClock = field(default_factory=FakeClock)
    view: tuple[MigrationStatus, int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin without memory, at any time of an own clock."""
        self.clock.advance(self.offset_s + self.store.elapsed_s)
        self.waits = Waits(self.clock)
        self.look()

    def look(self) -> None:
        """See the newest record."""
        self.view = (self.store.status, self.store.version)

    def step(self) -> None:
        """Decide on what is seen, write it, and remember the wait."""
        status, version = self.view
        if status.pending_call is None:
            return
        ages = dict(self.waits.ages(KEY))
        now = NOW + timedelta(seconds=self.offset_s)  # a wall clock of its own, too
        decision = decide_in(NOTHING, observe(status, now=now, wait_ages_s=ages))
        if decision.call is not None:
            assert decision.call == StartCall()
            assert self.store.elapsed_s >= SLOWEST_S
        if self.store.put(decision.status, version):
            self.waits.note(KEY, decision.wait_key)
            self.store.is_sent_again |= decision.call is not None
            self.look()

    def pass_by(self, seconds: float) -> None:
        """Let the own clock go on."""
        self.clock.advance(seconds)


def let_pass(store: Store, processes: list[Process], seconds: float) -> None:
    store.elapsed_s += seconds
    for process in processes:
        process.pass_by(seconds)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.sampled_from([1.0, 4.0, 19.0, 21.0, 50.0])),
        st.tuples(st.sampled_from(["step", "look", "die"]), st.integers(0, 2)),
    ),
    max_size=60,
)


@given(acts=ACTS, offsets=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
@settings(max_examples=60)
def test_no_call_is_sent_again_before_its_slowest_effect_would_have_shown(
    acts: list[tuple[str, float]], offsets: list[float]
) -> None:
    """Three processes with clocks of their own, of which any may be frozen, see old records, write late, or die."""
    store = Store(sent(call=intent(holder="dead")))
    processes = [Process(store, offset) for offset in offsets]
    for act, amount in acts:
        if act == "pass":
            let_pass(store, processes, amount)
        elif act == "step":
            processes[int(amount)].step()
        elif act == "look":
            processes[int(amount)].look()
        else:
            processes[int(amount)] = Process(store, offsets[int(amount)])
        call = store.status.pending_call
        if store.is_sent_again:
            return
        assert call is not None
        assert (call.waited_seconds or 0) <= store.elapsed_s


@given(lives=st.lists(st.floats(PART_S + 2 * POLL_S, 60.0), min_size=12, max_size=12))
@settings(max_examples=30)
def test_processes_that_all_live_for_less_than_the_wait_bring_it_to_its_end(lives: list[float]) -> None:
    store = Store(sent(call=intent(holder="dead")))
    for life_s in lives:
        process = Process(store, offset_s=life_s * 1e3)
        lived_s = 0.0
        while lived_s < life_s and not store.is_sent_again:
            process.step()
            let_pass(store, [process], POLL_S)
            lived_s += POLL_S
    assert store.is_sent_again


@pytest.mark.parametrize("knows_field", [True, False])
def test_one_process_waits_no_longer_than_the_whole_wait(*, knows_field: bool) -> None:
    """Also where the API server drops the field, because its CRDs are older."""
    store = Store(sent(call=intent(holder="dead")), knows_field=knows_field)
    process = Process(store, 0.0)
    while not store.is_sent_again:
        process.step()
        let_pass(store, [process], POLL_S)
    assert store.elapsed_s <= SLOWEST_S + 2 * POLL_S


def test_the_process_that_goes_on_has_itself_waited_a_part() -> None:
    """A record from a backup may say that all was waited for, of a call that another intent has replaced since."""
    call = intent(holder="dead").model_copy(update={"waited_seconds": int(SLOWEST_S)})
    status = sent(call=call)
    for age_s, is_sent in ((0.0, False), (PART_S - 0.1, False), (PART_S, True)):
        decision = decide_in(NOTHING, observe(status, wait_ages_s={wait_key_of(call): age_s}))
        assert (decision.call is not None) is is_sent


def test_what_is_recorded_has_a_bound_for_a_cloud_that_is_away_for_weeks() -> None:
    status = sent(call=intent(holder="dead"))
    assert status.pending_call is not None
    timings = replace(Timings(), start_grace_s=1e7)
    decision = decide_in(NOTHING, observe(status, wait_ages_s={wait_key_of(status.pending_call): 9e6}, timings=timings))
    assert decision.status.pending_call is not None
    assert decision.status.pending_call.waited_seconds == MAX_WAITED_S


def test_a_new_intent_has_not_waited() -> None:
    status = sent(call=intent(holder="dead").model_copy(update={"waited_seconds": 100}))
    assert status.pending_call is not None
    decision = decide_in(NOTHING, observe(status, wait_ages_s={wait_key_of(status.pending_call): PART_S}))
    assert decision.status.pending_call is not None
    assert decision.status.pending_call.waited_seconds is None
    assert decision.status.pending_call.sends == 2


def test_a_wait_so_short_that_a_part_is_less_than_a_second_is_not_recorded() -> None:
    timings = replace(Timings(), adopt_after_s=3.0, start_grace_s=3.0)
    status = sent(call=intent(holder="dead"))
    assert status.pending_call is not None
    key = wait_key_of(status.pending_call)
    decision = decide_in(NOTHING, observe(status, wait_ages_s={key: 0.9}, timings=timings))
    assert decision.status.pending_call == status.pending_call
