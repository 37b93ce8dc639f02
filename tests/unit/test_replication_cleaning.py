"""The opt-in clean-up after an abort: what is terminated, when, how often, and never the source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cleaning_samples import ABORT, CALL, CLEANED, DONE, answered, seen, sent, taken, twice, watch
from domain_samples import HOLDER, NOW, ask, message_of, reason_of, result_of, stored
from osmig.api.mappings import canonical_id
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.errors import NotInThisState
from osmig.drivers.tenants.views import ReplicaStage, RunStage, RunView
from replication_samples import (
    EMPTY,
    SOURCE,
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
    waited,
)

OK, ERRED, TERMINATED = ReplicaStage.OK, ReplicaStage.ERRED, ReplicaStage.TERMINATED
CREATING, TERMINATING, UNKNOWN = ReplicaStage.CREATING, ReplicaStage.TERMINATING, ReplicaStage.UNKNOWN


@pytest.mark.parametrize("stage", [RunStage.SCHEDULED, RunStage.CREATING, RunStage.UNKNOWN])
def test_a_run_under_way_is_followed_to_its_end_before_anything_is_terminated(stage: RunStage) -> None:
    decision = decide_in(seen(run(stage)), watch())
    assert (decision.call, decision.status.phase, reason_of(decision.status)) == (
        None,
        Phase.ABORTING,
        Reason.ABORTING,
    )
    assert result_of(decision.status, Verb.ABORT) is ControlResult.ACCEPTED


@pytest.mark.parametrize(
    "view",
    [DONE, run(RunStage.ERRED, ERRED), run(RunStage.CREATING, ERRED), run(RunStage.SCHEDULED, ERRED)],
    ids=["OK", "ERRED/Erred", "stalled", "never begun"],
)
def test_a_run_that_is_over_has_its_replica_terminated_under_an_intent(view: RunView) -> None:
    decision = (
        twice(seen(view)) if view.stage in {RunStage.CREATING, RunStage.SCHEDULED} else decide_in(seen(view), watch())
    )
    assert decision.call == CALL
    call = decision.status.pending_call
    assert call is not None
    assert (call.operation, call.holder, call.sends) == ("terminate", HOLDER, 1)
    assert call.baseline is not None
    assert (call.baseline.name, call.baseline.user_id) == (None, USER)
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.ABORTING, Reason.TERMINATING_DESTINATION)
    assert stored(decision.status) == decision.status


def test_the_replica_s_own_word_goes_before_the_run_s() -> None:
    assert decide_in(seen(run(RunStage.ERRED, CREATING), ERRED), watch()).call == CALL
    assert decide_in(seen(run(RunStage.ERRED, ERRED), TERMINATING), watch()).call is None
    assert decide_in(Waldur(run=run(RunStage.ERRED, ERRED), replica=UNSEEN), watch()).call == CALL


@pytest.mark.parametrize("stage", [RunStage.ERRED, RunStage.OK])
def test_a_replica_that_is_terminated_already_needs_no_call(stage: RunStage) -> None:
    decision = decide_in(seen(run(stage, TERMINATED)), watch())
    assert (decision.call, decision.status.phase) == (None, Phase.ABORTED)
    assert result_of(decision.status, Verb.ABORT) is ControlResult.DONE


@pytest.mark.parametrize("stage", [CREATING, TERMINATING, UNKNOWN])
def test_a_replica_in_between_is_waited_for(stage: ReplicaStage) -> None:
    decision = decide_in(seen(run(RunStage.ERRED, stage)), watch())
    assert (decision.call, decision.status.phase, decision.due_s) == (None, Phase.ABORTING, 5.0)
    assert reason_of(decision.status) == Reason.TERMINATING_DESTINATION


@pytest.mark.parametrize("spelling", [SOURCE, canonical_id(SOURCE), None])
def test_the_source_is_never_terminated(spelling: str | None) -> None:
    view = replace(DONE, replica_id=spelling)
    decision = decide_in(Waldur(run=view, replica=replica(OK, id=spelling or "")), watch())
    assert (decision.call, decision.status.phase) == (None, Phase.FAILED)
    assert reason_of(decision.status) == Reason.CLEANUP_FAILED


@pytest.mark.parametrize("spelling", [SOURCE, canonical_id(SOURCE)])
def test_the_source_is_not_terminated_by_a_repeated_order_either(spelling: str) -> None:
    status = sent(tenant=known_tenant(destination_resource=spelling))
    decision = decide_in(Waldur(replica=replica(OK, id=spelling)), watch(status, wait_ages_s=waited(status)))
    assert (decision.call, reason_of(decision.status)) == (None, Reason.CLEANUP_FAILED)


def test_without_the_opt_in_nothing_is_terminated() -> None:
    decision = decide_in(seen(DONE), observe(followed(ABORT)))
    assert (decision.call, result_of(decision.status, Verb.ABORT)) == (None, ControlResult.UNSUPPORTED)
    ended = decide_in(seen(DONE), observe(stored(decision.status)))
    assert (ended.call, ended.status.phase) == (None, Phase.SUCCEEDED)


def test_without_an_abort_nothing_is_terminated_though_it_was_opted_in() -> None:
    for view, phase in ((DONE, Phase.SUCCEEDED), (run(RunStage.ERRED, ERRED), Phase.FAILED)):
        decision = decide_in(seen(view), watch(followed()))
        assert (decision.call, decision.status.phase) == (None, phase)


def test_a_clean_up_under_way_goes_on_though_the_opt_in_was_taken_back() -> None:
    decision = decide_in(seen(DONE, TERMINATING), observe(taken()))
    assert (decision.call, decision.status.phase) == (None, Phase.ABORTING)
    assert result_of(decision.status, Verb.ABORT) is ControlResult.ACCEPTED


def test_a_replica_that_is_being_terminated_by_somebody_else_is_shown_the_same_way_at_every_poll() -> None:
    waldur = seen(run(RunStage.CREATING, TERMINATING))
    decision, reasons = decide_in(waldur, watch()), []
    for _ in range(5):
        decision = decide_in(waldur, watch(stored(decision.status), wait_ages_s=after(decision)))
        reasons.append(reason_of(decision.status))
    assert reasons == [Reason.TERMINATING_DESTINATION] * 5


# --- a run that erred at a network: the replica is Erred, its tenant CREATING, and Waldur refuses for hours

STUCK = seen(
    run(RunStage.ERRED, ERRED, error="Quota exceeded for resources: ['network']"),
    tenant_status="CREATING",
    is_tenant_settled=False,
)
FREED = seen(run(RunStage.ERRED, ERRED), tenant_status="ERRED", error="Provisioning has timed out.")


def test_a_tenant_that_is_still_being_created_is_waited_for_without_an_order_and_it_is_said() -> None:
    decision = decide_in(STUCK, watch())
    assert (decision.call, decision.status.phase) == (None, Phase.ABORTING)
    assert reason_of(decision.status) == Reason.TERMINATING_DESTINATION
    assert "the replica is Erred, its tenant still CREATING" in message_of(decision.status)
    assert decision.status.tenant is not None
    assert decision.status.tenant.cleanup_deadline_time == NOW + timedelta(hours=5)


def test_when_waldur_has_freed_the_tenant_it_is_terminated_once() -> None:
    waiting = stored(decide_in(STUCK, watch()).status)
    later = watch(waiting, now=NOW + timedelta(hours=4))
    assert decide_in(STUCK, later).due_s == 60.0, "looked at rarely"
    assert decide_in(FREED, later).call == CALL


def test_a_tenant_that_nothing_frees_is_given_up_with_the_cause_and_what_to_do() -> None:
    waiting = stored(decide_in(STUCK, watch()).status)
    over = decide_in(STUCK, watch(waiting, now=NOW + timedelta(hours=5)))
    assert (over.call, over.status.phase, reason_of(over.status)) == (None, Phase.FAILED, Reason.CLEANUP_FAILED)
    assert over.status.failure is not None
    message = over.status.failure.message or ""
    assert "not terminated within 18000 s: the replica is Erred, its tenant still CREATING" in message
    assert message.endswith("terminate the replica in Waldur")


def test_where_the_tenant_may_not_be_read_a_refusal_is_tried_again_rarely_and_not_for_ever() -> None:
    unseen = seen(run(RunStage.ERRED, ERRED))
    ordered = decide_in(unseen, watch())
    assert ordered.call == CALL
    refused = answered(NotInThisState(Reason.CONFLICT, "Not possible now", operation="o"), stored(ordered.status))
    assert refused.due_s == 300.0
    status = stored(refused.status)
    assert decide_in(unseen, watch(status, now=NOW + timedelta(hours=4))).call == CALL
    over = decide_in(unseen, watch(status, now=NOW + timedelta(hours=5)))
    assert (over.call, reason_of(over.status)) == (None, Reason.CLEANUP_FAILED)
    assert "Waldur did not take the order" in message_of(over.status)


def test_where_the_tenant_can_be_seen_a_refusal_is_a_moment_s_and_tried_again_sooner() -> None:
    ordered = decide_in(FREED, watch())
    refused = answered(
        NotInThisState(Reason.CONFLICT, "Not possible now", operation="o"),
        stored(ordered.status),
        replica=FREED.replica,
    )
    assert refused.due_s == 60.0


def test_another_attempt_has_another_deadline() -> None:
    waiting = stored(decide_in(STUCK, watch()).status)
    over = decide_in(STUCK, watch(waiting, now=NOW + timedelta(hours=5)))
    latched = decide_in(EMPTY, observe(stored(over.status), verb_requests=(ask(Verb.RETRY),), tenant=CLEANED))
    again = decide_in(EMPTY, observe(stored(latched.status), tenant=CLEANED))
    assert again.status.attempt == 2
    assert again.status.tenant is None or again.status.tenant.cleanup_deadline_time is None
