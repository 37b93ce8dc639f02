"""Another attempt: after which ends one follows by itself, after what pause, and what holds it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_cold_samples import policy_order
from domain_samples import (
    LOST,
    NOW,
    ask,
    call_lookup,
    control,
    intent,
    observe,
    observe_waited,
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
from osmig.api.names import ControlResult, EventReason, Phase, Policy, Reason, Verb, verb_annotation
from osmig.domain import outcome
from osmig.domain.calls import Answer
from osmig.domain.errors import Refused
from osmig.domain.outcome import RETRYABLE
from osmig.domain.split_states import SPLIT_STATES
from osmig.domain.verbs import LAST_ATTEMPT
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookupKind, Explanation

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.observation import Commit
    from osmig.domain.operations import RecordView

RETRIES = {"retry": {"limit": 2, "backoffSeconds": 30, "maxBackoffSeconds": 100}}
ABORT = Verb.ABORT

ENDS_OF_AN_ATTEMPT = {
    **dict.fromkeys((Reason.NO_VALID_HOST, Reason.PRE_CHECK_FAILED, Reason.HYPERVISOR_FAILED, Reason.START_LOST), True),
    **dict.fromkeys((Reason.SERVER_ERROR, Reason.CONFLICT, Reason.QUOTA_EXCEEDED), True),
    Reason.HOST_NOT_FOUND: False,
    **dict.fromkeys(
        (
            Reason.STALLED,
            Reason.DEADLINE_EXCEEDED,
            Reason.CANCELLED_UPSTREAM,
            Reason.HOSTS_NOT_VISIBLE,
            Reason.SERVER_IN_ERROR,
            Reason.SERVER_NOT_FOUND,
            Reason.SERVER_NAME_AMBIGUOUS,
            Reason.SERVER_GONE,
            Reason.START_REFUSED,
            Reason.MIGRATION_ERROR,
            Reason.HOST_UNCHANGED,
            Reason.ERROR_ON_DESTINATION,
            Reason.NOT_AWAITING_CONFIRMATION,
            Reason.NOT_ON_SOURCE_HOST,
            Reason.RECORD_GONE,
            Reason.UNSUPPORTED,
            Reason.NOT_PERMITTED,
            Reason.ADOPT_REFUSED,
            Reason.PREFLIGHT_FAILED,
        ),
        False,
    ),
}


def fail(reason: Reason, status: MigrationStatus | None = None, **changes: Any) -> Commit:  # noqa: ANN401
    return outcome.fail(observe(status or started(), **{"wanted": RETRIES, **changes}), reason, "why")


@pytest.mark.parametrize(("reason", "is_retried"), ENDS_OF_AN_ATTEMPT.items(), ids=str)
def test_another_attempt_follows_by_itself_after_some_failures_only(*, reason: Reason, is_retried: bool) -> None:
    decision = fail(reason)
    assert (decision.status.phase is Phase.PENDING) == is_retried
    assert decision.status.phase in {Phase.PENDING, Phase.FAILED}
    assert decision.status.failure is not None
    assert decision.status.failure.reason == reason
    assert (decision.status.failure.next_retry_time is not None) == is_retried
    assert decision.status.failure.retryable == is_retried
    event = EventReason.MIGRATION_RETRYING if is_retried else EventReason.MIGRATION_FAILED
    assert [note.reason for note in decision.notes] == [event]
    assert [(attempt.number, attempt.reason) for attempt in decision.status.attempts] == [(1, reason)]
    assert (decision.status.attempt, decision.status.completion_time) == ((2, None) if is_retried else (1, NOW))


def test_what_may_be_retried_is_exactly_what_the_docs_say() -> None:
    assert {reason for reason, is_retried in ENDS_OF_AN_ATTEMPT.items() if is_retried} == RETRYABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"wanted": {}},
        {"wanted": {**RETRIES, "adopt": {"id": "7"}}},
        {"deleting": True},
        {"status": started(attempt=3)},
        {"status": started(attempt=LAST_ATTEMPT), "wanted": {"retry": {"limit": 20}}},
        {"status": started(control(ABORT))},
        {"status": started(policy_orders=(policy_order(Policy.ON_DEADLINE, ABORT),))},
        {"status": status_in(Phase.PENDING)},
    ],
    ids=[
        "no limit",
        "adopted",
        "being deleted",
        "limit used up",
        "last number",
        "user's abort",
        "policy's",
        "unstarted",
    ],
)
def test_no_attempt_follows_where_none_is_wanted(changes: dict[str, Any]) -> None:
    status = changes.pop("status", None)
    assert fail(Reason.NO_VALID_HOST, status, **changes).status.phase is Phase.FAILED


@pytest.mark.parametrize("reason", [Reason.ABORTED, Reason.REVERTED, Reason.SUCCEEDED])
def test_no_attempt_follows_what_did_not_fail(reason: Reason) -> None:
    observation = observe(started(), wanted=RETRIES)
    assert outcome.abort(observation, "m").status.phase is Phase.ABORTED
    assert outcome.revert(observation, reason, "m").status.phase is Phase.REVERTED
    assert outcome.succeed(observation, reason, "m").status.phase is Phase.SUCCEEDED
    assert outcome.revert(observation, Reason.START_LOST, "m").status.phase is Phase.REVERTED


def test_a_move_that_failed_by_itself_while_it_was_called_off_is_not_tried_again() -> None:
    world = World(server=server(), records=(record("failed"),))
    status = decide_in(world, observe(started(control(ABORT)), wanted=RETRIES)).status
    assert (status.phase, reason_of(status)) == (Phase.FAILED, Reason.HYPERVISOR_FAILED)
    assert result_of(status, ABORT) is ControlResult.TOO_LATE
    refused = Answer(call=StartCall(), error=Refused("NoValidHost", "none", operation="o"))
    assert decide(observe(sent(control(ABORT)), wanted=RETRIES, answer=refused)).status.phase is Phase.FAILED


REAL_ENDS = {
    "no valid host": (record("error"), Explanation(reason=Reason.NO_VALID_HOST, message="none")),
    "pre-check": (record("error"), Explanation(reason=Reason.PRE_CHECK_FAILED, message="no")),
    "hypervisor": (record("failed"), Explanation(reason=None, message="")),
}


@pytest.mark.parametrize(("row", "why"), REAL_ENDS.values(), ids=REAL_ENDS)
def test_a_failure_that_upstream_tells_is_retried_and_leaves_nothing_of_its_attempt(
    row: RecordView, why: Explanation
) -> None:
    world = World(server=server(), records=(row,), explanation=why)
    status = decide_in(world, observe(started(), wanted=RETRIES, wait_ages_s={"error:7": 2.0})).status
    assert (status.phase, reason_of(status), status.attempt) == (Phase.PENDING, Reason.RETRYING, 2)
    assert (status.upstream, status.placement, status.progress, status.pending_call) == (None, None, None, None)
    assert (status.attempt_start_time, status.start_time) == (None, NOW)


def test_a_lost_start_is_retried() -> None:
    idle = World(server=server())
    waited = {"no-record:idle:req-ours": 60.0}
    lost = decide_in(idle, observe(started(id=None, phase=Phase.STARTING), wanted=RETRIES, wait_ages_s=waited))
    nothing = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start())
    gave_up = decide_in(nothing, observe_waited(sent(call=intent(sends=2)), wanted=RETRIES))
    for decision in (lost, gave_up):
        assert (decision.status.phase, decision.status.attempt) == (Phase.PENDING, 2)


# --- the pause


@pytest.mark.parametrize(
    ("attempt", "backoff", "longest", "pause_s"),
    [
        (1, 30, 600, 30),
        (2, 30, 600, 60),
        (3, 30, 600, 120),
        (5, 30, 600, 480),
        (6, 30, 600, 600),
        (19, 1, 31_536_000, 262_144),
    ],
)
def test_the_pause_doubles_up_to_its_maximum(attempt: int, backoff: int, longest: int, pause_s: int) -> None:
    wanted = {"retry": {"limit": 20, "backoffSeconds": backoff, "maxBackoffSeconds": longest}}
    decision = fail(Reason.NO_VALID_HOST, started(attempt=attempt), wanted=wanted)
    assert decision.due_s == pause_s
    assert decision.status.failure is not None
    assert decision.status.failure.next_retry_time == NOW + timedelta(seconds=pause_s)


def test_the_pause_survives_a_restart_for_it_is_in_status_only() -> None:
    waiting = stored(fail(Reason.NO_VALID_HOST).status)
    for seconds, left_s in ((0, 30.0), (29, 1.0)):
        later = NOW + timedelta(seconds=seconds)
        decision = decide(observe(waiting, wanted=RETRIES, now=later, holder="another process", pre_start=pre_start()))
        assert (decision.call, decision.due_s, decision.status.phase) == (None, left_s, Phase.PENDING)
        assert decision.status.failure == waiting.failure
    over = decide(observe(waiting, wanted=RETRIES, now=NOW + timedelta(seconds=30), pre_start=pre_start()))
    assert (over.call, over.status.failure, over.status.attempt) == (StartCall(), None, 2)
    assert over.status.attempt_start_time == NOW + timedelta(seconds=30)


def test_suspend_holds_the_next_attempt_and_an_abort_ends_it() -> None:
    waiting = fail(Reason.NO_VALID_HOST).status
    late = NOW + timedelta(hours=1)
    held = decide(observe(waiting, wanted={**RETRIES, "suspend": True}, now=late, pre_start=pre_start()))
    assert (held.call, held.status.phase, held.status.attempt) == (None, Phase.SUSPENDED, 2)
    asked = decide(observe(waiting, verb_requests=(ask(ABORT),), wanted=RETRIES)).status
    ended = decide(observe(asked, wanted=RETRIES, provider=LOST)).status
    assert (ended.phase, ended.attempt) == (Phase.ABORTED, 2)
    assert [(attempt.number, attempt.start_time) for attempt in ended.attempts] == [(1, NOW), (2, None)]


# --- the verb


def finished(phase: Phase = Phase.FAILED, *orders: object, **changes: Any) -> MigrationStatus:  # noqa: ANN401
    return status_in(phase, **{"start_time": NOW, "attempt": 1, "controls": orders, "completion_time": NOW, **changes})


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.ABORTED, Phase.REVERTED])
def test_the_verb_begins_another_attempt_and_starts_only_after_a_new_look_at_the_cloud(phase: Phase) -> None:
    latched = decide(observe(finished(phase), verb_requests=(ask(Verb.RETRY, "1"),))).status
    decision = decide(observe(latched))
    status = decision.status
    assert (status.phase, status.attempt, status.completion_time) == (Phase.PENDING, 2, None)
    assert result_of(status, Verb.RETRY) is ControlResult.DONE
    assert (decision.call, decision.due_s) == (None, 0.0)
    assert decide(observe(status)).wants
    assert decide(observe(status, pre_start=pre_start())).call == StartCall()


def test_the_verb_on_what_never_began_evaluates_it_anew_as_attempt_one() -> None:
    status = finished(Phase.FAILED, control(Verb.RETRY), start_time=None, attempt=None)
    again = decide(observe(status)).status
    assert (again.phase, again.attempt, again.attempts) == (Phase.PENDING, None, ())


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (finished(Phase.SUCCEEDED), {}),
        (finished(), {"adopt": {"id": "7"}}),
        (finished(attempt=LAST_ATTEMPT), {}),
        *((outcome.fail(observe(started()), reason, "m").status, {}) for reason in sorted(SPLIT_STATES)),
    ],
)
def test_the_verb_is_rejected_where_another_attempt_would_be_wrong(
    status: MigrationStatus, wanted: dict[str, Any]
) -> None:
    latched = decide(observe(status, wanted=wanted, verb_requests=(ask(Verb.RETRY),))).status
    assert result_of(latched, Verb.RETRY) is ControlResult.REJECTED
    assert decide(observe(latched, wanted=wanted)).status.phase is status.phase


def test_an_old_annotation_orders_nothing_in_the_next_attempt_and_says_so() -> None:
    old = {verb_annotation(ABORT): "true", verb_annotation(Verb.RETRY): "again", verb_annotation(Verb.RECONCILE): "x"}
    orders = (
        control(ABORT, ControlResult.DONE),
        control(Verb.FORCE_COMPLETE, ControlResult.TOO_LATE),
        control(Verb.RECONCILE, ControlResult.DONE, token="x"),  # noqa: S106 - an order's token
        control(Verb.RETRY, token="again"),  # noqa: S106
    )
    decision = decide(observe(finished(Phase.ABORTED, *orders), annotations=old))
    told = [note.text for note in decision.notes if note.reason is EventReason.TOKEN_ALREADY_USED]
    assert len(told) == 1
    assert "osmig.dev/abort" in told[0]
    assert decide(observe(decision.status, annotations=old, pre_start=pre_start())).call == StartCall()
