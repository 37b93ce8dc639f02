"""What osmig does by itself about a stall and a deadline: once per attempt, and never against a user."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_cold_samples import cold_record, observe_cold, policy_order, verify
from domain_samples import (
    LOST,
    NOW,
    READY,
    call_lookup,
    control,
    observe,
    pre_start,
    reason_of,
    record,
    result_of,
    sent,
    server,
    started,
    status_in,
    stored,
)
from domain_world import World, decide_in
from osmig.api.migration import ConfirmFacts, Progress
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Reason, Trend, Verb
from osmig.domain import orders
from osmig.domain.calls import Answer
from osmig.domain.capabilities import Capability
from osmig.domain.errors import Unsupported
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import BytesView, CallLookupKind, ProgressView

if TYPE_CHECKING:
    from decided import Decided
    from osmig.api.migration import Control, MigrationStatus, PolicyOrder
    from osmig.domain.errors import BackendError

ABORT, FORCE = Verb.ABORT, Verb.FORCE_COMPLETE
LONG_AGO = NOW - timedelta(days=2)
SAMPLE = ProgressView(memory=BytesView(total=1000, processed=600, remaining=500))
STALLED = Progress(
    lowest_remaining_bytes=500, last_progress_time=NOW - timedelta(seconds=300), sample_time=NOW - timedelta(seconds=9)
)


def running(*orders: Control, seconds: float = 300.0, **changes: Any) -> MigrationStatus:  # noqa: ANN401 - its fields
    """A move that gained nothing for so long."""
    progress = STALLED.model_copy(update={"last_progress_time": NOW - timedelta(seconds=seconds)})
    return started(*orders, progress=progress, **changes)


def step(status: MigrationStatus, word: str = "running", *, on_stall: str = "Alert", **spec: object) -> Decided:
    """Decide on a running move whose sample shows no gain."""
    wanted = {"live": {"convergence": {"onStall": on_stall}}, **spec}
    world = World(server=server(busy=True), records=(record(word),), progress=SAMPLE)
    return decide_in(world, observe(status, wanted=wanted))


def orders_of(decision: Decided) -> list[tuple[Policy, Verb | None]]:
    """Return what each policy that acted has ordered, and has not given up."""
    acted = decision.status.policy_orders
    return [(order.policy, order.verb if order.given_up_time is None else None) for order in acted]


STALLS = [("Alert", None), ("ForceComplete", FORCE), ("Abort", ABORT)]


@pytest.mark.parametrize(("on_stall", "verb"), STALLS)
@pytest.mark.parametrize(("seconds", "is_stalled"), [(299.0, False), (300.0, True)])
def test_a_stalled_move_brings_about_what_on_stall_says(
    *, on_stall: str, verb: Verb | None, seconds: float, is_stalled: bool
) -> None:
    decision = step(running(seconds=seconds), on_stall=on_stall)
    assert orders_of(decision) == ([(Policy.ON_STALL, verb)] if is_stalled else [])
    assert decision.call is None
    if is_stalled:
        assert [(note.reason, note.is_warning) for note in decision.notes] == [(EventReason.POLICY_ACTED, True)]
        after = step(stored(decision.status), on_stall=on_stall)
        assert after.call == (VerbCall(verb=verb, record_id="7") if verb else None)
        assert (after.notes, orders_of(after)) == ((), orders_of(decision))


@pytest.mark.parametrize("word", ["accepted", "queued", "preparing", "running (post-copy)", "post-migrating"])
def test_only_a_move_whose_data_runs_can_stall(word: str) -> None:
    assert orders_of(step(running(seconds=9999.0), word, on_stall="Abort")) == []


@pytest.mark.parametrize("policy", [Policy.ON_STALL, Policy.ON_DEADLINE])
def test_each_policy_orders_once_per_attempt_even_when_its_order_was_given_up(policy: Policy) -> None:
    acted = running(policy_orders=(policy_order(policy, ABORT, given_up=True),), start_time=LONG_AGO)
    decision = step(acted, on_stall="Abort" if policy is Policy.ON_STALL else "Alert", onDeadline="Abort")
    assert [(found, verb) for found, verb in orders_of(decision) if found is policy] == [(policy, None)]


EDITS = [
    (Policy.ON_STALL, {"on_stall": "Abort"}, ABORT),
    (Policy.ON_STALL, {"on_stall": "ForceComplete"}, FORCE),
    (Policy.ON_DEADLINE, {"onDeadline": "Abort"}, ABORT),
]


@pytest.mark.parametrize(("policy", "edit", "verb"), EDITS)
def test_who_answers_an_alert_by_editing_the_spec_is_obeyed(policy: Policy, edit: Any, verb: Verb) -> None:  # noqa: ANN401 - fields of a spec
    is_late = policy is Policy.ON_DEADLINE
    begun, quiet_s = (LONG_AGO, 9.0) if is_late else (NOW, 300.0)
    told = running(policy_orders=(policy_order(policy),), start_time=begun, seconds=quiet_s)
    decision = step(told, **edit)
    assert orders_of(decision) == [(policy, verb)]
    then = step(stored(decision.status), **edit)
    assert then.call == VerbCall(verb=verb, record_id="7")
    assert (orders_of(then), then.notes) == ([(policy, verb)], ())


def test_another_order_in_the_spec_is_obeyed_though_the_policy_had_ordered_something_before() -> None:
    forced = running(policy_orders=(policy_order(Policy.ON_STALL, FORCE, sent=True),), seconds=300.0)
    assert orders_of(step(forced, on_stall="ForceComplete")) == [(Policy.ON_STALL, FORCE)]
    decision = step(forced, on_stall="Abort")
    assert orders_of(decision) == [(Policy.ON_STALL, ABORT)]
    assert [note.reason for note in decision.notes] == [EventReason.POLICY_ACTED]


def test_another_order_in_the_spec_is_obeyed_though_the_cloud_cannot_do_the_one_before() -> None:
    poor = replace(READY, possible=READY.possible - {Capability.FORCE_COMPLETE})
    status = running(policy_orders=(policy_order(Policy.ON_STALL, FORCE),), seconds=300.0)
    given_up = decide_in(World(records=(record(),), progress=SAMPLE), observe(status, provider=poor)).status
    (order,) = given_up.policy_orders
    assert (order.verb, order.given_up_time) == (FORCE, NOW)
    assert orders_of(step(given_up, on_stall="ForceComplete")) == [(Policy.ON_STALL, None)]
    assert orders_of(step(given_up, on_stall="Alert")) == [(Policy.ON_STALL, None)]
    assert orders_of(step(stored(given_up), on_stall="Abort")) == [(Policy.ON_STALL, ABORT)]


def test_a_later_deadline_is_told_of_anew_and_the_same_one_is_not() -> None:
    told = policy_order(Policy.ON_DEADLINE).model_copy(update={"time": NOW - timedelta(hours=1)})
    late = running(policy_orders=(told,), start_time=NOW - timedelta(hours=2), seconds=9.0)
    for deadline_s, is_new in ((3600, False), (5400, True), (9000, False)):
        decision = step(late, deadlineSeconds=deadline_s)
        assert [note.reason for note in decision.notes] == ([EventReason.POLICY_ACTED] if is_new else [])
        assert len(decision.status.policy_orders) == 1


NO_ANSWER = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
BUSY = World(pre_start=pre_start(server(busy=True)))
NOT_MOVING = {
    "refused and tried again": (
        status_in(Phase.PENDING, start_time=LONG_AGO, deadline_time=NOW, attempt=1),
        World(),
        {},
        "pause:1:900.0:then",
    ),
    "behind another move": (status_in(Phase.QUEUED, start_time=LONG_AGO, attempt=1), BUSY, {}, ""),
    "without a Provider": (status_in(Phase.QUEUED, start_time=LONG_AGO, attempt=1), World(), {"provider": LOST}, ""),
    "sent, without an answer": (sent(start_time=LONG_AGO), NO_ANSWER, {}, ""),
    "followed, without a Provider": (started(start_time=LONG_AGO), World(), {"provider": LOST}, ""),
}
"""Status, cloud, what else is observed, and the wait under way."""


@pytest.mark.parametrize("name", NOT_MOVING)
def test_a_deadline_that_shall_only_alert_is_told_once_of_what_is_not_moving(name: str) -> None:
    status, world, changes, wait_key = NOT_MOVING[name]
    ages = {wait_key: 1.0} if wait_key else {}
    decision = decide_in(world, observe(status, wait_ages_s=ages, **changes))
    assert ([note.reason for note in decision.notes], decision.call) == ([EventReason.POLICY_ACTED], None)
    assert orders_of(decision) == [(Policy.ON_DEADLINE, None)]
    assert decision.status.phase is status.phase
    again = decide_in(world, observe(stored(decision.status), wait_ages_s=ages, **changes))
    assert (again.notes, orders_of(again)) == ((), orders_of(decision))


def test_a_pause_ends_at_the_deadline_to_tell_of_it_and_goes_on_after() -> None:
    for left_s, due_s in ((10, 10.0), (9000, 899.0), (-10, 899.0)):
        deadline = NOW + timedelta(seconds=left_s)
        status = status_in(Phase.PENDING, start_time=LONG_AGO, deadline_time=deadline, attempt=1)
        after = decide_in(World(), observe(status, wait_ages_s={"pause:1:900.0:then": 1.0}))
        assert (after.due_s, bool(after.notes)) == (due_s, left_s < 0)


def test_a_wait_for_a_confirmation_is_no_later_deadline() -> None:
    began = NOW - timedelta(hours=3)
    told = policy_order(Policy.ON_DEADLINE).model_copy(update={"time": began + timedelta(hours=1)})
    gate = ConfirmFacts(start_time=began + timedelta(hours=1), end_time=began + timedelta(hours=2))
    status = started(phase=Phase.CONFIRMING, start_time=began, confirm=gate, policy_orders=(told,))
    world = World(server=verify(), records=(cold_record("confirming"),))
    decision = decide_in(world, observe_cold(status, wanted={"deadlineSeconds": 3600}))
    assert (decision.notes, decision.status.policy_orders) == ((), (told,))


def test_a_new_attempt_begins_with_fresh_policies() -> None:
    over = running(control(Verb.RETRY), phase=Phase.FAILED, policy_orders=(policy_order(Policy.ON_STALL, ABORT),))
    again = decide(observe(over)).status
    assert (again.phase, again.attempt, again.policy_orders, again.progress) == (Phase.PENDING, 2, (), None)


# --- who outranks whom

ACCEPTED, FINAL = ControlResult.ACCEPTED, ControlResult.TOO_LATE


@pytest.mark.parametrize("verb", [ABORT, FORCE])
@pytest.mark.parametrize(
    ("on_stall", "on_deadline"), [("Abort", "Alert"), ("ForceComplete", "Alert"), ("Alert", "Abort")]
)
def test_no_policy_orders_anything_while_a_users_order_is_in_force(verb: Verb, on_stall: str, on_deadline: str) -> None:
    begun = LONG_AGO if on_deadline == "Abort" else NOW
    decision = step(running(control(verb), start_time=begun), on_stall=on_stall, onDeadline=on_deadline)
    assert [ordered for _, ordered in orders_of(decision) if ordered is not None] == []
    if decision.call is not None:
        assert decision.call == VerbCall(verb=verb, record_id="7")


@pytest.mark.parametrize("verb", [ABORT, FORCE])
def test_a_policy_acts_once_the_users_order_is_settled(verb: Verb) -> None:
    decision = step(running(control(verb, FINAL)), on_stall="Abort")
    assert orders_of(decision) == [(Policy.ON_STALL, ABORT)]


@pytest.mark.parametrize("policy", [Policy.ON_STALL, Policy.ON_DEADLINE])
def test_a_users_force_complete_goes_before_a_policys_abort(policy: Policy) -> None:
    decision = step(running(control(FORCE), policy_orders=(policy_order(policy, ABORT),), seconds=9.0))
    assert decision.call == VerbCall(verb=FORCE, record_id="7")


def test_a_deadlines_abort_goes_before_a_stalls_force_complete() -> None:
    forced = running(policy_orders=(policy_order(Policy.ON_STALL, FORCE, sent=True),), start_time=LONG_AGO)
    decision = step(forced, onDeadline="Abort")
    assert (Policy.ON_DEADLINE, ABORT) in orders_of(decision)
    assert step(stored(decision.status), onDeadline="Abort").call == VerbCall(verb=ABORT, record_id="7")


def test_a_stall_gives_no_second_order_beside_a_deadlines_abort() -> None:
    called_off = running(policy_orders=(policy_order(Policy.ON_DEADLINE, ABORT),), start_time=LONG_AGO)
    for on_stall in ("ForceComplete", "Abort"):
        assert orders_of(step(called_off, on_stall=on_stall, onDeadline="Abort")) == [(Policy.ON_DEADLINE, ABORT)]


@pytest.mark.parametrize(
    ("trend_bytes", "told"), [(500, "makes no progress"), (900, "writes faster than it is copied")]
)
def test_a_stall_says_whether_the_move_stands_or_diverges(trend_bytes: int, told: str) -> None:
    sample = ProgressView(memory=BytesView(total=1000, remaining=trend_bytes))
    world = World(server=server(busy=True), records=(record(),), progress=sample)
    decision = decide_in(world, observe(running()))
    assert told in decision.notes[0].text
    assert decision.status.progress is not None
    assert decision.status.progress.trend is (Trend.RISING if trend_bytes == 900 else Trend.FLAT)


# --- what the cloud cannot do, and what is sent


def test_a_policys_order_that_the_cloud_cannot_do_is_given_up_with_an_event() -> None:
    poor = replace(READY, possible=READY.possible - {Capability.ABORT})
    world = World(records=(record(),), progress=SAMPLE)
    status = running(policy_orders=(policy_order(Policy.ON_DEADLINE, ABORT),), seconds=9.0)
    decision = decide_in(world, observe(status, provider=poor))
    assert (decision.call, orders_of(decision)) == (None, [(Policy.ON_DEADLINE, None)])
    assert [note.reason for note in decision.notes] == [EventReason.POLICY_ACTED]


def answered(status: MigrationStatus, error: BackendError | None = None) -> MigrationStatus:
    answer = Answer(call=VerbCall(verb=ABORT, record_id="7"), error=error)
    return decide(observe(status, answer=answer, records=(record(),))).status


def test_when_a_policys_request_was_first_taken_is_noted_once() -> None:
    status = running(policy_orders=(policy_order(Policy.ON_DEADLINE, ABORT), policy_order(Policy.ON_STALL)))
    noted = answered(status)
    assert [order.sent_time for order in noted.policy_orders] == [NOW, None]
    assert answered(noted) == noted
    given_up = answered(status, Unsupported("x", "y", operation="o"))
    assert [order.given_up_time for order in given_up.policy_orders] == [NOW, None]
    assert orders.in_force(given_up) is None


@pytest.mark.parametrize("is_first_given_up", [False, True])
def test_of_two_policies_that_order_the_same_the_first_that_was_not_given_up_is_in_force(
    *, is_first_given_up: bool
) -> None:
    first = policy_order(Policy.ON_STALL, ABORT, given_up=is_first_given_up)
    order = orders.in_force(running(policy_orders=(first, policy_order(Policy.ON_DEADLINE, ABORT))))
    assert order is not None
    assert order.policy is (Policy.ON_DEADLINE if is_first_given_up else Policy.ON_STALL)


# --- how a move that was called off ends

ENDS = [
    ("a user", (control(ABORT),), (), Phase.ABORTED, Reason.ABORTED),
    ("a user and a policy", (control(ABORT),), (policy_order(Policy.ON_STALL, ABORT),), Phase.ABORTED, Reason.ABORTED),
    ("onStall", (), (policy_order(Policy.ON_STALL, ABORT, sent=True),), Phase.FAILED, Reason.STALLED),
    ("onDeadline", (), (policy_order(Policy.ON_DEADLINE, ABORT, sent=True),), Phase.FAILED, Reason.DEADLINE_EXCEEDED),
    ("deletion", (), (policy_order(Policy.DELETION, ABORT),), Phase.ABORTED, Reason.ABORTED),
    ("nobody", (), (), Phase.FAILED, Reason.CANCELLED_UPSTREAM),
    ("nobody, an alert only", (), (policy_order(Policy.ON_STALL),), Phase.FAILED, Reason.CANCELLED_UPSTREAM),
    ("nobody, forced", (control(FORCE),), (), Phase.FAILED, Reason.CANCELLED_UPSTREAM),
    ("nobody, rejected", (control(ABORT, ControlResult.REJECTED),), (), Phase.FAILED, Reason.CANCELLED_UPSTREAM),
]


@pytest.mark.parametrize(
    ("orders", "policies", "phase", "reason"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS]
)
def test_a_cancelled_move_ends_by_who_asked_for_it(
    orders: tuple[Control, ...], policies: tuple[PolicyOrder, ...], phase: Phase, reason: Reason
) -> None:
    world = World(server=server(), records=(record("cancelled"),))
    status = decide_in(world, observe(started(*orders, policy_orders=policies))).status
    assert (status.phase, reason_of(status)) == (phase, reason)
    if orders == (control(ABORT),):
        assert result_of(status, ABORT) is ControlResult.DONE
