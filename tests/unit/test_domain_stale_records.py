"""Records that say that a move goes on while their server is idle: the server decides, within a bounded time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from decided import Decided, decide
from domain_cold_samples import COLD, cold_record
from domain_samples import (
    MARK,
    NOW,
    call_lookup,
    control,
    intent,
    message_of,
    observe,
    observe_waited,
    pre_start,
    reason_of,
    record,
    sent,
    server,
    started,
)
from domain_world import World, decide_in
from osmig.api.names import EventReason, Phase, Reason, Verb
from osmig.domain.calls import Answer
from osmig.domain.errors import NotInThisState
from osmig.domain.observation import LimitHit, Timings
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.views import CallLookupKind

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView

STALE_S = Timings().stale_record_s
WORDS = ("running", "accepted", "queued", "finished", "confirming", "reverting", "what is this")
ADOPT = {"adopt": {"id": "7"}}


def idle(row: RecordView) -> str:
    return f"idle:{row.id}:{row.status}:{row.updated}"


def quiet(row: RecordView) -> str:
    return f"quiet:{row.id}:{row.status}:{row.updated}"


# --- somebody else's, before a start


@pytest.mark.parametrize("word", WORDS)
def test_a_record_beside_an_idle_server_is_waited_for_and_then_counts_as_left_over(word: str) -> None:
    row = record(word)
    waiting = decide(observe(pre_start=pre_start(active=row)))
    assert (waiting.status.phase, reason_of(waiting.status)) == (Phase.QUEUED, Reason.SERVER_BUSY)
    assert "the server is idle; if both stay so for 300 s" in message_of(waiting.status)
    assert "adopt.id" not in message_of(waiting.status)
    early = {waiting.wait_key: STALE_S - 1}
    assert decide(observe(waiting.status, pre_start=pre_start(active=row), wait_ages_s=early)).call is None
    late = {waiting.wait_key: STALE_S}
    freed = decide(observe(waiting.status, pre_start=pre_start(active=row), wait_ages_s=late))
    assert freed.call == StartCall()
    assert [(note.reason, note.is_warning) for note in freed.notes] == [(EventReason.STALE_RECORD, True)]
    assert f"migration 7 is {word}" in freed.notes[0].text


def test_a_record_that_changes_is_waited_for_anew() -> None:
    row = record()
    changed = replace(row, updated=NOW)
    decision = decide(observe(pre_start=pre_start(active=changed), wait_ages_s={idle(row): 9999.0}))
    assert (decision.call, decision.wait_key) == (None, idle(changed))


def test_a_busy_server_is_never_taken_for_free() -> None:
    row = record()
    decision = decide(observe(pre_start=pre_start(server(busy=True), row), wait_ages_s={idle(row): 9999.0}))
    assert (decision.call, reason_of(decision.status)) == (None, Reason.SERVER_BUSY)
    assert "adopt.id 7 follows it" in message_of(decision.status)


def test_a_full_provider_between_does_not_begin_the_wait_anew() -> None:
    row, full = record(), LimitHit(limit_of="moves", used=1, limit=1)
    found = pre_start(active=row)
    first = decide(observe(pre_start=found, limit_hit=full, wait_ages_s={idle(row): STALE_S}))
    assert (reason_of(first.status), first.wait_key) == (Reason.SLOTS_TAKEN, idle(row))
    for wait_key, kept in ((idle(row), idle(row)), ("something", "")):
        again = decide(observe(first.status, limit_hit=full, wait_ages_s={wait_key: STALE_S}))
        assert (again.wants, again.wait_key) == (frozenset(), kept)


def test_another_migration_of_ours_that_has_the_server_is_waited_for_all_the_same() -> None:
    row = record()
    decision = decide(
        observe(pre_start=pre_start(active=row), wait_ages_s={idle(row): STALE_S}, conflicting="Migration other")
    )
    assert (decision.call, reason_of(decision.status)) == (None, Reason.SERVER_BUSY)


@pytest.mark.parametrize(("number", "is_sent"), [(6, True), (7, False)])
def test_a_start_that_is_sent_again_minds_only_records_that_are_newer_than_its_first(
    *, number: int, is_sent: bool
) -> None:
    assert MARK.previous_id == "6"
    row = record(number=number)
    world = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start(active=row))
    decision = decide_in(world, observe_waited(sent(call=intent())))
    assert (decision.call == StartCall()) == is_sent


def test_a_server_without_a_record_before_has_none_that_is_left_over() -> None:
    bare = intent().model_copy(update={"baseline": None})
    world = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start(active=record()))
    assert decide_in(world, observe_waited(sent(call=bare))).call is None


# --- adopt


def test_a_record_of_an_idle_server_is_looked_at_twice_and_not_adopted() -> None:
    row = record()
    facts: dict[str, Any] = {"wanted": ADOPT, "pre_start": pre_start(server(), row), "records": (row,)}
    first = decide(observe(**facts))
    assert (first.status, first.due_s, first.wait_key) == (observe().status, 2.0, idle(row))
    second = decide(observe(**facts, wait_ages_s={idle(row): 2.0}))
    assert (second.status.phase, reason_of(second.status)) == (Phase.FAILED, Reason.ADOPT_REFUSED)
    assert "this migration is running, but its server is idle" in message_of(second.status)


# --- our own


def follow(row: RecordView, waited: dict[str, float], view: object = None, **changes: Any) -> Decided:  # noqa: ANN401
    world = World(records=(row,), server=view or server())  # type: ignore[arg-type]
    return decide_in(world, observe(changes.pop("status", started()), swept=row, wait_ages_s=waited, **changes))


@pytest.mark.parametrize("word", ["accepted", "queued", "preparing", "running", "running (post-copy)", "what is this"])
@pytest.mark.parametrize(
    ("view", "phase", "reason"),
    [
        (server("cmp2"), Phase.SUCCEEDED, Reason.RECORD_STALE),
        (server("cmp1"), Phase.FAILED, Reason.RECORD_STALE),
        (server(None), Phase.FAILED, Reason.RECORD_STALE),
        (server("cmp1", error=True), Phase.FAILED, Reason.SERVER_IN_ERROR),
        (server("cmp2", error=True), Phase.FAILED, Reason.ERROR_ON_DESTINATION),
    ],
)
def test_our_own_record_that_does_not_end_beside_an_idle_server_is_decided_by_the_server(
    word: str, view: object, phase: Phase, reason: Reason
) -> None:
    row = record(word)
    looked = follow(row, {quiet(row): STALE_S / 2}, view)
    assert looked.status.phase not in {Phase.SUCCEEDED, Phase.FAILED}
    assert looked.wait_key == idle(row)
    ended = follow(row, {idle(row): STALE_S / 2}, view)
    assert (ended.status.phase, reason_of(ended.status)) == (phase, reason)
    assert ended.notes[0].reason == EventReason.STALE_RECORD
    assert "migration 7" in message_of(ended.status)


def test_a_record_that_was_quiet_for_a_short_time_is_no_reason_to_look_at_the_server() -> None:
    row = record("queued")
    assert not decide(observe(started(), swept=row, wait_ages_s={quiet(row): STALE_S / 2 - 1})).wants


def test_a_busy_server_lets_a_quiet_record_be() -> None:
    row = record("queued")
    decision = follow(row, {quiet(row): 9999.0}, server(busy=True))
    assert (decision.status.phase, decision.wait_key) == (Phase.STARTING, quiet(row))


def test_a_record_that_ended_meanwhile_is_judged_by_its_word() -> None:
    row = record("running")
    world = World(records=(record("completed"),), server=server("cmp2"))
    observation = observe(started(), swept=row, wait_ages_s={idle(row): STALE_S / 2})
    assert reason_of(decide_in(world, observation).status) == Reason.SUCCEEDED


def test_an_abort_of_what_does_not_move_any_more_ends_aborted() -> None:
    row = record("running")
    ended = follow(row, {idle(row): STALE_S / 2}, status=started(control(Verb.ABORT)))
    assert ended.status.phase is Phase.ABORTED


def test_an_order_that_is_refused_meanwhile_does_not_begin_the_wait_anew() -> None:
    row = record("running")
    error = NotInThisState("NotInThisState", "not migrating", operation="abort")
    answer = Answer(call=VerbCall(verb=Verb.ABORT, record_id="7"), error=error)
    facts: dict[str, Any] = {"records": (row,), "server": server(), "answer": answer}
    assert decide(observe(started(control(Verb.ABORT)), **facts)).wait_key == idle(row)


@pytest.mark.parametrize(
    ("word", "view", "phase", "reason"),
    [
        ("confirming", server("cmp2"), Phase.SUCCEEDED, Reason.RECORD_STALE),
        ("reverting", server("cmp1"), Phase.REVERTED, Reason.REVERTED_UPSTREAM),
        ("migrating", server("cmp1"), Phase.FAILED, Reason.RECORD_STALE),
        ("post-migrating", server("cmp2"), Phase.SUCCEEDED, Reason.RECORD_STALE),
    ],
)
def test_a_cold_move_whose_record_stays_is_decided_by_its_idle_server_too(
    word: str, view: object, phase: Phase, reason: Reason
) -> None:
    row = cold_record(word)
    looked = follow(row, {quiet(row): STALE_S / 2}, view, wanted=COLD)
    assert looked.wait_key == idle(row)
    ended = follow(row, {idle(row): STALE_S / 2}, view, wanted=COLD)
    assert (ended.status.phase, reason_of(ended.status)) == (phase, reason)
