"""What holds before any table: unreadable status, finished objects, deletion, late answers, attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_cold_samples import awaiting, observe_cold
from domain_samples import (
    NOW,
    REQUEST,
    ask,
    conditions_of,
    control,
    intent,
    observe,
    pre_start,
    sent,
    server,
    started,
    status_in,
)
from osmig.api.migration import Attempt, MigrationStatus, Progress
from osmig.api.names import ControlResult, EventReason, Phase, Verb
from osmig.domain import next_status, outcome
from osmig.domain.calls import Answer, Receipt
from osmig.domain.errors import Transient
from osmig.domain.observation import Timings
from osmig.domain.phases import CONFIRMATION, FINISHED, TRANSITIONS, may_follow
from osmig.drivers.servers.calls import StartCall

if TYPE_CHECKING:
    from datetime import datetime

ENDED = (Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED)


@pytest.mark.parametrize("status", [MigrationStatus(), started(), sent()])
def test_a_status_that_cannot_be_read_is_neither_written_nor_acted_upon(status: MigrationStatus) -> None:
    decision = decide(observe(status, readable=False, pre_start=pre_start(), verb_requests=(ask(Verb.ABORT),)))
    assert (decision.status, decision.call, decision.wants, decision.goes_on) == (status, None, frozenset(), False)


@pytest.mark.parametrize("phase", ENDED)
@pytest.mark.parametrize("deleting", [False, True])
def test_a_finished_migration_stays_as_it_is(*, phase: Phase, deleting: bool) -> None:
    status = status_in(phase, start_time=NOW)
    decision = decide(observe(status, deleting=deleting, pre_start=pre_start()))
    assert (decision.status, decision.call, decision.due_s) == (status, None, None)


@pytest.mark.parametrize("phase", ENDED)
def test_a_new_generation_of_what_was_started_only_updates_observed_generation(phase: Phase) -> None:
    status = status_in(phase, start_time=NOW)
    after = decide(observe(status, generation=2, pre_start=pre_start())).status
    assert after.observed_generation == 2
    assert {condition.observed_generation for condition in after.conditions} == {2}
    assert conditions_of(after) == conditions_of(status)
    assert after.phase is phase


@pytest.mark.parametrize("phase", ENDED)
def test_a_new_generation_of_what_was_never_started_is_evaluated_anew(phase: Phase) -> None:
    status = status_in(phase, completion_time=NOW, controls=(control(Verb.ABORT, ControlResult.DONE),))
    first = decide(observe(status, generation=2))
    assert (first.status.phase, first.status.observed_generation, first.status.completion_time) == (
        Phase.PENDING,
        -1,
        None,
    )
    assert first.status.controls == status.controls
    assert first.due_s == 0.0
    assert decide(observe(first.status, generation=2)).wants == {"pre_start"}
    assert decide(observe(first.status, generation=2, pre_start=pre_start())).call == StartCall()


@pytest.mark.parametrize("phase", ENDED)
@pytest.mark.parametrize("start_time", [None, NOW])
def test_the_generation_that_deletion_adds_changes_nothing(phase: Phase, start_time: datetime | None) -> None:
    status = status_in(phase, start_time=start_time)
    assert decide(observe(status, generation=2, deleting=True)).status == status


@pytest.mark.parametrize("status", [MigrationStatus(), status_in(Phase.QUEUED), status_in(Phase.PENDING)])
def test_nothing_is_started_on_an_object_that_is_being_deleted(status: MigrationStatus) -> None:
    decision = decide(observe(status, deleting=True, pre_start=pre_start()))
    assert (decision.call, decision.wants, decision.status) == (None, frozenset(), status)


def test_a_move_of_an_object_that_is_being_deleted_is_followed() -> None:
    assert decide(observe(started(), deleting=True)).wants == {"records"}


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.RUNNING, Phase.ABORTING])
def test_a_start_whose_record_was_wiped_from_status_is_never_sent_again(phase: Phase) -> None:
    decision = decide(observe(status_in(phase, start_time=NOW), pre_start=pre_start()))
    assert (decision.call, decision.status.phase) == (None, Phase.FAILED)


# --- an answer whose intent somebody else resolved meanwhile


def late(status: MigrationStatus, request_id: str | None) -> tuple[MigrationStatus, list[tuple[EventReason, bool]]]:
    receipt = Receipt(request_id=request_id)
    decision = decide(observe(status, answer=Answer(call=StartCall(), receipt=receipt)))
    assert decision.due_s == 0.0
    return decision.status, [(note.reason, note.is_warning) for note in decision.notes]


def test_a_record_of_our_own_start_by_another_process_is_no_duplicate() -> None:
    assert late(started(), REQUEST) == (started(), [])


def test_a_second_start_does_not_stay_unseen() -> None:
    assert late(started(), "req-second") == (started(), [(EventReason.DUPLICATE_START, True)])
    given_up = status_in(Phase.FAILED, start_time=NOW)
    assert late(given_up, "req-second") == (given_up, [(EventReason.DUPLICATE_START, True)])


@pytest.mark.parametrize("answer", [Receipt(request_id=REQUEST), None])
def test_a_late_answer_to_the_start_never_drops_the_intent_of_a_confirm(answer: Receipt | None) -> None:
    deciding = awaiting(pending_call=intent("confirm"))
    error = None if answer else Transient("Busy", "later", operation="o")
    late_answer = Answer(call=StartCall(), receipt=answer, error=error)
    decision = decide(observe_cold(deciding, answer=late_answer))
    assert (decision.status, decision.notes) == (deciding, ())


def test_a_late_answer_without_a_request_id_says_nothing() -> None:
    assert late(started(), None) == (started(), [])
    assert not decide(observe(started(), answer=Answer(call=StartCall()))).notes


# --- how an attempt is kept


def test_the_last_five_attempts_are_kept_and_one_number_only_once() -> None:
    old = tuple(Attempt(number=number, outcome=Phase.FAILED) for number in (1, 2, 3, 4, 5))
    status = started(attempt=6, attempts=old)
    ended = outcome.fail(observe(status), "Why", "").status
    assert [attempt.number for attempt in ended.attempts] == [2, 3, 4, 5, 6]
    again = outcome.fail(observe(ended.model_copy(update={"attempt": 6})), "Why", "").status
    assert [attempt.number for attempt in again.attempts] == [2, 3, 4, 5, 6]


def test_an_attempt_without_facts_is_kept_all_the_same() -> None:
    bare = status_in(Phase.STARTING, start_time=NOW)
    ended = outcome.fail(observe(bare), "Why", "").status
    assert ended.attempts[0].number == 1
    assert ended.attempts[0].upstream_id is None


def test_an_end_keeps_the_progress_so_far_and_only_success_makes_it_100() -> None:
    status = started(progress=Progress(percent=40))
    failed = outcome.fail(observe(status), "Why", "").status
    assert failed.progress is not None
    assert failed.progress.percent == 40
    done = outcome.succeed(observe(status), "Succeeded", "").status
    assert done.progress is not None
    assert (done.progress.percent, done.failure) == (100, None)
    assert outcome.succeed(observe(status_in(Phase.QUEUED)), "AlreadyAtDestination", "").status.progress is None


def test_what_has_ended_is_not_about_to_end_in_some_seconds() -> None:
    status = started(progress=Progress(percent=40, eta_seconds=7))
    ends = (outcome.fail(observe(status), "Why", ""), outcome.succeed(observe(status), "Succeeded", ""))
    assert [ended.status.progress and ended.status.progress.eta_seconds for ended in ends] == [None, None]


def test_an_end_without_a_message_is_announced_by_its_reason() -> None:
    decision = outcome.fail(observe(started()), "Why", "")
    assert (decision.notes[-1].text, decision.notes[-1].is_warning) == ("Why", True)
    assert decision.status.failure is not None
    assert decision.status.failure.message is None


def test_a_status_without_conditions_is_kept_as_validating() -> None:
    kept = next_status.keep_phase(observe(MigrationStatus()))
    assert kept.phase is Phase.PENDING
    assert kept.conditions[0].reason == "Validating"


def test_the_newest_view_of_the_server_wins() -> None:
    newest = observe(server=server("cmp2"), pre_start=pre_start(server("cmp1"))).facts.newest_server
    assert newest is not None
    assert newest.host == "cmp2"
    assert observe().facts.newest_server is None


# --- phases are data


def test_every_phase_has_its_transitions_and_may_stay_except_for_an_end() -> None:
    assert set(TRANSITIONS) == {None, *Phase}
    for phase in set(Phase) - FINISHED:
        assert may_follow(phase, phase)


@pytest.mark.parametrize("phase", [Phase.RUNNING, *sorted(CONFIRMATION)])
def test_what_is_under_way_never_goes_back_to_the_queue(phase: Phase) -> None:
    assert not {Phase.QUEUED, Phase.SUSPENDED} & TRANSITIONS[phase]


@pytest.mark.parametrize("phase", sorted(CONFIRMATION))
def test_a_move_that_reached_its_gate_has_no_automatic_retry(phase: Phase) -> None:
    assert not may_follow(phase, Phase.PENDING)


@pytest.mark.parametrize("phase", [Phase.CONFIRMING, Phase.REVERTING])
def test_a_decided_move_does_not_run_again(phase: Phase) -> None:
    assert not may_follow(phase, Phase.RUNNING)


@pytest.mark.parametrize("phase", sorted(FINISHED))
def test_an_end_is_followed_by_an_evaluation_anew_and_never_by_calling_off(phase: Phase) -> None:
    assert not may_follow(phase, Phase.ABORTING)
    assert may_follow(phase, Phase.PENDING)


def test_a_wait_is_over_at_its_length_and_unknown_labels_have_not_begun() -> None:
    observation = observe(wait_ages_s={"x": 5.0})
    assert observation.has_waited("x", 5.0)
    assert not observation.has_waited("x", 5.1)
    assert not observation.has_waited("y", 0.1)
    assert Timings(start_grace_s=1, adopt_after_s=3).resend_after_s == 3
