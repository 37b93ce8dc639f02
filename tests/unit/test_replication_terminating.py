"""The order to terminate a replica, once it was sent: its answers, the look for it, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cleaning_samples import CALL, DONE, PENDING, seen, sent, taken, watch
from decided import decide
from domain_samples import NOW, reason_of, result_of, stored
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.calls import Answer, Receipt
from osmig.domain.errors import (
    Absent,
    BackendError,
    NotInThisState,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.domain.intents import MAX_SENDS, wait_key_of
from osmig.drivers.tenants.views import OrderStage, ReplicaStage, RunStage
from replication_samples import LOST, ORDER, STRANGER, UNSEEN, Waldur, after, decide_in, intent, replica, run, waited

if TYPE_CHECKING:
    from decided import Decided
    from osmig.domain.observation import ProviderView

OK, ERRED, TERMINATED = ReplicaStage.OK, ReplicaStage.ERRED, ReplicaStage.TERMINATED
CREATING, TERMINATING, UNKNOWN = ReplicaStage.CREATING, ReplicaStage.TERMINATING, ReplicaStage.UNKNOWN


def answered(error: BackendError | None = None, order_id: str | None = None, **changes: object) -> Decided:
    receipt = None if error else Receipt(request_id=order_id)
    return decide(watch(sent(**changes), answer=Answer(call=CALL, receipt=receipt, error=error)))


@pytest.mark.parametrize("order_id", [ORDER, None])
def test_an_order_that_was_taken_is_on_record(order_id: str | None) -> None:
    decision = answered(order_id=order_id)
    status = decision.status
    assert (status.pending_call, status.phase) == (None, Phase.ABORTING)
    assert status.tenant is not None
    assert status.tenant.cleanup_order is not None
    assert order_id in {None, status.tenant.cleanup_order}
    assert status.controls[0].sent_time is not None
    again = decide_in(seen(DONE), watch(stored(status)))
    assert again.call is None, "it is sent once"


def test_an_order_that_was_taken_is_on_record_even_if_the_abort_is_not_any_more() -> None:
    decision = answered(order_id=ORDER, controls=())
    assert decision.status.tenant is not None
    assert decision.status.tenant.cleanup_order == ORDER


@pytest.mark.parametrize(
    ("error", "phase", "reason", "due_s"),
    [
        (NotInThisState(Reason.CONFLICT, "409", operation="o"), Phase.ABORTING, Reason.TERMINATING_DESTINATION, 300.0),
        (Refused("NotAllowed", "405", operation="o"), Phase.FAILED, Reason.CLEANUP_FAILED, None),
        (Unsupported("NoSuchCall", "404", operation="o"), Phase.FAILED, Reason.CLEANUP_FAILED, None),
        (NotPermitted(Reason.NOT_PERMITTED, "403", operation="o"), Phase.FAILED, Reason.CLEANUP_FAILED, None),
        (Unauthorized(Reason.UNAUTHORIZED, "401", operation="o"), Phase.ABORTING, None, 10.0),
        (Transient("TooMany", "429", operation="o", retry_after_s=44.0), Phase.ABORTING, None, 44.0),
        (Transient("PermitExpired", "late", operation="o"), Phase.ABORTING, None, 10.0),
        (Absent("Absent", "gone", operation="o"), Phase.ABORTED, Reason.ABORTED, None),
    ],
    ids=["409", "405", "no such call", "403", "401", "429", "not sent", "404"],
)
def test_each_refusal_of_the_order_has_its_verdict(
    error: BackendError, phase: Phase, reason: str | None, due_s: float | None
) -> None:
    decision = answered(error)
    assert (decision.call, decision.status.pending_call, decision.status.phase) == (None, None, phase)
    assert reason in {None, reason_of(decision.status)}
    assert decision.due_s == due_s


def test_a_missing_permission_is_named() -> None:
    failure = answered(NotPermitted(Reason.NOT_PERMITTED, "403", operation="o")).status.failure
    assert failure is not None
    assert "permission to terminate resources" in (failure.message or "")


def test_after_a_conflict_the_replica_is_waited_for_and_terminated_when_it_may_be() -> None:
    refused = answered(NotInThisState(Reason.CONFLICT, "409", operation="o"))
    status = stored(refused.status)
    soon = decide_in(seen(run(RunStage.ERRED, ERRED)), watch(status, wait_ages_s={refused.wait_key: 299.0}))
    assert (soon.call, soon.due_s) == (None, 1.0), "no order sooner than five minutes after the last"
    assert decide_in(seen(run(RunStage.ERRED, CREATING)), watch(status)).call is None
    assert decide_in(seen(run(RunStage.ERRED, ERRED)), watch(status)).call == CALL


def test_an_order_whose_answer_is_lost_is_looked_for_before_it_is_sent_again() -> None:
    decision = answered(OutcomeUnknown("NoAnswer", "lost", operation="o"))
    call = decision.status.pending_call
    assert call is not None
    assert (call.answer, decision.due_s, decision.status.phase) == ("NoAnswer", 0.0, Phase.ABORTING)
    status = stored(decision.status)
    look = decide_in(Waldur(replica=replica(OK)), watch(status))
    assert (look.call, look.wait_key, look.due_s) == (None, wait_key_of(call), 5.0)
    late = decide_in(Waldur(replica=replica(OK)), watch(status, wait_ages_s=waited(status)))
    assert late.call == CALL
    assert late.status.pending_call is not None
    assert late.status.pending_call.sends == 2


@pytest.mark.parametrize("stage", [TERMINATING, TERMINATED])
def test_an_order_whose_effect_shows_was_taken(stage: ReplicaStage) -> None:
    decision = decide_in(Waldur(replica=replica(stage)), watch(sent()))
    assert (decision.call, decision.status.pending_call) == (None, None)
    ended = decide_in(seen(run(RunStage.OK, TERMINATED)), watch(stored(decision.status)))
    assert ended.status.phase is Phase.ABORTED


@pytest.mark.parametrize(
    ("call", "stage"), [(intent("terminate", sends=MAX_SENDS), OK), (PENDING, UNKNOWN), (PENDING, CREATING)]
)
def test_an_order_without_effect_is_not_repeated_for_ever(call: object, stage: ReplicaStage) -> None:
    status = sent(call=call)
    assert decide_in(Waldur(replica=replica(stage)), watch(status)).status.phase is Phase.ABORTING
    decision = decide_in(Waldur(replica=replica(stage)), watch(status, wait_ages_s=waited(status)))
    assert (decision.call, decision.status.phase) == (None, Phase.FAILED)
    assert reason_of(decision.status) == Reason.CLEANUP_FAILED


@pytest.mark.parametrize("changes", [{"provider": LOST}, {"read_error": Transient("Down", "down", operation="o")}])
def test_a_look_for_the_order_that_fails_concludes_nothing(changes: dict[str, object]) -> None:
    status = sent()
    decision = decide(watch(status, wait_ages_s=waited(status), **changes))
    assert (decision.call, decision.status.pending_call) == (None, status.pending_call)


@pytest.mark.parametrize("provider", [STRANGER, replace(STRANGER, user_id=None)], ids=["another user", "unknown"])
def test_to_the_token_of_another_user_a_replica_that_is_not_shown_is_not_gone(provider: ProviderView) -> None:
    status = sent()
    decision = decide_in(Waldur(replica=replica(UNKNOWN)), watch(status, wait_ages_s=waited(status), provider=provider))
    assert (decision.call, decision.status.pending_call) == (None, status.pending_call)
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.ABORTING, Reason.TOKEN_OF_ANOTHER_USER)


def test_the_order_is_followed_until_the_replica_is_terminated() -> None:
    under_way = decide_in(seen(DONE, OK, order_stage=OrderStage.UNDER_WAY), watch(taken()))
    assert (under_way.call, under_way.status.phase, under_way.due_s) == (None, Phase.ABORTING, 5.0)
    going = decide_in(seen(DONE, TERMINATING, order_stage=OrderStage.UNDER_WAY), watch(taken()))
    assert going.status.phase is Phase.ABORTING
    done = decide_in(seen(DONE, OK, order_stage=OrderStage.DONE), watch(taken()))
    assert done.status.phase is Phase.ABORTING, "the replica itself must say so"
    gone = decide_in(seen(DONE, TERMINATED, order_stage=OrderStage.DONE), watch(taken()))
    assert (gone.status.phase, result_of(gone.status, Verb.ABORT)) == (Phase.ABORTED, ControlResult.DONE)
    told = decide_in(Waldur(run=run(RunStage.OK, TERMINATED), replica=UNSEEN), watch(taken()))
    assert told.status.phase is Phase.ABORTED, "the run says so, too"


@pytest.mark.parametrize("words", ["", "Quota exceeded"])
def test_an_order_that_ended_erred_is_told_and_not_repeated(words: str) -> None:
    failed = seen(DONE, OK, order_stage=OrderStage.ERRED, order_error=words)
    decision = decide_in(failed, watch(taken()))
    assert (decision.call, decision.status.phase) == (None, Phase.FAILED)
    assert reason_of(decision.status) == Reason.CLEANUP_FAILED
    assert decision.status.failure is not None
    assert (words or "does not say why") in (decision.status.failure.message or "")
    assert result_of(decision.status, Verb.ABORT) is ControlResult.TOO_LATE


@pytest.mark.parametrize(
    ("order_words", "tenant_words", "told"),
    [("", "Tenant is busy (HTTP 409)", "Tenant is busy (HTTP 409)"), ("Quota", "of before", "Quota"), ("", "", "why")],
)
def test_the_words_of_an_order_that_failed_are_those_that_are_told_anywhere(
    order_words: str, tenant_words: str, told: str
) -> None:
    failed = seen(
        DONE, OK, order_stage=OrderStage.ERRED, order_error=order_words, error=tenant_words, tenant_status="ERRED"
    )
    failure = decide_in(failed, watch(taken())).status.failure
    assert failure is not None
    assert told in (failure.message or "")
    assert "it is OK" not in (failure.message or "")
    assert "the replica is OK, its tenant ERRED. Terminate it in Waldur" in (failure.message or "")


def test_an_order_that_goes_on_and_on_is_given_up_at_its_deadline() -> None:
    going = seen(DONE, TERMINATING, order_stage=OrderStage.UNDER_WAY)
    status = stored(decide_in(going, watch(taken())).status)
    assert status.tenant is not None
    deadline = status.tenant.cleanup_deadline_time
    assert deadline == NOW + timedelta(hours=5)
    late = decide_in(going, watch(status, now=deadline - timedelta(seconds=1)))
    assert (late.status.phase, late.due_s) == (Phase.ABORTING, 1.0)
    over = decide_in(going, watch(status, now=deadline))
    assert (over.call, over.status.phase, reason_of(over.status)) == (None, Phase.FAILED, Reason.CLEANUP_FAILED)


def test_the_longer_a_termination_takes_the_more_rarely_it_is_looked_at() -> None:
    going = seen(DONE, TERMINATING, order_stage=OrderStage.UNDER_WAY)
    first = decide_in(going, watch(taken()))
    later = watch(stored(first.status), now=NOW + timedelta(seconds=30))
    latest = watch(stored(first.status), now=NOW + timedelta(hours=1))
    assert [first.due_s, decide_in(going, later).due_s, decide_in(going, latest).due_s] == [5.0, 20.0, 60.0]


def test_an_order_that_cannot_be_looked_up_has_failed_when_the_replica_stays_as_it_is() -> None:
    silent = seen(DONE, OK)
    first = decide_in(silent, watch(taken("unnamed")))
    early = decide_in(silent, watch(taken("unnamed"), wait_ages_s=after(first, 299.0)))
    assert (first.status.phase, early.status.phase) == (Phase.ABORTING, Phase.ABORTING)
    late = decide_in(silent, watch(taken("unnamed"), wait_ages_s=after(first, 300.0)))
    assert (late.call, reason_of(late.status)) == (None, Reason.CLEANUP_FAILED)
