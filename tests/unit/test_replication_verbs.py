"""Verbs, retries and deletion: what of them Waldur has a call for, and what happens where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cleaning_samples import CLEANED
from decided import decide
from domain_cold_samples import policy_order
from domain_samples import NOW, ask, control, reason_of, result_of, status_in, stored
from osmig.api.names import FINALIZER, ControlResult, EventReason, Phase, Policy, Reason, Verb
from osmig.domain import orders
from osmig.domain.observation import ObjectChange
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall
from osmig.drivers.tenants.policy.following import NO_CANCEL
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from replication_samples import (
    BASE,
    EMPTY,
    ORDER,
    REPLICA_ID,
    Waldur,
    decide_in,
    followed,
    known_tenant,
    observe,
    ordered,
    replica,
    run,
)

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus

ABORT_POLICY = {"deletionPolicy": "Abort"}
UNDER_WAY = [followed(phase=phase) for phase in (Phase.STARTING, Phase.RUNNING, Phase.ABORTING)]
BUSY = Waldur(run=run(), replica=replica())
DONE = Waldur(run=run(RunStage.OK, ReplicaStage.OK), replica=replica(ReplicaStage.OK))
OVER = [Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED]


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.phase)
def test_an_abort_after_the_order_is_unsupported_and_says_why(status: MigrationStatus) -> None:
    decision = decide(observe(status, verb_requests=(ask(Verb.ABORT),)))
    assert decision.goes_on
    assert result_of(decision.status, Verb.ABORT) is ControlResult.UNSUPPORTED
    assert decision.status.controls[0].message == NO_CANCEL
    assert [note.reason for note in decision.notes] == [EventReason.VERB_UNSUPPORTED]
    assert decide_in(BUSY, observe(stored(decision.status))).status.phase is Phase.RUNNING


@pytest.mark.parametrize("status", UNDER_WAY, ids=lambda status: status.phase)
def test_an_abort_after_the_order_is_accepted_with_clean_up(status: MigrationStatus) -> None:
    decision = decide(observe(status, tenant=CLEANED, verb_requests=(ask(Verb.ABORT),)))
    assert result_of(decision.status, Verb.ABORT) is ControlResult.ACCEPTED


@pytest.mark.parametrize("status", [None, status_in(Phase.PENDING), status_in(Phase.QUEUED), ordered()])
def test_an_abort_is_accepted_while_it_may_still_be_in_time(status: MigrationStatus | None) -> None:
    decision = decide(observe(status, verb_requests=(ask(Verb.ABORT),)))
    assert result_of(decision.status, Verb.ABORT) is ControlResult.ACCEPTED


def test_an_abort_that_turns_out_to_be_too_late_becomes_unsupported_once() -> None:
    status = followed(control(Verb.ABORT), phase=Phase.STARTING)
    first = decide_in(BUSY, observe(status))
    assert (first.call, result_of(first.status, Verb.ABORT)) == (None, ControlResult.UNSUPPORTED)
    assert [note.reason for note in first.notes] == [EventReason.VERB_UNSUPPORTED]
    second = decide_in(DONE, observe(stored(first.status)))
    assert (second.status.phase, result_of(second.status, Verb.ABORT)) == (
        Phase.SUCCEEDED,
        ControlResult.UNSUPPORTED,
    )


@pytest.mark.parametrize("verb", [Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT])
@pytest.mark.parametrize("status", [None, status_in(Phase.QUEUED), ordered(), *UNDER_WAY])
@pytest.mark.parametrize("tenant", [{}, CLEANED])
def test_verbs_that_waldur_has_no_call_for_are_unsupported(
    verb: Verb, status: MigrationStatus | None, tenant: dict[str, object]
) -> None:
    decision = decide(observe(status, tenant=tenant, verb_requests=(ask(verb),)))
    assert result_of(decision.status, verb) is ControlResult.UNSUPPORTED
    assert "Waldur has no call" in (decision.status.controls[0].message or "")


@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT])
@pytest.mark.parametrize("phase", OVER)
def test_verbs_on_a_replication_that_is_over_are_rejected(verb: Verb, phase: Phase) -> None:
    decision = decide(observe(followed(phase=phase), verb_requests=(ask(verb),)))
    assert result_of(decision.status, verb) is ControlResult.REJECTED


def test_reconcile_is_done_at_once() -> None:
    decision = decide(observe(followed(), verb_requests=(ask(Verb.RECONCILE),)))
    assert result_of(decision.status, Verb.RECONCILE) is ControlResult.DONE


def test_a_retry_makes_a_second_attempt_with_a_new_name() -> None:
    status = followed(control(Verb.RETRY), phase=Phase.FAILED, completion_time=NOW)
    first = decide(observe(status))
    assert (first.status.phase, first.status.attempt, first.status.upstream) == (Phase.PENDING, 2, None)
    assert (first.status.tenant, first.status.preflight, first.status.pending_call) == (None, (), None)
    earlier = run(RunStage.ERRED, ReplicaStage.ERRED)
    second = decide_in(Waldur(runs=(earlier,), preflight=EMPTY.preflight), observe(stored(first.status)))
    assert isinstance(second.call, ReplicateCall)
    assert second.call.job.name == f"{BASE}-2"
    assert second.status.pending_call is not None
    assert second.status.pending_call.attempt == 2
    assert second.status.start_time == status.start_time


@pytest.mark.parametrize(
    ("phase", "result"),
    [
        (Phase.FAILED, ControlResult.ACCEPTED),
        (Phase.ABORTED, ControlResult.ACCEPTED),
        (Phase.SUCCEEDED, ControlResult.REJECTED),
        (Phase.RUNNING, ControlResult.REJECTED),
    ],
)
def test_a_retry_is_for_what_ended_otherwise_than_well(phase: Phase, result: ControlResult) -> None:
    decision = decide(observe(followed(phase=phase), verb_requests=(ask(Verb.RETRY),)))
    assert result_of(decision.status, Verb.RETRY) is result


def test_a_failure_of_waldur_is_not_tried_again_by_itself() -> None:
    failed = Waldur(run=run(RunStage.ERRED, ReplicaStage.ERRED), replica=replica(ReplicaStage.ERRED))
    decision = decide_in(failed, observe(followed(), wanted={"retry": {"limit": 3}}))
    assert decision.status.phase is Phase.FAILED


def test_a_run_on_record_is_never_ordered_again_by_a_new_generation() -> None:
    for status in (followed(), followed(phase=Phase.FAILED, completion_time=NOW)):
        decision = decide_in(BUSY, observe(status, generation=2))
        assert decision.call is None
        assert decision.status.observed_generation == 2


def test_a_failed_check_is_evaluated_anew_when_the_spec_changes() -> None:
    failed = status_in(Phase.FAILED, Reason.PREFLIGHT_FAILED, completion_time=NOW)
    anew = decide(observe(failed, generation=2))
    assert anew.status.phase is Phase.PENDING
    decision = decide_in(EMPTY, observe(stored(anew.status), generation=2))
    assert isinstance(decision.call, ReplicateCall)


def test_deleting_the_object_leaves_run_and_replica_alone() -> None:
    for waldur in (BUSY, DONE):
        decision = decide_in(waldur, observe(followed(), deleting=True))
        assert (decision.call, decision.change) == (None, None)


def test_with_deletion_policy_abort_and_no_clean_up_the_object_is_let_go_with_a_word() -> None:
    facts: dict[str, Any] = {"wanted": ABORT_POLICY, "finalizers": (FINALIZER,), "deleting": True}
    first = decide(observe(followed(), **facts))
    assert (first.change, [order.verb for order in first.status.policy_orders]) == (None, [Verb.ABORT])
    second = decide_in(BUSY, observe(stored(first.status), **facts))
    assert (second.call, orders.in_force(second.status)) == (None, None)
    assert any(NO_CANCEL in note.text for note in second.notes)
    third = decide(observe(stored(second.status), **facts))
    assert third.change is ObjectChange.REMOVE_FINALIZER
    assert [note.reason for note in third.notes] == [EventReason.FINALIZER_LEFT]


def test_with_deletion_policy_abort_and_clean_up_the_replica_is_terminated_first() -> None:
    facts: dict[str, Any] = {"wanted": ABORT_POLICY, "tenant": CLEANED, "finalizers": (FINALIZER,), "deleting": True}
    first = decide(observe(followed(), **facts))
    waiting = decide_in(BUSY, observe(stored(first.status), **facts))
    assert (waiting.call, waiting.change, waiting.status.phase) == (None, None, Phase.ABORTING)
    second = decide_in(DONE, observe(stored(waiting.status), **facts))
    assert second.call == TerminateCall(replica_id=REPLICA_ID)
    gone = Waldur(
        run=run(RunStage.OK, ReplicaStage.TERMINATED),
        replica=replica(ReplicaStage.TERMINATED),
    )
    sent = stored(second.status)
    noted = decide_in(gone, observe(sent, **facts))
    ended = decide_in(gone, observe(stored(noted.status), **facts))
    assert (ended.status.phase, reason_of(ended.status)) == (Phase.ABORTED, Reason.ABORTED)
    assert decide(observe(stored(ended.status), **facts)).change is ObjectChange.REMOVE_FINALIZER


def test_with_deletion_policy_abort_an_order_without_an_answer_is_looked_for_first() -> None:
    facts: dict[str, Any] = {"wanted": ABORT_POLICY, "finalizers": (FINALIZER,), "deleting": True}
    first = decide(observe(ordered(), **facts))
    second = decide_in(Waldur(runs=()), observe(stored(first.status), **facts))
    assert (second.call, second.change, second.status.pending_call is None) == (None, None, False)


def test_a_status_that_cannot_be_read_is_left_alone() -> None:
    decision = decide(observe(readable=False, runs=(), preflight=()))
    assert (decision.call, decision.wants) == (None, frozenset())


def test_a_deadline_that_aborts_with_clean_up_terminates_and_ends_as_a_failure() -> None:
    order = policy_order(Policy.ON_DEADLINE, Verb.ABORT)
    status = followed(phase=Phase.ABORTING, policy_orders=(order,))
    assert decide_in(BUSY, observe(status, tenant=CLEANED)).status.phase is Phase.ABORTING
    assert decide_in(DONE, observe(status, tenant=CLEANED)).call == TerminateCall(replica_id=REPLICA_ID)
    cleaned = status.model_copy(update={"tenant": known_tenant(cleanup_order=ORDER)})
    gone = Waldur(run=run(RunStage.OK, ReplicaStage.TERMINATED), replica=replica(ReplicaStage.TERMINATED))
    ended = decide_in(gone, observe(cleaned, tenant=CLEANED))
    assert (ended.status.phase, reason_of(ended.status)) == (Phase.FAILED, Reason.DEADLINE_EXCEEDED)
