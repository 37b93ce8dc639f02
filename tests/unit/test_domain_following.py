"""After the start: what is read, how often, and what happens when something is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_cold_samples import cold_record
from domain_samples import (
    LOST,
    NOW,
    conditions_of,
    control,
    observe,
    reason_of,
    record,
    result_of,
    server,
    started,
    status_in,
)
from domain_world import World, decide_in
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.errors import Absent, Transient
from osmig.domain.observation import Timings
from osmig.domain.operations import MoveKind
from osmig.drivers.servers.records import pick_record
from osmig.drivers.servers.views import Explanation, ProgressView, StartTrace

if TYPE_CHECKING:
    from osmig.api.migration import Control, MigrationStatus
    from osmig.drivers.servers.views import ServerView

BUSY = server(busy=True)


def test_a_row_that_the_sweep_brought_needs_no_read_of_its_own() -> None:
    decision = decide(observe(started(phase=Phase.STARTING), swept=record("queued")))
    assert not decision.wants
    assert (decision.status.phase, decision.due_s) == (Phase.STARTING, 60.0)


def test_without_a_swept_row_the_records_are_read() -> None:
    assert decide(observe(started())).wants == {"records"}


@pytest.mark.parametrize(
    ("word", "due_s"), [("accepted", 2.0), ("queued", 60.0), ("preparing", 60.0), ("running", 5.0)]
)
def test_how_soon_a_record_is_looked_at_again(word: str, due_s: float) -> None:
    world = World(server=BUSY, records=(record(word),), progress=ProgressView(percent=3))
    assert decide_in(world, observe(started())).due_s == due_s


def test_a_running_move_without_a_sample_reads_its_record_instead() -> None:
    world = World(server=server("cmp2"), records=(record("completed"),))
    decision = decide_in(world, observe(started(), swept=record("running")))
    assert decision.status.phase is Phase.SUCCEEDED


def test_upstreams_own_words_are_kept_verbatim_with_what_we_knew_of_the_start() -> None:
    row = record("what is this", updated=NOW.replace(microsecond=5))
    status = decide(observe(started(), records=(row,))).status
    assert status.upstream is not None
    assert (status.upstream.status, status.upstream.type) == ("what is this", "live-migration")
    assert (status.upstream.request_id, status.upstream.previous_id) == ("req-ours", "6")


def test_what_upstream_says_is_recorded_as_the_api_server_gives_it_back() -> None:
    """Otherwise every step sees a change and the status is written for nothing."""
    row = record("queued", updated=NOW.replace(microsecond=123456), type="x" * 100)
    status = decide(observe(started(), records=(row,))).status
    assert status.upstream is not None
    assert status.upstream.updated_time == NOW
    assert len(status.upstream.type or "") == 64


UNTIL_DEADLINE_S = 14400.0
"""Of ``deadlineSeconds`` by default, of which none are over; an alert of it is told then, whoever is lost."""


@pytest.mark.parametrize("status", [started(), started(id=None, phase=Phase.STARTING)])
@pytest.mark.parametrize("order", [(), (control(Verb.ABORT),)])
def test_a_lost_provider_keeps_phase_and_orders_and_waits_for_a_wake(
    status: MigrationStatus, order: tuple[Control, ...]
) -> None:
    status = status.model_copy(update={"controls": order})
    decision = decide(observe(status, provider=LOST))
    assert (decision.status.phase, reason_of(decision.status)) == (status.phase, Reason.RUNNING)
    assert conditions_of(decision.status)["ProviderReady"] == "False"
    assert decision.status.controls == order
    assert (decision.call, decision.due_s) == (None, UNTIL_DEADLINE_S)
    assert decide(observe(status, provider=LOST, wanted={"onDeadline": "Abort"})).due_s is None


def test_a_read_that_fails_keeps_everything_and_tries_again() -> None:
    decision = decide(observe(started(), read_error=Transient("Unreachable", "x", operation="o")))
    assert decision.status.phase is Phase.RUNNING
    assert decision.due_s == 10.0


NOT_THERE = Absent("ServerNotFound", "x", operation="o")


@pytest.mark.parametrize("fact", ["records", "progress", "source_host"])
def test_the_absence_of_something_else_lets_the_server_be_looked_at_before_the_end(fact: str) -> None:
    seen = observe(started(), read_error=NOT_THERE, failed_fact=fact)
    assert decide(seen).wants == {"server"}
    waiting = decide(replace(seen, facts=replace(seen.facts, server=server())))
    assert (waiting.status.phase, waiting.due_s) == (Phase.RUNNING, 10.0), "the server is there"
    assert decide(replace(seen, failed_fact="server")).status.phase is Phase.FAILED


@pytest.mark.parametrize("status", [started(), started(id=None, phase=Phase.STARTING), started(control(Verb.ABORT))])
def test_a_server_that_was_deleted_ends_the_migration(status: MigrationStatus) -> None:
    decision = decide(observe(status, read_error=NOT_THERE, failed_fact="server"))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.SERVER_GONE)
    if status.controls:
        assert result_of(decision.status, Verb.ABORT) is ControlResult.TOO_LATE


# --- no record yet


def test_an_accepted_start_without_record_on_a_busy_server_waits_for_ever_and_sends_nothing() -> None:
    decision = decide_in(World(server=BUSY), observe(started(id=None, phase=Phase.STARTING)))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.STARTING, Reason.AWAITING_RECORD)
    assert (decision.call, decision.wait_key, decision.due_s) == (None, "no-record:busy:req-ours", 2.0)


@pytest.mark.parametrize(
    ("seconds", "orders", "phase", "reason", "due_s"),
    [
        (299.0, (), Phase.STARTING, Reason.AWAITING_RECORD, 2.0),
        (300.0, (), Phase.STARTING, Reason.RECORD_MISSING, 10.0),
        (9999.0, (control(Verb.ABORT),), Phase.ABORTING, Reason.RECORD_MISSING, 10.0),
    ],
)
def test_a_server_that_is_moved_without_a_record_is_named_with_its_runbook_and_nothing_is_sent(
    seconds: float, orders: tuple[Control, ...], phase: Phase, reason: str, due_s: float
) -> None:
    status = started(*orders, id=None, phase=Phase.STARTING)
    waited = {"no-record:busy:req-ours": seconds}
    decision = decide_in(World(server=BUSY), observe(status, wait_ages_s=waited))
    assert (decision.status.phase, reason_of(decision.status), decision.due_s) == (phase, reason, due_s)
    assert (decision.call, decision.wait_key) == (None, "no-record:busy:req-ours")
    assert ("runbook RecordMissing" in decision.status.conditions[0].message) == (reason is Reason.RECORD_MISSING)


def test_a_wait_beside_a_busy_server_does_not_count_for_an_idle_one() -> None:
    waited = {"no-record:busy:req-ours": 9999.0}
    decision = decide_in(World(server=server()), observe(started(id=None, phase=Phase.STARTING), wait_ages_s=waited))
    assert (decision.status.phase, decision.wait_key) == (Phase.STARTING, "no-record:idle:req-ours")


@pytest.mark.parametrize(
    ("seconds", "orders", "phase", "reason"),
    [
        (59.0, (), Phase.STARTING, Reason.AWAITING_RECORD),
        (60.0, (), Phase.FAILED, Reason.START_LOST),
        (60.0, (control(Verb.ABORT),), Phase.ABORTED, Reason.ABORTED),
        (59.0, (control(Verb.ABORT),), Phase.ABORTING, Reason.AWAITING_RECORD),
    ],
)
def test_an_accepted_start_whose_server_stays_idle_is_lost_after_a_minute(
    seconds: float, orders: tuple[Control, ...], phase: Phase, reason: str
) -> None:
    status = started(*orders, id=None, phase=Phase.STARTING)
    world = World(server=server(), explanation=Explanation(reason=None, message="Conductor was down."))
    waited = {"no-record:idle:req-ours": seconds}
    decision = decide_in(world, observe(status, wait_ages_s=waited))
    assert (decision.status.phase, reason_of(decision.status)) == (phase, reason)
    if reason is Reason.START_LOST:
        assert "Conductor was down." in decision.status.conditions[0].message
    if phase in {Phase.STARTING, Phase.ABORTING}:
        assert decision.wait_key == "no-record:idle:req-ours"


def test_an_idle_server_without_a_record_is_no_split_state_however_patient_the_settings_are() -> None:
    patient = Timings(start_lost_s=900.0)
    waited = {"no-record:idle:req-ours": 600.0}
    status = started(id=None, phase=Phase.STARTING)
    decision = decide_in(World(server=server()), observe(status, wait_ages_s=waited, timings=patient))
    assert reason_of(decision.status) == Reason.AWAITING_RECORD


def test_the_record_of_a_start_is_the_first_live_one_after_those_known_before() -> None:
    rows = (
        record(number=9),
        record(number=8),
        record(number=7, kind=MoveKind.COLD),
        record("completed", number=6),
        record(number=0),
    )
    found = pick_record(rows, "6", kind=MoveKind.LIVE, trace=StartTrace())
    assert found is not None
    assert found.number == 8
    assert pick_record(rows, "9", kind=MoveKind.LIVE) is None
    assert pick_record((), None, kind=MoveKind.LIVE) is None


@pytest.mark.parametrize("previous", [None, "", "not a number", "²"])
def test_without_a_known_number_every_record_is_newer(previous: str | None) -> None:
    rows = (record(number=3), record(number=2))
    found = pick_record(rows, previous, kind=MoveKind.LIVE, trace=StartTrace())
    assert found is not None
    assert found.number == 2


# --- the record is gone


@pytest.mark.parametrize(
    ("view", "phase", "reason"),
    [
        (server("cmp2"), Phase.SUCCEEDED, Reason.RECORD_GONE),
        (server("cmp1"), Phase.FAILED, Reason.RECORD_GONE),
        (server("cmp2", error=True), Phase.FAILED, Reason.RECORD_GONE),
        (server(None), Phase.FAILED, Reason.RECORD_GONE),
        (BUSY, Phase.RUNNING, Reason.RECORD_GONE),
    ],
)
def test_when_the_record_is_gone_the_server_alone_decides(view: ServerView, phase: Phase, reason: str) -> None:
    decision = decide_in(World(server=view, records=(record(number=5),)), observe(started()))
    assert (decision.status.phase, reason_of(decision.status)) == (phase, reason)


def test_an_aborted_move_whose_record_is_gone_ends_aborted() -> None:
    decision = decide_in(World(server=server("cmp1"), records=()), observe(started(control(Verb.ABORT))))
    assert decision.status.phase is Phase.ABORTED


def test_a_vanished_record_of_a_move_from_nowhere_known_is_no_success() -> None:
    decision = decide_in(World(server=server("cmp2")), observe(started(placement=None)))
    assert decision.status.phase is Phase.FAILED


def test_a_busy_server_without_record_is_waited_for_in_whatever_phase() -> None:
    nameless = started().model_copy(update={"phase": None})
    assert decide_in(World(server=BUSY), observe(nameless)).status.phase is Phase.RUNNING


# --- odd corners of the end


def test_an_end_that_cannot_be_explained_is_told_in_our_own_words() -> None:
    row = record("failed")
    decision = decide_in(World(server=server(), records=(row,)), observe(started()))
    assert decision.status.conditions[0].message == "the hypervisor could not move the server"


def test_an_explained_failure_of_the_hypervisor_keeps_its_reason_and_gains_the_text() -> None:
    why = Explanation(reason=None, message="Domain is gone.")
    decision = decide_in(World(server=server(), records=(record("failed"),), explanation=why), observe(started()))
    assert reason_of(decision.status) == Reason.HYPERVISOR_FAILED
    assert decision.status.conditions[0].message.endswith(": Domain is gone.")


def test_an_explanation_without_text_keeps_our_own_sentence() -> None:
    why = Explanation(reason=Reason.NO_VALID_HOST, message="")
    world = World(server=server(), records=(record("error"),), explanation=why)
    decision = decide_in(world, observe(started(), wait_ages_s={"error:7": 2.0}))
    assert reason_of(decision.status) == Reason.NO_VALID_HOST
    assert decision.status.conditions[0].message == "the cloud could not move the server"


@pytest.mark.parametrize(
    ("view", "placement", "said"),
    [
        (server(None), "cmp1", "the server moved from cmp1 to cmp2"),
        (server("cmp2"), None, "the server moved from cmp1 to cmp2"),
    ],
)
def test_a_completed_move_says_from_where_to_where_as_far_as_known(
    view: ServerView, placement: str | None, said: str
) -> None:
    before = started() if placement else started(placement=None)
    decision = decide_in(World(server=view, records=(record("completed"),)), observe(before))
    assert decision.status.phase is Phase.SUCCEEDED
    assert decision.status.conditions[0].message == said


def test_an_error_of_a_server_on_an_invisible_host_is_told_without_the_host() -> None:
    world = World(server=server(None, error=True), records=(record("completed"),))
    assert decide_in(world, observe(started())).status.conditions[0].message.endswith("is in status ERROR")


def test_an_unknown_word_right_after_the_start_counts_as_starting() -> None:
    bare = status_in(None, upstream=started().upstream, start_time=NOW)
    assert decide(observe(bare, records=(record("what is this"),))).status.phase is Phase.STARTING


def test_a_record_that_tells_no_hosts_says_only_that_the_server_moved() -> None:
    row = record("completed", source_host=None, destination=None)
    decision = decide_in(World(server=server(None), records=(row,)), observe(started(placement=None)))
    assert decision.status.conditions[0].message == "the server moved"


@pytest.mark.parametrize(
    ("word", "phase"), [("confirming", Phase.CONFIRMING), ("reverting", Phase.REVERTING), ("finished", Phase.RUNNING)]
)
def test_a_cold_record_under_a_live_migration_is_followed_as_what_it_is(word: str, phase: Phase) -> None:
    world = World(server=BUSY, records=(cold_record(word),))
    assert decide_in(world, observe(started())).status.phase is phase
