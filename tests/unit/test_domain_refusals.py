"""Starts that the cloud keeps turning down: a few, ever more rarely, through restarts; then the attempt has failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from decided import Decided, decide
from domain_samples import (
    NOW,
    call_lookup,
    control,
    message_of,
    observe,
    observe_waited,
    pre_start,
    reason_of,
    sent,
    server,
    started,
    status_in,
    stored,
)
from domain_world import World, decide_in
from osmig.api.meta import to_wire
from osmig.api.migration import Failure, MigrationStatus
from osmig.api.names import ConditionType, ControlResult, EventReason, Kind, Phase, Policy, Reason, Verb
from osmig.controllers.claims import read_claims
from osmig.controllers.keys import Key
from osmig.domain.calls import Answer
from osmig.domain.conditions import find_condition
from osmig.domain.errors import NotInThisState, OutcomeUnknown, Transient
from osmig.domain.intents import MAX_SENDS
from osmig.domain.observation import LimitHit
from osmig.domain.orders import in_force
from osmig.domain.refusals import MAX_PAUSE_S, MAX_REFUSALS
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.views import CallLookupKind

NOTHING = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
WORDS = "The cloud answered 500 to live-migrate: Unexpected API Error."
ABORT_LATE = {"onDeadline": "Abort", "deadlineSeconds": 600}


def turn_down(reason: str = Reason.SERVER_ERROR, message: str = WORDS) -> OutcomeUnknown:
    return OutcomeUnknown(reason, message, operation="live-migrate", request_id="req-x")


@dataclass
class Cloud:
    """One that turns every start down, followed by an operator that is killed and started again after every write."""

    error: OutcomeUnknown | Transient = field(default_factory=turn_down)
    wanted: dict[str, Any] = field(default_factory=dict)
    status: MigrationStatus = field(default_factory=MigrationStatus)
    seconds: float = 0.0
    starts: list[float] = field(default_factory=list)
    limit_hit: LimitHit = field(default_factory=LimitHit)

    def step(self, **facts: Any) -> Decided:  # noqa: ANN401 - fields of an observation
        """Make one step of a new process; carry out its call."""
        known = {"wanted": self.wanted, "now": NOW + timedelta(seconds=self.seconds), **facts}
        decision = decide_in(NOTHING, observe(self.status, **known))
        if decision.call == StartCall():
            self.starts.append(self.seconds)
            answer = Answer(call=decision.call, error=self.error)
            decision = decide(observe(stored(decision.status), **{**known, "answer": answer}))
        self.status = stored(decision.status)
        return decision

    def run(self, steps: int = 200) -> MigrationStatus:
        """Go on, as told when, until it is over."""
        for _ in range(steps):
            due_s = self.step(limit_hit=self.limit_hit).due_s
            if due_s is None:
                break
            self.seconds += due_s
        return self.status


def test_a_start_that_is_turned_down_again_and_again_fails_with_the_clouds_words() -> None:
    cloud = Cloud()
    status = cloud.run()
    assert (status.phase, reason_of(status)) == (Phase.FAILED, Reason.SERVER_ERROR)
    assert message_of(status).endswith(f"the last time: {WORDS}")
    assert len(cloud.starts) == MAX_REFUSALS
    assert status.failure is not None
    assert status.failure.retryable
    assert [attempt.reason for attempt in status.attempts] == [Reason.SERVER_ERROR]
    assert {check.message for check in status.preflight} == {WORDS}


def test_the_pauses_between_grow_also_for_an_operator_that_is_started_again_every_time() -> None:
    cloud = Cloud()
    cloud.run()
    pauses = [after - before for before, after in zip(cloud.starts, cloud.starts[1:], strict=False)]
    assert pauses[0] >= 9.0
    assert pauses == sorted(pauses)
    assert pauses[-1] > 3 * pauses[0]


def test_between_two_tries_no_slot_is_held_and_the_words_and_the_next_time_are_told() -> None:
    cloud = Cloud()
    cloud.step()
    decision = cloud.step()
    status = decision.status
    assert (status.phase, reason_of(status), status.pending_call) == (Phase.PENDING, Reason.RETRYING, None)
    assert message_of(status) == f"start 1 of {MAX_REFUSALS} was turned down and nothing was done: {WORDS}"
    assert status.failure is not None
    assert (status.failure.message, status.failure.reason) == (WORDS, Reason.SERVER_ERROR)
    assert status.failure.next_retry_time == NOW + timedelta(seconds=10)
    claims = read_claims(Key(Kind.MIGRATION, "team-a", "db-07"), {"status": to_wire(status)})
    assert (claims.holds, claims.server_id) == (None, None)


def test_a_wait_in_the_queue_between_two_tries_does_not_begin_the_count_anew() -> None:
    cloud = Cloud()
    full = LimitHit(limit_of="moves", used=1, limit=1)
    for _ in range(MAX_REFUSALS - 1):
        while cloud.step().status.phase is not Phase.PENDING:
            pass
        cloud.seconds += MAX_PAUSE_S
        assert reason_of(cloud.step(limit_hit=full).status) == Reason.SLOTS_TAKEN
        cloud.seconds += 3600
    assert cloud.run().phase is Phase.FAILED
    assert len(cloud.starts) == MAX_REFUSALS


def test_spec_retry_then_rules_and_the_next_attempt_counts_anew() -> None:
    cloud = Cloud(wanted={"retry": {"limit": 1, "backoffSeconds": 30}})
    status = cloud.run()
    assert (status.phase, status.attempt) == (Phase.FAILED, 2)
    assert len(cloud.starts) == 2 * MAX_REFUSALS
    assert len(status.preflight) == MAX_REFUSALS


def test_a_conflict_of_an_idle_server_that_goes_on_fails_too_and_may_pass() -> None:
    cloud = Cloud(error=turn_down(Reason.CONFLICT, "The cloud answered 409 to live-migrate: in task_state x"))
    status = cloud.run()
    assert (status.phase, reason_of(status), len(cloud.starts)) == (Phase.FAILED, Reason.CONFLICT, MAX_REFUSALS)


def test_an_unknown_conflict_of_an_idle_server_is_a_refusal_at_once() -> None:
    words = "The cloud answered 409 to live-migrate: Instance X has a pinned leg"
    cloud = Cloud(error=turn_down(Reason.START_REFUSED, words), wanted={"retry": {"limit": 3}})
    status = cloud.run()
    assert (status.phase, reason_of(status), len(cloud.starts)) == (Phase.FAILED, Reason.START_REFUSED, 1)
    assert message_of(status) == words
    assert status.failure is not None
    assert not status.failure.retryable


def test_an_unknown_conflict_of_a_busy_server_waits_behind_what_goes_on() -> None:
    busy = World(call_lookup=call_lookup(CallLookupKind.CONFLICT, server(busy=True), detail="migration 9 (running)"))
    cloud = Cloud(error=turn_down(Reason.START_REFUSED))
    cloud.step()
    decision = decide_in(busy, observe(cloud.status))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.QUEUED, Reason.SERVER_BUSY)
    assert decision.status.failure is None


def test_the_deadline_ends_what_is_turned_down_without_anything_under_way() -> None:
    cloud = Cloud(error=Transient("Unreachable", "no way there", operation="o"), wanted=ABORT_LATE)
    status = cloud.run()
    assert (status.phase, reason_of(status)) == (Phase.FAILED, Reason.DEADLINE_EXCEEDED)
    assert cloud.seconds == pytest.approx(600, abs=1)
    assert len(cloud.starts) < 10, "what was not counted is sent ever more rarely, too"


@pytest.mark.parametrize("policy", ["Alert", "Abort"])
def test_only_a_deadline_that_shall_abort_ends_a_wait(policy: str) -> None:
    over = status_in(Phase.QUEUED, start_time=NOW - timedelta(seconds=601), attempt=1)
    wanted = {"onDeadline": policy, "deadlineSeconds": 600}
    decision = decide_in(NOTHING, observe(over, wanted=wanted))
    assert (decision.status.phase is Phase.FAILED) == (policy == "Abort")


def test_the_deadline_tells_what_came_before_it() -> None:
    failure = Failure(reason=Reason.SERVER_ERROR, message=WORDS)
    over = status_in(Phase.PENDING, start_time=NOW - timedelta(seconds=601), attempt=1, failure=failure)
    decision = decide(observe(over, wanted=ABORT_LATE))
    assert message_of(decision.status) == f"onDeadline ended it while nothing was under way; before that: {WORDS}"


def test_a_provider_that_is_not_ready_is_waited_for_until_the_deadline_only() -> None:
    begun = status_in(Phase.QUEUED, start_time=NOW - timedelta(seconds=500), attempt=1)
    lost = observe(begun, wanted=ABORT_LATE).provider.__class__(is_ready=False, reason=Reason.UNREACHABLE)
    assert decide(observe(begun, wanted=ABORT_LATE, provider=lost)).due_s == 100.0
    alert_late = {**ABORT_LATE, "onDeadline": "Alert"}
    assert decide(observe(begun, wanted=alert_late, provider=lost)).due_s == 100.0
    told = decide(observe(begun, wanted={**alert_late, "deadlineSeconds": 500}, provider=lost))
    assert [note.reason for note in told.notes] == [EventReason.POLICY_ACTED]
    again = decide(observe(stored(told.status), wanted={**alert_late, "deadlineSeconds": 500}, provider=lost))
    assert (again.due_s, again.notes, again.status.policy_orders) == (None, (), told.status.policy_orders)


def test_a_start_without_an_answer_is_not_sent_again_after_the_deadline() -> None:
    status = sent(start_time=NOW - timedelta(seconds=601))
    decision = decide_in(NOTHING, observe_waited(status, wanted=ABORT_LATE))
    assert (decision.call, reason_of(decision.status)) == (None, Reason.DEADLINE_EXCEEDED)


def test_lost_starts_end_with_what_was_seen_of_the_last() -> None:
    call = sent().pending_call
    assert call is not None
    lost = Failure(reason=Reason.NO_ANSWER, message="No answer to live-migrate came that could be read")
    status = sent(call=call.model_copy(update={"sends": MAX_SENDS}), failure=lost)
    decision = decide_in(NOTHING, observe_waited(status))
    assert reason_of(decision.status) == Reason.START_LOST
    assert message_of(decision.status).endswith("the last time: No answer to live-migrate came that could be read")


def test_an_accepted_start_forgets_what_earlier_ones_were_told() -> None:
    cloud = Cloud()
    cloud.step()
    assert cloud.status.failure is not None
    ours = World(call_lookup=call_lookup(CallLookupKind.OURS, request_id="req-ours"))
    assert decide_in(ours, observe(cloud.status)).status.failure is None


# --- orders


@pytest.mark.parametrize(("age_s", "pause_s"), [(0, 5.0), (50, 5.0), (600, 60.0), (86_400, 300.0)])
@pytest.mark.parametrize("is_policy", [False, True])
def test_an_order_that_has_no_effect_is_sent_ever_more_rarely(*, age_s: float, pause_s: float, is_policy: bool) -> None:
    given = NOW - timedelta(seconds=age_s)
    status = started(control(Verb.ABORT).model_copy(update={"time": given}))
    if is_policy:
        ordered = {"policy": Policy.ON_STALL, "verb": Verb.ABORT, "time": given}
        status = MigrationStatus.model_validate({**to_wire(started()), "policyOrders": [to_policy(ordered)]})
    order = in_force(status)
    assert order is not None
    assert order.measure_pause_s(NOW, shortest_s=5.0) == pause_s


def to_policy(ordered: dict[str, Any]) -> dict[str, Any]:
    return {**ordered, "time": ordered["time"].isoformat()}


def test_a_refused_abort_says_why_and_goes_on() -> None:
    call = VerbCall(verb=Verb.ABORT, record_id="7")
    error = NotInThisState("NotInThisState", "Not possible now: the server rests", operation="abort")
    decision = decide(observe(started(control(Verb.ABORT)), answer=Answer(call=call, error=error)))
    (told,) = decision.status.controls
    assert told.result is ControlResult.ACCEPTED
    assert told.message == ("the cloud has not taken it yet, it is asked again: Not possible now: the server rests")


def test_an_abort_between_two_tries_does_not_say_that_nothing_was_ever_sent() -> None:
    begun = status_in(Phase.PENDING, controls=(control(Verb.ABORT),), start_time=NOW, attempt=1)
    after = decide(observe(begun)).status
    assert after.phase is Phase.ABORTED
    assert "before anything was sent" not in message_of(after)
    assert find_condition(after.conditions, ConditionType.FINISHED) is not None
