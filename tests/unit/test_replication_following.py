"""After the order: when to look again, what is shown meanwhile, and what is concluded when a run cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_cold_samples import policy_order
from domain_samples import NOW, conditions_of, reason_of, stored
from osmig.api.meta import to_wire
from osmig.api.migration import Control, Items, Progress, UpstreamFacts
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Reason, Verb
from osmig.domain import write_budget
from osmig.domain.errors import Absent, BackendError, NotPermitted, Transient, Unauthorized
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from replication_samples import (
    LOST,
    NAME,
    REPLICA_ID,
    RUN_ID,
    STRANGER,
    UNSEEN,
    USER,
    Waldur,
    after,
    decide_in,
    followed,
    known_tenant,
    observe,
    replica,
    run,
)

if TYPE_CHECKING:
    from decided import Decided

GONE = Absent(Reason.RECORD_GONE, "no such run", operation="run")
ITEMS = Items(of="networks and subnets of the replica", total=7, done=3)
ALL = ITEMS.model_copy(update={"done": 7})
BUSY = Waldur(run=run(), replica=replica(items=ITEMS))
SCHEDULED = Waldur(run=run(RunStage.SCHEDULED))


@pytest.mark.parametrize(
    ("age_s", "due_s"), [(0, 5.0), (5, 7.5), (20, 15.0), (60, 35.0), (110, 60.0), (111, 60.0), (9999, 60.0)]
)
def test_the_pauses_between_two_looks_grow_from_5_s_to_60_s(age_s: int, due_s: float) -> None:
    assert decide_in(BUSY, observe(followed(), now=NOW + timedelta(seconds=age_s))).due_s == due_s


def test_the_pause_is_short_where_the_begin_is_not_known_and_after_the_clock_was_put_back() -> None:
    assert decide_in(BUSY, observe(followed(attempt_start_time=None))).due_s == 5.0
    assert decide_in(BUSY, observe(followed(), now=NOW - timedelta(hours=1))).due_s == 5.0


@pytest.mark.parametrize(("age_s", "reason"), [(599, Reason.SCHEDULED), (600, Reason.NOT_STARTED)])
def test_a_run_that_waldur_does_not_begin_is_told_after_10_minutes_and_followed_on(age_s: int, reason: str) -> None:
    decision = decide_in(SCHEDULED, observe(followed(), now=NOW + timedelta(seconds=age_s)))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.STARTING, reason)
    assert decision.due_s == 60.0


def test_what_waldur_says_is_shown_verbatim() -> None:
    decision = decide_in(BUSY, observe(followed(tenant=None)))
    status = decision.status
    assert status.upstream == UpstreamFacts(id=RUN_ID, type="openstack-migration", status="CREATING", user_id=USER)
    assert status.tenant is not None
    assert (status.tenant.destination_resource, status.tenant.destination_name) == (REPLICA_ID, NAME)
    assert status.tenant.destination_status == "Creating"
    assert "floating IPs are not" in (status.tenant.scope or "")


def test_a_silent_old_server_does_not_wipe_what_was_known() -> None:
    silent = run(replica=ReplicaStage.UNKNOWN, replica_id=None, replica_name=None, user_id=None)
    status = decide_in(Waldur(run=silent, replica=UNSEEN), observe(followed())).status
    assert status.tenant is not None
    assert (status.tenant.destination_resource, status.tenant.destination_name) == (REPLICA_ID, NAME)
    assert status.tenant.destination_status is None
    assert status.upstream is not None
    assert status.upstream.user_id == USER
    assert any("not told" in condition.message for condition in status.conditions)


def test_a_word_of_any_length_can_be_written() -> None:
    wordy = run(RunStage.UNKNOWN, ReplicaStage.UNKNOWN, status="X" * 9000, replica_status="Y" * 9000)
    status = decide_in(Waldur(run=wordy, replica=UNSEEN), observe(followed())).status
    assert stored(status) == status


def test_no_traceback_is_shown_though_a_run_failed() -> None:
    # the views have no field for it: what is cleaned is the backend's duty, that nothing else is shown is ours
    failed = run(RunStage.ERRED, ReplicaStage.ERRED, error="ConnectFailure")
    decision = decide_in(Waldur(run=failed, replica=replica(ReplicaStage.ERRED)), observe(followed()))
    shown = f"{to_wire(decision.status)} {decision.notes}"
    assert "ConnectFailure" in shown
    assert "Traceback" not in shown
    assert not [name for name in type(failed).__slots__ if "trace" in name]


def test_items_are_counted_and_no_percentage_is_made_of_them() -> None:
    progress = decide_in(BUSY, observe(followed())).status.progress
    assert progress == Progress(items=ITEMS, sample_time=NOW)
    assert progress.percent is None


def test_items_that_may_not_be_read_any_more_stay_as_they_were() -> None:
    known = Progress(items=ITEMS, sample_time=NOW - timedelta(hours=1))
    decision = decide_in(Waldur(run=run(), replica=UNSEEN), observe(followed(progress=known)))
    assert decision.status.progress == known


def test_of_items_that_may_never_be_read_only_the_time_of_the_look_is_kept() -> None:
    first = decide_in(Waldur(run=run(), replica=UNSEEN), observe(followed()))
    assert first.status.progress == Progress(sample_time=NOW)
    before = first.status.model_copy(update={"progress": None})
    assert write_budget.judge(before, first.status, age_s=100.0) is write_budget.Urgency.LATER
    soon = observe(stored(first.status), now=NOW + timedelta(seconds=5), run=run())
    assert decide(soon).wants == frozenset()


def counted(age_s: float, **changes: Any) -> Decided:  # noqa: ANN401 - fields of the status
    """Poll a run that began an hour ago and whose items were counted ``age_s`` ago; its pauses are 60 s."""
    now = NOW + timedelta(hours=1)
    progress = Progress(items=ITEMS, sample_time=now - timedelta(seconds=age_s))
    return decide(observe(followed(progress=progress, **changes), now=now, run=run()))


COUNTS = frozenset({"run", "replica"})


@pytest.mark.parametrize(("age_s", "wants"), [(0, frozenset()), (239, frozenset()), (240, COUNTS), (-1, COUNTS)])
def test_items_are_counted_at_every_fourth_poll_by_the_time_on_record(age_s: float, wants: frozenset[str]) -> None:
    decision = counted(age_s)
    assert decision.wants == wants
    if not wants:
        assert (decision.due_s, decision.status.progress.items if decision.status.progress else None) == (60.0, ITEMS)


def test_items_are_counted_at_once_when_the_run_goes_on_and_when_somebody_asks() -> None:
    before = UpstreamFacts(id=RUN_ID, type="openstack-migration", status="CREATION_SCHEDULED", user_id=USER)
    assert counted(10, upstream=before).wants == COUNTS
    minute_ago = NOW + timedelta(minutes=59)
    asked = Control(verb=Verb.RECONCILE, token="1", attempt=1, result=ControlResult.DONE, time=minute_ago)  # noqa: S106 - of an order
    assert counted(61, controls=(asked,)).wants == COUNTS
    assert counted(59, controls=(asked,)).wants == frozenset()


@pytest.mark.parametrize(
    ("stage", "replica_stage"), [(RunStage.OK, ReplicaStage.OK), (RunStage.ERRED, ReplicaStage.ERRED)]
)
def test_the_replica_is_looked_at_in_any_case_at_the_end(stage: RunStage, replica_stage: ReplicaStage) -> None:
    status = followed(progress=Progress(items=ITEMS, sample_time=NOW))
    assert decide(observe(status, run=run(stage, replica_stage))).wants == COUNTS


def test_at_the_end_100_percent_are_shown_with_the_items_of_the_last_look() -> None:
    waldur = Waldur(run=run(RunStage.OK, ReplicaStage.OK), replica=replica(ReplicaStage.OK, items=ALL))
    known = Progress(items=ITEMS, sample_time=NOW)
    progress = decide_in(waldur, observe(followed(progress=known))).status.progress
    assert progress is not None
    assert (progress.percent, progress.items) == (100, ALL)


def test_a_failure_shows_how_far_it_came_and_no_percentage() -> None:
    waldur = Waldur(run=run(RunStage.ERRED, ReplicaStage.ERRED), replica=replica(ReplicaStage.ERRED, items=ITEMS))
    progress = decide_in(waldur, observe(followed())).status.progress
    assert progress is not None
    assert (progress.percent, progress.items) == (None, ITEMS)


def test_another_count_of_items_is_worth_a_write_at_most_every_15_s() -> None:
    before = followed(progress=Progress(items=ITEMS))
    later = before.model_copy(update={"progress": Progress(items=ALL)})
    assert write_budget.judge(before, later, age_s=14.9) is write_budget.Urgency.LATER
    assert write_budget.judge(before, later, age_s=15.0) is write_budget.Urgency.NOW
    assert write_budget.judge(followed(), before, age_s=15.0) is write_budget.Urgency.NOW
    assert write_budget.judge(before, followed(), age_s=15.0) is write_budget.Urgency.NOW
    again = before.model_copy(update={"progress": Progress(items=ITEMS, sample_time=NOW)})
    assert write_budget.judge(before, again, age_s=15.0) is write_budget.Urgency.LATER


@pytest.mark.parametrize("stage", [RunStage.SCHEDULED, RunStage.CREATING, RunStage.UNKNOWN])
def test_past_its_deadline_a_run_is_told_once_and_followed_on(stage: RunStage) -> None:
    waldur = Waldur(run=run(stage), replica=replica())
    late = NOW + timedelta(seconds=14_400)
    first = decide_in(waldur, observe(followed(), now=late))
    acts = [note for note in first.notes if note.reason is EventReason.POLICY_ACTED]
    assert (len(acts), first.call, first.status.phase in {Phase.STARTING, Phase.RUNNING}) == (1, None, True)
    second = decide_in(waldur, observe(stored(first.status), now=late, wait_ages_s=after(first)))
    assert second.notes == ()
    early = decide_in(waldur, observe(followed(), now=late - timedelta(seconds=1)))
    assert not [note for note in early.notes if note.reason is EventReason.POLICY_ACTED]


def test_on_deadline_abort_ends_following_and_says_that_the_run_goes_on() -> None:
    wanted, late = {"onDeadline": "Abort", "deadlineSeconds": 60}, NOW + timedelta(seconds=60)
    first = decide_in(BUSY, observe(followed(), wanted=wanted, now=late))
    assert [(order.policy, order.verb) for order in first.status.policy_orders] == [(Policy.ON_DEADLINE, Verb.ABORT)]
    assert (first.call, first.due_s) == (None, 0.0)
    second = decide_in(BUSY, observe(stored(first.status), wanted=wanted, now=late))
    assert (second.status.phase, reason_of(second.status)) == (Phase.FAILED, Reason.DEADLINE_EXCEEDED)
    assert second.call is None
    assert second.status.failure is not None
    assert "may still succeed" in (second.status.failure.message or "")


def test_a_deadline_that_passed_does_not_spoil_a_success() -> None:
    waldur = Waldur(run=run(RunStage.OK, ReplicaStage.OK), replica=replica(ReplicaStage.OK))
    decision = decide_in(waldur, observe(followed(), now=NOW + timedelta(days=3)))
    assert decision.status.phase is Phase.SUCCEEDED


def poll_gone(decision: Decided | None = None, seconds: float = 10.0, **changes: Any) -> Decided:  # noqa: ANN401
    """Meet a 404, after what an earlier poll waited for."""
    status = followed() if decision is None else stored(decision.status)
    seen = after(decision, seconds) if decision is not None else {}
    return decide_in(Waldur(run=GONE), observe(status, wait_ages_s=seen, **changes))


def test_a_run_is_gone_only_when_it_is_absent_twice() -> None:
    first = poll_gone()
    assert (first.status.phase, first.due_s) == (Phase.RUNNING, 10.0)
    assert poll_gone(first, 9.0).status.phase is Phase.RUNNING
    second = poll_gone(first)
    assert (second.status.phase, reason_of(second.status), second.call) == (Phase.FAILED, Reason.RECORD_GONE, None)
    assert second.status.failure is not None
    told = second.status.failure.message or ""
    assert all(word in told for word in (RUN_ID, REPLICA_ID, "Creating", "outcome is unknown"))


def test_without_a_known_replica_a_run_that_is_gone_is_still_told() -> None:
    for tenant in (None, known_tenant(destination_resource=None)):
        status = followed(tenant=tenant)
        decision = decide_in(Waldur(run=GONE), observe(status, wait_ages_s={f"gone:{RUN_ID}": 10.0}))
        assert reason_of(decision.status) == Reason.RECORD_GONE
    unsaid = followed(tenant=known_tenant(destination_status=None))
    decision = decide_in(Waldur(run=GONE), observe(unsaid, wait_ages_s={f"gone:{RUN_ID}": 10.0}))
    assert decision.status.failure is not None
    assert "was not seen" in (decision.status.failure.message or "")


@pytest.mark.parametrize("provider", [STRANGER, replace(STRANGER, user_id=None)], ids=["another user", "unknown"])
def test_to_the_token_of_another_user_a_404_is_no_proof_however_long_it_lasts(provider: object) -> None:
    decision = poll_gone(provider=provider)
    for _ in range(3):
        assert (decision.status.phase, reason_of(decision.status)) == (Phase.RUNNING, Reason.TOKEN_OF_ANOTHER_USER)
        decision = poll_gone(decision, 9999.0, provider=provider)
    back = poll_gone(decision)
    assert back.status.phase is Phase.RUNNING, "the first 404 that the right user sees"
    assert poll_gone(back).status.phase is Phase.FAILED


def test_the_token_of_another_user_that_sees_the_run_follows_it() -> None:
    decision = decide_in(BUSY, observe(followed(), provider=STRANGER))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.RUNNING, Reason.CREATING)
    assert decision.status.upstream is not None
    assert decision.status.upstream.user_id == STRANGER.user_id, "who has seen it would see it again"


def test_a_404_while_the_provider_is_not_ready_proves_nothing() -> None:
    seen: dict[str, Any] = {"read_error": GONE, "failed_fact": "run", "wait_ages_s": {f"gone:{RUN_ID}": 99.0}}
    assert decide(observe(followed(), provider=LOST, **seen)).status.phase is Phase.RUNNING


def test_the_absence_of_something_else_is_no_absence_of_the_run() -> None:
    seen: dict[str, Any] = {"read_error": GONE, "wait_ages_s": {f"gone:{RUN_ID}": 99.0}}
    assert decide(observe(followed(), failed_fact="replica", **seen)).status.phase is Phase.RUNNING
    assert decide(observe(followed(), failed_fact="run", **seen)).status.phase is Phase.FAILED


@pytest.mark.parametrize(
    ("read_error", "due_s"),
    [
        (Transient("Down", "down", operation="o"), 10.0),
        (Transient("TooMany", "429", operation="o", retry_after_s=44.0), 44.0),
        (Unauthorized(Reason.UNAUTHORIZED, "401", operation="o"), 30.0),
        (NotPermitted(Reason.NOT_PERMITTED, "403", operation="o"), 30.0),
    ],
)
def test_a_read_that_fails_keeps_the_phase_and_the_wait(read_error: BackendError, due_s: float) -> None:
    decision = decide_in(Waldur(run=read_error), observe(followed(), wait_ages_s={"gone:x": 3.0}))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.RUNNING, Reason.CREATING)
    assert (decision.due_s, decision.wait_key, decision.call) == (due_s, "gone:x", None)


def test_a_replica_that_fails_to_be_read_keeps_the_phase() -> None:
    read_error = Transient("Down", "down", operation="o")
    decision = decide_in(Waldur(run=run(RunStage.OK, ReplicaStage.OK), replica=read_error), observe(followed()))
    assert decision.status.phase is Phase.RUNNING


def test_a_provider_that_is_lost_is_told_and_the_run_is_waited_for() -> None:
    decision = decide(observe(followed(), provider=LOST))
    assert (decision.status.phase, decision.wants) == (Phase.RUNNING, frozenset())
    assert conditions_of(decision.status)["ProviderReady"] == "False"


def test_suspend_does_nothing_to_a_run_that_was_ordered() -> None:
    assert decide_in(BUSY, observe(followed(), wanted={"suspend": True})).status.phase is Phase.RUNNING


def test_a_run_whose_id_was_removed_from_status_cannot_be_followed_and_is_not_ordered_again() -> None:
    decision = decide(observe(followed(upstream=UpstreamFacts())))
    assert (decision.status.phase, reason_of(decision.status), decision.call) == (
        Phase.FAILED,
        Reason.RECORD_GONE,
        None,
    )


def test_a_start_that_was_wiped_from_status_is_not_ordered_again() -> None:
    decision = decide(observe(followed(upstream=None)))
    assert (reason_of(decision.status), decision.call) == (Reason.RECORD_GONE, None)


def test_what_a_policy_did_before_is_kept() -> None:
    late = NOW + timedelta(days=1)
    status = followed(policy_orders=(policy_order(Policy.ON_DEADLINE).model_copy(update={"time": late}),))
    assert decide_in(BUSY, observe(status, now=late)).status.policy_orders == status.policy_orders
