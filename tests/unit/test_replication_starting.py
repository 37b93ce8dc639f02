"""The order's answer: what each kind of it means, and how an order without an answer is found or sent again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_samples import NOW, control, reason_of, result_of, stored
from domain_world import with_facts
from osmig.api.migration import Baseline, PendingCall
from osmig.api.names import ControlResult, EventReason, Phase, Reason, Verb
from osmig.domain.calls import Answer, Receipt
from osmig.domain.errors import (
    Absent,
    BackendError,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.domain.intents import MAX_SENDS, wait_key_of
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall
from osmig.drivers.tenants.policy import replica_name
from osmig.drivers.tenants.views import ReplicaJob, RunStage, RunView
from replication_samples import (
    LOST,
    MAPPED,
    NAME,
    OFFERING,
    PLAN,
    RENAMED,
    REPLICA_ID,
    RUN_ID,
    SOURCE,
    STRANGER,
    USER,
    Waldur,
    after,
    decide_in,
    followed,
    intent,
    known_tenant,
    observe,
    ordered,
    replica,
    run,
    waited,
)

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.api.migration import MigrationStatus

CALL = ReplicateCall(
    job=ReplicaJob(source_resource=SOURCE, destination_offering=OFFERING, destination_plan=PLAN, name=NAME)
)
NO_TRACE = Waldur(runs=(run(id="other", replica_name="other-1"),))
SECOND = intent(sends=MAX_SENDS)
REFERRING = {"mappingRef": {"name": "dc1"}}


def answer(error: BackendError | None = None, view: RunView | None = None) -> Answer:
    return Answer(call=CALL, receipt=None if error else Receipt(request_id=None, made=view), error=error)


def test_the_run_in_the_answer_is_recorded_before_anything_else() -> None:
    decision = decide(observe(ordered(), answer=answer(view=run(RunStage.SCHEDULED))))
    status = decision.status
    assert (decision.wants, decision.call, status.pending_call) == (frozenset(), None, None)
    assert status.upstream is not None
    assert (status.upstream.id, status.upstream.status, status.upstream.user_id) == (RUN_ID, "CREATION_SCHEDULED", USER)
    assert status.tenant is not None
    assert (status.tenant.destination_resource, status.tenant.destination_name) == (REPLICA_ID, NAME)
    assert (status.phase, reason_of(status)) == (Phase.STARTING, Reason.SCHEDULED)
    assert [note.reason for note in decision.notes] == [EventReason.MIGRATION_STARTED]


def test_a_success_that_names_no_run_is_looked_for_at_once() -> None:
    decision = decide(observe(ordered(), answer=answer()))
    assert (decision.status.pending_call, decision.due_s) == (intent(), 0.0)
    found = decide_in(Waldur(runs=(run(),)), observe(stored(decision.status)))
    assert found.status.upstream is not None
    assert found.status.upstream.id == RUN_ID


@pytest.mark.parametrize(
    ("error", "phase", "reason", "due_s"),
    [
        (Refused(Reason.INVALID_SPEC, "spec: no", operation="o"), Phase.FAILED, Reason.INVALID_SPEC, None),
        (NotPermitted(Reason.NOT_PERMITTED, "no", operation="o"), Phase.FAILED, Reason.NOT_PERMITTED, None),
        (Unauthorized(Reason.UNAUTHORIZED, "401", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
        (Unsupported("NoSuchCall", "404", operation="o"), Phase.FAILED, Reason.UNSUPPORTED, None),
        (Transient("TooMany", "429", operation="o", retry_after_s=77.0), Phase.PENDING, Reason.RETRYING, 77.0),
        (Transient("PermitExpired", "late", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
        (Absent("Absent", "404", operation="o"), Phase.PENDING, Reason.RETRYING, 10.0),
    ],
    ids=["400", "400 or 403 for a right", "401", "no such call", "429", "not sent", "404"],
)
def test_an_answer_that_proves_that_nothing_was_created_drops_the_intent(
    error: BackendError, phase: Phase, reason: str, due_s: float | None
) -> None:
    decision = decide(observe(ordered(), answer=answer(error)))
    status = decision.status
    assert (status.phase, reason_of(status), decision.due_s) == (phase, reason, due_s)
    assert (status.pending_call, status.upstream, decision.call) == (None, None, None)
    assert any(error.message in condition.message for condition in status.conditions)


def test_after_a_refusal_for_the_moment_the_same_name_is_ordered_again_after_the_pause() -> None:
    error = Transient("TooMany", "429", operation="o", retry_after_s=77.0)
    first = decide(observe(ordered(), answer=answer(error)))
    status = stored(first.status)
    early = decide(observe(status, wait_ages_s=after(first, 5.0)))
    assert (early.call, early.due_s) == (None, 72.0)
    late = decide_in(replace(NO_TRACE, preflight=()), observe(status, wait_ages_s=after(first, 78.0)))
    assert isinstance(late.call, ReplicateCall)
    assert late.call.job.name == NAME


@pytest.mark.parametrize("reason", ["ServerError", "NoAnswer", "Unreadable"])
def test_an_answer_that_proves_nothing_is_noted_and_its_effect_looked_for(reason: str) -> None:
    decision = decide(observe(ordered(), answer=answer(OutcomeUnknown(reason, "lost", operation="o"))))
    call = decision.status.pending_call
    assert call is not None
    assert (call.answer, call.sends, call.baseline) == (reason, 1, intent().baseline)
    assert (decision.status.phase, decision.due_s, decision.call) == (Phase.STARTING, 0.0, None)


def test_an_order_without_an_answer_is_adopted_as_soon_as_it_shows() -> None:
    decision = decide_in(Waldur(runs=(run(replica_name=f"{NAME}_xyz"),)), observe(ordered()))
    assert decision.call is None
    assert decision.status.pending_call is None
    assert decision.status.upstream is not None
    assert decision.status.upstream.id == RUN_ID
    assert decision.status.tenant is not None
    assert decision.status.tenant.destination_name == f"{NAME}_xyz"


def test_an_order_without_a_trace_is_waited_out_before_it_is_sent_again() -> None:
    status = ordered()
    first = decide_in(NO_TRACE, observe(status))
    assert (first.call, first.due_s, first.wait_key) == (None, 5.0, wait_key_of(intent()))
    early = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status, 119.0)))
    assert early.call is None
    late = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
    assert isinstance(late.call, ReplicateCall)
    assert late.call.job.name == NAME
    call = late.status.pending_call
    assert call is not None
    assert (call.sends, call.time, late.status.start_time) == (2, NOW, status.start_time)


def test_after_the_last_order_without_a_trace_it_is_lost() -> None:
    status = ordered(call=SECOND)
    decision = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
    assert (decision.call, decision.status.phase) == (None, Phase.FAILED)
    assert reason_of(decision.status) == Reason.START_LOST


def test_an_order_of_another_holder_is_waited_out_like_our_own() -> None:
    status = ordered(call=intent(holder="dead"))
    assert decide_in(NO_TRACE, observe(status)).call is None
    late = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
    assert late.status.pending_call == intent(sends=2, time=NOW)


@pytest.mark.parametrize("now", [RENAMED, None], ids=["changed", "gone"])
def test_an_order_is_not_sent_again_once_its_mapping_changed(now: Mappings | None) -> None:
    status = ordered(tenant=known_tenant(mapping_hash=replica_name.digest(MAPPED)))
    observation = observe(status, tenant=REFERRING, referenced=now, wait_ages_s=waited(status))
    decision = decide_in(NO_TRACE, observation)
    assert (decision.call, reason_of(decision.status)) == (None, Reason.MAPPING_CHANGED)
    same = decide_in(NO_TRACE, with_facts(observation, referenced=MAPPED))
    assert isinstance(same.call, ReplicateCall)


def test_an_order_whose_mapping_changed_is_still_found_by_the_name_it_was_sent_with() -> None:
    status = ordered(tenant=known_tenant(mapping_hash=replica_name.digest(MAPPED)))
    decision = decide_in(Waldur(runs=(run(),)), observe(status, tenant=REFERRING, referenced=RENAMED))
    assert decision.status.upstream is not None
    assert decision.status.tenant is not None
    assert decision.status.tenant.mapping_hash == replica_name.digest(MAPPED)


def test_an_abort_while_the_answer_is_unknown_waits_for_the_look_and_sends_nothing() -> None:
    status = ordered(control(Verb.ABORT))
    early = decide_in(NO_TRACE, observe(status))
    assert (early.call, early.status.phase) == (None, Phase.STARTING)
    late = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
    assert (late.call, late.status.phase) == (None, Phase.ABORTED)
    assert result_of(late.status, Verb.ABORT) is ControlResult.DONE


def test_an_abort_while_the_answer_is_unknown_is_unsupported_when_the_run_turns_up() -> None:
    adopted = decide_in(Waldur(runs=(run(),)), observe(ordered(control(Verb.ABORT))))
    assert adopted.status.upstream is not None
    decision = decide_in(Waldur(run=run()), observe(stored(adopted.status)))
    assert result_of(decision.status, Verb.ABORT) is ControlResult.UNSUPPORTED
    assert decision.call is None


def test_an_object_deleted_while_its_order_is_unknown_sends_nothing_again() -> None:
    status = ordered()
    decision = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status), deleting=True))
    assert (decision.call, reason_of(decision.status)) == (None, Reason.START_LOST)
    found = decide_in(Waldur(runs=(run(),)), observe(status, deleting=True))
    assert found.status.upstream is not None


def test_the_token_of_another_user_concludes_nothing_and_sends_nothing() -> None:
    status = ordered()
    decision = decide_in(NO_TRACE, observe(status, provider=STRANGER, wait_ages_s=waited(status, 9999.0)))
    assert (decision.call, decision.status.phase) == (None, Phase.STARTING)
    assert decision.status.pending_call == status.pending_call
    assert reason_of(decision.status) == Reason.TOKEN_OF_ANOTHER_USER
    assert decision.wait_key == wait_key_of(intent())
    seen = decide_in(Waldur(runs=(run(),)), observe(status, provider=STRANGER))
    assert seen.status.upstream is not None, "what it does see is followed"


def test_a_user_that_is_not_known_any_more_concludes_nothing_either() -> None:
    status = ordered()
    unknown = replace(STRANGER, user_id=None)
    decision = decide_in(NO_TRACE, observe(status, provider=unknown, wait_ages_s=waited(status)))
    assert (decision.call, reason_of(decision.status)) == (None, Reason.TOKEN_OF_ANOTHER_USER)


def test_an_order_of_a_user_that_was_never_known_is_judged_by_what_is_seen() -> None:
    status = ordered(call=intent(baseline=Baseline(name=NAME)))
    decision = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
    assert isinstance(decision.call, ReplicateCall)


@pytest.mark.parametrize("mark", [None, Baseline(user_id=USER)], ids=["no mark", "no name"])
def test_an_intent_whose_name_was_removed_is_never_sent_again(mark: Baseline | None) -> None:
    status = ordered(call=intent(baseline=mark))
    decision = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
    assert (decision.call, decision.status.phase) == (None, Phase.FAILED)
    assert reason_of(decision.status) == Reason.RECORD_GONE


@pytest.mark.parametrize(
    ("changes", "due_s"),
    [
        ({"provider": LOST}, 14400.0),  # the deadline is told of then
        ({"read_error": Transient("Down", "down", operation="o")}, 10.0),
        ({"read_error": Transient("TooMany", "429", operation="o", retry_after_s=44.0)}, 44.0),
        ({"read_error": Unauthorized(Reason.UNAUTHORIZED, "401", operation="o")}, 30.0),
    ],
)
def test_a_look_that_fails_concludes_nothing_and_the_wait_goes_on(changes: dict[str, Any], due_s: float | None) -> None:
    status = ordered()
    decision = decide(observe(status, wait_ages_s=waited(status), **changes))
    assert (decision.call, decision.due_s) == (None, due_s)
    assert decision.status.pending_call == status.pending_call
    assert decision.wait_key == wait_key_of(intent())


@pytest.mark.parametrize("status", [followed(), followed(phase=Phase.SUCCEEDED), ordered(call=intent("terminate"))])
def test_a_late_answer_with_another_run_is_told_as_a_duplicate_start(status: MigrationStatus) -> None:
    decision = decide(observe(status, answer=answer(view=run(id="second"))))
    assert decision.status == status
    assert [(note.reason, note.is_warning) for note in decision.notes] == [(EventReason.DUPLICATE_START, True)]
    assert "second" in decision.notes[0].text


def test_a_late_answer_with_the_run_that_is_followed_says_nothing_new() -> None:
    decision = decide(observe(followed(), answer=answer(view=run())))
    assert (decision.notes, decision.status) == ((), followed())


def test_a_late_error_changes_nothing() -> None:
    error = OutcomeUnknown("NoAnswer", "lost", operation="o")
    for status in (followed(), ordered(call=intent(holder="other"))):
        decision = decide(observe(status, answer=answer(error)))
        assert (decision.status, decision.notes, decision.call) == (status, (), None)


@pytest.mark.parametrize("status", [followed(), ordered()])
def test_a_late_answer_to_an_order_to_terminate_changes_nothing(status: MigrationStatus) -> None:
    decision = decide(observe(status, answer=Answer(call=TerminateCall(replica_id=REPLICA_ID))))
    assert (decision.status, decision.notes) == (status, ())


def test_exactly_one_order_is_sent_for_each_intent() -> None:
    status, sends = ordered(), 0
    for _ in range(4):
        decision = decide_in(NO_TRACE, observe(status, wait_ages_s=waited(status)))
        if decision.call is None:
            break
        sends += 1
        before = status.pending_call
        status = stored(decision.status)
        assert isinstance(status.pending_call, PendingCall)
        assert status.pending_call != before
        assert decide_in(NO_TRACE, observe(status)).call is None, "the new intent is waited out, too"
    assert sends == MAX_SENDS - 1


def test_an_intent_beside_a_run_that_is_known_orders_nothing() -> None:
    status = followed(pending_call=intent())
    decision = decide_in(Waldur(run=run(), replica=replica()), observe(status, wait_ages_s=waited(status)))
    assert (decision.call, decision.status.phase) == (None, Phase.RUNNING)
