"""The gate of a cold move: who decides, when, and which clocks run meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from decided import decide
from domain_cold_samples import awaiting, cold_record, observe_cold, policy_order, resizing, survey_gate, verify
from domain_samples import NOW, READY, control, reason_of, result_of, server, started, stored
from domain_world import World, decide_in
from osmig.api.migration import ConfirmFacts, PlacementFacts
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Reason, Verb
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.policy.verify_resize import describe_left

if TYPE_CHECKING:
    from decided import Observed
    from osmig.domain.operations import RecordView

CONFIRM, REVERT = Verb.CONFIRM, Verb.REVERT
CONFIRMATION = World(server=verify(), records=(cold_record(),), pre_start=survey_gate())
HOUR = 3600.0
CONFIRMS = VerbCall(verb=CONFIRM, record_id="7")
REVERTS = VerbCall(verb=REVERT, record_id="7")


def at_gate(finished_ago_s: float) -> World:
    row = cold_record(updated=NOW - timedelta(seconds=finished_ago_s))
    return World(server=verify(), records=(row,), pre_start=survey_gate(row=row))


# --- the cloud confirms by itself


@pytest.mark.parametrize(
    ("finished_ago_s", "is_sent"),
    [
        (0.0, True),
        (2 * HOUR - 600.0, True),
        (2 * HOUR - 599.0, False),
        (2 * HOUR, False),
        (2 * HOUR + 599.0, False),
        (2 * HOUR + 600.0, True),
    ],
)
@pytest.mark.parametrize("is_policy", [False, True])
def test_a_confirm_keeps_ten_minutes_away_from_the_clouds_own(
    *, finished_ago_s: float, is_sent: bool, is_policy: bool
) -> None:
    provider = replace(READY, auto_confirm_s=2 * HOUR)
    policies = (policy_order(Policy.CONFIRM, CONFIRM),) if is_policy else ()
    status = awaiting(*([] if is_policy else [control(CONFIRM)]), policy_orders=policies)
    decision = decide_in(at_gate(finished_ago_s), observe_cold(status, provider=provider))
    assert decision.call == (CONFIRMS if is_sent else None)
    if not is_sent:
        assert decision.due_s == 60.0
        assert decision.status.phase is Phase.AWAITING_CONFIRMATION
        assert "keeps away" in decision.status.conditions[0].message


def test_a_revert_needs_not_keep_away() -> None:
    provider = replace(READY, auto_confirm_s=2 * HOUR)
    decision = decide_in(at_gate(2 * HOUR), observe_cold(awaiting(control(REVERT)), provider=provider))
    assert decision.call == REVERTS


@pytest.mark.parametrize(("window_s", "updated"), [(None, NOW), (None, None)])
def test_without_a_window_or_a_time_nothing_keeps_a_confirm_away(
    window_s: float | None, updated: datetime | None
) -> None:
    row = cold_record(updated=updated)
    world = World(server=verify(), records=(row,), pre_start=survey_gate(row=row))
    provider = replace(READY, auto_confirm_s=window_s)
    assert decide_in(world, observe_cold(awaiting(control(CONFIRM)), provider=provider)).call == CONFIRMS


def test_a_record_without_a_time_counts_from_when_the_wait_was_seen() -> None:
    row = cold_record(updated=None)
    world = World(server=verify(), records=(row,), pre_start=survey_gate(row=row))
    provider = replace(READY, auto_confirm_s=2 * HOUR)
    seen = ConfirmFacts(start_time=NOW - timedelta(hours=2))
    late = observe_cold(awaiting(control(CONFIRM), confirm=seen), provider=provider)
    early = observe_cold(awaiting(control(CONFIRM), confirm=ConfirmFacts(start_time=NOW)), provider=provider)
    assert (decide_in(world, late).call, decide_in(world, early).call) == (None, CONFIRMS)


# --- policies of the gate


def test_an_automatic_move_is_ordered_on_record_and_then_confirmed() -> None:
    automatic = {"confirm": "Automatic"}
    first = decide_in(CONFIRMATION, observe_cold(awaiting(), automatic))
    assert (first.call, first.due_s) == (None, 0.0)
    assert [(order.policy, order.verb) for order in first.status.policy_orders] == [(Policy.CONFIRM, CONFIRM)]
    assert [(note.reason, note.is_warning) for note in first.notes] == [(EventReason.POLICY_ACTED, False)]
    assert decide_in(CONFIRMATION, observe_cold(stored(first.status), automatic)).call == CONFIRMS


@pytest.mark.parametrize("verb", [REVERT, CONFIRM])
def test_a_users_order_goes_before_an_automatic_confirm(verb: Verb) -> None:
    status = awaiting(control(verb))
    decision = decide_in(CONFIRMATION, observe_cold(status, {"confirm": "Automatic"}))
    assert (decision.call, decision.status.policy_orders) == (VerbCall(verb=verb, record_id="7"), ())
    ordered = awaiting(control(REVERT), policy_orders=(policy_order(Policy.CONFIRM, CONFIRM),))
    assert decide_in(CONFIRMATION, observe_cold(ordered, {"confirm": "Automatic"})).call == REVERTS


@pytest.mark.parametrize(("wait_ages_s", "is_over"), [(99.0, False), (100.0, True)])
@pytest.mark.parametrize(("policy", "verb"), [("Alert", None), ("Confirm", CONFIRM), ("Revert", REVERT)])
def test_what_on_confirm_deadline_says_is_ordered_once_the_deadline_is_over(
    *, policy: str, verb: Verb | None, wait_ages_s: float, is_over: bool
) -> None:
    cold = {"onConfirmDeadline": policy, "confirmDeadlineSeconds": 100}
    decision = decide_in(CONFIRMATION, observe_cold(awaiting(since_s=wait_ages_s), cold))
    acted = [(order.policy, order.verb) for order in decision.status.policy_orders]
    assert acted == ([(Policy.ON_CONFIRM_DEADLINE, verb)] if is_over else [])
    assert decision.call is None
    if not is_over:
        assert decision.due_s == pytest.approx(100.0 - wait_ages_s)
        return
    again = decide_in(CONFIRMATION, observe_cold(stored(decision.status), cold))
    assert again.call == (VerbCall(verb=verb, record_id="7") if verb else None)
    assert again.notes == ()
    assert len(again.status.policy_orders) == 1


@pytest.mark.parametrize(("policy", "verb"), [("Confirm", CONFIRM), ("Revert", REVERT)])
def test_who_answers_the_alert_of_a_confirm_deadline_by_editing_the_spec_is_obeyed(policy: str, verb: Verb) -> None:
    told = awaiting(since_s=100.0, policy_orders=(policy_order(Policy.ON_CONFIRM_DEADLINE),))
    cold = {"onConfirmDeadline": policy, "confirmDeadlineSeconds": 100}
    decision = decide_in(CONFIRMATION, observe_cold(told, cold))
    assert [(order.policy, order.verb) for order in decision.status.policy_orders] == [
        (Policy.ON_CONFIRM_DEADLINE, verb)
    ]
    assert decide_in(CONFIRMATION, observe_cold(stored(decision.status), cold)).call == VerbCall(
        verb=verb, record_id="7"
    )


@pytest.mark.parametrize("sent", [False, True])
def test_another_order_for_the_confirm_deadline_replaces_one_that_the_cloud_has_not_taken(*, sent: bool) -> None:
    """As when it refuses a confirm again and again."""
    ordered = awaiting(since_s=100.0, policy_orders=(policy_order(Policy.ON_CONFIRM_DEADLINE, CONFIRM, sent=sent),))
    cold = {"onConfirmDeadline": "Revert", "confirmDeadlineSeconds": 100}
    decision = decide_in(CONFIRMATION, observe_cold(ordered, cold))
    verb = CONFIRM if sent else REVERT
    assert [(one.policy, one.verb) for one in decision.status.policy_orders] == [(Policy.ON_CONFIRM_DEADLINE, verb)]
    if not sent:
        again = decide_in(CONFIRMATION, observe_cold(stored(decision.status), cold))
        assert again.call == VerbCall(verb=REVERT, record_id="7")


def test_an_automatic_confirm_that_was_given_up_leaves_the_deadline_to_its_policy() -> None:
    given_up = awaiting(since_s=100.0, policy_orders=(policy_order(Policy.CONFIRM, CONFIRM, given_up=True),))
    cold = {"confirm": "Automatic", "onConfirmDeadline": "Revert", "confirmDeadlineSeconds": 100}
    decision = decide_in(CONFIRMATION, observe_cold(given_up, cold))
    assert decision.status.policy_orders[-1].policy is Policy.ON_CONFIRM_DEADLINE


@pytest.mark.parametrize(
    ("policy", "word", "phase", "reason"),
    [
        ((Policy.ON_CONFIRM_DEADLINE, REVERT), "reverted", Phase.REVERTED, Reason.CONFIRM_DEADLINE_EXCEEDED),
        ((Policy.ON_CONFIRM_DEADLINE, CONFIRM), "confirmed", Phase.SUCCEEDED, Reason.SUCCEEDED),
        ((Policy.CONFIRM, CONFIRM), "confirmed", Phase.SUCCEEDED, Reason.SUCCEEDED),
        ((Policy.ON_DEADLINE, Verb.ABORT), "reverted", Phase.FAILED, Reason.DEADLINE_EXCEEDED),
        ((Policy.DELETION, Verb.ABORT), "reverted", Phase.ABORTED, Reason.ABORTED),
    ],
)
def test_the_end_says_which_policy_decided(
    policy: tuple[Policy, Verb], word: str, phase: Phase, reason: Reason
) -> None:
    status = awaiting(policy_orders=(policy_order(*policy, sent=True),))
    view = server("cmp1" if word == "reverted" else "cmp2")
    decision = decide_in(World(server=view, records=(cold_record(word),)), observe_cold(status))
    assert (decision.status.phase, reason_of(decision.status)) == (phase, reason)


def test_a_revert_by_somebody_else_while_ours_is_not_sent_is_theirs() -> None:
    world = World(server=server("cmp1"), records=(cold_record("reverted"),))
    status = decide_in(world, observe_cold(awaiting(control(REVERT)))).status
    assert (status.phase, reason_of(status)) == (Phase.REVERTED, Reason.REVERTED_UPSTREAM)
    assert result_of(status, REVERT) is ControlResult.TOO_LATE


# --- clocks


def pass_time(observation: Observed, seconds: float) -> Observed:
    return replace(observation, now=NOW + timedelta(seconds=seconds))


def test_the_deadline_stands_still_while_awaiting_and_goes_on_later_by_as_much() -> None:
    begun = started(start_time=NOW, phase=Phase.RUNNING)
    first = decide_in(CONFIRMATION, observe_cold(begun)).status
    assert first.deadline_time is None
    confirming = World(server=verify(), records=(cold_record("confirming"),))
    after = decide_in(confirming, pass_time(observe_cold(stored(first)), 1000.0)).status
    assert after.deadline_time == NOW + timedelta(seconds=14_400 + 1000)
    assert after.confirm is not None
    assert after.confirm.end_time == NOW + timedelta(seconds=1000)
    later = decide_in(confirming, pass_time(observe_cold(stored(after)), 5000.0)).status
    assert later.deadline_time == after.deadline_time, "confirming is no pause"


def test_the_pauses_of_all_attempts_put_the_deadline_off() -> None:
    confirm = ConfirmFacts(start_time=NOW - timedelta(seconds=500), end_time=NOW - timedelta(seconds=100))
    ended = started(control(Verb.RETRY), phase=Phase.FAILED, confirm=confirm, paused_seconds=30)
    again = decide(observe_cold(ended)).status
    assert (again.phase, again.paused_seconds, again.confirm) == (Phase.PENDING, 430, None)
    assert again.deadline_time == NOW + timedelta(seconds=14_400 + 430)


def test_the_deadline_of_the_confirmation_is_counted_from_the_arrival() -> None:
    since = awaiting(since_s=50.0)
    status = decide_in(CONFIRMATION, observe_cold(since, {"confirmDeadlineSeconds": 3600})).status
    assert status.confirm is not None
    assert status.confirm.deadline_time == NOW + timedelta(seconds=3550)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1.0, "overdue"),
        (0.0, "overdue"),
        (1.0, "1 min left"),
        (60.0, "1 min left"),
        (600.0, "10 min left"),
        (601.0, "20 min left"),
        (7200.0, "120 min left"),
        (7201.0, "3 h left"),
        (72_000.0, "20 h left"),
    ],
)
def test_the_time_left_is_told_in_words_that_change_rarely(seconds: float, told: str) -> None:
    assert describe_left(seconds) == told


def test_a_wait_of_twenty_hours_has_few_wordings_and_is_never_told_shorter_than_it_is() -> None:
    told = [describe_left(float(seconds)) for seconds in range(72_000, 0, -30)]
    assert len(set(told)) <= 40
    assert describe_left(61.0) == "2 min left"


# --- record and server disagree, and what is only made up


@pytest.mark.parametrize("phase", [Phase.CONFIRMING, Phase.REVERTING, Phase.AWAITING_CONFIRMATION])
def test_a_sweep_that_is_older_than_what_was_read_never_takes_a_move_back_through_its_gate(phase: Phase) -> None:
    stale, fresh = cold_record("migrating"), cold_record("finished")
    status = awaiting().model_copy(update={"phase": phase})
    decision = decide_in(World(server=verify(), records=(fresh,)), observe_cold(status, swept=stale))
    assert decision.status.phase is Phase.AWAITING_CONFIRMATION
    still = decide_in(World(server=verify(), records=(stale,)), observe_cold(status, swept=stale))
    assert still.status.phase is phase


def test_a_made_up_record_is_looked_at_soon_for_no_sweep_tells_of_it() -> None:
    made_up = cold_record("migrating", id="req-ours", number=5, is_synthetic=True)
    status = started(id=None, phase=Phase.STARTING)
    decision = decide_in(World(server=resizing(), records=(made_up,)), observe_cold(status))
    assert decision.status.upstream is not None
    assert (decision.status.upstream.id, decision.due_s) == ("req-ours", 5.0)
    told = cold_record("migrating")
    assert decide_in(World(server=resizing(), records=(told,)), observe_cold(status)).due_s == 60.0


@pytest.mark.parametrize(
    ("host_id", "word", "phase", "reason"),
    [
        ("h2", "confirmed", Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM),
        ("h1", "confirmed", Phase.FAILED, Reason.HOST_UNCHANGED),
        (None, "confirmed", Phase.SUCCEEDED, Reason.CONFIRMED_UPSTREAM),
        ("h2", "error", Phase.FAILED, Reason.ERROR_ON_DESTINATION),
        ("h1", "error", Phase.FAILED, Reason.SERVER_IN_ERROR),
        (None, "error", Phase.FAILED, Reason.SERVER_IN_ERROR),
    ],
)
def test_where_hosts_are_hidden_the_anonymous_name_of_the_host_tells_whether_the_server_moved(
    host_id: str | None, word: str, phase: Phase, reason: Reason
) -> None:
    placement = PlacementFacts(source_host_id="h1")
    view = replace(server(None, error=word == "error"), host_id=host_id)
    row = cold_record(word, source_host=None, destination=None)
    waited = {"error:7": 2.0, "settle:7": 2.0}
    label = "error:7" if word == "error" else "settle:7"
    observation = observe_cold(started(placement=placement), wait_ages_s={label: waited[label]})
    status = decide_in(World(server=view, records=(row,)), observation).status
    assert (status.phase, reason_of(status)) == (phase, reason)


def test_a_server_that_became_busy_after_all_is_waited_for() -> None:
    world = World(server=resizing("cmp2", "resize_finish"), records=(cold_record(),))
    decision = decide_in(world, observe_cold(started(), wait_ages_s={"not-awaiting:7": 9999.0}))
    assert (decision.status.phase, decision.wait_key) == (Phase.RUNNING, "")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (cold_record(), Reason.ERROR_ON_DESTINATION),
        (cold_record(destination="cmp3"), Reason.SERVER_IN_ERROR),
        (cold_record(source_host="cmp2"), Reason.SERVER_IN_ERROR),
    ],
    ids=["moved", "went elsewhere", "never meant to leave"],
)
def test_an_error_is_on_the_destination_only_where_the_server_went(row: RecordView, reason: Reason) -> None:
    world = World(server=server("cmp2", error=True), records=(row,))
    assert reason_of(decide_in(world, observe_cold(started())).status) == reason


def test_a_confirm_that_was_sent_in_an_earlier_attempt_confirms_nothing_of_this_one() -> None:
    earlier = control(CONFIRM, ControlResult.TOO_LATE, sent=True)
    world = World(server=server("cmp2"), records=(cold_record("confirmed"),))
    for attempt, reason in ((1, Reason.SUCCEEDED), (2, Reason.CONFIRMED_UPSTREAM)):
        observation = observe_cold(awaiting(earlier, attempt=attempt), wait_ages_s={"settle:7": 2.0})
        assert reason_of(decide_in(world, observation).status) == reason
